/*
 * history_backend - what a database must be able to do to keep samples
 *
 * A table of functions beside that of store_backend, in the history's own nouns: nodes
 * with their cursors, catalogues, journal rows, series and chunks. What writes is called
 * on the store's thread inside begin() and commit(); what reads is called on a reader,
 * which is a connection of its own, by one thread at a time, inside begin_read() and
 * end_read(), between which it sees one state. All return 0, -errno or STORE_E_*.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"
#include "store/tier.h"

struct records;
struct store_database;

/* No time: before the first of all. */
#define HISTORY_NEVER INT64_MIN

enum {
    HISTORY_BACKEND_E_MOVED = 101, /* the cursor is where it should get to */
    HISTORY_BACKEND_E_GONE,        /* the node, or what it should be, is not there */
};

/* How far a node has come: its newest durable row, and its place among all its rows. */
struct history_place {
    uint64_t epoch;
    uint64_t seq;
    uint64_t position;
};

/* How far the rows of a node have come into chunks. */
struct history_progress {
    uint64_t merged;   /* rows up to this position are in the chunks */
    int64_t tiered_ms; /* the tiers hold the hours before this one, and nothing later */
    int64_t newest_ms; /* the start of the newest hour, HISTORY_NEVER: there is none */
    int64_t pruned_ms; /* raw chunks before this are gone */
};

/* A node as it is kept. */
struct history_node_row {
    int64_t id;
    const char *name; /* NULL: removed, and its chunks will go */
    struct history_place place;
    struct history_progress progress;
    uint64_t lost;
    struct slice facts; /* past epochs and boots, as history_facts writes them */
};

/* One series of a node; ids are the node's own, from 1. */
struct history_series_row {
    uint32_t id;
    const char *name;
    const char *unit;
    unsigned scale;
    uint32_t interval_ms;
};

/* One chunk; values counts what is not absent. */
struct history_chunk_row {
    int64_t node;
    enum tier tier;
    int64_t start_ms;
    int64_t first_ms;
    int64_t last_ms;
    uint64_t rows;
    uint64_t values;
    struct slice body;
};

/* What the chunks of one node and tier take. */
struct history_sum_row {
    int64_t node;
    enum tier tier;
    uint64_t bytes;
    uint64_t chunks;
    uint64_t rows;
    uint64_t values;
    int64_t oldest_ms;
    int64_t newest_ms;
};

/* Callbacks lend their rows; what they return ends the reading unless it is 0. */
typedef int history_on_node(void *arg, const struct history_node_row *node);
typedef int history_on_bytes(void *arg, struct slice key, struct slice body);
typedef int history_on_journal(void *arg, uint64_t id, struct slice body);
typedef int history_on_series(void *arg, const struct history_series_row *series);
typedef int history_on_chunk(void *arg, const struct history_chunk_row *chunk);
typedef int history_on_sum(void *arg, const struct history_sum_row *sum);

struct history_backend {
    int (*begin)(struct store_database *db);
    int (*commit)(struct store_database *db);
    void (*rollback)(struct store_database *db);

    /* Puts the node in or changes its name and facts; lost is added to what was lost.
     * It begins at place 0. */
    int (*put_node)(struct store_database *db,
                    int64_t id,
                    const char *name,
                    struct slice facts,
                    uint64_t lost);
    /* Only from there; HISTORY_BACKEND_E_MOVED, _GONE. */
    int (*move_cursor)(struct store_database *db,
                       int64_t node,
                       const struct history_place *from,
                       const struct history_place *to);
    int (*put_catalogue)(struct store_database *db, struct slice hash, struct slice body);
    int (*remove_catalogue)(struct store_database *db, struct slice hash);
    int (*put_records)(struct store_database *db, const struct records *records);
    int (*add_journal)(struct store_database *db, uint64_t id, struct slice body);
    /* Journal rows from and up to these ids. */
    int (*remove_journal)(struct store_database *db, uint64_t from, uint64_t to);

    /* Only from there; HISTORY_BACKEND_E_GONE. */
    int (*move_progress)(struct store_database *db,
                         int64_t node,
                         const struct history_progress *from,
                         const struct history_progress *to,
                         uint64_t lost);
    int (*put_series)(struct store_database *db,
                      int64_t node,
                      const struct history_series_row *series);
    int (*put_chunk)(struct store_database *db, const struct history_chunk_row *chunk);
    /* Removes up to limit chunks that begin before the time; says how many. With the
     * first of the raw tier pruned_ms moves. */
    int (*prune)(struct store_database *db,
                 int64_t node,
                 enum tier tier,
                 int64_t before_ms,
                 size_t limit,
                 size_t *ret_removed);
    /* The last of a removed node, when its chunks are gone. */
    int (*forget_node)(struct store_database *db, int64_t node);
    /* Gives some unused pages back to the file system, outside a transaction; is there
     * more to give? */
    int (*shrink)(struct store_database *db, size_t pages, bool *ret_more);

    /*
     * The database may keep what was committed in a log and move it to its place from
     * time to time, which takes long. With begin() that becomes the history's to do: when
     * log_pages() says that there is much (on the store's thread), tidy() does it on
     * another thread with a keeper, and nobody waits.
     */
    size_t (*log_pages)(struct store_database *db);
    int (*tidy)(struct store_database *keeper);

    /* A keeper is a reader that can tidy; the store_backend's close() ends both. */
    int (*open_keeper)(struct store_database *db, struct store_database **ret_keeper);
    int (*open_reader)(struct store_database *db, struct store_database **ret_reader);
    int (*begin_read)(struct store_database *reader);
    void (*end_read)(struct store_database *reader);
    /* The greatest ids ever used. */
    int (*last_ids)(struct store_database *reader,
                    int64_t *ret_node,
                    uint64_t *ret_journal);
    int (*read_nodes)(struct store_database *reader, history_on_node *on_node, void *arg);
    int (*read_catalogues)(struct store_database *reader,
                           history_on_bytes *on_catalogue,
                           void *arg);
    int (*read_journal)(struct store_database *reader,
                        history_on_journal *on_row,
                        void *arg);
    /* HISTORY_BACKEND_E_GONE. */
    int (*read_progress)(struct store_database *reader,
                         int64_t node,
                         struct history_progress *ret_progress);
    int (*read_series)(struct store_database *reader,
                       int64_t node,
                       history_on_series *on_series,
                       void *arg);
    /* Chunks whose start is in [from, until), in order. */
    int (*read_chunks)(struct store_database *reader,
                       int64_t node,
                       enum tier tier,
                       int64_t from_ms,
                       int64_t until_ms,
                       history_on_chunk *on_chunk,
                       void *arg);
    /* The start of the oldest chunk, HISTORY_NEVER when there is none. */
    int (*oldest_chunk)(struct store_database *reader,
                        int64_t node,
                        enum tier tier,
                        int64_t *ret_start_ms);
    int (*read_sums)(struct store_database *reader, history_on_sum *on_sum, void *arg);
    int (*read_bytes)(struct store_database *reader,
                      uint64_t *ret_database,
                      uint64_t *ret_journal);
};
