/*
 * sqlite_rows - the store's requests as SQL
 */
#pragma once

struct store_database;
struct store_loader;
struct store_request;

/* Does one request inside a transaction: 0, -errno or STORE_E_*. May be half done then.
 */
int sqlite_rows_run(struct store_database *db, struct store_request *request);

/* Puts the request's token in. */
int sqlite_rows_put_token(struct store_database *db, struct store_request *request);

/* Hands out all nodes, tokens and meta values: 0, -errno or STORE_E_DAMAGED. */
int sqlite_rows_load(struct store_database *db, const struct store_loader *loader);
