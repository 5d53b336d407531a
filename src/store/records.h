/*
 * records - small values of the hub's own, changed together
 *
 * A record is a value under a key in a space ("chat.intent", "alerts.rule"); what it says
 * is its owner's matter. A batch of changes takes effect as a whole or not at all:
 * by store_put_records(), or in one transaction with the samples of a flush
 * (history_config.company). All records are in memory with their owners, who get them
 * back at start from store_loader.on_record, by space and key.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/slice.h"

enum {
    RECORDS_KEY_MAX = 512,
    RECORDS_VALUE_MAX = 1 << 20,
};

/* One change. A value of no bytes is a value; a removed one is none. */
struct records_row {
    char *space; /* owned, and so are the other two */
    char *key;
    void *value;
    size_t len;
    bool is_removed;
};

/* A batch, in order. Zeroed: empty. */
struct records {
    struct records_row *rows; /* owned */
    size_t count;
    size_t cap;
};

/* Puts a value in, in the place of what was there; copies. */
void records_put(struct records *records,
                 const char *space,
                 const char *key,
                 struct slice value);

/* Takes the value away, if there is one; copies. */
void records_remove(struct records *records, const char *space, const char *key);

/* Moves all of from to the end of to. */
void records_move(struct records *to, struct records *from);

/* Frees what the batch holds, and empties it. */
void records_done(struct records *records);
