/*
 * waiting - calls for nodes that will be back in a moment
 *
 * An agent that is restarted says so (GOAWAY) and dials in again; a hub that is restarted
 * finds its agents again within seconds. Calls that come in between wait here, a limited
 * number for a limited time, and are led on when the node has a session again. A link
 * that broke tells nothing, and calls fail at once.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct call;
struct loop;
struct node;
struct registry;
struct target;
struct waiting;

enum {
    WAITING_CALLS_MAX = 1000, /* each may hold a window of its request: 64 MiB in all */
    WAITING_MS = 10000, /* a restart takes one or two, the end before it some more */
    WAITING_START_MS = 10000,   /* agents dial again after 1 s, then 2, then 4 */
    WAITING_ONLINE_MS = 120000, /* how old the kept last sign of life of a node is that
                                   was online when the hub was killed: twice what is
                                   between two notes of it */
};

struct waiting_config {
    struct loop *loop;         /* borrowed: outlives it */
    struct registry *registry; /* borrowed: outlives it; nodes are loaded */
    struct target *again;      /* borrowed: where a call goes when its node is back */
    /* The node of that name did not come back in time: ends the call. */
    void (*give_up)(void *arg, struct call *call, const char *name);
    void *arg;
};

/* Marks the nodes that were online when the hub stopped. */
struct waiting *waiting_new(const struct waiting_config *config);

/* Calls that wait end with UNAVAILABLE. Always returns NULL. */
struct waiting *waiting_free(struct waiting *waiting);

/* Can the node be called now, or does it have no session, or one that ends? */
bool waiting_is_reachable(const struct node *node);

/* Lets the call wait for the node; false when there is no reason to, or no room. */
bool waiting_add(struct waiting *waiting, struct call *call, const struct node *node);

/* Calls that wait. */
size_t waiting_count(const struct waiting *waiting);
