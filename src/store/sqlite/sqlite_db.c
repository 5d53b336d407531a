#include "store/sqlite/sqlite_db.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "store/store.h"

enum { BUSY_MS = 5000 /* a subcommand holds the lock for some milliseconds */ };

/* A write waits for the disk; texts in the schema run no functions of ours. */
static const char settings[] = "PRAGMA auto_vacuum = INCREMENTAL;"
                               "PRAGMA journal_mode = WAL;"
                               "PRAGMA synchronous = FULL;"
                               "PRAGMA secure_delete = ON;"
                               "PRAGMA trusted_schema = OFF;"
                               "PRAGMA cell_size_check = ON;"
                               "PRAGMA temp_store = MEMORY;"
                               "PRAGMA journal_size_limit = 4194304;";

static const char reader_settings[] = "PRAGMA trusted_schema = OFF;"
                                      "PRAGMA cell_size_check = ON;"
                                      "PRAGMA synchronous = FULL;"
                                      "PRAGMA cache_size = -1024;"
                                      "PRAGMA temp_store = MEMORY;";

int sqlite_db_error(struct store_database *db, int code) {
    static const struct {
        int code;
        int result;
    } results[] = {
        { SQLITE_OK, 0 },
        { SQLITE_ROW, 0 },
        { SQLITE_DONE, 0 },
        { SQLITE_BUSY, -EBUSY },
        { SQLITE_LOCKED, -EBUSY },
        { SQLITE_FULL, -ENOSPC },
        { SQLITE_CONSTRAINT, -EEXIST },
        { SQLITE_NOMEM, -ENOMEM },
        { SQLITE_TOOBIG, -E2BIG },
        { SQLITE_READONLY, -EROFS },
        { SQLITE_PERM, -EACCES },
        { SQLITE_AUTH, -EACCES },
        { SQLITE_CORRUPT, STORE_E_DAMAGED },
        { SQLITE_NOTADB, STORE_E_DAMAGED },
        { SQLITE_MISMATCH, STORE_E_DAMAGED },
    };
    for (size_t i = 0; i < sizeof(results) / sizeof(results[0]); i++)
        if (results[i].code == (code & 0xff))
            return results[i].result;
    int error = db->handle ? sqlite3_system_errno(db->handle) : 0;
    return error > 0 ? -error : -EIO;
}

/* SQLite would make the file readable for everybody; -wal and -shm follow its rights. */
static int make_private(const char *path) {
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return -errno;
    close(fd);
    return 0;
}

int sqlite_db_open(const char *path, struct store_database **ret_db) {
    struct store_database *db = mem_new(sizeof(*db));
    *ret_db = db;

    int r = make_private(path);
    if (r < 0)
        return r;
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX |
                SQLITE_OPEN_EXRESCODE;
    int code = sqlite3_open_v2(path, &db->handle, flags, NULL);
    if (code == SQLITE_OK)
        code = sqlite3_busy_timeout(db->handle, BUSY_MS);
    return sqlite_db_error(db, code);
}

static int open_again(struct store_database *db,
                      int rights,
                      struct store_database **ret_other) {
    struct store_database *other = mem_new(sizeof(*other));
    int flags = rights | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;

    int code = sqlite3_open_v2(sqlite3_db_filename(db->handle, "main"), &other->handle,
                               flags, NULL);
    if (code == SQLITE_OK)
        code = sqlite3_busy_timeout(other->handle, BUSY_MS);
    int r = sqlite_db_error(other, code);
    if (r == 0)
        r = sqlite_db_run(other, reader_settings);
    if (r != 0) {
        sqlite_db_close(other);
        return r;
    }
    *ret_other = other;
    return 0;
}

int sqlite_db_open_reader(struct store_database *db, struct store_database **ret_reader) {
    return open_again(db, SQLITE_OPEN_READONLY, ret_reader);
}

int sqlite_db_open_keeper(struct store_database *db, struct store_database **ret_keeper) {
    return open_again(db, SQLITE_OPEN_READWRITE, ret_keeper);
}

static int on_commit(void *arg, sqlite3 *handle, const char *name, int pages) {
    struct store_database *db = arg;
    db->log_pages = (size_t)pages;
    return SQLITE_OK;
}

void sqlite_db_watch_log(struct store_database *db) {
    sqlite3_wal_hook(db->handle, on_commit, db); /* in the place of SQLite's own */
}

int sqlite_db_checkpoint(struct store_database *db) {
    int code = sqlite3_wal_checkpoint_v2(db->handle, "main", SQLITE_CHECKPOINT_PASSIVE,
                                         NULL, NULL);
    return code == SQLITE_BUSY ? 0 : sqlite_db_error(db, code);
}

int sqlite_db_set_up(struct store_database *db) {
    return sqlite_db_run(db, settings);
}

void sqlite_db_close(struct store_database *db) {
    for (size_t i = 0; i < SQLITE_DB_STATEMENTS_MAX; i++)
        sqlite3_finalize(db->statements[i].statement);
    int code = sqlite3_close(db->handle);
    assert(code == SQLITE_OK);
    (void)code;
    free(db);
}

int sqlite_db_run(struct store_database *db, const char *sql) {
    return sqlite_db_error(db, sqlite3_exec(db->handle, sql, NULL, NULL, NULL));
}

struct sqlite_query sqlite_db_query(struct store_database *db, const char *sql) {
    struct sqlite_query query = { .db = db };
    size_t at = 0;

    while (db->statements[at].sql && db->statements[at].sql != sql)
        at++;
    assert(at < SQLITE_DB_STATEMENTS_MAX - 1);
    if (!db->statements[at].sql) {
        query.code = sqlite3_prepare_v3(db->handle, sql, -1, SQLITE_PREPARE_PERSISTENT,
                                        &db->statements[at].statement, NULL);
        if (query.code != SQLITE_OK)
            return query;
        db->statements[at].sql = sql;
    }
    query.statement = db->statements[at].statement;
    return query;
}

static void keep_code(struct sqlite_query *query, int code) {
    if (query->code == SQLITE_OK)
        query->code = code;
}

void sqlite_db_bind_text(struct sqlite_query *query, const char *text) {
    query->at++;
    if (query->statement)
        keep_code(query, sqlite3_bind_text(query->statement, query->at, text ? text : "",
                                           -1, SQLITE_STATIC));
}

void sqlite_db_bind_int(struct sqlite_query *query, int64_t number) {
    query->at++;
    if (query->statement)
        keep_code(query, sqlite3_bind_int64(query->statement, query->at, number));
}

void sqlite_db_bind_null(struct sqlite_query *query) {
    query->at++; /* nothing bound is NULL */
}

void sqlite_db_bind_blob(struct sqlite_query *query, const void *bytes, size_t len) {
    query->at++;
    if (query->statement)
        keep_code(query, sqlite3_bind_blob64(query->statement, query->at, bytes, len,
                                             SQLITE_STATIC));
}

bool sqlite_db_next(struct sqlite_query *query) {
    if (!query->statement || query->code != SQLITE_OK)
        return false;
    int code = sqlite3_step(query->statement);
    if (code == SQLITE_ROW)
        return true;
    query->code = code; /* SQLITE_DONE ends it as well */
    return false;
}

const char *sqlite_db_text(const struct sqlite_query *query, int column) {
    const unsigned char *text = sqlite3_column_text(query->statement, column);
    return text ? (const char *)text : "";
}

int64_t sqlite_db_int(const struct sqlite_query *query, int column) {
    return sqlite3_column_int64(query->statement, column);
}

struct slice sqlite_db_bytes(const struct sqlite_query *query, int column) {
    const void *blob = sqlite3_column_blob(query->statement, column);
    return slice_of(blob, (size_t)sqlite3_column_bytes(query->statement, column));
}

bool sqlite_db_is_null(const struct sqlite_query *query, int column) {
    return sqlite3_column_type(query->statement, column) == SQLITE_NULL;
}

bool sqlite_db_blob(const struct sqlite_query *query,
                    int column,
                    void *ret_bytes,
                    size_t len) {
    const void *blob = sqlite3_column_blob(query->statement, column);
    if (!blob || (size_t)sqlite3_column_bytes(query->statement, column) != len)
        return false;
    memcpy(ret_bytes, blob, len);
    return true;
}

int sqlite_db_finish(struct sqlite_query *query) {
    while (sqlite_db_next(query)) {
    }
    int r = sqlite_db_error(query->db, query->code);
    if (query->statement) {
        sqlite3_reset(query->statement);
        sqlite3_clear_bindings(query->statement);
    }
    return r;
}

int sqlite_db_changes(struct store_database *db) {
    return sqlite3_changes(db->handle);
}
