/*
 * spool_segment - how samples lie in a file
 *
 * A segment is 8 bytes that say what it is, and records: the length of the body (32 bits)
 * and its checksum (32 bits of XXH64), then the body, whose first byte is the kind. All
 * numbers are little-endian. A segment stands alone: before rows come their era, their
 * catalogue and the head of their block, where a chain of differences begins.
 *
 * Reading does no I/O and trusts nothing. A file that ends within a record was cut off by
 * a crash; what is whole before that, or before damage, is good.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "agent/spool/spool.h"
#include "base/slice.h"

struct buf;
struct metric_info;

enum { SPOOL_SEGMENT_HEAD_LEN = 8 };

enum {
    SPOOL_SEGMENT_E_END = 1, /* all was read */
    SPOOL_SEGMENT_E_TORN,    /* the file ends within a record */
    SPOOL_SEGMENT_E_DAMAGED, /* what is there is not what was written */
};

enum spool_segment_kind {
    SPOOL_SEGMENT_ERA = 1,   /* rows that follow are of it; again when its clocks move */
    SPOOL_SEGMENT_CATALOGUE, /* rows that follow are in its order */
    SPOOL_SEGMENT_BLOCK,     /* the chain begins anew, with seq */
    SPOOL_SEGMENT_ROWS,      /* rows of wire/sample.h, in the order of seq */
    SPOOL_SEGMENT_DURABLE,   /* everything up to the cursor may be forgotten */
};

struct spool_segment_record {
    enum spool_segment_kind kind;
    struct spool_start start;    /* ERA */
    struct spool_anchor anchor;  /* ERA */
    struct slice catalogue;      /* CATALOGUE: for spool_segment_read_catalogue() */
    uint64_t seq;                /* BLOCK */
    struct slice rows;           /* ROWS */
    struct spool_cursor durable; /* DURABLE */
};

/* Each appends one record, whole. */
void spool_segment_add_head(struct buf *out);
void spool_segment_add_era(struct buf *out,
                           const struct spool_start *start,
                           const struct spool_anchor *anchor);
void spool_segment_add_catalogue(struct buf *out,
                                 const struct metric_info *series,
                                 size_t count);
void spool_segment_add_block(struct buf *out, uint64_t first_seq);
void spool_segment_add_rows(struct buf *out, struct slice rows);
void spool_segment_add_durable(struct buf *out, struct spool_cursor cursor);

/* Takes the head off the front of a file: 0 or SPOOL_SEGMENT_E_*. */
int spool_segment_read_head(struct slice *bytes);

/* Takes the next record off the front: 0, and *ret_record lends from bytes, or
 * SPOOL_SEGMENT_E_*, and bytes stay as they are. */
int spool_segment_next(struct slice *bytes, struct spool_segment_record *ret_record);

/*
 * The series of a catalogue record: 0, *ret_series is to be freed and borrows its texts
 * from the record; or SPOOL_SEGMENT_E_DAMAGED.
 */
int spool_segment_read_catalogue(struct slice catalogue,
                                 struct metric_info **ret_series,
                                 size_t *ret_count);
