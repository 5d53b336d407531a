/*
 * sqlite_activity - the events and the acts that were begun, as SQL
 *
 * Requests as in sqlite_rows.h.
 */
#pragma once

struct store_database;
struct store_loader;
struct store_request;

int sqlite_activity_add(struct store_database *db, struct store_request *request);
int sqlite_activity_list(struct store_database *db, struct store_request *request);
int sqlite_activity_begin_act(struct store_database *db, struct store_request *request);
int sqlite_activity_end_act(struct store_database *db, struct store_request *request);
int sqlite_activity_load_acts(struct store_database *db,
                              const struct store_loader *loader);
