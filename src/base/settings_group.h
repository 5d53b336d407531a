/*
 * settings_group - sections of which there may be many: "[expose NAME]"
 *
 * A table may have groups beside its rows. A group has a table of its own, which
 * describes one member; each section of a file that begins with the group's word is a
 * member with the name that follows. Members stand in files alone: no flags, no
 * environment.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct settings;
struct settings_groups;
struct settings_table;

enum { SETTINGS_GROUP_NAME_MAX = 32 }; /* the section with it fits what inih reads */

struct settings_group {
    const char *section; /* "expose" */
    size_t at;           /* offset of the field, a struct settings_members */
    size_t max;          /* members at most */
    const struct settings_table *table; /* of one; "expose NAME" is its rows' section */
    /* Why these values (of the table's size) cannot be; NULL: they can. May be NULL. */
    const char *(*check)(const void *values);
};

struct settings_member {
    char *name;   /* owned */
    void *values; /* owned: of the group's table */
};

struct settings_members {
    struct settings_member *items; /* owned, sorted by name */
    size_t count;
};

/* What the sources said of each member; for settings.c, which owns one. */
struct settings_groups *settings_group_new(void);
struct settings_groups *settings_group_free(struct settings_groups *groups);
void settings_group_begin(struct settings_groups *groups);

/* The group that a section of a file belongs to, and what follows its word; or NULL. */
const struct settings_group *settings_group_of(const struct settings_table *table,
                                               const char *section,
                                               const char **ret_name);

/*
 * The settings of a member, which is made when it is not there; NULL when its name
 * cannot be or there are too many: *ret_why is a new string then.
 */
struct settings *settings_group_member(struct settings_groups *groups,
                                       const struct settings_group *group,
                                       const char *name,
                                       char **ret_why);

/* Walks the members of a group by name: NULL at the end. Lent. */
struct settings *settings_group_at(const struct settings_groups *groups,
                                   const struct settings_group *group,
                                   size_t at,
                                   const char **ret_name);

/* As settings_fill() and settings_clear() do, for all groups of the table. */
int settings_group_fill(struct settings *settings, void *values);
void settings_group_clear(const struct settings_table *table, void *values);
