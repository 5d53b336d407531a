#include "base/settings_group.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/name.h"
#include "base/settings.h"

struct member {
    const struct settings_group *group; /* borrowed: static */
    char *name;                         /* owned */
    struct settings *settings;          /* owned */
};

struct settings_groups {
    struct member *members; /* owned; by group and name */
    size_t count;
};

struct settings_groups *settings_group_new(void) {
    return mem_new(sizeof(struct settings_groups));
}

struct settings_groups *settings_group_free(struct settings_groups *groups) {
    if (!groups)
        return NULL;
    for (size_t i = 0; i < groups->count; i++) {
        free(groups->members[i].name);
        settings_free(groups->members[i].settings);
    }
    free(groups->members);
    free(groups);
    return NULL;
}

void settings_group_begin(struct settings_groups *groups) {
    for (size_t i = 0; i < groups->count; i++)
        settings_begin(groups->members[i].settings);
}

const struct settings_group *settings_group_of(const struct settings_table *table,
                                               const char *section,
                                               const char **ret_name) {
    for (size_t i = 0; i < table->group_count; i++) {
        const struct settings_group *group = &table->groups[i];
        size_t len = strlen(group->section);
        if (strncmp(section, group->section, len) != 0 ||
            (section[len] != ' ' && section[len] != '\0'))
            continue;
        *ret_name = section + len + strspn(section + len, " ");
        return group;
    }
    return NULL;
}

/* Where the member is, or would be. */
static size_t find_place(const struct settings_groups *groups,
                         const struct settings_group *group,
                         const char *name) {
    size_t at = 0;

    while (at < groups->count && (groups->members[at].group < group ||
                                  (groups->members[at].group == group &&
                                   strcmp(groups->members[at].name, name) < 0)))
        at++;
    return at;
}

static struct settings *member_at(const struct settings_groups *groups,
                                  size_t at,
                                  const struct settings_group *group,
                                  const char *name) {
    if (at == groups->count || groups->members[at].group != group ||
        strcmp(groups->members[at].name, name) != 0)
        return NULL;
    return groups->members[at].settings;
}

static void insert(struct settings_groups *groups, size_t at, struct member member) {
    groups->members =
        mem_grow(groups->members, (groups->count + 1) * sizeof(*groups->members));
    memmove(&groups->members[at + 1], &groups->members[at],
            (groups->count - at) * sizeof(*groups->members));
    groups->members[at] = member;
    groups->count++;
}

static size_t count_of(const struct settings_groups *groups,
                       const struct settings_group *group) {
    size_t count = 0;

    for (size_t i = 0; i < groups->count; i++)
        count += groups->members[i].group == group;
    return count;
}

struct settings *settings_group_member(struct settings_groups *groups,
                                       const struct settings_group *group,
                                       const char *name,
                                       char **ret_why) {
    size_t at = find_place(groups, group, name);
    struct settings *found = member_at(groups, at, group, name);

    if (found)
        return found;
    if (!name_is_valid(name) || strlen(name) > SETTINGS_GROUP_NAME_MAX) {
        *ret_why = mem_printf("[%s %s]: a name has a-z, 0-9, '.', '_', '-', starts with "
                              "a letter or digit and has at most %d of them",
                              group->section, name, SETTINGS_GROUP_NAME_MAX);
        return NULL;
    }
    if (count_of(groups, group) == group->max) {
        *ret_why = mem_printf("[%s %s]: there are %zu such sections already",
                              group->section, name, group->max);
        return NULL;
    }
    found = settings_new(group->table);
    settings_begin(found);
    insert(groups, at,
           (struct member) {
               .group = group,
               .name = mem_strdup(name),
               .settings = found,
           });
    return found;
}

struct settings *settings_group_at(const struct settings_groups *groups,
                                   const struct settings_group *group,
                                   size_t at,
                                   const char **ret_name) {
    size_t first = find_place(groups, group, "");

    if (at >= count_of(groups, group))
        return NULL;
    *ret_name = groups->members[first + at].name;
    return groups->members[first + at].settings;
}

static void clear_members(const struct settings_group *group,
                          struct settings_members *members) {
    for (size_t i = 0; i < members->count; i++) {
        settings_clear(group->table, members->items[i].values);
        free(members->items[i].values);
        free(members->items[i].name);
    }
    free(members->items);
    *members = (struct settings_members) { 0 };
}

static int fill_member(struct settings *settings,
                       const struct settings_group *group,
                       struct settings *from,
                       struct settings_member *member) {
    int r = settings_fill(from, member->values);
    if (r != 0)
        return settings_fail(settings, r, "[%s %s]: %s", group->section, member->name,
                             settings_error(from));
    const char *why = group->check ? group->check(member->values) : NULL;
    return why ? settings_fail(settings, SETTINGS_E_BAD, "[%s %s]: %s", group->section,
                               member->name, why)
               : 0;
}

static int fill_members(struct settings *settings,
                        const struct settings_group *group,
                        struct settings_members *ret_members) {
    const struct settings_groups *groups = settings_groups(settings);
    struct settings_members members = { 0 };
    struct settings *from;
    const char *name;
    int r = 0;

    members.items =
        mem_new_array(count_of(groups, group) + 1, sizeof(*ret_members->items));
    while (r == 0 && (from = settings_group_at(groups, group, members.count, &name))) {
        struct settings_member *member = &members.items[members.count++];
        member->name = mem_strdup(name);
        member->values = mem_new(group->table->size);
        r = fill_member(settings, group, from, member);
    }
    *ret_members = members;
    return r;
}

int settings_group_fill(struct settings *settings, void *values) {
    const struct settings_table *table = settings_table(settings);
    int r = 0;

    for (size_t i = 0; i < table->group_count && r == 0; i++) {
        const struct settings_group *group = &table->groups[i];
        void *field = (char *)values + group->at;
        r = fill_members(settings, group, field);
    }
    return r;
}

void settings_group_clear(const struct settings_table *table, void *values) {
    for (size_t i = 0; i < table->group_count; i++) {
        void *field = (char *)values + table->groups[i].at;
        clear_members(&table->groups[i], field);
    }
}
