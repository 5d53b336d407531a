#include "store/sqlite_traffic.h"

#include "base/buf.h"
#include "store/sqlite_db.h"
#include "store/store_request.h"
#include "store/traffic_sums.h"

enum { KEYS_PRUNE_MS = 3600000 }; /* every row is looked at, so not each minute */

static int put_key(struct store_database *db,
                   const struct store_traffic *row,
                   int64_t *ret_key) {
    struct sqlite_query query = sqlite_db_query(
        db, "INSERT INTO traffic_keys (node, caller, method, latest) VALUES (?, ?, ?, ?)"
            " ON CONFLICT DO UPDATE SET latest = excluded.latest RETURNING id");
    int64_t key = 0;

    sqlite_db_bind_text(&query, row->node);
    sqlite_db_bind_text(&query, row->caller);
    sqlite_db_bind_text(&query, row->method);
    sqlite_db_bind_int(&query, row->time_ms);
    if (sqlite_db_next(&query))
        key = sqlite_db_int(&query, 0);
    int r = sqlite_db_finish(&query);
    if (r == 0)
        *ret_key = key;
    return r;
}

static int put_row(struct store_database *db, const struct store_traffic *row) {
    struct buf packed = { 0 };
    int64_t key;

    int r = put_key(db, row, &key);
    if (r != 0)
        return r;
    durations_pack(&row->durations, &packed);
    struct sqlite_query query = sqlite_db_query(
        db, "INSERT INTO traffic (time, key, calls, errors, duration, longest, request,"
            " reply, durations) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)");
    sqlite_db_bind_int(&query, row->time_ms);
    sqlite_db_bind_int(&query, key);
    sqlite_db_bind_int(&query, (int64_t)row->calls);
    sqlite_db_bind_int(&query, (int64_t)row->errors);
    sqlite_db_bind_int(&query, (int64_t)row->duration_us);
    sqlite_db_bind_int(&query, (int64_t)row->longest_us);
    sqlite_db_bind_int(&query, (int64_t)row->request_bytes);
    sqlite_db_bind_int(&query, (int64_t)row->reply_bytes);
    sqlite_db_bind_blob(&query, buf_text(&packed), packed.len);
    r = sqlite_db_finish(&query);
    buf_done(&packed);
    return r;
}

/* Runs a statement with one number. */
static int run_with(struct store_database *db, const char *sql, int64_t number) {
    struct sqlite_query query = sqlite_db_query(db, sql);

    sqlite_db_bind_int(&query, number);
    return sqlite_db_finish(&query);
}

static int prune(struct store_database *db, const struct store_request *request) {
    int r = run_with(db, "DELETE FROM traffic WHERE time < ?", request->oldest_ms);
    if (r == 0)
        r = run_with(db,
                     "DELETE FROM traffic WHERE id <= (SELECT max(id) FROM traffic) - ?",
                     (int64_t)request->rows_max);
    if (r != 0 || request->traffic[0].time_ms % KEYS_PRUNE_MS != 0)
        return r;
    return run_with(db,
                    "DELETE FROM traffic_keys WHERE latest < max(?,"
                    " coalesce((SELECT min(time) FROM traffic), 0))",
                    request->oldest_ms);
}

int sqlite_traffic_add(struct store_database *db, struct store_request *request) {
    int r = 0;

    if (request->traffic_count == 0)
        return 0;
    for (size_t i = 0; r == 0 && i < request->traffic_count; i++)
        r = put_row(db, &request->traffic[i]);
    return r == 0 ? prune(db, request) : r;
}

static int add_kept(struct store_database *db,
                    const struct store_traffic_query *wanted,
                    struct traffic_sums *sums) {
    struct sqlite_query query = sqlite_db_query(
        db,
        "SELECT node, caller, method, time, calls, errors, duration, longest, request,"
        " reply, durations FROM traffic JOIN traffic_keys k ON k.id = key"
        " WHERE time >= ? AND time < ?");

    sqlite_db_bind_int(&query, wanted->since_ms);
    sqlite_db_bind_int(&query, wanted->until_ms ? wanted->until_ms : INT64_MAX);
    while (sqlite_db_next(&query)) {
        struct store_traffic row = {
            .node = sqlite_db_text(&query, 0),
            .caller = sqlite_db_text(&query, 1),
            .method = sqlite_db_text(&query, 2),
            .time_ms = sqlite_db_int(&query, 3),
            .calls = (uint64_t)sqlite_db_int(&query, 4),
            .errors = (uint64_t)sqlite_db_int(&query, 5),
            .duration_us = (uint64_t)sqlite_db_int(&query, 6),
            .longest_us = (uint64_t)sqlite_db_int(&query, 7),
            .request_bytes = (uint64_t)sqlite_db_int(&query, 8),
            .reply_bytes = (uint64_t)sqlite_db_int(&query, 9),
        };
        if (!traffic_sums_want(sums, &row))
            continue;
        durations_merge_packed(&row.durations, sqlite_db_bytes(&query, 10));
        traffic_sums_add(sums, &row);
    }
    return sqlite_db_finish(&query);
}

static void add_more(const struct store_traffic_query *wanted,
                     struct traffic_sums *sums) {
    for (size_t i = 0; i < wanted->more_count; i++) {
        const struct store_traffic *row = &wanted->more[i];
        if (row->time_ms >= wanted->since_ms &&
            (!wanted->until_ms || row->time_ms < wanted->until_ms) &&
            traffic_sums_want(sums, row))
            traffic_sums_add(sums, row);
    }
}

int sqlite_traffic_list(struct store_database *db, struct store_request *request) {
    const struct store_traffic_query *wanted = &request->traffic_query;
    struct traffic_sums *sums = traffic_sums_new(wanted);

    int r = add_kept(db, wanted, sums);
    add_more(wanted, sums);
    if (r == 0) {
        const struct store_traffic *list =
            traffic_sums_list(sums, &request->traffic_count, &request->traffic_cut);
        request->traffic =
            store_request_copy_traffic(request, list, request->traffic_count);
    }
    traffic_sums_free(sums);
    return r;
}

/* Rows without their key are seen by nobody, and go when their time has come. */
int sqlite_traffic_remove(struct store_database *db, const char *node) {
    struct sqlite_query query =
        sqlite_db_query(db, "DELETE FROM traffic_keys WHERE node = ?");
    sqlite_db_bind_text(&query, node);
    return sqlite_db_finish(&query);
}

int sqlite_traffic_rename(struct store_database *db, const char *node, const char *to) {
    int r = sqlite_traffic_remove(db, to);
    if (r != 0)
        return r;
    struct sqlite_query query =
        sqlite_db_query(db, "UPDATE traffic_keys SET node = ? WHERE node = ?");
    sqlite_db_bind_text(&query, to);
    sqlite_db_bind_text(&query, node);
    return sqlite_db_finish(&query);
}
