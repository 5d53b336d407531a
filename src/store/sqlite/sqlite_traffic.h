/*
 * sqlite_traffic - how the counts of calls are kept
 *
 * Two tables: what was called by whom is written once, and has a short row for each
 * minute.
 */
#pragma once

struct store_database;
struct store_request;

/* STORE_ADD_TRAFFIC and STORE_LIST_TRAFFIC: as sqlite_rows_run(). */
int sqlite_traffic_add(struct store_database *db, struct store_request *request);
int sqlite_traffic_list(struct store_database *db, struct store_request *request);

/* The counts go with their node, and follow it: 0 or -errno. */
int sqlite_traffic_remove(struct store_database *db, const char *node);
int sqlite_traffic_rename(struct store_database *db, const char *node, const char *to);
