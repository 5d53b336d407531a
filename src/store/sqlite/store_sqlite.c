#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "store/sqlite/sqlite_db.h"
#include "store/sqlite/sqlite_history.h"
#include "store/sqlite/sqlite_rows.h"
#include "store/sqlite/sqlite_schema.h"
#include "store/store_backend.h"
#include "store/store_request.h"

static char *open_fault(struct store_database *db, const char *path, int r) {
    uint64_t version = 0;
    if (r < 0)
        return mem_printf("%s: %s", path, strerror(-r));
    if (r != STORE_E_NEWER)
        return mem_printf("%s: it is no store of a Roost hub, or it is damaged", path);
    sqlite_schema_version(db, &version);
    return mem_printf(
        "%s: its schema is version %llu, of a newer Roost; this one knows up "
        "to %llu and leaves it alone",
        path, (unsigned long long)version, (unsigned long long)sqlite_schema_newest());
}

static int open_store(const char *path, struct store_database **ret_db, char **ret_why) {
    struct store_database *db;

    int r = sqlite_db_open(path, &db);
    if (r == 0)
        r = sqlite_schema_check(db);
    if (r == 0)
        r = sqlite_db_set_up(db);
    if (r == 0)
        r = sqlite_schema_update(db);
    if (r != 0) {
        *ret_why = open_fault(db, path, r);
        sqlite_db_close(db);
        return r;
    }
    *ret_db = db;
    return 0;
}

static int begin(struct store_database *db) {
    return sqlite_db_run(db, "BEGIN IMMEDIATE");
}

static int commit(struct store_database *db) {
    return sqlite_db_run(db, "COMMIT");
}

static void rollback(struct store_database *db) {
    if (!sqlite3_get_autocommit(db->handle))
        sqlite_db_run(db, "ROLLBACK");
}

/* Conditions and taken names are the request's own; all else ends the transaction. */
static bool is_own_failure(int r) {
    return r == STORE_E_NONE || r == STORE_E_USED || r == -EEXIST;
}

static int run(struct store_database *db, struct store_request *request) {
    int r = sqlite_db_run(db, "SAVEPOINT request");
    if (r != 0)
        return r;
    request->result = sqlite_rows_run(db, request);
    if (request->result != 0 && !is_own_failure(request->result))
        return request->result;
    if (request->result != 0) {
        r = sqlite_db_run(db, "ROLLBACK TO request");
        if (r != 0)
            return r;
    }
    return sqlite_db_run(db, "RELEASE request");
}

static int count_start(struct store_database *db) {
    struct sqlite_query query =
        sqlite_db_query(db, "INSERT INTO meta VALUES ('hub_start', '1') ON CONFLICT (key)"
                            " DO UPDATE SET value = CAST(value AS INTEGER) + 1");
    return sqlite_db_finish(&query);
}

static int read_facts(struct store_database *db, struct store_facts *ret_facts) {
    struct store_facts facts = { 0 };
    struct sqlite_query query = sqlite_db_query(
        db, "SELECT (SELECT value FROM meta WHERE key = 'hub_id'),"
            " (SELECT CAST(value AS INTEGER) FROM meta WHERE key = 'hub_start'),"
            " (SELECT max(id) FROM activity), (SELECT max(id) FROM acts)");
    if (sqlite_db_next(&query)) {
        snprintf(facts.hub_id, sizeof(facts.hub_id), "%s", sqlite_db_text(&query, 0));
        facts.start = (uint64_t)sqlite_db_int(&query, 1);
        facts.last_event_id = (uint64_t)sqlite_db_int(&query, 2);
        facts.last_act_id = (uint64_t)sqlite_db_int(&query, 3);
    }
    int r = sqlite_db_finish(&query);
    if (r == 0)
        *ret_facts = facts;
    return r;
}

static int begin_start(struct store_database *db, struct store_facts *ret_facts) {
    int r = begin(db);
    if (r != 0)
        return r;
    r = count_start(db);
    if (r == 0)
        r = read_facts(db, ret_facts);
    if (r == 0)
        r = commit(db);
    if (r != 0)
        rollback(db);
    return r;
}

static int read_claim(struct store_database *db,
                      uint8_t ret_secret[static STORE_CLAIM_LEN]) {
    uint8_t secret[STORE_CLAIM_LEN];
    struct sqlite_query query = sqlite_db_query(db, "SELECT secret FROM claim");
    bool made = sqlite_db_next(&query);
    bool open = made && sqlite_db_blob(&query, 0, secret, sizeof(secret));
    int r = sqlite_db_finish(&query);
    if (r != 0)
        return r;
    if (!open)
        return made ? STORE_E_USED : STORE_E_NONE;
    memcpy(ret_secret, secret, sizeof(secret));
    return 0;
}

static int put_claim(struct store_database *db,
                     const uint8_t secret[static STORE_CLAIM_LEN],
                     int64_t now_ms) {
    struct sqlite_query query =
        sqlite_db_query(db, "INSERT OR REPLACE INTO claim VALUES (1, ?, ?)");
    sqlite_db_bind_blob(&query, secret, STORE_CLAIM_LEN);
    sqlite_db_bind_int(&query, now_ms);
    return sqlite_db_finish(&query);
}

/* The first finding of SQLite's own check, or NULL. */
static int find_damage(struct store_database *db, char **ret_finding) {
    struct sqlite_query query = sqlite_db_query(db, "PRAGMA integrity_check(1)");
    char *finding = NULL;
    if (sqlite_db_next(&query) && strcmp(sqlite_db_text(&query, 0), "ok") != 0)
        finding = mem_strdup(sqlite_db_text(&query, 0));
    int r = sqlite_db_finish(&query);
    if (r != 0) {
        free(finding);
        return r;
    }
    *ret_finding = finding;
    return 0;
}

static int count_rows(struct store_database *db, struct store_counts *ret_counts) {
    struct store_counts counts = { 0 };
    struct sqlite_query query = sqlite_db_query(
        db, "SELECT (SELECT count(*) FROM nodes), (SELECT count(*) FROM tokens),"
            " (SELECT count(*) FROM activity),"
            " (SELECT page_count * page_size FROM pragma_page_count, pragma_page_size)");
    if (sqlite_db_next(&query)) {
        counts.nodes = (uint64_t)sqlite_db_int(&query, 0);
        counts.tokens = (uint64_t)sqlite_db_int(&query, 1);
        counts.events = (uint64_t)sqlite_db_int(&query, 2);
        counts.bytes = (uint64_t)sqlite_db_int(&query, 3);
    }
    int r = sqlite_db_finish(&query);
    if (r == 0)
        r = sqlite_schema_version(db, &counts.schema);
    if (r == 0)
        *ret_counts = counts;
    return r;
}

static int check(struct store_database *db,
                 struct store_counts *ret_counts,
                 char **ret_why) {
    char *finding = NULL;
    int r = find_damage(db, &finding);
    if (r == STORE_E_DAMAGED && !finding)
        finding = mem_strdup(sqlite3_errmsg(db->handle));
    if (r < 0)
        return r;
    if (finding) {
        *ret_why = finding;
        return STORE_E_DAMAGED;
    }
    r = count_rows(db, ret_counts);
    if (r == STORE_E_DAMAGED)
        *ret_why = mem_strdup(sqlite3_errmsg(db->handle));
    return r;
}

const struct store_backend store_sqlite_backend = {
    .open = open_store,
    .close = sqlite_db_close,
    .begin = begin,
    .commit = commit,
    .rollback = rollback,
    .run = run,
    .load = sqlite_rows_load,
    .begin_start = begin_start,
    .read_claim = read_claim,
    .put_claim = put_claim,
    .check = check,
    .history = &sqlite_history,
};
