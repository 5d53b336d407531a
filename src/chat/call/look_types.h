/*
 * look_types - what services a node has, and their types
 *
 * Our own are compiled in; others are asked for by gRPC reflection (v1, else v1alpha),
 * one question at a time, through the hub's gate in the person's name.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "chat/turn/turn.h"

struct schema;

/* Embedded in a command's state; zeroed at first. */
struct look_types {
    const char *node;      /* borrowed: the turn; NULL: the hub */
    char *service;         /* owned: whose types are wanted; NULL: the list is */
    struct schema *schema; /* owned */
    char **names;          /* owned, and the texts: the list, sorted */
    size_t count;
    char *asked; /* owned: the import that was asked for last; NULL */
    unsigned files;
    bool is_alpha;
    /* The end: status OK, and the names or the linked schema are there; or why not. Never
     * from inside of the question. */
    void (*on_known)(struct turn *turn,
                     struct look_types *types,
                     enum grpc_status status,
                     const char *message);
};

/* Asks for the names of the services of the node, or for the types of one service
 * (copied). */
void look_types_ask(struct look_types *types,
                    struct turn *turn,
                    const char *node,
                    const char *service,
                    void (*on_known)(struct turn *turn,
                                     struct look_types *types,
                                     enum grpc_status status,
                                     const char *message));

void look_types_done(struct look_types *types);
