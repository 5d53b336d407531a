/*
 * hub_only - methods that the hub alone may call, not those whom it passes on
 */
#pragma once

#include <stdbool.h>

struct invocation;

/* True when the call is the hub's own; else it has been refused. */
bool hub_only(struct invocation *invocation);
