/*
 * history_batch - what one transaction of a sweep merges into chunks
 *
 * Taken on the loop, worked out on the merger's thread, written on the store's, and
 * settled on the loop, where rows that chunks have now leave memory. It is small, so that
 * others wait for some milliseconds.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/history/sweep/history_merge.h"

struct history;
struct history_backend;
struct history_node;
struct store_database;

enum { HISTORY_BATCH_NODES_MAX = 16 };

/* A node that a sweep goes over. */
struct history_target {
    struct history_node *node; /* reference */
    uint64_t closed;           /* position of the last row in closed blocks */
    uint64_t journalled;       /* of the last row that the journal had at the start */
};

struct history_batch {
    struct history_merge merges[HISTORY_BATCH_NODES_MAX];
    struct history_node *nodes[HISTORY_BATCH_NODES_MAX]; /* references */
    size_t count;
    bool is_partial; /* the last of them has more blocks: it comes again */
};

/* Takes the next targets from `at` on that have something to merge; count 0: none has.
 * Where to go on. */
size_t history_batch_take(struct history_batch *batch,
                          const struct history *history,
                          const struct history_target *targets,
                          size_t count,
                          size_t at);

/* Works out the chunks. */
void history_batch_run(struct history_batch *batch, struct history *history);

/* Writes them in one transaction: 0, or why there is none. A node whose chunks cannot be
 * merged is passed over. */
int history_batch_write(struct history_batch *batch,
                        const struct history_backend *backend,
                        struct store_database *db);

/* After it was written: drops what chunks have now, and ends the batch. 0, or why a node
 * was passed over; *at goes on from one that would never get further. */
int history_batch_settle(struct history_batch *batch, size_t *at);

/* Lets go of everything; it can be taken again. */
void history_batch_done(struct history_batch *batch);
