/*
 * unit_logs - Logs of roost.v1.Units: the journal as streams
 *
 * A stream sends no more than its caller takes: what it does not, stays in the journal.
 */
#pragma once

#include "roost/v1/units.pb-c.h"

struct invocation;
struct unit_host;
struct unit_logs;

struct unit_logs *unit_logs_new(struct unit_host *host);

/* NULL is fine; always returns NULL. */
struct unit_logs *unit_logs_free(struct unit_logs *logs);

/* Answers a call of Logs. */
void unit_logs_take(struct unit_logs *logs,
                    struct invocation *invocation,
                    const Roost__V1__LogsRequest *request);

/* Ends all streams: the agent stops. */
void unit_logs_stop(struct unit_logs *logs);
