/*
 * reflect - what a node says about its own services
 *
 * Asks by grpc.reflection.v1, and by v1alpha where that is not served. Functions that ask
 * return 0, or an exit status (64 + the gRPC status) after telling why not.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wire/grpc.h"

struct cli;
struct reflect;
struct schema;

enum {
    REFLECT_E_UNKNOWN = 1, /* the node has no such symbol; nothing was told */
};

/* node: NULL is the hub itself; label is how it is called in messages. Both are borrowed.
 */
struct reflect *reflect_new(struct cli *cli, const char *node, const char *label);

/* NULL is fine; always returns NULL. */
struct reflect *reflect_free(struct reflect *reflect);

/* The names of the services, sorted; lent until reflect_free(). */
int reflect_services(struct reflect *reflect, char ***ret_names, size_t *ret_count);

/* Adds the file with this symbol and all that it imports; REFLECT_E_UNKNOWN too. */
int reflect_add_symbol(struct reflect *reflect,
                       struct schema *schema,
                       const char *symbol);

/* Tells a failed call in the manner of `call`: 64 + status. */
int reflect_fail(struct cli *cli,
                 const char *what,
                 enum grpc_status status,
                 const char *message);
