/*
 * history_query - the answer to one question, worked out on the reader's thread
 *
 * What is in memory was captured on the loop before; the rest is read in one read
 * transaction, which also says up to which position the captured rows are in it.
 */
#pragma once

#include <stdatomic.h>

#include "store/history/history.h"
#include "store/history/history_block.h"
#include "store/history/question/history_curve.h"

struct chunk_codec;
struct history_backend;
struct store_database;

/* One node that is asked about. */
struct history_source {
    int64_t id;                 /* 0: it is only in memory yet */
    char *name;                 /* owned */
    struct history_view *views; /* owned */
    size_t view_count;
};

struct history_question {
    struct history_source *sources; /* owned */
    size_t source_count;
    char **metrics; /* owned */
    size_t metric_count;
    int64_t since_ms;
    int64_t until_ms;
    size_t points;
    int64_t now_ms;
    int64_t retention_ms[TIER_COUNT];
    atomic_bool is_cancelled;

    struct history_grid grid;
    enum tier tier;
    struct history_answer answer; /* series and their arrays are owned */
};

/* Answers into question->answer: 0, -errno, STORE_E_* or HISTORY_E_MANY. */
int history_query_run(struct history_question *question,
                      const struct history_backend *backend,
                      struct store_database *reader,
                      struct chunk_codec *codec);

/* Frees what the question owns but views, whose references are the loop's. */
void history_query_done(struct history_question *question);
