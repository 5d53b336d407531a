#include "store/sqlite/sqlite_history_read.h"

#include "store/sqlite/sqlite_db.h"
#include "store/sqlite/sqlite_history.h"

int sqlite_history_read_begin(struct store_database *reader) {
    return sqlite_db_run(reader, "BEGIN");
}

void sqlite_history_read_end(struct store_database *reader) {
    if (!sqlite3_get_autocommit(reader->handle))
        sqlite_db_run(reader, "COMMIT");
}

int sqlite_history_read_last_ids(struct store_database *reader,
                                 int64_t *ret_node,
                                 uint64_t *ret_journal) {
    int64_t node = 0, journal = 0;
    struct sqlite_query query = sqlite_db_query(
        reader, "SELECT (SELECT seq FROM sqlite_sequence WHERE name = 'samples_nodes'),"
                " (SELECT max(id) FROM samples_journal)");
    if (sqlite_db_next(&query)) {
        node = sqlite_db_int(&query, 0);
        journal = sqlite_db_int(&query, 1);
    }
    int r = sqlite_db_finish(&query);
    if (r != 0)
        return r;
    *ret_node = node;
    *ret_journal = (uint64_t)journal;
    return 0;
}

/* What a callback says counts before what SQLite does. */
static int finish(struct sqlite_query *query, int stopped) {
    int r = stopped ? sqlite3_reset(query->statement) : sqlite_db_finish(query);
    if (stopped)
        sqlite3_clear_bindings(query->statement);
    return stopped ? stopped : r;
}

int sqlite_history_read_nodes(struct store_database *reader,
                              history_on_node *on_node,
                              void *arg) {
    int stop = 0;
    struct sqlite_query query = sqlite_db_query(
        reader,
        "SELECT id, name, epoch, seq, position, merged, tiered, newest, pruned, lost,"
        " facts FROM samples_nodes LEFT JOIN samples_cursors ON node = id");
    while (stop == 0 && sqlite_db_next(&query)) {
        const struct history_node_row row = {
            .id = sqlite_db_int(&query, 0),
            .name = sqlite_db_is_null(&query, 1) ? NULL : sqlite_db_text(&query, 1),
            .place = { .epoch = (uint64_t)sqlite_db_int(&query, 2),
                       .seq = (uint64_t)sqlite_db_int(&query, 3),
                       .position = (uint64_t)sqlite_db_int(&query, 4) },
            .progress = { .merged = (uint64_t)sqlite_db_int(&query, 5),
                          .tiered_ms = sqlite_db_int(&query, 6),
                          .newest_ms = sqlite_db_int(&query, 7),
                          .pruned_ms = sqlite_db_int(&query, 8) },
            .lost = (uint64_t)sqlite_db_int(&query, 9),
            .facts = sqlite_db_bytes(&query, 10),
        };
        stop = on_node(arg, &row);
    }
    return finish(&query, stop);
}

int sqlite_history_read_catalogues(struct store_database *reader,
                                   history_on_bytes *on_catalogue,
                                   void *arg) {
    int stop = 0;
    struct sqlite_query query =
        sqlite_db_query(reader, "SELECT hash, body FROM samples_catalogues");
    while (stop == 0 && sqlite_db_next(&query))
        stop = on_catalogue(arg, sqlite_db_bytes(&query, 0), sqlite_db_bytes(&query, 1));
    return finish(&query, stop);
}

int sqlite_history_read_journal(struct store_database *reader,
                                history_on_journal *on_row,
                                void *arg) {
    int stop = 0;
    struct sqlite_query query =
        sqlite_db_query(reader, "SELECT id, body FROM samples_journal ORDER BY id");
    while (stop == 0 && sqlite_db_next(&query))
        stop =
            on_row(arg, (uint64_t)sqlite_db_int(&query, 0), sqlite_db_bytes(&query, 1));
    return finish(&query, stop);
}

int sqlite_history_read_progress(struct store_database *reader,
                                 int64_t node,
                                 struct history_progress *ret_progress) {
    struct history_progress progress = { 0 };
    struct sqlite_query query = sqlite_db_query(
        reader, "SELECT merged, tiered, newest, pruned FROM samples_cursors"
                " WHERE node = ?");
    sqlite_db_bind_int(&query, node);
    bool is_there = sqlite_db_next(&query);
    if (is_there)
        progress = (struct history_progress) {
            .merged = (uint64_t)sqlite_db_int(&query, 0),
            .tiered_ms = sqlite_db_int(&query, 1),
            .newest_ms = sqlite_db_int(&query, 2),
            .pruned_ms = sqlite_db_int(&query, 3),
        };
    int r = sqlite_db_finish(&query);
    if (r != 0)
        return r;
    *ret_progress = progress;
    return is_there ? 0 : HISTORY_BACKEND_E_GONE;
}

int sqlite_history_read_series(struct store_database *reader,
                               int64_t node,
                               history_on_series *on_series,
                               void *arg) {
    int stop = 0;
    struct sqlite_query query =
        sqlite_db_query(reader, "SELECT id, name, unit, scale, interval"
                                " FROM samples_series WHERE node = ? ORDER BY id");
    sqlite_db_bind_int(&query, node);
    while (stop == 0 && sqlite_db_next(&query)) {
        const struct history_series_row row = {
            .id = (uint32_t)sqlite_db_int(&query, 0),
            .name = sqlite_db_text(&query, 1),
            .unit = sqlite_db_text(&query, 2),
            .scale = (unsigned)sqlite_db_int(&query, 3),
            .interval_ms = (uint32_t)sqlite_db_int(&query, 4),
        };
        stop = on_series(arg, &row);
    }
    return finish(&query, stop);
}

/* Far beyond all times, and not at the end of numbers. */
static int64_t limit(int64_t time_ms) {
    return time_ms < INT64_MIN / 2   ? INT64_MIN / 2
           : time_ms > INT64_MAX / 2 ? INT64_MAX / 2
                                     : time_ms;
}

int sqlite_history_read_chunks(struct store_database *reader,
                               int64_t node,
                               enum tier tier,
                               int64_t from_ms,
                               int64_t until_ms,
                               history_on_chunk *on_chunk,
                               void *arg) {
    int stop = 0;
    int64_t span_ms = tier_span_ms(tier);
    from_ms = limit(from_ms);
    until_ms = limit(until_ms);
    int64_t first_ms = tier_floor(from_ms, span_ms);
    int64_t end_ms = tier_floor(until_ms, span_ms);
    struct sqlite_query query =
        sqlite_db_query(reader, "SELECT id, first, last, rows, filled, body"
                                " FROM samples_chunks WHERE id >= ? AND id < ?"
                                " ORDER BY id");
    /* A start that is within a span comes after the chunk's. */
    sqlite_db_bind_int(&query, sqlite_history_chunk_id(node, tier, first_ms) +
                                   (first_ms < from_ms ? 1 : 0));
    sqlite_db_bind_int(&query, sqlite_history_chunk_id(node, tier, end_ms) +
                                   (end_ms < until_ms ? 1 : 0));
    while (stop == 0 && sqlite_db_next(&query)) {
        const struct history_chunk_row row = sqlite_history_chunk(&query);
        stop = on_chunk(arg, &row);
    }
    return finish(&query, stop);
}

int sqlite_history_read_oldest(struct store_database *reader,
                               int64_t node,
                               enum tier tier,
                               int64_t *ret_start_ms) {
    int64_t start_ms = HISTORY_NEVER;
    struct sqlite_query query =
        sqlite_db_query(reader, "SELECT id, first, last, rows, filled, NULL"
                                " FROM samples_chunks WHERE id >= ? AND id <= ?"
                                " ORDER BY id LIMIT 1");
    sqlite_db_bind_int(&query, sqlite_history_chunk_id(node, tier, INT64_MIN));
    sqlite_db_bind_int(&query, sqlite_history_chunk_id(node, tier, INT64_MAX));
    if (sqlite_db_next(&query))
        start_ms = sqlite_history_chunk(&query).start_ms;
    int r = sqlite_db_finish(&query);
    if (r == 0)
        *ret_start_ms = start_ms;
    return r;
}

int sqlite_history_read_sums(struct store_database *reader,
                             history_on_sum *on_sum,
                             void *arg) {
    int stop = 0;
    struct sqlite_query query = sqlite_db_query(
        reader, "SELECT max(id), min(first), max(last), sum(rows), sum(filled),"
                " sum(length(body)), count(*) FROM samples_chunks GROUP BY id >> 34");
    while (stop == 0 && sqlite_db_next(&query)) {
        struct history_chunk_row last = sqlite_history_chunk(&query);
        const struct history_sum_row row = {
            .node = last.node,
            .tier = last.tier,
            .oldest_ms = sqlite_db_int(&query, 1),
            .newest_ms = sqlite_db_int(&query, 2),
            .rows = (uint64_t)sqlite_db_int(&query, 3),
            .values = (uint64_t)sqlite_db_int(&query, 4),
            .bytes = (uint64_t)sqlite_db_int(&query, 5),
            .chunks = (uint64_t)sqlite_db_int(&query, 6),
        };
        stop = on_sum(arg, &row);
    }
    return finish(&query, stop);
}

int sqlite_history_read_bytes(struct store_database *reader,
                              uint64_t *ret_database,
                              uint64_t *ret_journal) {
    uint64_t database = 0, journal = 0;
    struct sqlite_query query = sqlite_db_query(
        reader, "SELECT page_count * page_size,"
                " (SELECT coalesce(sum(length(body)), 0) FROM samples_journal)"
                " FROM pragma_page_count, pragma_page_size");
    if (sqlite_db_next(&query)) {
        database = (uint64_t)sqlite_db_int(&query, 0);
        journal = (uint64_t)sqlite_db_int(&query, 1);
    }
    int r = sqlite_db_finish(&query);
    if (r != 0)
        return r;
    *ret_database = database;
    *ret_journal = journal;
    return 0;
}
