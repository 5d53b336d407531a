/*
 * spool_parts - what a spool is made of, for the files of the spool alone
 *
 * An era is one start of an agent. Its samples lie in blocks, each with a chain of
 * differences of its own, so that the oldest block can go without touching the others.
 * Eras and blocks stand in order of time; where a sample stands is the order of its era
 * and its seq.
 *
 * Every seq of an era from 1 to last_seq was taken. What is in no block and is not
 * durable is lost.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/spool/spool.h"
#include "base/buf.h"
#include "base/list.h"

struct sample_chain;
struct spool_arena;
struct spool_catalogue;
struct spool_disk;

struct spool_era {
    struct list node;
    uint64_t order; /* rises from era to era */
    struct spool_start start;
    uint64_t last_seq; /* of the newest sample */
    uint64_t done_seq; /* durable up to here */
    uint64_t base_ms;  /* what to add to its boot times to order them with other boots' */
    uint64_t last_ms;  /* boot time of the newest sample */
    size_t blocks;     /* that hold samples of it */
    struct spool_anchor anchor;
};

struct spool_block {
    struct list node;
    struct spool_era *era;             /* borrowed: stays while blocks of it do */
    struct spool_catalogue *catalogue; /* reference */
    uint8_t *data;                     /* owned: pages of the arena */
    size_t pages;
    size_t len;       /* bytes of rows */
    size_t saved_len; /* of them on disk */
    size_t charge;    /* bytes of its catalogue, if the block before has another one */
    uint64_t first_seq;
    uint64_t last_seq;
    uint64_t last_ms; /* boot time of the newest row */
};

struct spool {
    struct spool_config config;
    struct list eras;           /* owned; the last one is ours */
    struct list blocks;         /* owned */
    struct list readers;        /* those that are open */
    struct spool_disk *disk;    /* owned; NULL: memory alone */
    struct spool_arena *arena;  /* owned */
    struct spool_block *open;   /* borrowed: blocks; NULL: the next row begins one */
    struct sample_chain *chain; /* owned; of the open block; NULL without */
    struct spool_catalogue *catalogue; /* reference; of the newest row; NULL at first */
    struct spool_era *current;         /* borrowed: eras; NULL while older ones load */
    size_t catalogue_bytes;            /* charged to blocks */
    uint32_t catalogue_id;
    struct spool_stats stats;
    uint64_t now_ms;          /* of the newest row, on the time line of base_ms */
    bool is_dropping;         /* and the log knows it */
    uint64_t dropped_told;    /* of stats.dropped, what the log knows */
    uint64_t dropped_told_ms; /* when it heard */
    struct buf row;           /* scratch: the row being taken */
};

/* A row to be added behind all that are there. */
struct spool_row {
    struct spool_era *era; /* borrowed: the spool; the newest one */
    uint64_t seq;          /* above era->last_seq */
    uint64_t boot_ms;
    const int64_t *values; /* borrowed: of the spool's catalogue */
};

/* Begins an era; the caller fills in what is known of it. Lent until it is forgotten. */
struct spool_era *spool_add_era(struct spool *spool, const struct spool_start *start);

/* The era of this epoch, NULL when there is none. Lent likewise. */
struct spool_era *spool_find_era(const struct spool *spool, uint64_t epoch);

/* The series of the rows that follow; nothing happens when they are the same. */
void spool_set_catalogue(struct spool *spool,
                         const struct metric_info *series,
                         size_t count);

void spool_add_row(struct spool *spool, const struct spool_row *row);

/* Of spool_reader.c: the block goes; readers that are at it have to look anew. */
void spool_reader_forget_block(struct spool *spool, const struct spool_block *block);

/* A place among the samples: is a before b? */
static inline bool spool_is_before(uint64_t a_order,
                                   uint64_t a_seq,
                                   uint64_t b_order,
                                   uint64_t b_seq) {
    return a_order != b_order ? a_order < b_order : a_seq < b_seq;
}
