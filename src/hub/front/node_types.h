/*
 * node_types - the types of what nodes serve, for calls of them by JSON
 *
 * Learned by reflection through the gate, on behalf of whoever calls, so that nobody
 * learns of a node that he may not see; kept for a while for each link and service.
 */
#pragma once

struct connect_request;
struct exchange;
struct loop;
struct node_types;
struct registry;
struct target;

enum {
    NODE_TYPES_MAX = 32,        /* services; of up to 1 MiB of descriptors each */
    NODE_TYPES_KEEP_MS = 60000, /* a back end may have been replaced by a newer one */
};

struct node_types_config { /* all borrowed, all outlive it */
    struct loop *loop;
    struct registry *registry;
    struct target *gate;
};

struct node_types *node_types_new(const struct node_types_config *config);

/* Asserts that nothing is being learned. NULL is fine; always returns NULL. */
struct node_types *node_types_free(struct node_types *types);

/* For connect_config, with the types as arg: a request without a node's name is none. */
void *node_types_learn(void *arg,
                       const struct exchange *exchange,
                       struct connect_request *request);
void node_types_forget(void *arg, void *lesson);
