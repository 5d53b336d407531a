#include "store/sqlite/sqlite_history.h"

#include <assert.h>
#include <stdio.h>

#include "store/sqlite/sqlite_db.h"
#include "store/sqlite/sqlite_history_read.h"
#include "store/sqlite/sqlite_records.h"
#include "store/store.h"

/* The bits of a chunk's id, from the top: node, tier, start in spans. */
enum { START_BITS = 34, TIER_BITS = 2 };

enum { HOUR_MS = 3600 * 1000 /* the shortest span */ };

static const int64_t start_half = INT64_C(1) << (START_BITS - 1);

int64_t sqlite_history_chunk_id(int64_t node, enum tier tier, int64_t start_ms) {
    int64_t span_ms = tier_span_ms(tier);
    int64_t start = start_ms < -start_half * HOUR_MS ? -start_half
                    : start_ms > start_half * HOUR_MS
                        ? start_half - 1
                        : tier_floor(start_ms, span_ms) / span_ms;
    assert(node >= 0 && node < INT64_C(1) << (63 - START_BITS - TIER_BITS));
    return node << (START_BITS + TIER_BITS) | (int64_t)tier << START_BITS |
           (start + start_half);
}

struct history_chunk_row sqlite_history_chunk(const struct sqlite_query *query) {
    int64_t id = sqlite_db_int(query, 0);
    enum tier tier = (enum tier)(id >> START_BITS & (TIER_COUNT - 1));
    int64_t start = (id & (2 * start_half - 1)) - start_half;
    return (struct history_chunk_row) {
        .node = id >> (START_BITS + TIER_BITS),
        .tier = tier,
        .start_ms = start * tier_span_ms(tier),
        .first_ms = sqlite_db_int(query, 1),
        .last_ms = sqlite_db_int(query, 2),
        .rows = (uint64_t)sqlite_db_int(query, 3),
        .values = (uint64_t)sqlite_db_int(query, 4),
        .body = sqlite_db_bytes(query, 5),
    };
}

/* Samples are no secrets: what they leave need not be written over. */
static int begin(struct store_database *db) {
    sqlite_db_watch_log(db);
    int r = sqlite_db_run(db, "PRAGMA secure_delete = OFF");
    return r == 0 ? sqlite_db_run(db, "BEGIN IMMEDIATE") : r;
}

static void end(struct store_database *db) {
    sqlite_db_run(db, "PRAGMA secure_delete = ON");
}

static int commit(struct store_database *db) {
    int r = sqlite_db_run(db, "COMMIT");
    if (r == 0)
        end(db);
    return r;
}

static void rollback(struct store_database *db) {
    if (!sqlite3_get_autocommit(db->handle))
        sqlite_db_run(db, "ROLLBACK");
    end(db);
}

static int put_cursor(struct store_database *db, int64_t id) {
    struct sqlite_query query = sqlite_db_query(
        db, "INSERT OR IGNORE INTO samples_cursors (node, epoch, seq, position, merged,"
            " tiered, newest, pruned) VALUES (?1, 0, 0, 0, 0, ?2, ?2, ?2)");
    sqlite_db_bind_int(&query, id);
    sqlite_db_bind_int(&query, HISTORY_NEVER);
    return sqlite_db_finish(&query);
}

/* Nodes may exchange names: who has it now gets another, or goes. */
static int free_name(struct store_database *db, int64_t id, const char *name) {
    struct sqlite_query query = sqlite_db_query(
        db, "UPDATE samples_nodes SET name = NULL WHERE name = ? AND id <> ?");
    sqlite_db_bind_text(&query, name);
    sqlite_db_bind_int(&query, id);
    return sqlite_db_finish(&query);
}

static int put_node(struct store_database *db,
                    int64_t id,
                    const char *name,
                    struct slice facts,
                    uint64_t lost) {
    int r = name ? free_name(db, id, name) : 0;
    if (r != 0)
        return r;
    struct sqlite_query query = sqlite_db_query(
        db, "INSERT INTO samples_nodes (id, name, facts, lost) VALUES (?, ?, ?, ?)"
            " ON CONFLICT (id) DO UPDATE SET name = excluded.name,"
            " facts = excluded.facts, lost = lost + excluded.lost");
    sqlite_db_bind_int(&query, id);
    if (name)
        sqlite_db_bind_text(&query, name);
    else
        sqlite_db_bind_null(&query);
    sqlite_db_bind_blob(&query, facts.len > 0 ? (const void *)facts.at : "", facts.len);
    sqlite_db_bind_int(&query, (int64_t)lost);
    r = sqlite_db_finish(&query);
    return r == 0 ? put_cursor(db, id) : r;
}

/* Is the cursor there already? */
static int look_at_cursor(struct store_database *db,
                          int64_t node,
                          const struct history_place *to) {
    bool is_there = false;
    struct sqlite_query query = sqlite_db_query(
        db, "SELECT epoch, seq, position FROM samples_cursors WHERE node = ?");
    sqlite_db_bind_int(&query, node);
    if (sqlite_db_next(&query))
        is_there = (uint64_t)sqlite_db_int(&query, 0) == to->epoch &&
                   (uint64_t)sqlite_db_int(&query, 1) == to->seq &&
                   (uint64_t)sqlite_db_int(&query, 2) == to->position;
    int r = sqlite_db_finish(&query);
    if (r != 0)
        return r;
    return is_there ? HISTORY_BACKEND_E_MOVED : HISTORY_BACKEND_E_GONE;
}

static int move_cursor(struct store_database *db,
                       int64_t node,
                       const struct history_place *from,
                       const struct history_place *to) {
    struct sqlite_query query = sqlite_db_query(
        db, "UPDATE samples_cursors SET epoch = ?, seq = ?, position = ? WHERE node = ?"
            " AND epoch = ? AND seq = ? AND position = ?");
    sqlite_db_bind_int(&query, (int64_t)to->epoch);
    sqlite_db_bind_int(&query, (int64_t)to->seq);
    sqlite_db_bind_int(&query, (int64_t)to->position);
    sqlite_db_bind_int(&query, node);
    sqlite_db_bind_int(&query, (int64_t)from->epoch);
    sqlite_db_bind_int(&query, (int64_t)from->seq);
    sqlite_db_bind_int(&query, (int64_t)from->position);
    int r = sqlite_db_finish(&query);
    if (r != 0 || sqlite_db_changes(db) == 1)
        return r;
    return look_at_cursor(db, node, to);
}

static int put_catalogue(struct store_database *db,
                         struct slice hash,
                         struct slice body) {
    struct sqlite_query query =
        sqlite_db_query(db, "INSERT OR IGNORE INTO samples_catalogues (hash, body)"
                            " VALUES (?, ?)");
    sqlite_db_bind_blob(&query, hash.at, hash.len);
    sqlite_db_bind_blob(&query, body.at, body.len);
    return sqlite_db_finish(&query);
}

static int remove_catalogue(struct store_database *db, struct slice hash) {
    struct sqlite_query query =
        sqlite_db_query(db, "DELETE FROM samples_catalogues WHERE hash = ?");
    sqlite_db_bind_blob(&query, hash.at, hash.len);
    return sqlite_db_finish(&query);
}

static int add_journal(struct store_database *db, uint64_t id, struct slice body) {
    struct sqlite_query query =
        sqlite_db_query(db, "INSERT INTO samples_journal (id, body) VALUES (?, ?)");
    sqlite_db_bind_int(&query, (int64_t)id);
    sqlite_db_bind_blob(&query, body.at, body.len);
    return sqlite_db_finish(&query);
}

static int remove_journal(struct store_database *db, uint64_t from, uint64_t to) {
    struct sqlite_query query =
        sqlite_db_query(db, "DELETE FROM samples_journal WHERE id >= ? AND id <= ?");
    sqlite_db_bind_int(&query, (int64_t)from);
    sqlite_db_bind_int(&query, (int64_t)to);
    return sqlite_db_finish(&query);
}

static int add_lost(struct store_database *db, int64_t node, uint64_t lost) {
    struct sqlite_query query =
        sqlite_db_query(db, "UPDATE samples_nodes SET lost = lost + ? WHERE id = ?");
    sqlite_db_bind_int(&query, (int64_t)lost);
    sqlite_db_bind_int(&query, node);
    return sqlite_db_finish(&query);
}

static int move_progress(struct store_database *db,
                         int64_t node,
                         const struct history_progress *from,
                         const struct history_progress *to,
                         uint64_t lost) {
    struct sqlite_query query = sqlite_db_query(
        db, "UPDATE samples_cursors SET merged = ?, tiered = ?, newest = ?"
            " WHERE node = ? AND merged = ? AND tiered = ? AND newest = ? AND pruned = ?"
            " AND EXISTS (SELECT 1 FROM samples_nodes WHERE id = node"
            "             AND name IS NOT NULL)");
    sqlite_db_bind_int(&query, (int64_t)to->merged);
    sqlite_db_bind_int(&query, to->tiered_ms);
    sqlite_db_bind_int(&query, to->newest_ms);
    sqlite_db_bind_int(&query, node);
    sqlite_db_bind_int(&query, (int64_t)from->merged);
    sqlite_db_bind_int(&query, from->tiered_ms);
    sqlite_db_bind_int(&query, from->newest_ms);
    sqlite_db_bind_int(&query, from->pruned_ms);
    int r = sqlite_db_finish(&query);
    if (r != 0)
        return r;
    if (sqlite_db_changes(db) == 0)
        return HISTORY_BACKEND_E_GONE;
    return lost > 0 ? add_lost(db, node, lost) : 0;
}

static int put_series(struct store_database *db,
                      int64_t node,
                      const struct history_series_row *series) {
    struct sqlite_query query = sqlite_db_query(
        db, "INSERT OR REPLACE INTO samples_series (node, id, name, unit, scale,"
            " interval) VALUES (?, ?, ?, ?, ?, ?)");
    sqlite_db_bind_int(&query, node);
    sqlite_db_bind_int(&query, series->id);
    sqlite_db_bind_text(&query, series->name);
    sqlite_db_bind_text(&query, series->unit);
    sqlite_db_bind_int(&query, series->scale);
    sqlite_db_bind_int(&query, series->interval_ms);
    return sqlite_db_finish(&query);
}

static int put_chunk(struct store_database *db, const struct history_chunk_row *chunk) {
    struct sqlite_query query = sqlite_db_query(
        db, "INSERT OR REPLACE INTO samples_chunks (id, first, last, rows, filled, body)"
            " VALUES (?, ?, ?, ?, ?, ?)");
    sqlite_db_bind_int(
        &query, sqlite_history_chunk_id(chunk->node, chunk->tier, chunk->start_ms));
    sqlite_db_bind_int(&query, chunk->first_ms);
    sqlite_db_bind_int(&query, chunk->last_ms);
    sqlite_db_bind_int(&query, (int64_t)chunk->rows);
    sqlite_db_bind_int(&query, (int64_t)chunk->values);
    sqlite_db_bind_blob(&query, chunk->body.at, chunk->body.len);
    return sqlite_db_finish(&query);
}

static int note_pruned(struct store_database *db, int64_t node, int64_t before_ms) {
    struct sqlite_query query = sqlite_db_query(
        db, "UPDATE samples_cursors SET pruned = ? WHERE node = ? AND pruned < ?1");
    sqlite_db_bind_int(&query, before_ms);
    sqlite_db_bind_int(&query, node);
    return sqlite_db_finish(&query);
}

static int prune(struct store_database *db,
                 int64_t node,
                 enum tier tier,
                 int64_t before_ms,
                 size_t limit,
                 size_t *ret_removed) {
    int r = tier == TIER_RAW ? note_pruned(db, node, before_ms) : 0;
    if (r != 0)
        return r;
    struct sqlite_query query = sqlite_db_query(
        db, "DELETE FROM samples_chunks WHERE id IN (SELECT id FROM samples_chunks"
            " WHERE id >= ? AND id < ? LIMIT ?)");
    sqlite_db_bind_int(&query, sqlite_history_chunk_id(node, tier, INT64_MIN));
    sqlite_db_bind_int(&query, sqlite_history_chunk_id(node, tier, before_ms));
    sqlite_db_bind_int(&query, (int64_t)limit);
    r = sqlite_db_finish(&query);
    if (r == 0)
        *ret_removed = (size_t)sqlite_db_changes(db);
    return r;
}

static int forget_node(struct store_database *db, int64_t node) {
    static const char *const statements[] = {
        "DELETE FROM samples_series WHERE node = ?",
        "DELETE FROM samples_cursors WHERE node = ?",
        "DELETE FROM samples_nodes WHERE id = ?",
    };
    int r = 0;
    for (size_t i = 0; r == 0 && i < sizeof(statements) / sizeof(statements[0]); i++) {
        struct sqlite_query query = sqlite_db_query(db, statements[i]);
        sqlite_db_bind_int(&query, node);
        r = sqlite_db_finish(&query);
    }
    return r;
}

/* Some room is kept: the journal wants it back at once. */
static int shrink(struct store_database *db, size_t pages, bool *ret_more) {
    enum { KEPT_PART = 8, KEPT_MIN = 64 };
    int64_t spare = 0;
    struct sqlite_query query =
        sqlite_db_query(db, "SELECT freelist_count - max(page_count / ?, ?)"
                            " FROM pragma_freelist_count, pragma_page_count");
    sqlite_db_bind_int(&query, KEPT_PART);
    sqlite_db_bind_int(&query, KEPT_MIN);
    if (sqlite_db_next(&query))
        spare = sqlite_db_int(&query, 0);
    int r = sqlite_db_finish(&query);
    if (r != 0)
        return r;
    char sql[64];
    snprintf(sql, sizeof(sql), "PRAGMA incremental_vacuum(%zu)", pages);
    if (spare > 0)
        r = sqlite_db_run(db, sql);
    if (r == 0)
        *ret_more = spare > (int64_t)pages;
    return r;
}

static size_t log_pages(struct store_database *db) {
    return db->log_pages;
}

const struct history_backend sqlite_history = {
    .begin = begin,
    .commit = commit,
    .rollback = rollback,
    .put_node = put_node,
    .move_cursor = move_cursor,
    .put_catalogue = put_catalogue,
    .remove_catalogue = remove_catalogue,
    .put_records = sqlite_records_write,
    .add_journal = add_journal,
    .remove_journal = remove_journal,
    .move_progress = move_progress,
    .put_series = put_series,
    .put_chunk = put_chunk,
    .prune = prune,
    .forget_node = forget_node,
    .shrink = shrink,
    .log_pages = log_pages,
    .tidy = sqlite_db_checkpoint,
    .open_keeper = sqlite_db_open_keeper,
    .open_reader = sqlite_db_open_reader,
    .begin_read = sqlite_history_read_begin,
    .end_read = sqlite_history_read_end,
    .last_ids = sqlite_history_read_last_ids,
    .read_nodes = sqlite_history_read_nodes,
    .read_catalogues = sqlite_history_read_catalogues,
    .read_journal = sqlite_history_read_journal,
    .read_progress = sqlite_history_read_progress,
    .read_series = sqlite_history_read_series,
    .read_chunks = sqlite_history_read_chunks,
    .oldest_chunk = sqlite_history_read_oldest,
    .read_sums = sqlite_history_read_sums,
    .read_bytes = sqlite_history_read_bytes,
};
