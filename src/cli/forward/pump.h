/*
 * pump - standard input and output joined to a tunnel
 *
 * What `roost connect` does: each side ends for itself, and nothing is read that the
 * other end has no room for.
 */
#pragma once

#include "wire/grpc.h"
#include "wire/headers.h"

struct cli;

struct pump_end {
    enum grpc_status status;
    char *message;           /* owned */
    struct headers trailers; /* to be ended */
    bool opened;             /* the target was reached */
};

/* Runs a tunnel to "HOST:PORT" of the node until it ends. */
void pump_run(struct cli *cli,
              const char *node,
              const char *to,
              struct pump_end *ret_end);

void pump_end_done(struct pump_end *end);
