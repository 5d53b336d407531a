#include "store/history/history.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "base/mem.h"
#include "loop/worker.h"
#include "store/chunk/chunk.h"
#include "store/history/history_catalogue.h"
#include "store/history/history_flush.h"
#include "store/history/history_load.h"
#include "store/history/history_private.h"
#include "store/history/question/history_ask.h"
#include "store/history/sweep/history_sweep.h"
#include "store/store_backend.h"

enum {
    FLUSH_MS = 5000,
    COMPACT_MS = 10 * 60 * 1000,
    PENDING_MAX = 64 << 20,
    MEMORY_PART = 4, /* memory may be so many times what may be pending */
    QUERIES_MAX = 64,
};

static void set_defaults(struct history_config *config) {
    if (config->flush_ms == 0)
        config->flush_ms = FLUSH_MS;
    if (config->compact_ms == 0)
        config->compact_ms = COMPACT_MS;
    if (config->pending_bytes_max == 0)
        config->pending_bytes_max = PENDING_MAX;
}

int history_new(const struct history_config *config,
                struct history **ret_history,
                char **ret_why) {
    struct history *history = mem_new(sizeof(*history));
    const struct store_backend *backend = store_backend(config->store);

    history->config = *config;
    set_defaults(&history->config);
    history->loop = config->loop;
    history->store = config->store;
    history->backend = backend->history;
    history->nodes = map_new();
    history->catalogues = map_new();
    list_init(&history->dirty);
    list_init(&history->requests);

    int r = history_load(history, ret_why);
    if (r != 0) {
        history_free(history);
        return r;
    }
    history->reader_codec = chunk_codec_new();
    history->merger_codec = chunk_codec_new();
    history->reader = worker_new(history->loop, "reader", QUERIES_MAX);
    history->merger = worker_new(history->loop, "merger", 2);
    history_sweep_schedule(history);
    *ret_history = history;
    return 0;
}

static void free_nodes(struct history *history) {
    size_t at = 0;
    struct history_node *node;
    while ((node = map_next(history->nodes, &at, NULL))) {
        list_remove(&node->dirty);
        history_node_unref(node);
    }
    map_free(history->nodes);
}

static void free_catalogues(struct history *history) {
    size_t at = 0;
    struct history_catalogue *catalogue;
    while ((catalogue = map_next(history->catalogues, &at, NULL)))
        history_catalogue_release(catalogue);
    map_free(history->catalogues);
}

void history_keep(struct history *history,
                  const int64_t retention_ms[static TIER_COUNT]) {
    memcpy(history->config.retention_ms, retention_ms,
           sizeof(history->config.retention_ms));
}

struct history *history_free(struct history *history) {
    if (!history)
        return NULL;
    const struct store_backend *backend = store_backend(history->store);

    history->is_closing = true;
    timer_stop(&history->flush_timer);
    timer_stop(&history->sweep_timer);
    history_ask_cancel_all(history);
    worker_free(history->reader);
    worker_free(history->merger);
    history_sweep_finish(history);
    history_flush_finish(history);

    if (history->reader_db)
        backend->close(history->reader_db);
    if (history->merger_db)
        backend->close(history->merger_db);
    chunk_codec_free(history->reader_codec);
    chunk_codec_free(history->merger_codec);
    free_nodes(history);
    free_catalogues(history);
    free(history->removed);
    free(history->trouble);
    buf_done(&history->scratch);
    free(history);
    return NULL;
}

struct history_node *history_node_get(struct history *history, const char *name) {
    struct history_node *node = map_get(history->nodes, name);
    if (node)
        return node;
    node = mem_new(sizeof(*node));
    node->history = history;
    node->refs = 1;
    node->name = mem_strdup(name);
    node->progress.tiered_ms = HISTORY_NEVER;
    node->progress.newest_ms = HISTORY_NEVER;
    node->progress.pruned_ms = HISTORY_NEVER;
    list_init(&node->blocks);
    list_init(&node->watchers);
    map_put(history->nodes, name, node);
    return node;
}

struct history_node *history_node_ref(struct history_node *node) {
    node->refs++;
    return node;
}

static void drop_blocks(struct history_node *node) {
    struct list *at;
    while ((at = list_pop(&node->blocks))) {
        struct history_block *block = container_of(at, struct history_block, link);
        node->history->memory -= history_block_memory(block);
        history_block_unref(block);
    }
    node->open = NULL;
}

struct history_node *history_node_unref(struct history_node *node) {
    if (!node || --node->refs > 0)
        return NULL;
    drop_blocks(node);
    free(node->name);
    free(node);
    return NULL;
}

void history_note_news(struct history_node *node) {
    if (!list_is_linked(&node->dirty))
        list_add_tail(&node->history->dirty, &node->dirty);
    history_flush_want(node->history, false);
}

struct history_catalogue *history_choose_catalogue(struct history *history,
                                                   struct history_catalogue *catalogue) {
    struct history_catalogue *chosen = map_get(history->catalogues, catalogue->key);
    if (chosen)
        return chosen;
    /* A copy: what is known of it is known of this history alone. */
    chosen = history_catalogue_new(catalogue->metrics, catalogue->count,
                                   catalogue->interval_ms);
    map_put(history->catalogues, chosen->key, chosen);
    history->memory += chosen->memory;
    return chosen;
}

struct history_catalogue *history_share_catalogue(struct history *history,
                                                  struct history_catalogue *catalogue) {
    struct history_catalogue *known = map_get(history->catalogues, catalogue->key);
    if (!known)
        return catalogue;
    history_catalogue_ref(known);
    history_catalogue_release(catalogue);
    return known;
}

void history_close_block(struct history_node *node) {
    if (!node->open)
        return;
    node->history->memory -= history_block_memory(node->open);
    history_block_close(node->open);
    node->history->memory += history_block_memory(node->open);
    node->open = NULL;
}

void history_drop_block(struct history_node *node, struct history_block *block) {
    assert(block != node->open);
    list_remove(&block->link);
    node->history->memory -= history_block_memory(block);
    history_block_unref(block);
}

static struct history_cursor cursor_of(const struct history_place *place) {
    return (struct history_cursor) { .epoch = place->epoch, .seq = place->seq };
}

struct history_cursor history_durable(const struct history *history, const char *node) {
    const struct history_node *known = map_get(history->nodes, node);
    return known ? cursor_of(&known->durable) : (struct history_cursor) { 0 };
}

struct history_cursor history_taken(const struct history *history, const char *node) {
    const struct history_node *known = map_get(history->nodes, node);
    return known ? cursor_of(&known->taken) : (struct history_cursor) { 0 };
}

static bool is_new(const struct history_node *node) {
    return node->taken.epoch == 0 && node->taken.seq == 0 && node->facts.epoch_count == 0;
}

static uint64_t last_seq(const struct history_node *node, uint64_t epoch) {
    return node->taken.epoch == epoch ? node->taken.seq
                                      : history_facts_last(&node->facts, epoch);
}

static int judge(const struct history_node *node, struct history_cursor row) {
    if (is_new(node))
        return 0;
    uint64_t last = last_seq(node, row.epoch);
    if (row.seq <= last)
        return HISTORY_E_KNOWN;
    return row.seq == last + 1 ? 0 : HISTORY_E_HOLE;
}

static bool is_full(const struct history *history) {
    uint64_t max = history->config.pending_bytes_max;
    return history->pending >= max || history->memory >= MEMORY_PART * max;
}

/* The cursor goes on, in this epoch or another. */
static void take_place(struct history_node *node, struct history_cursor row) {
    if (node->taken.epoch != row.epoch && !is_new(node)) {
        history_facts_turn(&node->facts, cursor_of(&node->taken), row.epoch);
        node->is_changed = true;
    }
    node->taken.epoch = row.epoch;
    node->taken.seq = row.seq;
}

/* The block for a row; another one when it is full or means something else. */
static struct history_block *choose_block(struct history_node *node,
                                          uint64_t epoch,
                                          struct history_catalogue *catalogue) {
    struct history_block *open = node->open;

    if (open && open->epoch == epoch && open->len < HISTORY_BLOCK_LEN &&
        memcmp(open->catalogue->hash, catalogue->hash, sizeof(catalogue->hash)) == 0)
        return open;
    history_close_block(node);
    node->open = history_block_new(history_choose_catalogue(node->history, catalogue),
                                   epoch, node->taken.position + 1);
    list_add_tail(&node->blocks, &node->open->link);
    node->history->memory += history_block_memory(node->open);
    return node->open;
}

static int64_t limit_time(int64_t time_ms) {
    return time_ms > HISTORY_TIME_MAX    ? HISTORY_TIME_MAX
           : time_ms < -HISTORY_TIME_MAX ? -HISTORY_TIME_MAX
                                         : time_ms;
}

/* Is there more than a sweep would leave? */
static bool has_much(const struct history *history) {
    return history->memory >=
           HISTORY_HEAD_LEN + map_count(history->nodes) * HISTORY_HEAD_OF_NODE_LEN;
}

int history_append(struct history *history,
                   const char *node_name,
                   struct history_cursor row,
                   int64_t time_ms,
                   struct history_catalogue *catalogue,
                   const int64_t *values) {
    struct history_node *node = history_node_get(history, node_name);
    int r = judge(node, row);
    if (r != 0)
        return r;
    if (is_full(history))
        return HISTORY_E_FULL;

    take_place(node, row);
    struct history_block *block = choose_block(node, row.epoch, catalogue);
    size_t grown =
        history_block_add(block, row.seq, limit_time(time_ms), values, &history->scratch);
    node->taken.position++;
    node->pending += grown;
    history->pending += grown;
    history->memory += grown;
    history_note_news(node);
    if (has_much(history))
        history_sweep_want(history);
    return 0;
}

void history_skip(struct history *history,
                  const char *node_name,
                  struct history_cursor last,
                  uint64_t count) {
    struct history_node *node = history_node_get(history, node_name);
    if (!is_new(node) && last.seq <= last_seq(node, last.epoch))
        return;
    /* The next row is not the one after the last of the open block. */
    history_close_block(node);
    take_place(node, last);
    node->lost += count;
    node->lost_news += count;
    node->is_changed = true;
    history_note_news(node);
}

void history_watch(struct history *history, struct history_watcher *watcher) {
    struct history_node *node = history_node_get(history, watcher->node);
    list_add_tail(&node->watchers, &watcher->link);
}

void history_unwatch(struct history_watcher *watcher) {
    list_remove(&watcher->link);
}

void history_set_company(struct history *history, const struct history_company *company) {
    history->company = company ? *company : (struct history_company) { 0 };
}

void history_sync(struct history *history) {
    history->has_company = true;
    history_flush_want(history, true);
}

void history_flush(struct history *history) {
    history_flush_want(history, true);
}

void history_compact(struct history *history, void (*done)(void *arg), void *arg) {
    assert(!history->on_compacted);
    history->on_compacted = done;
    history->compacted_arg = arg;
    history_sweep_want(history);
}

const char *history_trouble(const struct history *history) {
    return history->trouble;
}

bool history_boot_offset(const struct history *history,
                         const char *node,
                         const uint8_t boot_id[static HISTORY_BOOT_LEN],
                         int64_t *ret_offset_ms) {
    const struct history_node *known = map_get(history->nodes, node);
    return known && history_facts_boot(&known->facts, boot_id, ret_offset_ms);
}

void history_set_boot_offset(struct history *history,
                             const char *node_name,
                             const uint8_t boot_id[static HISTORY_BOOT_LEN],
                             int64_t offset_ms) {
    struct history_node *node = history_node_get(history, node_name);
    if (!history_facts_set_boot(&node->facts, boot_id, offset_ms))
        return;
    node->is_changed = true;
    history_note_news(node);
}

/* Nothing more of the node is written but that it is gone. */
static void forget_rows(struct history_node *node) {
    struct history *history = node->history;

    history->pending -= node->pending;
    node->pending = 0;
    node->taken = node->flushed;
    drop_blocks(node);
}

void history_remove_node(struct history *history, const char *name) {
    struct history_node *node = map_remove(history->nodes, name);
    if (!node)
        return;
    forget_rows(node);
    node->is_removed = true;
    if (!list_is_empty(&node->watchers))
        list_splice(&history_node_get(history, name)->watchers, &node->watchers);
    if (node->id == 0) { /* no flush has it */
        list_remove(&node->dirty);
    } else {
        node->is_changed = true;
        history->removing++;
        history_node_ref(node); /* for the flush that says so */
        history_note_news(node);
        history_flush_want(history, true);
    }
    history_node_unref(node);
}

void history_rename_node(struct history *history, const char *from, const char *to) {
    if (strcmp(from, to) == 0 || !map_get(history->nodes, from))
        return;
    struct history_node *node = map_remove(history->nodes, from);
    history_remove_node(history, to);

    struct history_node *heir = map_remove(history->nodes, to); /* that only watches */
    if (heir) {
        list_splice(&node->watchers, &heir->watchers);
        history_node_unref(heir);
    }
    free(node->name);
    node->name = mem_strdup(to);
    map_put(history->nodes, to, node);
    if (node->id == 0)
        return;
    node->is_changed = true;
    history_note_news(node);
    history_flush_want(history, true);
}

struct history_request *history_cancel(struct history_request *request) {
    return history_ask_cancel(request);
}
