/*
 * sqlite_db - SQLite in terms of -errno, prepared statements and rows
 *
 * A statement is prepared once for each SQL text (a static string, recognised by its
 * address) and used through a sqlite_query on the stack:
 *
 *     struct sqlite_query query = sqlite_db_query(db, "DELETE FROM t WHERE a = ?");
 *     sqlite_db_bind_text(&query, text);
 *     r = sqlite_db_finish(&query);
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sqlite3.h>

#include "base/slice.h"

enum { SQLITE_DB_STATEMENTS_MAX = 96 };

struct store_database {
    sqlite3 *handle;  /* owned */
    size_t log_pages; /* in the write-ahead log after the last commit, once watched */
    struct {
        const char *sql;         /* borrowed: static */
        sqlite3_stmt *statement; /* owned */
    } statements[SQLITE_DB_STATEMENTS_MAX];
};

struct sqlite_query {
    struct store_database *db; /* borrowed: outlives the query */
    sqlite3_stmt *statement;   /* borrowed: the database's; NULL when preparing failed */
    int at;                    /* parameters bound */
    int code;                  /* SQLite's, of the first failure */
};

/* The last failure of this code as -errno or STORE_E_DAMAGED; 0 for success. */
int sqlite_db_error(struct store_database *db, int code);

/* Opens, and writes nothing to a file that is there; *ret_db is set also on failure. */
int sqlite_db_open(const char *path, struct store_database **ret_db);

/* Sets everything that a store wants, in the file too. */
int sqlite_db_set_up(struct store_database *db);

/* Opens the same file once more for another thread: to read, or also to checkpoint. */
int sqlite_db_open_reader(struct store_database *db, struct store_database **ret_reader);
int sqlite_db_open_keeper(struct store_database *db, struct store_database **ret_keeper);

/* No commit makes a checkpoint any more; db->log_pages tells when one is due. */
void sqlite_db_watch_log(struct store_database *db);

/* Moves what is in the log to its place as far as nobody has to wait for it. */
int sqlite_db_checkpoint(struct store_database *db);

void sqlite_db_close(struct store_database *db);

/* Runs statements that have neither parameters nor rows. */
int sqlite_db_run(struct store_database *db, const char *sql);

struct sqlite_query sqlite_db_query(struct store_database *db, const char *sql);

/* Binds the next parameter; texts and blobs are borrowed until the query is finished. */
void sqlite_db_bind_text(struct sqlite_query *query, const char *text);
void sqlite_db_bind_int(struct sqlite_query *query, int64_t number);
void sqlite_db_bind_null(struct sqlite_query *query);
void sqlite_db_bind_blob(struct sqlite_query *query, const void *bytes, size_t len);

/* Is there another row? False at the end and on failure, which finish tells. */
bool sqlite_db_next(struct sqlite_query *query);

/* Columns of the row: texts are lent until the next row, and never NULL. */
const char *sqlite_db_text(const struct sqlite_query *query, int column);
int64_t sqlite_db_int(const struct sqlite_query *query, int column);

bool sqlite_db_is_null(const struct sqlite_query *query, int column);

/* The bytes of a blob, lent until the next row. */
struct slice sqlite_db_bytes(const struct sqlite_query *query, int column);

/* Copies a blob that has exactly len bytes; false otherwise. */
bool sqlite_db_blob(const struct sqlite_query *query,
                    int column,
                    void *ret_bytes,
                    size_t len);

/* Runs what is left, makes the statement free again: 0, -errno or STORE_E_DAMAGED. */
int sqlite_db_finish(struct sqlite_query *query);

/* Rows changed by the last statement. */
int sqlite_db_changes(struct store_database *db);
