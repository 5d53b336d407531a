/*
 * call_cache - the methods of a node, kept for a minute for completion
 *
 * Whoever presses Tab presses it again. What is kept lies in $XDG_CACHE_HOME/roost, else
 * in ~/.cache/roost, for the user alone; where there is neither, nothing is kept.
 */
#pragma once

#include <stdbool.h>

#include "base/buf.h"

/* Reads what is kept of a node of a hub and no older than a minute: false without. */
bool call_cache_read(const char *hub, const char *node, struct buf *out);

/* Keeps it. That it cannot is nothing to tell at a Tab. */
void call_cache_write(const char *hub, const char *node, struct slice names);
