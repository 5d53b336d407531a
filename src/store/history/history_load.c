#include "store/history/history_load.h"

#include <stdlib.h>
#include <string.h>

#include "base/hex.h"
#include "base/log.h"
#include "base/map.h"
#include "base/mem.h"
#include "store/history/history_catalogue.h"
#include "store/history/history_journal.h"
#include "store/history/history_private.h"
#include "store/store.h"
#include "store/store_backend.h"

struct loading {
    struct history *history;
    struct history_node **nodes; /* owned; borrowed: the map's, ids rise */
    size_t count;
    const char *what; /* is being read */
    size_t set_aside; /* journal rows */
};

static void keep_removed(struct history *history, int64_t id) {
    history->removed = mem_grow(history->removed,
                                (history->removed_count + 1) * sizeof(*history->removed));
    history->removed[history->removed_count++] = id;
}

static int on_node(void *arg, const struct history_node_row *row) {
    struct loading *loading = arg;
    struct history *history = loading->history;

    if (!row->name) {
        keep_removed(history, row->id);
        return 0;
    }
    struct history_node *node = history_node_get(history, row->name);
    node->id = row->id;
    node->taken = node->flushed = node->durable = row->place;
    node->progress = row->progress;
    node->lost = row->lost;
    loading->nodes =
        mem_grow(loading->nodes, (loading->count + 1) * sizeof(struct history_node *));
    loading->nodes[loading->count++] = node;
    return history_facts_read(row->facts, &node->facts);
}

static int on_catalogue(void *arg, struct slice hash, struct slice body) {
    struct loading *loading = arg;
    struct history_catalogue *catalogue = history_catalogue_read(body);

    if (!catalogue || hash.len != sizeof(catalogue->hash) ||
        memcmp(hash.at, catalogue->hash, hash.len) != 0) {
        history_catalogue_release(catalogue);
        return STORE_E_DAMAGED;
    }
    catalogue->is_stored = true;
    loading->history->memory += catalogue->memory;
    map_put(loading->history->catalogues, catalogue->key, catalogue);
    return 0;
}

static int compare_id(const void *key, const void *element) {
    const struct history_node *node = *(struct history_node *const *)element;
    int64_t id = *(const int64_t *)key;
    return (id > node->id) - (id < node->id);
}

static struct history_node *find_node(const struct loading *loading, int64_t id) {
    struct history_node **found = loading->count > 0
                                      ? bsearch(&id, loading->nodes, loading->count,
                                                sizeof(struct history_node *), compare_id)
                                      : NULL;
    return found ? *found : NULL;
}

/* The block that an entry goes on with, or begins. */
static struct history_block *block_for(struct history_node *node,
                                       const struct history_entry *entry) {
    struct history *history = node->history;
    char key[2 * CRYPTO_SHA256_LEN + 1];

    if (entry->catalogue.len == 0) {
        bool goes_on =
            node->open && node->open->epoch == entry->epoch &&
            node->open->first_position + node->open->rows == entry->first_position;
        return goes_on ? node->open : NULL;
    }
    hex_encode(key, entry->catalogue.at, entry->catalogue.len);
    struct history_catalogue *catalogue = map_get(history->catalogues, key);
    if (!catalogue)
        return NULL;
    history_close_block(node);
    node->open = history_block_new(catalogue, entry->epoch, entry->first_position);
    list_add_tail(&node->blocks, &node->open->link);
    history->memory += history_block_memory(node->open);
    return node->open;
}

/* What goes on with it cannot be read either. */
static void end_block(struct history_node *node, struct history_block *block) {
    history_close_block(node);
    if (block->rows == 0)
        history_drop_block(node, block);
}

/* Rows that are in chunks already are passed over, whole blocks at a time. */
static int take_entry(struct loading *loading, const struct history_entry *entry) {
    struct history_node *node = find_node(loading, entry->node);

    if (!node || entry->rows == 0 ||
        entry->first_position + (entry->rows - 1) <= node->progress.merged)
        return 0;
    struct history_block *block = block_for(node, entry);
    if (!block)
        return STORE_E_DAMAGED;
    int r =
        history_block_restore(block, (size_t)entry->rows, entry->last_seq, entry->bytes);
    if (r == 0)
        loading->history->memory += entry->bytes.len;
    else
        end_block(node, block);
    return r;
}

/* Entries that can be read are taken, also behind one that cannot. */
static int take_row(struct loading *loading, struct slice body) {
    struct history_entry entry;
    int r = history_journal_open(&body) ? 0 : STORE_E_DAMAGED;

    if (r != 0)
        return r;
    while (history_journal_next(&body, &entry)) {
        int result = take_entry(loading, &entry);
        r = r == 0 ? result : r;
    }
    return r == 0 && body.len > 0 ? STORE_E_DAMAGED : r;
}

static int on_journal(void *arg, uint64_t id, struct slice body) {
    struct loading *loading = arg;
    struct history *history = loading->history;
    const struct history_config *config = &history->config;

    if (history->first_journal == 0)
        history->first_journal = id;
    int r = take_row(loading, body);
    if (r != STORE_E_DAMAGED || !config->set_aside)
        return r;
    loading->set_aside++;
    return config->set_aside(config->arg, id, body);
}

/* Rows that the node was to have by its cursor, in chunks or in the journal. */
static uint64_t count_missing(const struct history_node *node) {
    uint64_t missing = node->durable.position - node->progress.merged;

    for (const struct list *at = node->blocks.next; at != &node->blocks; at = at->next) {
        const struct history_block *block = container_of(at, struct history_block, link);
        uint64_t before = block->first_position - 1;
        uint64_t known = before > node->progress.merged ? before : node->progress.merged;
        if (before + block->rows > known)
            missing -= before + block->rows - known;
    }
    return missing;
}

/* They are durable by what their agents were told, so nobody sends them again. */
static void tell_missing(const struct loading *loading) {
    for (size_t i = 0; i < loading->count; i++) {
        const struct history_node *node = loading->nodes[i];
        uint64_t missing = count_missing(node);
        if (missing > 0)
            log_error("%llu samples of %s are missing: they stood in the damaged part of "
                      "the journal",
                      (unsigned long long)missing, node->name);
    }
}

static int read_all(struct loading *loading) {
    struct history *history = loading->history;
    const struct history_backend *backend = history->backend;
    struct store_database *reader = history->reader_db;

    loading->what = "the nodes of the samples";
    int r = backend->last_ids(reader, &history->last_node, &history->last_journal);
    if (r == 0)
        r = backend->read_nodes(reader, on_node, loading);
    if (r != 0)
        return r;
    loading->what = "the catalogues of the samples";
    r = backend->read_catalogues(reader, on_catalogue, loading);
    if (r != 0)
        return r;
    loading->what = "the journal of the samples";
    return backend->read_journal(reader, on_journal, loading);
}

int history_load(struct history *history, char **ret_why) {
    struct loading loading = { .history = history, .what = "the samples" };
    const struct history_backend *backend = history->backend;
    struct store_database *db = store_database(history->store);

    int r = backend->open_reader(db, &history->reader_db);
    if (r == 0)
        r = backend->open_keeper(db, &history->merger_db);
    if (r == 0)
        r = backend->begin_read(history->reader_db);
    if (r == 0) {
        r = read_all(&loading);
        backend->end_read(history->reader_db);
    }
    if (r == 0 && loading.set_aside > 0)
        tell_missing(&loading);
    for (size_t i = 0; i < loading.count; i++)
        history_close_block(loading.nodes[i]);
    free(loading.nodes);
    history->durable_journal = history->last_journal;
    if (history->first_journal == 0)
        history->first_journal = history->last_journal + 1;
    if (r != 0)
        *ret_why = mem_printf("%s: %s", loading.what,
                              r < 0 ? strerror(-r) : "the database is damaged");
    return r;
}
