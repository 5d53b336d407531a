/*
 * learn - the types of a service, asked of whoever serves it
 *
 * By grpc.reflection.v1, or v1alpha where that is not served: the file that holds the
 * service, and all that it imports, up to the limits of schema.h.
 */
#pragma once

#include "wire/grpc.h"

struct headers;
struct learn;
struct loop;
struct schema;
struct target;

enum { LEARN_MS = 10000 }; /* several round trips to a node far away */

struct learn_config {
    struct loop *loop;              /* borrowed: outlives it */
    struct target *target;          /* borrowed: outlives it */
    const struct headers *metadata; /* credential, name of the node; copied */
    const char *service;            /* "package.Service"; copied */
    const char *peer;               /* as in client_request; may be NULL */
    /* The end, never from inside learn_start(): GRPC_OK and a linked schema that has the
     * service, which is the receiver's now; or why not. The learn is gone. */
    void (*on_learned)(void *user,
                       struct schema *schema,
                       enum grpc_status status,
                       const char *message);
    void *user;
};

struct learn *learn_start(const struct learn_config *config);

/* Nobody is told any more. NULL is fine; always returns NULL. */
struct learn *learn_cancel(struct learn *learn);
