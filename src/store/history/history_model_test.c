/*
 * Random rows over restarts and crashes: what the history answers is compared with a
 * plain list of rows.
 */
#include "store/history/history_testing_model.h"

/* Rows that were not durable are forgotten, and sent again. */
static void crash(struct model *model) {
    struct history_testing *testing = &model->testing;
    char path[64];
    struct history_cursor durable = history_durable(testing->history, "pi");
    struct history *old = testing->history;
    struct store *old_store = testing->store;

    snprintf(path, sizeof(path), "%s/%d.db", testing->dir,
             (int)model_pick(model, 1 << 30));
    auto_(mem_freep) char *command = mem_printf("cp '%s' '%s'; cp '%s-wal' '%s-wal'",
                                                testing->path, path, testing->path, path);
    CHECK_INT(system(command), 0);
    memcpy(testing->path, path, sizeof(path));
    history_testing_open(testing);
    history_free(old);
    store_close(old_store);

    struct history_cursor found = history_durable(testing->history, "pi");
    CHECK_INT(found.epoch, durable.epoch);
    CHECK_INT(found.seq, durable.seq);
    size_t at = model->count;
    while (at > 0 && (model->rows[at - 1].cursor.epoch != durable.epoch ||
                      model->rows[at - 1].cursor.seq != durable.seq))
        at--;
    for (; at < model->count; at++)
        CHECK_INT(model_send(model, &model->rows[at]), 0);
}

static void on_merged(void *arg) {
    struct model *model = arg;
    model->is_merged = true;
    if (model->waits_for_merge)
        loop_stop(model->testing.loop);
}

/* Questions are answered as well while rows are on their way into chunks. */
static void check_while_merging(struct model *model) {
    model->is_merged = false;
    model->waits_for_merge = false;
    history_compact(model->testing.history, on_merged, model);
    for (int i = 0; i < 5 && !model->is_merged; i++)
        model_check(model);
    model->waits_for_merge = true;
    if (!model->is_merged)
        loop_run(model->testing.loop);
}

static void restart(struct model *model) {
    history_testing_close(&model->testing);
    history_testing_open(&model->testing);
}

static void run(uint64_t seed) {
    static struct model model;
    static void (*const events[])(struct model *) = {
        model_replay, model_flush, model_flush,         crash,
        restart,      model_check, check_while_merging,
    };
    model = (struct model) { .random = 88172645463325252u + seed * 7919, .epoch = 1 };
    history_testing_init(&model.testing);
    history_testing_open(&model.testing);
    model_init(&model);
    model.clock_ms = TESTING_DAY_MS;

    for (int turn = 0; turn < 60; turn++) {
        for (uint64_t rows = model_pick(&model, 120); rows > 0; rows--)
            model_add(&model);
        if (model_pick(&model, 3) == 0)
            history_testing_compact(&model.testing);
        events[model_pick(&model, sizeof(events) / sizeof(events[0]))](&model);
    }
    model_check(&model);
    history_testing_compact(&model.testing);
    model_check(&model);
    restart(&model);
    model_check(&model);
    history_catalogue_release(model.catalogues[0]);
    history_catalogue_release(model.catalogues[1]);
    history_testing_done(&model.testing);
}

static void rows_land_exactly_once_in_every_tier(void) {
    for (uint64_t seed = 1; seed <= 12; seed++)
        run(seed);
}

TESTS(TEST(rows_land_exactly_once_in_every_tier))
