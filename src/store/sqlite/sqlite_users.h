/*
 * sqlite_users - users, their grants and their codes, as SQL
 *
 * Requests as in sqlite_rows.h.
 */
#pragma once

struct store_database;
struct store_loader;
struct store_request;
struct store_token;

int sqlite_users_put(struct store_database *db, struct store_request *request);
int sqlite_users_remove(struct store_database *db, struct store_request *request);
int sqlite_users_put_code(struct store_database *db, struct store_request *request);
int sqlite_users_redeem(struct store_database *db, struct store_request *request);

/* The user of the token, if it has one, is an administrator from now on. */
int sqlite_users_make_admin(struct store_database *db, const struct store_token *token);

int sqlite_users_load(struct store_database *db, const struct store_loader *loader);
int sqlite_users_load_codes(struct store_database *db, const struct store_loader *loader);
