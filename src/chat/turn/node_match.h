/*
 * node_match - which node is meant by what somebody typed
 *
 * A name, a title, the beginning or a part of either, or nearly one. Case does not count,
 * in Latin and Cyrillic. Only nodes that the actor may see are looked at.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "rpc/actor.h"

struct chat_host;

enum { NODE_MATCH_MAX = 24 }; /* that are told */

enum node_match_how {
    NODE_MATCH_NONE,
    NODE_MATCH_EXACT,   /* the name or the title */
    NODE_MATCH_PART,    /* the beginning or a part of it */
    NODE_MATCH_SIMILAR, /* a letter or two are different */
};

struct node_match_found {
    char *name;  /* owned */
    char *title; /* owned */
    enum actor_role role;
    bool is_online;
};

/* The nodes that fit best, all in the same way; of all, the first ones by name. */
struct node_match {
    enum node_match_how how;
    struct node_match_found found[NODE_MATCH_MAX];
    size_t count;   /* in found */
    size_t fitting; /* perhaps more */
};

/* text NULL: every node, as NODE_MATCH_PART. */
void node_match_init(struct node_match *match,
                     const struct chat_host *host,
                     const struct actor *actor,
                     const char *text);

/* Only what has exactly that name or title; quicker. */
void node_match_init_exact(struct node_match *match,
                           const struct chat_host *host,
                           const struct actor *actor,
                           const char *text);
void node_match_done(struct node_match *match);

/* How many letters must be changed, added or taken to make one of the other; max + 1
 * when it is more than max. Case does not count. */
unsigned node_match_distance(const char *a, const char *b, unsigned max);
