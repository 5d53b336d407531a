#include "base/settings_reload.h"

#include <stdbool.h>
#include <string.h>

#include "base/settings.h"

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
}
