#include "hub/groups/groups.h"

#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "base/mem.h"
#include "base/name.h"
#include "hub/groups/group.h"
#include "hub/nodes/registry.h"

struct groups {
    struct registry *registry; /* borrowed: outlives it */
    struct groups_keeper keeper;
    struct registry_watcher watcher;
    struct map *rows; /* owned; of owned struct groups_row */
};

static void clear_members(struct groups_row *row) {
    for (size_t i = 0; i < row->count; i++)
        free(row->members[i]);
    free(row->members);
    row->members = NULL;
    row->count = 0;
}

static void row_free(struct groups_row *row) {
    clear_members(row);
    group_free(row->group);
    free(row->name);
    free(row);
}

static bool is_meant(const struct groups_row *row, const struct node *node) {
    struct name_subject subject = {
        .name = node->name,
        .tags = (const char *const *)node->tags,
        .tag_count = node_tag_count(node),
    };
    bool picked = false;

    for (size_t i = 0; i < row->count && !picked; i++)
        name_select(row->members[i], &subject, 1, &picked, NULL);
    return picked;
}

static void look_at(struct groups_row *row, struct node *node, bool removed) {
    if (!removed && is_meant(row, node))
        group_join(row->group, node);
    else
        group_leave(row->group, node->name);
}

static void on_change(struct registry_watcher *watcher, struct node *node, bool removed) {
    struct groups *groups = container_of(watcher, struct groups, watcher);
    struct groups_row *row;
    size_t at = 0;

    while ((row = map_next(groups->rows, &at, NULL)))
        look_at(row, node, removed);
}

struct groups *groups_new(struct registry *registry, const struct groups_keeper *keeper) {
    struct groups *groups = mem_new(sizeof(*groups));

    *groups = (struct groups) {
        .registry = registry,
        .keeper = *keeper,
        .watcher.on_change = on_change,
        .rows = map_new(),
    };
    registry_watch(registry, &groups->watcher);
    return groups;
}

struct groups *groups_free(struct groups *groups) {
    struct groups_row *row;
    size_t at = 0;

    if (!groups)
        return NULL;
    registry_unwatch(&groups->watcher);
    while ((row = map_next(groups->rows, &at, NULL)))
        row_free(row);
    map_free(groups->rows);
    free(groups);
    return NULL;
}

bool groups_is_member(const char *text) {
    const char *name = *text == '@' ? text + 1 : text;
    size_t len = strlen(name);

    return len > 0 && len <= NAME_LEN_MAX &&
           strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789._-*?") == len;
}

/* The row of that name, an empty one at first. */
static struct groups_row *row_of(struct groups *groups,
                                 const char *name,
                                 int64_t created_ms) {
    struct groups_row *row = map_get(groups->rows, name);

    if (row)
        return row;
    row = mem_new(sizeof(*row));
    *row = (struct groups_row) {
        .name = mem_strdup(name),
        .created_ms = created_ms,
        .group = group_new(name),
    };
    map_put(groups->rows, name, row);
    registry_reserve(groups->registry, name);
    return row;
}

static void set_members(struct groups *groups,
                        struct groups_row *row,
                        const char *const *members,
                        size_t count) {
    struct node *node;
    size_t at = 0;

    clear_members(row);
    row->members = mem_new_array(count + 1, sizeof(*row->members));
    while (row->count < count) {
        row->members[row->count] = mem_strdup(members[row->count]);
        row->count++;
    }
    while ((node = registry_next(groups->registry, &at)))
        look_at(row, node, false);
}

void groups_load(struct groups *groups,
                 const char *name,
                 const char *const *members,
                 size_t count,
                 int64_t created_ms) {
    set_members(groups, row_of(groups, name, created_ms), members, count);
}

const struct groups_row *groups_set(struct groups *groups,
                                    const char *name,
                                    const char *const *members,
                                    size_t count,
                                    int64_t now_ms) {
    struct groups_row *row = row_of(groups, name, now_ms);

    set_members(groups, row, members, count);
    groups->keeper.save(groups->keeper.arg, row);
    return row;
}

void groups_remove(struct groups *groups, const char *name) {
    struct groups_row *row = map_remove(groups->rows, name);

    if (!row)
        return;
    registry_unreserve(groups->registry, row->name);
    groups->keeper.remove(groups->keeper.arg, row->name);
    row_free(row);
}

const struct groups_row *groups_find(const struct groups *groups, const char *name) {
    return map_get(groups->rows, name);
}

size_t groups_count(const struct groups *groups) {
    return map_count(groups->rows);
}

const struct groups_row *groups_next(const struct groups *groups, size_t *at) {
    return map_next(groups->rows, at, NULL);
}
