#include "store/sqlite/sqlite_traffic.h"

#include <stdlib.h>

#include "base/buf.h"
#include "base/mem.h"
#include "store/sqlite/sqlite_db.h"
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

/* Which sum the rows of a key are part of, as far as it was looked up. */
struct place {
    int64_t key; /* 0: free */
    int64_t step_ms;
    struct store_traffic *sum; /* borrowed: the sums; NULL: these rows are not wanted */
};

enum { PLACES = 4096 };

/* Looks the key up: what of it is wanted, or NULL. */
static struct store_traffic *find_sum(struct store_database *db,
                                      struct traffic_sums *sums,
                                      const struct place *place) {
    struct store_traffic *sum = NULL;
    struct sqlite_query query =
        sqlite_db_query(db, "SELECT node, caller, method FROM traffic_keys WHERE id = ?");

    sqlite_db_bind_int(&query, place->key);
    if (sqlite_db_next(&query)) {
        const struct store_traffic row = {
            .time_ms = place->step_ms,
            .node = sqlite_db_text(&query, 0),
            .caller = sqlite_db_text(&query, 1),
            .method = sqlite_db_text(&query, 2),
        };
        if (traffic_sums_want(sums, &row))
            sum = traffic_sums_of(sums, &row);
    }
    sqlite_db_finish(&query); /* what is wrong, the rows' own query meets as well */
    return sum;
}

static struct store_traffic *place_of(struct store_database *db,
                                      struct traffic_sums *sums,
                                      struct place *places,
                                      const struct place *wanted) {
    struct place *place = &places[(uint64_t)wanted->key % PLACES];

    if (place->key != wanted->key || place->step_ms != wanted->step_ms) {
        *place = *wanted;
        place->sum = find_sum(db, sums, place);
    }
    return place->sum;
}

static void add_row(const struct sqlite_query *query, struct store_traffic *sum) {
    uint64_t longest_us = (uint64_t)sqlite_db_int(query, 5);

    sum->calls += (uint64_t)sqlite_db_int(query, 2);
    sum->errors += (uint64_t)sqlite_db_int(query, 3);
    sum->duration_us += (uint64_t)sqlite_db_int(query, 4);
    if (longest_us > sum->longest_us)
        sum->longest_us = longest_us;
    sum->request_bytes += (uint64_t)sqlite_db_int(query, 6);
    sum->reply_bytes += (uint64_t)sqlite_db_int(query, 7);
    durations_merge_packed(&sum->durations, sqlite_db_bytes(query, 8));
}

static int add_kept(struct store_database *db,
                    const struct store_traffic_query *wanted,
                    struct traffic_sums *sums) {
    struct place *places = mem_new_array(PLACES, sizeof(*places));
    struct sqlite_query query = sqlite_db_query(
        db, "SELECT key, time, calls, errors, duration, longest, request, reply,"
            " durations FROM traffic WHERE time >= ? AND time < ?");

    sqlite_db_bind_int(&query, wanted->since_ms);
    sqlite_db_bind_int(&query, wanted->until_ms ? wanted->until_ms : INT64_MAX);
    while (sqlite_db_next(&query)) {
        const struct place place = {
            .key = sqlite_db_int(&query, 0),
            .step_ms = traffic_sums_step(sums, sqlite_db_int(&query, 1)),
        };
        struct store_traffic *sum = place_of(db, sums, places, &place);
        if (sum)
            add_row(&query, sum);
    }
    free(places);
    return sqlite_db_finish(&query);
}

static void add_up(struct store_traffic *sum, const struct store_traffic *row) {
    sum->calls += row->calls;
    sum->errors += row->errors;
    sum->duration_us += row->duration_us;
    if (row->longest_us > sum->longest_us)
        sum->longest_us = row->longest_us;
    sum->request_bytes += row->request_bytes;
    sum->reply_bytes += row->reply_bytes;
    durations_merge(&sum->durations, &row->durations);
}

static void add_more(const struct store_traffic_query *wanted,
                     struct traffic_sums *sums) {
    for (size_t i = 0; i < wanted->more_count; i++) {
        const struct store_traffic *row = &wanted->more[i];
        if (row->time_ms < wanted->since_ms ||
            (wanted->until_ms && row->time_ms >= wanted->until_ms) ||
            !traffic_sums_want(sums, row))
            continue;
        struct store_traffic *sum = traffic_sums_of(sums, row);
        if (sum)
            add_up(sum, row);
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
