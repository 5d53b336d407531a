#include "store/history/sweep/history_sweep.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/map.h"
#include "base/mem.h"
#include "loop/worker.h"
#include "store/history/history_catalogue.h"
#include "store/history/history_flush.h"
#include "store/history/history_job.h"
#include "store/history/history_private.h"
#include "store/history/sweep/history_batch.h"
#include "store/history/sweep/history_chore.h"
#include "store/store.h"

enum {
    WINDOW_MS = 2 * 3600 * 1000,
    RETRY_MS = 10000,
    PAUSE_MS = 10000, /* before the next one, however much there is */
};

enum phase {
    SETTLE, /* wait until closed blocks are durable */
    MERGE,  /* merger's thread: work out chunks; then */
    WRITE,  /* write them; both until nothing is left */
    CHORE,  /* one after another */
};

struct history_sweep {
    struct history_job job; /* first */
    struct job merger;
    struct history *history; /* borrowed: waits for the sweep before it goes */
    enum phase phase;
    struct history_target *targets; /* owned */
    size_t count;
    size_t at; /* the next to be merged */
    int fault; /* the last failure of a node; others go on */
    uint64_t journal_to;

    struct history_batch batch;
    struct history_chore chore;
};

static void next_step(struct history_sweep *sweep);

/* The job, on the store's thread. */

static int run_job(struct history_job *job, struct store_database *db) {
    struct history_sweep *sweep = container_of(job, struct history_sweep, job);
    return sweep->phase == WRITE
               ? history_batch_write(&sweep->batch, sweep->history->backend, db)
               : history_chore_run(&sweep->chore, sweep->history->backend, db);
}

/* Merges. */

static void on_merge(struct job *job) { /* on the merger's thread */
    struct history_sweep *sweep = container_of(job, struct history_sweep, merger);
    history_batch_run(&sweep->batch, sweep->history);
}

static void start_job(struct history_sweep *sweep, enum phase phase) {
    sweep->phase = phase;
    history_job_start(&sweep->job);
}

static void on_merged(struct job *job) { /* on the loop */
    struct history_sweep *sweep = container_of(job, struct history_sweep, merger);
    if (sweep->history->is_closing)
        history_batch_done(&sweep->batch);
    else
        start_job(sweep, WRITE);
}

/* The beginning and the end. */

static void free_sweep(struct history_job *job) {
    struct history_sweep *sweep = container_of(job, struct history_sweep, job);
    free(sweep->targets);
    history_chore_done(&sweep->chore);
    history_job_done(&sweep->job);
    free(sweep);
}

static void end_sweep(struct history_sweep *sweep) {
    history_batch_done(&sweep->batch);
    for (size_t i = 0; i < sweep->count; i++)
        history_node_unref(sweep->targets[i].node);
    history_job_leave(&sweep->job);
}

static void fail(struct history *history, int r) {
    if (r == 0 && history->is_sweep_failing)
        log_info("samples are merged into chunks again");
    else if (r != 0 && !history->is_sweep_failing)
        log_error("samples cannot be merged into chunks: %s; they stay in the journal",
                  r < 0 ? strerror(-r) : "the database is damaged");
    history->is_sweep_failing = r != 0;
}

static void start_timer(struct history *history, uint64_t delay_ms);

static void finish_sweep(struct history_sweep *sweep, int r) {
    struct history *history = sweep->history;
    void (*on_compacted)(void *) = TAKE(history->on_compacted);

    history->sweep = NULL;
    history->swept_ms = loop_now_ms(history->loop);
    end_sweep(sweep);
    fail(history, r);
    uint64_t delay_ms = history->config.compact_ms;
    if (r != 0 && delay_ms > RETRY_MS)
        delay_ms = RETRY_MS;
    start_timer(history, delay_ms);
    if (on_compacted)
        on_compacted(history->compacted_arg);
}

static void add_targets(struct history_sweep *sweep) {
    struct history *history = sweep->history;
    struct history_node *node;
    size_t at = 0;

    sweep->targets =
        mem_new_array(map_count(history->nodes) + 1, sizeof(*sweep->targets));
    while ((node = map_next(history->nodes, &at, NULL))) {
        if (node->open && node->open->rows > 0)
            history_close_block(node);
        sweep->targets[sweep->count++] = (struct history_target) {
            .node = history_node_ref(node),
            .closed = node->taken.position,
            .journalled = node->durable.position,
        };
    }
}

static void on_job(struct history_job *job);
static void on_timer(struct timer *timer);

static void start_sweep(struct history *history) {
    struct history_sweep *sweep = mem_new(sizeof(*sweep));

    timer_stop(&history->sweep_timer);
    history->sweep = sweep;
    sweep->history = history;
    history_job_init(&sweep->job, history);
    sweep->job.run = run_job;
    sweep->job.done = on_job;
    sweep->job.free = free_sweep;
    sweep->merger.run = on_merge;
    sweep->merger.done = on_merged;
    sweep->phase = SETTLE;
    sweep->journal_to = history->durable_journal;
    add_targets(sweep);
    history_flush_want(history, true);
    next_step(sweep);
}

static void start_timer(struct history *history, uint64_t delay_ms) {
    history->sweep_timer.fire = on_timer;
    timer_start(history->loop, &history->sweep_timer, delay_ms);
}

static void on_timer(struct timer *timer) {
    start_sweep(container_of(timer, struct history, sweep_timer));
}

void history_sweep_schedule(struct history *history) {
    for (int tier = 0; tier < TIER_COUNT; tier++)
        history->pruned_ms[tier] = HISTORY_NEVER;
    start_timer(history, history->config.compact_ms);
}

void history_sweep_want(struct history *history) {
    uint64_t now_ms = loop_now_ms(history->loop), due_ms = history->swept_ms + PAUSE_MS;

    if (history->sweep || history->is_closing)
        return;
    if (history->on_compacted || history->swept_ms == 0)
        start_timer(history, 0);
    else if (!timer_is_running(&history->sweep_timer) ||
             history->sweep_timer.at_ms > due_ms)
        start_timer(history, due_ms > now_ms ? due_ms - now_ms : 0);
}

void history_sweep_on_flushed(struct history *history) {
    if (history->sweep && history->sweep->phase == SETTLE)
        next_step(history->sweep);
}

void history_sweep_finish(struct history *history) {
    struct history_sweep *sweep = history->sweep;
    if (!sweep)
        return;
    history_job_wait(&sweep->job);
    history->sweep = NULL;
    end_sweep(sweep);
}

/* The phases. */

static bool is_settled(const struct history_sweep *sweep) {
    for (size_t i = 0; i < sweep->count; i++) {
        const struct history_target *target = &sweep->targets[i];
        if (!target->node->is_removed && target->node->durable.position < target->closed)
            return false;
    }
    return true;
}

/* Is all merged that the journal had when the sweep began? Rows of a node count until it
 * is durable that it is removed. A node without blocks has no more to merge: what is
 * missing there was damaged. */
static bool is_journal_merged(const struct history_sweep *sweep) {
    if (sweep->history->removing > 0)
        return false;
    for (size_t i = 0; i < sweep->count; i++) {
        const struct history_target *target = &sweep->targets[i];
        if (!target->node->is_removed &&
            target->node->progress.merged < target->journalled &&
            !list_is_empty(&target->node->blocks))
            return false;
    }
    return true;
}

/* False: there is nothing left. */
static bool begin_merge(struct history_sweep *sweep) {
    sweep->at = history_batch_take(&sweep->batch, sweep->history, sweep->targets,
                                   sweep->count, sweep->at);
    if (sweep->batch.count == 0)
        return false;
    sweep->phase = MERGE;
    int r = worker_add(sweep->history->merger, &sweep->merger);
    assert(r == 0); /* there is one at a time, and one that tidies */
    (void)r;
    return true;
}

/* Chores, in their order. Each preparation fills one in, or has nothing to do. */

static bool prepare_journal(struct history_sweep *sweep, struct history_chore *chore) {
    struct history *history = sweep->history;

    if (history->first_journal > sweep->journal_to || !is_journal_merged(sweep))
        return false;
    chore->from = history->first_journal;
    chore->until = sweep->journal_to;
    return true;
}

static void forget_catalogue(struct history *history,
                             struct history_catalogue *catalogue) {
    catalogue->is_stored = false;
    history->memory -= catalogue->memory;
    map_remove(history->catalogues, catalogue->key);
    history_catalogue_release(catalogue);
}

static bool prepare_catalogues(struct history_sweep *sweep, struct history_chore *chore) {
    struct history *history = sweep->history;
    struct history_catalogue **unused, *catalogue;
    size_t at = 0, count = 0;

    if (history->removing > 0)
        return false; /* journal rows of these nodes still use theirs */
    unused = mem_new_array(map_count(history->catalogues) + 1,
                           sizeof(struct history_catalogue *));
    while ((catalogue = map_next(history->catalogues, &at, NULL)))
        /* One that is neither stored nor only ours is in a flush. */
        if (catalogue->blocks == 0 && (catalogue->is_stored || catalogue->refs == 1))
            unused[count++] = catalogue;
    chore->hashes = mem_new_array(count + 1, sizeof(*chore->hashes));
    chore->hash_count = count;
    for (size_t i = 0; i < count; i++) {
        memcpy(chore->hashes[i], unused[i]->hash, sizeof(chore->hashes[i]));
        forget_catalogue(history, unused[i]);
    }
    free(unused);
    return count > 0;
}

/* Raw goes two hours at a time, so that a tier always finds both or neither. */
static bool find_cutoffs(const struct history *history,
                         int64_t before_ms[static TIER_COUNT]) {
    const struct history_config *config = &history->config;
    int64_t now_ms = config->now_ms(config->arg);
    bool has_any = false;

    for (enum tier tier = TIER_RAW; tier < TIER_COUNT; tier = (enum tier)(tier + 1)) {
        int64_t unit_ms = tier == TIER_RAW ? WINDOW_MS : tier_span_ms(tier);
        int64_t cutoff_ms = tier_floor(now_ms - config->retention_ms[tier], unit_ms);
        bool is_due =
            config->retention_ms[tier] > 0 && cutoff_ms > history->pruned_ms[tier];
        before_ms[tier] = is_due ? cutoff_ms : HISTORY_NEVER;
        has_any = has_any || is_due;
    }
    return has_any;
}

static bool prepare_prune(struct history_sweep *sweep, struct history_chore *chore) {
    if (!find_cutoffs(sweep->history, chore->before_ms))
        return false;
    chore->ids = mem_new_array(sweep->count + 1, sizeof(*chore->ids));
    chore->id_count = sweep->count;
    for (size_t i = 0; i < sweep->count; i++)
        chore->ids[i] =
            sweep->targets[i].node->is_removed ? 0 : sweep->targets[i].node->id;
    return true;
}

static bool prepare_forget(struct history_sweep *sweep, struct history_chore *chore) {
    const struct history *history = sweep->history;
    if (history->removed_count == 0)
        return false;
    chore->removed = history->removed[history->removed_count - 1];
    return true;
}

static bool prepare_shrink(struct history_sweep *sweep, struct history_chore *chore) {
    return true;
}

static void settle_prune(struct history_sweep *sweep, const struct history_chore *chore) {
    struct history *history = sweep->history;

    for (int tier = 0; tier < TIER_COUNT; tier++)
        if (chore->before_ms[tier] != HISTORY_NEVER)
            history->pruned_ms[tier] = chore->before_ms[tier];
    for (size_t i = 0; i < sweep->count; i++) {
        struct history_progress *progress = &sweep->targets[i].node->progress;
        if (chore->before_ms[TIER_RAW] > progress->pruned_ms)
            progress->pruned_ms = chore->before_ms[TIER_RAW];
    }
}

static void settle_forget(struct history_sweep *sweep,
                          const struct history_chore *chore) {
    struct history *history = sweep->history;
    for (size_t i = 0; i < history->removed_count; i++)
        if (history->removed[i] == chore->removed) {
            history->removed[i] = history->removed[--history->removed_count];
            return;
        }
}

static void settle_chore(struct history_sweep *sweep) {
    const struct history_chore *chore = &sweep->chore;

    if (chore->kind == HISTORY_CHORE_JOURNAL)
        sweep->history->first_journal = chore->from;
    else if (chore->kind == HISTORY_CHORE_PRUNE)
        settle_prune(sweep, chore);
    else if (chore->kind == HISTORY_CHORE_FORGET)
        settle_forget(sweep, chore);
}

/* Begins the first chore from this kind on that has something to do, or ends. */
static void begin_chore(struct history_sweep *sweep, int kind) {
    static bool (*const prepares[])(struct history_sweep *, struct history_chore *) = {
        [HISTORY_CHORE_JOURNAL] = prepare_journal,
        [HISTORY_CHORE_CATALOGUES] = prepare_catalogues,
        [HISTORY_CHORE_PRUNE] = prepare_prune,
        [HISTORY_CHORE_FORGET] = prepare_forget,
        [HISTORY_CHORE_SHRINK] = prepare_shrink,
    };
    for (; kind <= HISTORY_CHORE_SHRINK; kind++) {
        history_chore_done(&sweep->chore);
        sweep->chore.kind = (enum history_chore_kind)kind;
        if (prepares[kind](sweep, &sweep->chore)) {
            start_job(sweep, CHORE);
            return;
        }
    }
    finish_sweep(sweep, sweep->fault);
}

static void on_chore(struct history_sweep *sweep) {
    enum history_chore_kind kind = sweep->chore.kind;

    if (sweep->chore.is_more) {
        start_job(sweep, CHORE);
        return;
    }
    settle_chore(sweep);
    /* One removed node after another; all else is done once. */
    begin_chore(sweep, kind == HISTORY_CHORE_FORGET ? (int)kind : (int)kind + 1);
}

static void next_step(struct history_sweep *sweep) {
    if (sweep->phase == SETTLE && !is_settled(sweep))
        return;
    if (!begin_merge(sweep))
        begin_chore(sweep, HISTORY_CHORE_JOURNAL);
}

static void on_job(struct history_job *job) {
    struct history_sweep *sweep = container_of(job, struct history_sweep, job);
    int r = job->result;

    if (r == 0 && sweep->phase == WRITE) {
        int fault = history_batch_settle(&sweep->batch, &sweep->at);
        sweep->fault = fault ? fault : sweep->fault;
    }
    if (sweep->history->is_closing)
        return;
    if (r != 0)
        finish_sweep(sweep, r);
    else if (sweep->phase == WRITE)
        next_step(sweep);
    else
        on_chore(sweep);
}
