/*
 * group - a name that stands for several nodes, and which of them gets the next call
 *
 * Keeps count of each member's calls: the next one goes to the member with the fewest
 * under way, in turn where they are equal. A member that fails is left out for a while
 * (10 s, then twice as long each time, 5 min at most) and comes back by itself; never
 * more than half of the members are out. Knows neither clock nor network.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct group;
struct node;

enum {
    GROUP_FAILURES_MAX = 5,   /* in a row; a single fault is none of the member's */
    GROUP_RECENT = 20,        /* of so many, more than half */
    GROUP_OUT_MS = 10000,     /* the first time */
    GROUP_OUT_MAX_MS = 300000 /* and doubling up to this */
};

/* One node of the group. For reading. */
struct group_member {
    struct group *group; /* borrowed; NULL once it has left the group */
    struct node *node;   /* borrowed: the registry, while it is in the group */
    char *name;          /* owned */
    unsigned refs;       /* of the group, and of each call */
    size_t calls;        /* under way */
    uint64_t calls_total;
    uint64_t turn;         /* when it was picked last */
    unsigned row;          /* failures in a row */
    uint32_t recent;       /* the last ones, a bit each: failed */
    unsigned recent_count; /* of them, up to GROUP_RECENT */
    unsigned outs;         /* how often it was left out, in a row */
    uint64_t out_until_ms;
};

/* Copies name. */
struct group *group_new(const char *name);

/* Calls under way may end later. NULL is fine; always returns NULL. */
struct group *group_free(struct group *group);

const char *group_name(const struct group *group);

/* Adds a node, which stays until group_leave(), or brings it up to date. */
void group_join(struct group *group, struct node *node);

/* Takes the node out, by its name. */
void group_leave(struct group *group, const char *name);

size_t group_count(const struct group *group);
struct group_member *group_at(const struct group *group, size_t i);

/* Is the member left out now? */
bool group_is_out(const struct group_member *member, uint64_t now_ms);

/*
 * The member for the next call among those that fit, NULL when none does; when all of
 * them are left out, one of these. Counts the call: group_end() must follow.
 */
struct group_member *group_pick(struct group *group,
                                uint64_t now_ms,
                                bool (*fits)(void *arg,
                                             const struct group_member *member),
                                void *arg);

enum group_result {
    GROUP_WENT_WELL,
    GROUP_FAILED, /* by the member's fault or its link's */
    GROUP_NEVER_WENT,
};

/* The call is over; the member may be gone afterwards. */
void group_end(struct group_member *member, enum group_result result, uint64_t now_ms);
