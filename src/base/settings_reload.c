#include "base/settings_reload.h"

#include <string.h>

#include "base/settings.h"
#include "base/settings_group.h"

static bool same_text(const char *a, const char *b) {
    return a && b ? strcmp(a, b) == 0 : a == b;
}

static bool same_list(const struct settings_list *a, const struct settings_list *b) {
    if (a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++)
        if (strcmp(a->items[i], b->items[i]) != 0)
            return false;
    return true;
}

static bool is_same(enum settings_kind kind, const void *a, const void *b) {
    switch (kind) {
    case SETTINGS_TEXT:
    case SETTINGS_SECRET:
        return same_text(*(char *const *)a, *(char *const *)b);
    case SETTINGS_LIST:
        return same_list(a, b);
    case SETTINGS_BOOL:
        return *(const bool *)a == *(const bool *)b;
    case SETTINGS_INT:
    case SETTINGS_DURATION:
    case SETTINGS_BYTES:
        break;
    }
    return *(const uint64_t *)a == *(const uint64_t *)b;
}

/* The first row in which two structs of the table differ, or NULL. */
static const struct settings_row *find_change(const struct settings_table *table,
                                              const void *a,
                                              const void *b) {
    for (size_t i = 0; i < settings_row_count(table); i++) {
        const struct settings_row *row = settings_row_at(table, i);
        if (!is_same(row->kind, (const char *)a + row->at, (const char *)b + row->at))
            return row;
    }
    return NULL;
}

bool settings_reload_is_same(const struct settings_table *table,
                             const void *a,
                             const void *b) {
    return !find_change(table, a, b);
}

/* What differs between two lists of members; the first row when one is not in both. */
static const struct settings_row *find_change_of(const struct settings_group *group,
                                                 const struct settings_members *a,
                                                 const struct settings_members *b) {
    const struct settings_row *row = NULL;

    if (a->count != b->count)
        return &group->table->rows[0];
    for (size_t i = 0; i < a->count && !row; i++)
        row = strcmp(a->items[i].name, b->items[i].name) != 0
                  ? &group->table->rows[0]
                  : find_change(group->table, a->items[i].values, b->items[i].values);
    return row;
}

static size_t size_of(enum settings_kind kind) {
    switch (kind) {
    case SETTINGS_TEXT:
    case SETTINGS_SECRET:
        return sizeof(char *);
    case SETTINGS_LIST:
        return sizeof(struct settings_list);
    case SETTINGS_BOOL:
        return sizeof(bool);
    case SETTINGS_INT:
    case SETTINGS_DURATION:
    case SETTINGS_BYTES:
        break;
    }
    return sizeof(uint64_t);
}

static void swap(void *a, void *b, size_t len) {
    unsigned char kept[sizeof(struct settings_list)];

    memcpy(kept, a, len);
    memcpy(a, b, len);
    memcpy(b, kept, len);
}

void settings_reload(const struct settings_table *table,
                     void *values,
                     void *fresh,
                     void (*on_change)(void *arg, const struct settings_row *row),
                     void *arg) {
    for (size_t i = 0; i < settings_row_count(table); i++) {
        const struct settings_row *row = settings_row_at(table, i);
        void *now = (char *)values + row->at, *next = (char *)fresh + row->at;

        if (is_same(row->kind, now, next))
            continue;
        if (row->live)
            swap(now, next, size_of(row->kind));
        on_change(arg, row);
    }
    for (size_t i = 0; i < table->group_count; i++) {
        const struct settings_group *group = &table->groups[i];
        void *now = (char *)values + group->at, *next = (char *)fresh + group->at;
        const struct settings_row *row = find_change_of(group, now, next);

        if (!row)
            continue;
        swap(now, next, sizeof(struct settings_members));
        on_change(arg, row);
    }
}
