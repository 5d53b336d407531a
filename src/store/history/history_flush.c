#include "store/history/history_flush.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "store/history/history_catalogue.h"
#include "store/history/history_job.h"
#include "store/history/history_journal.h"
#include "store/history/history_private.h"
#include "store/history/sweep/history_sweep.h"
#include "store/records.h"
#include "store/store.h"

enum { BACKOFF_MIN_MS = 1000, BACKOFF_MAX_MS = 10000 };

/* What a flush does to one node. */
struct move {
    struct history_node *node; /* reference */
    int64_t id;
    bool is_put;
    bool is_removed;
    char *name; /* owned; NULL: removed */
    struct buf facts;
    uint64_t lost;
    struct history_place from;
    struct history_place to;
};

struct history_flush {
    struct history_job job; /* first */
    struct move *moves;     /* owned */
    size_t count;
    size_t cap;
    struct history_catalogue **catalogues; /* owned; references */
    size_t catalogue_count;
    uint64_t journal_id;
    struct buf journal; /* empty: no rows */
    struct records company;
    bool has_company; /* it was asked */
    size_t bytes;     /* that get durable with it */
};

static bool has_moved(const struct history_place *a, const struct history_place *b) {
    return a->epoch != b->epoch || a->seq != b->seq || a->position != b->position;
}

/* One flush, on the store's thread. */

static int put_nodes(const struct history_backend *backend,
                     struct store_database *db,
                     const struct history_flush *flush) {
    int r = 0;
    for (size_t i = 0; r == 0 && i < flush->count; i++) {
        const struct move *move = &flush->moves[i];
        if (move->is_put)
            r = backend->put_node(db, move->id, move->name, buf_slice(&move->facts),
                                  move->lost);
    }
    return r;
}

static int put_catalogues(const struct history_backend *backend,
                          struct store_database *db,
                          const struct history_flush *flush) {
    int r = 0;
    for (size_t i = 0; r == 0 && i < flush->catalogue_count; i++) {
        const struct history_catalogue *catalogue = flush->catalogues[i];
        struct buf body = { 0 };
        history_catalogue_write(catalogue, &body);
        r = backend->put_catalogue(db, slice_of(catalogue->hash, sizeof(catalogue->hash)),
                                   buf_slice(&body));
        buf_done(&body);
    }
    return r;
}

static int move_cursors(const struct history_backend *backend,
                        struct store_database *db,
                        const struct history_flush *flush) {
    int r = 0;
    for (size_t i = 0; r == 0 && i < flush->count; i++) {
        const struct move *move = &flush->moves[i];
        if (!move->is_removed && has_moved(&move->from, &move->to))
            r = backend->move_cursor(db, move->id, &move->from, &move->to);
    }
    return r;
}

static int write_all(const struct history_backend *backend,
                     struct store_database *db,
                     const struct history_flush *flush) {
    int r = put_nodes(backend, db, flush);
    if (r == 0)
        r = move_cursors(backend, db, flush);
    if (r == 0)
        r = put_catalogues(backend, db, flush);
    if (r == 0 && flush->journal.len > 0)
        r = backend->add_journal(db, flush->journal_id, buf_slice(&flush->journal));
    if (r == 0)
        r = backend->put_records(db, &flush->company);
    return r;
}

static int run_flush(struct history_job *job, struct store_database *db) {
    struct history_flush *flush = container_of(job, struct history_flush, job);
    const struct history_backend *backend = job->history->backend;

    int r = backend->begin(db);
    if (r != 0)
        return r;
    r = write_all(backend, db, flush);
    if (r == 0)
        r = backend->commit(db);
    if (r != 0)
        backend->rollback(db);
    /* An earlier try of this very flush was a commit after all. */
    if (r == HISTORY_BACKEND_E_MOVED)
        return 0;
    return r == HISTORY_BACKEND_E_GONE ? -ESTALE : r;
}

/* Building one, on the loop. */

static void add_catalogue(struct history_flush *flush,
                          struct history_catalogue *catalogue) {
    for (size_t i = 0; i < flush->catalogue_count; i++)
        if (flush->catalogues[i] == catalogue)
            return;
    flush->catalogues =
        mem_grow(flush->catalogues,
                 (flush->catalogue_count + 1) * sizeof(struct history_catalogue *));
    flush->catalogues[flush->catalogue_count++] = history_catalogue_ref(catalogue);
}

static void add_entry(struct history_flush *flush,
                      const struct history_node *node,
                      struct history_block *block,
                      struct buf *bytes) {
    struct history_entry entry = {
        .node = node->id,
        .first_position = block->first_position + block->flushed_rows,
        .rows = block->rows - block->flushed_rows,
        .epoch = block->epoch,
        .first_seq = block->unflushed_seq,
        .last_seq = block->last_seq,
    };
    if (block->flushed_rows == 0)
        entry.catalogue =
            slice_of(block->catalogue->hash, sizeof(block->catalogue->hash));
    if (!block->catalogue->is_stored)
        add_catalogue(flush, block->catalogue);
    buf_clear(bytes);
    history_block_flush(block, bytes);
    entry.bytes = buf_slice(bytes);
    if (flush->journal.len == 0)
        history_journal_begin(&flush->journal);
    history_journal_add(&flush->journal, &entry);
}

static void add_rows(struct history_flush *flush, struct history_node *node) {
    struct buf *bytes = &node->history->scratch;

    /* What is new stands in the last blocks. */
    struct list *at = node->blocks.prev;
    while (at != &node->blocks &&
           container_of(at, struct history_block, link)->flushed_rows == 0)
        at = at->prev;
    at = at == &node->blocks ? at->next : at;
    for (; at != &node->blocks; at = at->next) {
        struct history_block *block = container_of(at, struct history_block, link);
        if (block->rows > block->flushed_rows)
            add_entry(flush, node, block, bytes);
    }
    flush->bytes += node->pending;
    node->pending = 0;
}

static void add_node(struct history_flush *flush, struct history_node *node) {
    if (flush->count == flush->cap) {
        flush->cap = flush->cap ? 2 * flush->cap : 16;
        flush->moves = mem_grow(flush->moves, flush->cap * sizeof(*flush->moves));
    }
    bool is_first = node->id == 0;
    if (is_first)
        node->id = ++node->history->last_node;
    struct move *move = &flush->moves[flush->count++];
    *move = (struct move) {
        .node = history_node_ref(node),
        .id = node->id,
        .is_put = is_first || node->is_changed,
        .is_removed = node->is_removed,
        .name = node->is_removed ? NULL : mem_strdup(node->name),
        .lost = node->lost_news,
        .from = node->flushed,
        .to = node->taken,
    };
    if (move->is_put)
        history_facts_write(&node->facts, &move->facts);
    if (!node->is_removed)
        add_rows(flush, node);
    node->flushed = node->taken;
    node->lost_news = 0;
    node->is_changed = false;
}

static void on_flushed(struct history_job *job);
static void free_flush(struct history_job *job);

static void add_company(struct history *history, struct history_flush *flush) {
    history->has_company = false;
    if (!history->company.collect)
        return;
    flush->has_company = true;
    history->company.collect(history->company.arg, &flush->company);
}

static struct history_flush *build(struct history *history) {
    struct history_flush *flush = mem_new(sizeof(*flush));

    history_job_init(&flush->job, history);
    flush->job.run = run_flush;
    flush->job.done = on_flushed;
    flush->job.free = free_flush;
    while (!list_is_empty(&history->dirty) && flush->journal.len < HISTORY_FLUSH_LEN) {
        struct list *at = list_pop(&history->dirty);
        add_node(flush, container_of(at, struct history_node, dirty));
    }
    if (flush->journal.len > 0) {
        history_journal_end(&flush->journal);
        flush->journal_id = ++history->last_journal;
    }
    add_company(history, flush);
    return flush;
}

static void free_flush(struct history_job *job) {
    struct history_flush *flush = container_of(job, struct history_flush, job);
    for (size_t i = 0; i < flush->count; i++) {
        free(flush->moves[i].name);
        buf_done(&flush->moves[i].facts);
    }
    free(flush->moves);
    free(flush->catalogues);
    buf_done(&flush->journal);
    records_done(&flush->company);
    history_job_done(&flush->job);
    free(flush);
}

/* Gives references back, on the loop while there is a history. */
static void end_flush(struct history_flush *flush) {
    for (size_t i = 0; i < flush->count; i++) {
        if (flush->moves[i].is_removed)
            history_node_unref(flush->moves[i].node); /* history_remove_node() took it */
        history_node_unref(flush->moves[i].node);
    }
    for (size_t i = 0; i < flush->catalogue_count; i++)
        history_catalogue_release(flush->catalogues[i]);
    history_job_leave(&flush->job);
}

static void note_removed(struct history *history, int64_t id) {
    history->removed = mem_grow(history->removed,
                                (history->removed_count + 1) * sizeof(*history->removed));
    history->removed[history->removed_count++] = id;
}

static void tell_watchers(struct history_node *node) {
    struct history_cursor durable = { .epoch = node->durable.epoch,
                                      .seq = node->durable.seq };
    struct list told;

    list_init(&told);
    while (!list_is_empty(&node->watchers)) {
        struct list *at = list_pop(&node->watchers);
        struct history_watcher *watcher = container_of(at, struct history_watcher, link);
        list_add_tail(&told, at);
        watcher->on_durable(watcher, durable); /* may unwatch itself or others */
    }
    if (node->is_removed)
        node = history_node_get(node->history, node->name);
    list_splice(&node->watchers, &told);
}

static void settle_move(struct history *history, const struct move *move) {
    struct history_node *node = move->node;

    if (move->is_removed) {
        history->removing--;
        note_removed(history, move->id);
        return;
    }
    bool moved = has_moved(&move->from, &move->to);
    node->durable = move->to;
    if (moved && !node->is_removed)
        tell_watchers(node);
}

static void end_trouble(struct history *history) {
    history->backoff_ms = 0;
    if (!history->trouble)
        return;
    log_info("samples get durable again; nothing was lost");
    free(TAKE(history->trouble));
}

static void on_success(struct history *history, struct history_flush *flush) {
    history->pending -= flush->bytes;
    if (flush->journal.len > 0)
        history->durable_journal = flush->journal_id;
    for (size_t i = 0; i < flush->catalogue_count; i++)
        flush->catalogues[i]->is_stored = true;
    for (size_t i = 0; i < flush->count; i++)
        settle_move(history, &flush->moves[i]);
    if (flush->has_company && history->company.settle)
        history->company.settle(history->company.arg);
    end_flush(flush);
}

static char *explain(int r) {
    if (r == -ENOSPC)
        return mem_strdup("the disk is full");
    if (r == -ESTALE)
        return mem_strdup("another program has changed the samples");
    if (r < 0)
        return mem_printf("the disk fails (%s)", strerror(-r));
    return mem_strdup("the database is damaged");
}

static void begin_trouble(struct history *history, int r) {
    if (history->trouble)
        return;
    history->trouble = explain(r);
    log_error("samples do not get durable: %s; they stay in memory and agents keep what "
              "was not acknowledged",
              history->trouble);
}

static void start_flush(struct history *history) {
    timer_stop(&history->flush_timer);
    if (!history->flush)
        history->flush = build(history);
    history->is_urgent = false;
    history_job_start(&history->flush->job);
}

static void on_timer(struct timer *timer) {
    struct history *history = container_of(timer, struct history, flush_timer);
    if (!history->flush || !history->flush->job.is_running)
        start_flush(history);
}

static void start_timer(struct history *history, uint64_t delay_ms) {
    history->flush_timer.fire = on_timer;
    timer_start(history->loop, &history->flush_timer, delay_ms);
}

static void on_failure(struct history *history, int r) {
    begin_trouble(history, r);
    history->backoff_ms =
        history->backoff_ms == 0 ? BACKOFF_MIN_MS : 2 * history->backoff_ms;
    if (history->backoff_ms > BACKOFF_MAX_MS)
        history->backoff_ms = BACKOFF_MAX_MS;
    if (!history->is_closing)
        start_timer(history, history->backoff_ms);
}

static void on_flushed(struct history_job *job) {
    struct history *history = job->history;
    struct history_flush *flush = container_of(job, struct history_flush, job);

    if (job->result != 0) {
        on_failure(history, job->result);
        return;
    }
    history->flush = NULL;
    on_success(history, flush);
    end_trouble(history);
    if (history->is_closing)
        return;
    if (!history_flush_is_idle(history))
        history_flush_want(history, history->has_company);
    history_sweep_on_flushed(history);
}

void history_flush_want(struct history *history, bool is_urgent) {
    history->is_urgent = history->is_urgent || is_urgent;
    if (history->is_closing || (history->flush && history->flush->job.is_running))
        return;
    if (history->flush && !is_urgent)
        return; /* tried again when its time has come */
    if (!history->flush && history_flush_is_idle(history)) {
        history->is_urgent = false;
        return;
    }
    if (history->is_urgent || history->pending >= HISTORY_FLUSH_LEN)
        start_timer(history, 0);
    else if (!timer_is_running(&history->flush_timer))
        start_timer(history, history->config.flush_ms);
}

bool history_flush_is_idle(const struct history *history) {
    return !history->flush && !history->has_company && list_is_empty(&history->dirty);
}

static void forget_dirty(struct history *history) {
    struct list *at;
    while ((at = list_pop(&history->dirty))) {
        struct history_node *node = container_of(at, struct history_node, dirty);
        if (node->is_removed)
            history_node_unref(node);
    }
}

void history_flush_finish(struct history *history) {
    if (history->flush)
        history_job_wait(&history->flush->job);
    bool was_well = !history->flush || !history->flush->job.is_given;
    while (was_well && !history_flush_is_idle(history)) {
        start_flush(history);
        history_job_wait(&history->flush->job);
        was_well = !history->flush;
    }
    if (history->flush)
        end_flush(TAKE(history->flush));
    forget_dirty(history);
}
