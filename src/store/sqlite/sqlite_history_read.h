/*
 * sqlite_history_read - the reading half of sqlite_history
 */
#pragma once

#include "store/history/history_backend.h"

int sqlite_history_read_begin(struct store_database *reader);
void sqlite_history_read_end(struct store_database *reader);
int sqlite_history_read_last_ids(struct store_database *reader,
                                 int64_t *ret_node,
                                 uint64_t *ret_journal);
int sqlite_history_read_nodes(struct store_database *reader,
                              history_on_node *on_node,
                              void *arg);
int sqlite_history_read_catalogues(struct store_database *reader,
                                   history_on_bytes *on_catalogue,
                                   void *arg);
int sqlite_history_read_journal(struct store_database *reader,
                                history_on_journal *on_row,
                                void *arg);
int sqlite_history_read_progress(struct store_database *reader,
                                 int64_t node,
                                 struct history_progress *ret_progress);
int sqlite_history_read_series(struct store_database *reader,
                               int64_t node,
                               history_on_series *on_series,
                               void *arg);
int sqlite_history_read_chunks(struct store_database *reader,
                               int64_t node,
                               enum tier tier,
                               int64_t from_ms,
                               int64_t until_ms,
                               history_on_chunk *on_chunk,
                               void *arg);
int sqlite_history_read_oldest(struct store_database *reader,
                               int64_t node,
                               enum tier tier,
                               int64_t *ret_start_ms);
int sqlite_history_read_sums(struct store_database *reader,
                             history_on_sum *on_sum,
                             void *arg);
int sqlite_history_read_bytes(struct store_database *reader,
                              uint64_t *ret_database,
                              uint64_t *ret_journal);
