/*
 * history_status - a failure of the history as the end of a call
 */
#pragma once

struct invocation;

/* Finishes the call with the gRPC status of what history_ask() or history_ask_usage()
 * answered, which is not 0. */
void history_status_finish(struct invocation *invocation, int result);
