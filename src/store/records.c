#include "store/records.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

static struct records_row *add(struct records *records,
                               const char *space,
                               const char *key) {
    assert(strlen(key) <= RECORDS_KEY_MAX);
    if (records->count == records->cap) {
        records->cap = records->cap > 0 ? 2 * records->cap : 8;
        records->rows = mem_grow(records->rows, records->cap * sizeof(*records->rows));
    }
    struct records_row *row = &records->rows[records->count++];
    *row = (struct records_row) { .space = mem_strdup(space), .key = mem_strdup(key) };
    return row;
}

void records_put(struct records *records,
                 const char *space,
                 const char *key,
                 struct slice value) {
    struct records_row *row = add(records, space, key);

    assert(value.len <= RECORDS_VALUE_MAX);
    row->value = mem_new(value.len + 1); /* never NULL */
    if (value.len > 0)
        memcpy(row->value, value.at, value.len);
    row->len = value.len;
}

void records_remove(struct records *records, const char *space, const char *key) {
    add(records, space, key)->is_removed = true;
}

void records_move(struct records *to, struct records *from) {
    if (to->count == 0) {
        records_done(to);
        *to = *from;
    } else if (from->count > 0) {
        to->rows = mem_grow(to->rows, (to->count + from->count) * sizeof(*to->rows));
        memcpy(&to->rows[to->count], from->rows, from->count * sizeof(*from->rows));
        to->count += from->count;
        to->cap = to->count;
        free(from->rows);
    }
    *from = (struct records) { 0 };
}

void records_done(struct records *records) {
    for (size_t i = 0; i < records->count; i++) {
        free(records->rows[i].space);
        free(records->rows[i].key);
        free(records->rows[i].value);
    }
    free(records->rows);
    *records = (struct records) { 0 };
}
