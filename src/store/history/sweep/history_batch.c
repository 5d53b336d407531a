#include "store/history/sweep/history_batch.h"

#include <stdlib.h>

#include "base/log.h"
#include "base/mem.h"
#include "store/history/history_catalogue.h"
#include "store/history/history_private.h"

enum {
    CELLS_MAX = 1 << 18, /* values, of some nodes together */
    HOUR_MS = 3600 * 1000,
    GRACE_MS = 10 * 60 * 1000, /* after an hour, for rows that are a little late */
};

/* --- take --- */

/* Blocks of a node that can be merged now, up to about limit values: how many values. */
static size_t take_blocks(const struct history_target *target,
                          struct history_merge *merge,
                          size_t limit) {
    struct history_node *node = target->node;
    size_t cells = 0, count = 0;

    for (const struct list *at = node->blocks.next; at != &node->blocks; at = at->next)
        count++;
    merge->views = mem_new_array(count, sizeof(*merge->views));
    for (struct list *at = node->blocks.next; at != &node->blocks; at = at->next) {
        struct history_block *block = container_of(at, struct history_block, link);
        if (block == node->open || block->rows == 0 || cells >= limit ||
            block->first_position + (block->rows - 1) > node->durable.position ||
            block->first_position > target->closed)
            break;
        cells += block->rows * (block->catalogue->count + 1);
        merge->views[merge->view_count++] = history_block_view(block);
    }
    return cells;
}

/* An hour of the node has ended meanwhile, though no later row came. */
static bool is_hour_over(const struct history_node *node, int64_t over_ms) {
    const struct history_progress *progress = &node->progress;
    return progress->newest_ms != HISTORY_NEVER &&
           progress->tiered_ms <= progress->newest_ms &&
           over_ms >= progress->newest_ms + HOUR_MS;
}

size_t history_batch_take(struct history_batch *batch,
                          const struct history *history,
                          const struct history_target *targets,
                          size_t count,
                          size_t at) {
    int64_t over_ms = history->config.now_ms(history->config.arg) - GRACE_MS;
    size_t cells = 0;

    batch->is_partial = false;
    while (at < count && batch->count < HISTORY_BATCH_NODES_MAX && cells < CELLS_MAX) {
        const struct history_target *target = &targets[at];
        struct history_merge *merge = &batch->merges[batch->count];

        *merge = (struct history_merge) { .node = target->node->id, .over_ms = over_ms };
        size_t taken =
            target->node->is_removed ? 0 : take_blocks(target, merge, CELLS_MAX);
        cells += taken;
        at++;
        if (taken == 0 &&
            (target->node->is_removed || !is_hour_over(target->node, over_ms))) {
            free(TAKE(merge->views));
            continue;
        }
        batch->nodes[batch->count++] = history_node_ref(target->node);
        /* What did not fit comes with the next transaction. */
        if (taken >= CELLS_MAX) {
            batch->is_partial = true;
            return at - 1;
        }
    }
    return at;
}

/* --- run, write --- */

void history_batch_run(struct history_batch *batch, struct history *history) {
    for (size_t i = 0; i < batch->count; i++)
        history_merge_run(&batch->merges[i], history->backend, history->merger_db,
                          history->merger_codec);
}

static int write_all(struct history_batch *batch,
                     const struct history_backend *backend,
                     struct store_database *db) {
    int r = 0;
    for (size_t i = 0; r == 0 && i < batch->count; i++) {
        struct history_merge *merge = &batch->merges[i];
        if (merge->result != 0)
            continue;
        r = history_merge_write(merge, backend, db);
        if (r == HISTORY_BACKEND_E_GONE) {
            merge->result = r;
            r = 0;
        }
    }
    return r;
}

int history_batch_write(struct history_batch *batch,
                        const struct history_backend *backend,
                        struct store_database *db) {
    int r = backend->begin(db);
    if (r != 0)
        return r;
    r = write_all(batch, backend, db);
    if (r == 0)
        r = backend->commit(db);
    if (r != 0)
        backend->rollback(db);
    return r;
}

/* --- settle --- */

void history_batch_done(struct history_batch *batch) {
    for (size_t i = 0; i < batch->count; i++) {
        struct history_merge *merge = &batch->merges[i];
        for (size_t j = 0; j < merge->view_count; j++)
            history_block_view_done(&merge->views[j]);
        history_merge_done(merge);
        history_node_unref(batch->nodes[i]);
    }
    batch->count = 0;
}

/* Drops the rows that chunks have now. */
static void settle_merge(struct history_node *node, const struct history_merge *merge) {
    node->progress = merge->to;
    node->lost += merge->lost;
    while (!list_is_empty(&node->blocks)) {
        struct history_block *block =
            container_of(node->blocks.next, struct history_block, link);
        if (block == node->open || block->rows == 0 ||
            block->first_position + (block->rows - 1) > merge->to.merged)
            return;
        history_drop_block(node, block);
    }
}

static void tell_damage(const struct history_node *node,
                        const struct history_merge *merge) {
    if (merge->damaged > 0)
        log_error("%llu chunks of samples of %s were damaged and begin anew",
                  (unsigned long long)merge->damaged, node->name);
}

static int worst_result(const struct history_batch *batch) {
    int r = 0;
    for (size_t i = 0; i < batch->count; i++)
        if (batch->merges[i].result != 0 &&
            batch->merges[i].result != HISTORY_BACKEND_E_GONE)
            r = batch->merges[i].result;
    return r;
}

int history_batch_settle(struct history_batch *batch, size_t *at) {
    int r = worst_result(batch);
    bool is_last_gone = batch->merges[batch->count - 1].result != 0;

    if (batch->is_partial && is_last_gone)
        (*at)++;
    for (size_t i = 0; i < batch->count; i++) {
        if (batch->merges[i].result != 0)
            continue;
        settle_merge(batch->nodes[i], &batch->merges[i]);
        tell_damage(batch->nodes[i], &batch->merges[i]);
    }
    history_batch_done(batch);
    return r;
}
