#include "agent/spool/spool_reader.h"

#include <assert.h>
#include <stdlib.h>

#include "agent/spool/spool_catalogue.h"
#include "agent/spool/spool_parts.h"
#include "base/mem.h"
#include "wire/sample.h"

struct spool_reader {
    struct list node;
    struct spool *spool; /* borrowed: outlives its readers */
    uint64_t order;      /* of the era that it stands in; 0: before the first */
    uint64_t seq;        /* told up to here */
    bool is_strict;      /* holes count as lost even where they are durable: a store that
                            stands here has lost what it had */
    struct spool_block *block;         /* borrowed: the spool; NULL: to be looked for */
    uint64_t block_seq;                /* of the row that the chain holds */
    struct slice rest;                 /* of the block, behind that row */
    struct spool_catalogue *catalogue; /* reference; of the chain */
    struct sample_chain *chain;        /* owned; NULL before the first block */
};

struct spool_reader *spool_reader_new(struct spool *spool, struct spool_cursor after) {
    struct spool_reader *reader = mem_new(sizeof(*reader));
    const struct spool_era *era = NULL;

    if (after.epoch != 0)
        era = spool_find_era(spool, after.epoch);
    reader->spool = spool;
    if (era) {
        reader->order = era->order;
        reader->seq = after.seq;
        reader->is_strict = true;
        spool_durable(spool, after); /* the era may be gone here */
    }
    list_add_tail(&spool->readers, &reader->node);
    return reader;
}

struct spool_reader *spool_reader_free(struct spool_reader *reader) {
    if (!reader)
        return NULL;
    list_remove(&reader->node);
    sample_chain_free(reader->chain);
    spool_catalogue_unref(reader->catalogue);
    free(reader);
    return NULL;
}

void spool_reader_forget_block(struct spool *spool, const struct spool_block *block) {
    list_for_each_safe(node, after, &spool->readers) {
        struct spool_reader *reader = container_of(node, struct spool_reader, node);
        if (reader->block == block)
            reader->block = NULL;
    }
}

/* The first era that the reader has not done with: NULL when it has read everything. */
static const struct spool_era *find_era(struct spool_reader *reader) {
    list_for_each_safe(node, after, &reader->spool->eras) {
        const struct spool_era *era = container_of(node, struct spool_era, node);
        if (era->order < reader->order)
            continue;
        if (era->order > reader->order) {
            reader->order = era->order;
            reader->seq = 0;
        }
        if (reader->seq < era->last_seq)
            return era;
    }
    return NULL;
}

static void open_block(struct spool_reader *reader, struct spool_block *block) {
    if (reader->catalogue != block->catalogue) {
        sample_chain_free(reader->chain);
        spool_catalogue_unref(reader->catalogue);
        reader->catalogue = spool_catalogue_ref(block->catalogue);
        reader->chain = spool_catalogue_chain(block->catalogue);
    } else {
        sample_chain_reset(reader->chain);
    }
    reader->block = block;
    reader->block_seq = block->first_seq - 1;
    reader->rest = slice_of(block->data, 0);
}

/* Lets the reader stand in the first block of the era that ends behind it: false when
 * there is none. */
static bool find_block(struct spool_reader *reader, const struct spool_era *era) {
    const struct spool *spool = reader->spool;
    struct list *at = reader->block ? &reader->block->node : spool->blocks.next;

    for (; at != &spool->blocks; at = at->next) {
        struct spool_block *block = container_of(at, struct spool_block, node);
        if (block->era->order > era->order)
            return false;
        if (block->era != era || block->last_seq <= reader->seq)
            continue;
        if (block != reader->block)
            open_block(reader, block);
        return true;
    }
    return false;
}

/* Decodes rows up to the one with this seq, which the block has. */
static void read_row(struct spool_reader *reader, uint64_t seq) {
    const struct spool_block *block = reader->block;
    const uint8_t *end = block->data + block->len;

    assert(reader->block_seq < seq && seq <= block->last_seq);
    reader->rest.len = (size_t)(end - reader->rest.at);
    while (reader->block_seq < seq) {
        int r = sample_decode(reader->chain, &reader->rest);
        assert(r == 0);
        reader->block_seq++;
    }
}

/* Steps over a hole up to last: true when some of it is lost. */
static bool step_over(struct spool_reader *reader,
                      const struct spool_era *era,
                      uint64_t last,
                      struct spool_item *item) {
    uint64_t first = reader->seq + 1;

    if (!reader->is_strict && first <= era->done_seq)
        first = era->done_seq + 1;
    reader->seq = last;
    item->kind = SPOOL_ITEM_LOST;
    item->first_seq = first;
    item->last_seq = last;
    return first <= last;
}

static void take_row(struct spool_reader *reader, struct spool_item *item) {
    read_row(reader, ++reader->seq);
    reader->is_strict = false;
    reader->spool->stats.told++;
    item->kind = SPOOL_ITEM_ROW;
    item->first_seq = reader->seq;
    item->last_seq = reader->seq;
    item->catalogue = reader->catalogue;
    item->boot_ms = sample_chain_time_ms(reader->chain);
    item->values = sample_chain_values(reader->chain);
}

int spool_reader_next(struct spool_reader *reader, struct spool_item *ret_item) {
    const struct spool_era *era;

    while ((era = find_era(reader))) {
        struct spool_item item = { .era = era };
        bool has_block = find_block(reader, era);
        if (has_block && reader->block->first_seq <= reader->seq + 1)
            take_row(reader, &item);
        else if (!step_over(reader, era,
                            has_block ? reader->block->first_seq - 1 : era->last_seq,
                            &item))
            continue;
        *ret_item = item;
        return 0;
    }
    return SPOOL_READER_E_END;
}
