/*
 * sqlite_records - records as SQL
 */
#pragma once

struct records;
struct store_database;
struct store_loader;
struct store_request;

/* Writes the batch, in a transaction of the caller's: 0 or -errno. */
int sqlite_records_write(struct store_database *db, const struct records *records);

/* As a request of sqlite_rows.h. */
int sqlite_records_put(struct store_database *db, struct store_request *request);

int sqlite_records_load(struct store_database *db, const struct store_loader *loader);
