/*
 * spool_reader - walks the samples of a spool, from a place on, also as they are taken
 *
 * Any number of readers stand at places of their own. What is dropped in front of a
 * reader is told to it as lost, unless it was durable, which is stepped over.
 */
#pragma once

#include <stdint.h>

#include "agent/spool/spool.h"

struct spool_catalogue;
struct spool_reader;

enum {
    SPOOL_READER_E_END = 1, /* nothing newer for now */
};

enum spool_item_kind { SPOOL_ITEM_ROW, SPOOL_ITEM_LOST };

/* What comes next; lent until the next change of the spool or the reader. */
struct spool_item {
    enum spool_item_kind kind;
    const struct spool_era *era;
    uint64_t first_seq; /* of a row its seq */
    uint64_t last_seq;
    /* Of a row: */
    struct spool_catalogue *catalogue;
    uint64_t boot_ms;
    const int64_t *values;
};

/*
 * Opens a reader behind after, which is where a store stands and thus durable. When its
 * epoch is unknown (or 0) it begins with the oldest sample there is.
 */
struct spool_reader *spool_reader_new(struct spool *spool, struct spool_cursor after);

/* NULL is fine; always returns NULL. */
struct spool_reader *spool_reader_free(struct spool_reader *reader);

/* 0 and the next item, or SPOOL_READER_E_END. */
int spool_reader_next(struct spool_reader *reader, struct spool_item *ret_item);
