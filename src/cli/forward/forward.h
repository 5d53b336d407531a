/*
 * forward - local TCP ports that lead to places behind a node
 *
 * Listens, and gives each connection a tunnel of its own over the command's one
 * connection to the hub. A connection that comes while hub or node is away waits for it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rpc/call.h"

struct cli;
struct forward;
struct forward_spec;

enum { FORWARD_WAIT_MS = 30000 }; /* for a hub or a node that is away */

struct forward_config {
    struct cli *cli;  /* borrowed: the command */
    const char *node; /* borrowed: the command */
};

struct forward_totals {
    uint64_t connections;
    uint64_t failed;
    uint64_t sent;     /* bytes to the node */
    uint64_t received; /* and from it */
};

struct forward *forward_new(const struct forward_config *config);

/* Closes everything. Always returns NULL. */
struct forward *forward_free(struct forward *forward);

/* Listens, and tells where: 0, or the exit status after telling why not. */
int forward_listen(struct forward *forward, const struct forward_spec *spec);

/* The hub was lost; it is back. */
void forward_pause(struct forward *forward);
void forward_resume(struct forward *forward);

struct forward_totals forward_totals(const struct forward *forward);

/* Tells why a tunnel to the place failed, with the remedy: the exit status. trailers:
 * those of the call. */
int forward_report(struct cli *cli,
                   const char *node,
                   const char *to,
                   enum grpc_status status,
                   const char *message,
                   const struct headers *trailers);
