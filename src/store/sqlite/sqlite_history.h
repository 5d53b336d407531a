/*
 * sqlite_history - the history's nouns as SQL
 *
 * The row id of a chunk holds node, tier and start, in this order, so that the chunks of
 * a span lie side by side and no index is needed.
 */
#pragma once

#include <stdint.h>

#include "store/history/history_backend.h"

extern const struct history_backend sqlite_history;

struct sqlite_query;

/* Reads a row "id, first, last, rows, filled, body" of samples_chunks; lent likewise. */
struct history_chunk_row sqlite_history_chunk(const struct sqlite_query *query);

/* The id of the chunk, or span of chunks, that begins there. */
int64_t sqlite_history_chunk_id(int64_t node, enum tier tier, int64_t start_ms);
