/*
 * look_state - is a node there, and are its values fresh?
 */
#pragma once

#include <stdbool.h>

#include "roost/v1/metrics.pb-c.h"
#include "roost/v1/nodes.pb-c.h"

struct turn;

enum { LOOK_STATE_STALE_MS = 300000 }; /* values older than so are marked */

/* Are the values there, and old? */
bool look_state_is_stale(const struct turn *turn, const Roost__V1__NodeValues *values);

/* A coloured dot: online, online with old values, offline. Lent: static. */
const char *look_state_mark(const struct turn *turn,
                            const Roost__V1__Node *node,
                            const Roost__V1__NodeValues *values);
