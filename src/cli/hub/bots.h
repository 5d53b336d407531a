/*
 * bots - how it goes with the bots by which the hub talks to people
 */
#pragma once

#include <stdbool.h>

#include "roost/v1/admin.pb-c.h"

struct cli;
struct session;

/*
 * Asks the hub. NULL: it has not said so (an older hub, no administrator), and nobody is
 * told. To be freed by pb_free().
 */
Roost__V1__BotsResponse *bots_ask(struct session *session);

/* "@nest works since 2026-11-20 14:00", or what is wrong. A new string. */
char *bots_describe(const Roost__V1__Bot *bot);

/* Is it as it should be? */
bool bots_is_well(const Roost__V1__Bot *bot);

/* A line for each, below a table: what is wrong in red, with the remedy. */
void bots_print(struct cli *cli);
