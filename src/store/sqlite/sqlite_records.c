#include "store/sqlite/sqlite_records.h"

#include "store/records.h"
#include "store/sqlite/sqlite_db.h"
#include "store/store.h"
#include "store/store_request.h"

static int put(struct store_database *db, const struct records_row *row) {
    struct sqlite_query query = sqlite_db_query(
        db, "INSERT OR REPLACE INTO records (space, key, value) VALUES (?, ?, ?)");
    sqlite_db_bind_text(&query, row->space);
    sqlite_db_bind_text(&query, row->key);
    sqlite_db_bind_blob(&query, row->value, row->len);
    return sqlite_db_finish(&query);
}

static int remove_one(struct store_database *db, const struct records_row *row) {
    struct sqlite_query query =
        sqlite_db_query(db, "DELETE FROM records WHERE space = ? AND key = ?");
    sqlite_db_bind_text(&query, row->space);
    sqlite_db_bind_text(&query, row->key);
    return sqlite_db_finish(&query);
}

int sqlite_records_write(struct store_database *db, const struct records *records) {
    int r = 0;

    for (size_t i = 0; r == 0 && i < records->count; i++)
        r = records->rows[i].is_removed ? remove_one(db, &records->rows[i])
                                        : put(db, &records->rows[i]);
    return r;
}

int sqlite_records_put(struct store_database *db, struct store_request *request) {
    return sqlite_records_write(db, &request->records);
}

int sqlite_records_load(struct store_database *db, const struct store_loader *loader) {
    struct sqlite_query query =
        sqlite_db_query(db, "SELECT space, key, value FROM records ORDER BY space, key");

    while (sqlite_db_next(&query))
        loader->on_record(loader->arg, sqlite_db_text(&query, 0),
                          sqlite_db_text(&query, 1), sqlite_db_bytes(&query, 2));
    return sqlite_db_finish(&query);
}
