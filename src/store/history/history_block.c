#include "store/history/history_block.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "store/history/history_catalogue.h"
#include "store/store.h"
#include "wire/sample.h"

/* The first segments are small: of a thousand nodes most have little in memory. */
enum { SEGMENT_MIN = 256, SEGMENT_MAX = 4096 };

/* Holds whole rows. */
struct history_segment {
    struct history_segment *next; /* owned */
    size_t len;
    size_t cap;
    uint8_t bytes[];
};

struct history_block *history_block_new(struct history_catalogue *catalogue,
                                        uint64_t epoch,
                                        uint64_t first_position) {
    struct history_block *block = mem_new(sizeof(*block));
    block->refs = 1;
    block->catalogue = history_catalogue_ref(catalogue);
    block->catalogue->blocks++;
    block->chain = history_catalogue_chain(catalogue);
    block->epoch = epoch;
    block->first_position = first_position;
    block->first_ms = INT64_MAX;
    block->last_ms = INT64_MIN;
    return block;
}

struct history_block *history_block_ref(struct history_block *block) {
    block->refs++;
    return block;
}

struct history_block *history_block_unref(struct history_block *block) {
    if (!block || --block->refs > 0)
        return NULL;
    history_block_close(block);
    for (struct history_segment *at = block->first, *next; at; at = next) {
        next = at->next;
        free(at);
    }
    block->catalogue->blocks--;
    history_catalogue_release(block->catalogue);
    free(block);
    return NULL;
}

void history_block_close(struct history_block *block) {
    block->chain = sample_chain_free(block->chain);
}

/* A segment with room for one more row of len bytes. */
static struct history_segment *make_room(struct history_block *block, size_t len) {
    struct history_segment *last = block->last;
    size_t cap = block->len < SEGMENT_MIN   ? SEGMENT_MIN
                 : block->len > SEGMENT_MAX ? SEGMENT_MAX
                                            : block->len;

    if (last && last->cap - last->len >= len)
        return last;
    cap = cap < len ? len : cap;
    struct history_segment *segment = mem_new(sizeof(*segment) + cap);
    segment->cap = cap;
    if (last)
        last->next = segment;
    else
        block->first = segment;
    block->last = segment;
    return segment;
}

static void put_bytes(struct history_block *block, struct slice bytes) {
    struct history_segment *segment = make_room(block, bytes.len);
    memcpy(segment->bytes + segment->len, bytes.at, bytes.len);
    segment->len += bytes.len;
    block->len += bytes.len;
}

static void note_time(struct history_block *block, int64_t time_ms) {
    if (time_ms < block->first_ms)
        block->first_ms = time_ms;
    if (time_ms > block->last_ms)
        block->last_ms = time_ms;
}

size_t history_block_add(struct history_block *block,
                         uint64_t seq,
                         int64_t time_ms,
                         const int64_t *values,
                         struct buf *scratch) {
    buf_clear(scratch);
    sample_encode(block->chain, (uint64_t)time_ms, values, scratch);
    put_bytes(block, buf_slice(scratch));
    note_time(block, time_ms);
    if (block->flushed_rows == block->rows)
        block->unflushed_seq = seq;
    block->rows++;
    block->last_seq = seq;
    return scratch->len;
}

int history_block_restore(struct history_block *block,
                          size_t rows,
                          uint64_t last_seq,
                          struct slice bytes) {
    struct slice rest = bytes;

    for (size_t i = 0; i < rows; i++) {
        if (sample_decode(block->chain, &rest) != 0)
            return STORE_E_DAMAGED;
        note_time(block, (int64_t)sample_chain_time_ms(block->chain));
    }
    if (rest.len != 0)
        return STORE_E_DAMAGED;
    put_bytes(block, bytes);
    block->rows += rows;
    block->last_seq = last_seq;
    block->flushed_rows = block->rows;
    block->flushed_len = block->len;
    return 0;
}

void history_block_flush(struct history_block *block, struct buf *out) {
    size_t skip = block->flushed_len;

    for (const struct history_segment *at = block->first; at; at = at->next) {
        if (skip < at->len)
            buf_add(out, at->bytes + skip, at->len - skip);
        skip = skip < at->len ? 0 : skip - at->len;
    }
    block->flushed_len = block->len;
    block->flushed_rows = block->rows;
}

size_t history_block_memory(const struct history_block *block) {
    return sizeof(*block) + block->len +
           (block->chain ? block->catalogue->count * 4 * sizeof(int64_t) : 0);
}

struct history_view history_block_view(struct history_block *block) {
    return (struct history_view) {
        .block = history_block_ref(block),
        .last = block->last,
        .last_len = block->last ? block->last->len : 0,
        .rows = block->rows,
    };
}

void history_block_view_done(struct history_view *view) {
    view->block = history_block_unref(view->block);
}

int history_block_walk(const struct history_view *view,
                       history_block_on_row *on_row,
                       void *arg) {
    struct sample_chain *chain = history_catalogue_chain(view->block->catalogue);
    const struct history_segment *at = view->block->first;
    struct slice bytes = { 0 };
    bool is_begun = false;
    int r = 0;

    for (size_t row = 0; r == 0 && row < view->rows; row++) {
        /* Only segments before the view's last have a length and a successor that stay.
         */
        if (bytes.len == 0) {
            at = is_begun ? at->next : at;
            is_begun = true;
            bytes = slice_of(at->bytes, at == view->last ? view->last_len : at->len);
        }
        if (sample_decode(chain, &bytes) != 0)
            r = STORE_E_DAMAGED;
        else
            r = on_row(arg, (int64_t)sample_chain_time_ms(chain),
                       sample_chain_values(chain));
    }
    sample_chain_free(chain);
    return r;
}
