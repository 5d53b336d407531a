/*
 * groups - the groups of this hub, by name
 *
 * A group is what selections mean ("pi*", "@home"), whenever it is asked: nodes that
 * appear, or get a tag, are members at once. Names of groups and of nodes are kept apart
 * by the registry's reservations.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct group;
struct groups;
struct registry;

enum {
    GROUPS_MAX = 1000,        /* each looks at each change of a node */
    GROUPS_MEMBERS_MAX = 100, /* selections of one */
};

/* One group. For reading. */
struct groups_row {
    char *name;     /* owned */
    char **members; /* owned: selections; NULL-terminated */
    size_t count;   /* of selections */
    int64_t created_ms;
    struct group *group; /* owned: the nodes that are meant now */
};

/* Where groups are kept over restarts. */
struct groups_keeper {
    void (*save)(void *arg, const struct groups_row *row);
    void (*remove)(void *arg, const char *name);
    void *arg; /* borrowed: outlives the groups */
};

/* registry is borrowed and outlives it. */
struct groups *groups_new(struct registry *registry, const struct groups_keeper *keeper);

/* NULL is fine; always returns NULL. */
struct groups *groups_free(struct groups *groups);

/* Is this good for a member: a name, a glob or a tag ("@home")? */
bool groups_is_member(const char *text);

/* Takes a group as it was kept; the nodes are loaded. */
void groups_load(struct groups *groups,
                 const char *name,
                 const char *const *members,
                 size_t count,
                 int64_t created_ms);

/* Makes the group, of a name that no node has, or gives it these members; copies. */
const struct groups_row *groups_set(struct groups *groups,
                                    const char *name,
                                    const char *const *members,
                                    size_t count,
                                    int64_t now_ms);

/* Forgets the group; calls under way go on. */
void groups_remove(struct groups *groups, const char *name);

/* The group of that name, or NULL. */
const struct groups_row *groups_find(const struct groups *groups, const char *name);

size_t groups_count(const struct groups *groups);

/* Walks in no particular order: *at starts at 0; NULL at the end. */
const struct groups_row *groups_next(const struct groups *groups, size_t *at);
