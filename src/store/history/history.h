/*
 * history - the samples of all nodes, durable and for years
 *
 * Rows that arrive are in memory at once, in the journal (one row of it for all nodes)
 * with the next flush, and in the chunks of the raw tier some minutes later; the tiers
 * above follow when an hour is over, and whenever late rows touch it.
 *
 *   history_append --> head, in memory --flush--> journal --compaction--> chunks, tiers
 *                                      \__ on_durable, cursor moves
 *
 * A row is identified by node, epoch and seq. The cursor of a node is the newest row that
 * is durable; rows at or before what was taken are passed over, so that each lands once
 * however often it is sent. All calls are made on the loop; the disk is the store
 * thread's and a reader thread's.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"
#include "base/slice.h"
#include "store/tier.h"

struct history;
struct history_catalogue;
struct loop;
struct records;
struct store;

enum {
    HISTORY_BOOT_LEN = 16,
    HISTORY_POINTS_MAX = 10000,
    HISTORY_SERIES_MAX = 1000,    /* of one answer */
    HISTORY_VALUES_MAX = 2000000, /* of one answer */
};

enum {
    HISTORY_E_KNOWN = 1, /* the row was taken before */
    HISTORY_E_FULL,      /* too much waits for the disk: ask for the row again later */
    HISTORY_E_HOLE,      /* rows between the last one and this are missing */
    HISTORY_E_MANY,      /* the answer would be larger than the limits above */
};

struct history_config {
    struct loop *loop;          /* borrowed: outlives it */
    struct store *store;        /* borrowed: outlives it; started */
    uint64_t flush_ms;          /* 0: 5,000 */
    uint64_t compact_ms;        /* 0: 600,000 */
    uint64_t pending_bytes_max; /* of rows that are not durable; 0: 64 MiB */
    int64_t retention_ms[TIER_COUNT];
    int64_t (*now_ms)(void *arg); /* the hub's wall time */
    /* Keeps the bytes of a journal row that cannot be read whole: 0, and what can be is
     * loaded, or -errno. NULL: a damaged journal is not loaded. */
    int (*set_aside)(void *arg, uint64_t id, struct slice body);
    void *arg; /* borrowed */
};

struct history_cursor {
    uint64_t epoch;
    uint64_t seq; /* 0 with epoch 0: nothing is known of the node */
};

/* Loads cursors and what only the journal has. 0, -errno, STORE_E_DAMAGED; *ret_why is a
 * text to free. */
int history_new(const struct history_config *config,
                struct history **ret_history,
                char **ret_why);

/* How long each tier is kept from now on. What was pruned does not come back. */
void history_keep(struct history *history, const int64_t retention_ms[static TIER_COUNT]);

/* Flushes what is there, as far as the disk lets it. NULL is fine; always returns NULL.
 */
struct history *history_free(struct history *history);

/*
 * Names, units and scales of the values in rows to come, and how far apart they are
 * meant to be; equal ones are one. Shared: each gives one reference to release.
 */
struct history_metric {
    const char *name;
    const char *unit;
    unsigned scale;
};
struct history_catalogue *history_catalogue_new(const struct history_metric *metrics,
                                                size_t count,
                                                uint32_t interval_ms);
/* Its metrics, in the order of rows' values. Lent. */
const struct history_metric *history_catalogue_metrics(
    const struct history_catalogue *catalogue, size_t *ret_count);
struct history_catalogue *history_catalogue_ref(struct history_catalogue *catalogue);
struct history_catalogue *history_catalogue_release(struct history_catalogue *catalogue);

/* For a reference to it, one to the history's own where rows with an equal one are kept:
 * nodes that are alike share it. */
struct history_catalogue *history_share_catalogue(struct history *history,
                                                  struct history_catalogue *catalogue);

/* What is durable of the node, and what is taken. */
struct history_cursor history_durable(const struct history *history, const char *node);
struct history_cursor history_taken(const struct history *history, const char *node);

/*
 * Takes one row: its wall time and the values in the catalogue's order. 0 or
 * HISTORY_E_KNOWN, _FULL, _HOLE (seq is not the one after the last of this epoch; after
 * history_skip() it is). A node that is unknown begins here.
 */
int history_append(struct history *history,
                   const char *node,
                   struct history_cursor row,
                   int64_t time_ms,
                   struct history_catalogue *catalogue,
                   const int64_t *values);

/* Rows up to this one will never come: their agent dropped count of them. */
void history_skip(struct history *history,
                  const char *node,
                  struct history_cursor last,
                  uint64_t count);

/*
 * Records that are made durable together with the rows: collect is asked when a flush is
 * put together, settle told when that flush is durable. What is collected may be of rows
 * that only a later flush has, so that whoever judges rows must know which it has judged.
 */
struct history_company {
    void (*collect)(void *arg, struct records *ret_records);
    void (*settle)(void *arg);
    void *arg; /* borrowed: outlives the history, or until another company is set */
};

/* NULL: none any more. */
void history_set_company(struct history *history, const struct history_company *company);

/* The company has something that should be durable soon: a flush now, with or without
 * rows. */
void history_sync(struct history *history);

/* Told on the loop after each durable flush that moved the node's cursor. */
struct history_watcher {
    struct list link;
    const char *node; /* borrowed: by the history until history_unwatch() */
    void (*on_durable)(struct history_watcher *watcher, struct history_cursor durable);
};
void history_watch(struct history *history, struct history_watcher *watcher);
void history_unwatch(struct history_watcher *watcher);

/* Asks for a flush now instead of with the timer. */
void history_flush(struct history *history);

/*
 * Merges what is there into chunks now instead of with the timer, and tells when it has
 * come to its end, well or not; one who waits at a time, and not told when the history
 * ends before.
 */
void history_compact(struct history *history, void (*done)(void *arg), void *arg);

/* Why nothing gets durable just now ("the disk is full"), NULL when all is well, and
 * since when (loop time). */
const char *history_trouble(const struct history *history);

/*
 * What wall time minus CLOCK_BOOTTIME was found to be for a boot of the node's host;
 * kept with the next flush. False when it is not known.
 */
bool history_boot_offset(const struct history *history,
                         const char *node,
                         const uint8_t boot_id[static HISTORY_BOOT_LEN],
                         int64_t *ret_offset_ms);
void history_set_boot_offset(struct history *history,
                             const char *node,
                             const uint8_t boot_id[static HISTORY_BOOT_LEN],
                             int64_t offset_ms);

/* The node's samples go with it, or get its new name. */
void history_remove_node(struct history *history, const char *node);
void history_rename_node(struct history *history, const char *from, const char *to);

/* Which samples. Everything is copied. */
struct history_query {
    const char *const *nodes;
    size_t node_count;
    const char *const *metrics; /* names and globs, as name_select() has them */
    size_t metric_count;
    int64_t since_ms;
    int64_t until_ms; /* exclusive */
    size_t points;    /* at most so many; 0: every sample as it was taken */
};

/* Of one metric of one node; arrays have answer->points elements, or count with times. */
struct history_series {
    const char *node;
    const char *metric;
    const char *unit;
    unsigned scale;
    enum tier tier;
    uint32_t interval_ms; /* how far apart samples usually are */
    double *mean;         /* in the unit; NaN: a gap */
    double *min;          /* NULL where no step holds more than one sample */
    double *max;
    uint32_t *samples; /* NULL likewise; 0: a gap, or the mean before holds on */
    int64_t *times_ms; /* with points 0 only; else NULL */
    size_t count;      /* of the arrays */
};

struct history_answer {
    int64_t since_ms; /* a multiple of step_ms, at or before what was asked */
    int64_t step_ms;  /* 0 with points 0 */
    size_t points;
    struct history_series *series; /* by node, as asked, then by name of the metric */
    size_t series_count;
};

/* The answer is lent for the call. result: 0, -errno, -ECANCELED at the end,
 * HISTORY_E_MANY.
 */
typedef void history_done(void *arg, int result, const struct history_answer *answer);

struct history_request;

/* Asks; done is called once, later, unless the request is cancelled before. */
struct history_request *history_ask(struct history *history,
                                    const struct history_query *query,
                                    history_done *done,
                                    void *arg);
/* Nobody waits any more; always returns NULL. */
struct history_request *history_cancel(struct history_request *request);

struct history_tier_usage {
    uint64_t bytes;
    uint64_t chunks;
    uint64_t rows;   /* buckets above raw */
    uint64_t values; /* in them, without the absent ones */
    int64_t oldest_ms;
    int64_t newest_ms;
};

struct history_usage {
    const char *node;
    struct history_tier_usage tiers[TIER_COUNT];
    uint64_t lost; /* rows that were skipped */
};

/* What the samples take; usage is lent for the call. */
typedef void history_usage_done(void *arg,
                                int result,
                                uint64_t database_bytes,
                                uint64_t journal_bytes,
                                const struct history_usage *usage,
                                size_t count);
void history_ask_usage(struct history *history, history_usage_done *done, void *arg);
