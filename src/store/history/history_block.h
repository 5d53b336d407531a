/*
 * history_block - some rows of one node, packed, in memory
 *
 * Rows of one epoch and one catalogue follow each other in segments that never move, so
 * that another thread can read what was there when a view was taken while the loop adds
 * more. References are the loop's: who reads elsewhere has one taken for it before and
 * given back after.
 */
#pragma once

#include "base/list.h"
#include "base/slice.h"
#include "store/history/history.h"

struct buf;
struct history_catalogue;
struct history_segment;
struct sample_chain;

struct history_block {
    struct list link; /* of its node */
    unsigned refs;
    struct history_catalogue *catalogue; /* reference */
    struct sample_chain *chain;          /* owned; NULL once closed */
    uint64_t epoch;
    uint64_t last_seq;
    uint64_t first_position;
    size_t rows;
    size_t len;       /* of their bytes */
    int64_t first_ms; /* the least and the greatest time */
    int64_t last_ms;
    struct history_segment *first; /* owned, in a chain */
    struct history_segment *last;  /* borrowed: of that chain */

    size_t flushed_rows; /* that a flush has taken */
    size_t flushed_len;
    uint64_t unflushed_seq; /* of the first row that none has taken */
};

/* What of a block is to be read elsewhere. */
struct history_view {
    struct history_block *block; /* reference */
    const struct history_segment *last;
    size_t last_len;
    size_t rows;
};

struct history_block *history_block_new(struct history_catalogue *catalogue,
                                        uint64_t epoch,
                                        uint64_t first_position);
struct history_block *history_block_ref(struct history_block *block);
struct history_block *history_block_unref(struct history_block *block);

/* No more rows come. */
void history_block_close(struct history_block *block);

/* Packs one row; scratch is for us. Returns by how many bytes it grew. */
size_t history_block_add(struct history_block *block,
                         uint64_t seq,
                         int64_t time_ms,
                         const int64_t *values,
                         struct buf *scratch);

/* Puts packed rows at the end, as they were taken from a block that was open: 0 or
 * STORE_E_DAMAGED. */
int history_block_restore(struct history_block *block,
                          size_t rows,
                          uint64_t last_seq,
                          struct slice bytes);

/* Appends the bytes that no flush has taken; now one has. */
void history_block_flush(struct history_block *block, struct buf *out);

/* What is memory taken by the block and its rows. */
size_t history_block_memory(const struct history_block *block);

/* Takes a reference; history_view_done() gives it back. */
struct history_view history_block_view(struct history_block *block);
void history_block_view_done(struct history_view *view);

/*
 * Calls on_row for each row of the view, on any thread; it gives 0 to go on. 0, what
 * on_row gave or STORE_E_DAMAGED.
 */
typedef int history_block_on_row(void *arg, int64_t time_ms, const int64_t *values);
int history_block_walk(const struct history_view *view,
                       history_block_on_row *on_row,
                       void *arg);
