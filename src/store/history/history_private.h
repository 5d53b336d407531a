/*
 * history_private - what the files of the history share
 *
 * history.c takes rows, history_flush.c makes them durable, history_sweep.c brings them
 * into chunks in the background (history_merge.c does so, on a thread of its own),
 * history_ask.c answers (history_query.c, on another), history_load.c begins.
 */
#pragma once

#include "base/buf.h"
#include "loop/timer.h"
#include "loop/worker.h"
#include "store/history/history.h"
#include "store/history/history_backend.h"
#include "store/history/history_block.h"
#include "store/history/history_facts.h"

struct chunk_codec;
struct history_flush;
struct history_sweep;
struct map;

enum {
    HISTORY_BLOCK_LEN = 32 * 1024,        /* a block of this size is closed */
    HISTORY_FLUSH_LEN = 512 * 1024,       /* of one journal row, and when not to wait */
    HISTORY_HEAD_LEN = 24 * 1024 * 1024,  /* of memory, when a sweep begins early */
    HISTORY_HEAD_OF_NODE_LEN = 4 * 1024,  /* and so much more for each node */
    HISTORY_SERIES_OF_NODE_MAX = 8 << 10, /* ever; what a node can make us keep */
};

/* Times are brought into this range, which is that of other programs' calendars. */
#define HISTORY_TIME_MAX INT64_C(8640000000000000)

struct history_node {
    struct history *history; /* borrowed: outlives its nodes */
    unsigned refs;           /* the map's, and one for each of who works with it */
    char *name;              /* owned */
    int64_t id;              /* in the database; 0 before the first flush with it */
    bool is_removed;
    bool is_changed; /* name, facts or lost are not as in the database */
    struct list dirty;
    struct history_place taken;
    struct history_place flushed; /* what the newest flush has of it */
    struct history_place durable;
    struct history_progress progress;
    struct history_facts facts;
    uint64_t lost;
    uint64_t lost_news; /* of it, what the database does not know */
    size_t pending;     /* bytes that no flush has taken */
    struct list blocks;
    struct history_block *open; /* borrowed: the last of blocks, or NULL */
    struct list watchers;
};

struct history {
    struct history_config config;
    struct loop *loop;                     /* borrowed: outlives it */
    struct store *store;                   /* borrowed: outlives it */
    const struct history_backend *backend; /* borrowed: static */
    struct store_database *reader_db;      /* owned: the reader thread's */
    struct store_database *merger_db;      /* owned: the merger thread's */
    struct chunk_codec *reader_codec;      /* owned: the reader thread's */
    struct chunk_codec *merger_codec;      /* owned: the merger thread's */
    struct worker *reader;                 /* owned */
    struct worker *merger;                 /* owned */
    struct map *nodes;                     /* of history_node by name, references */
    struct map *catalogues; /* by key, references: one of those that are equal */
    int64_t last_node;      /* the greatest id that was given */
    uint64_t last_journal;  /* likewise; durable ones go up to flushed_journal */
    uint64_t durable_journal;
    uint64_t first_journal; /* the oldest that may be there */
    size_t removing;        /* nodes that are removed, which is not durable yet */
    int64_t *removed;       /* owned: ids of nodes whose chunks are to go */
    size_t removed_count;
    struct buf scratch; /* of one packed row */

    size_t pending; /* bytes that are not durable */
    size_t memory;  /* bytes of all blocks and catalogues */
    struct list dirty;
    struct timer flush_timer;
    struct history_flush *flush; /* owned: that runs, or failed and is tried again */
    char *trouble;               /* owned; NULL: none */
    uint64_t backoff_ms;
    bool is_urgent;                 /* somebody wants a flush now */
    struct history_company company; /* zeroed: none */
    bool has_company;               /* that wants a flush, even without rows */
    bool is_closing;

    struct job tidying;
    bool is_tidying;

    struct timer sweep_timer;
    uint64_t swept_ms;               /* when the last one ended, in loop time; or 0 */
    bool is_sweep_failing;           /* and that was logged */
    int64_t pruned_ms[TIER_COUNT];   /* up to where all nodes were, in this run */
    void (*on_compacted)(void *arg); /* who waits for the end of a sweep, or NULL */
    void *compacted_arg;             /* borrowed: of who waits */
    struct history_sweep *sweep;     /* owned: that runs, or NULL */
    struct list requests;            /* of history_ask.c */
    size_t request_count;
};

/* The node of this name, made when there is none. */
struct history_node *history_node_get(struct history *history, const char *name);
struct history_node *history_node_ref(struct history_node *node);
struct history_node *history_node_unref(struct history_node *node);

/* The node has news for the next flush. */
void history_note_news(struct history_node *node);

/* The one among equal catalogues that blocks use; borrowed. */
struct history_catalogue *history_choose_catalogue(struct history *history,
                                                   struct history_catalogue *catalogue);

/* No more rows come into the open block. */
void history_close_block(struct history_node *node);

/* Takes the oldest block out: its rows are in chunks. */
void history_drop_block(struct history_node *node, struct history_block *block);
