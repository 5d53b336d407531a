#include "hub/link/gateway_samples.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "dialect/stream.h"
#include "hub/activity/activity.h"
#include "hub/nodes/node.h"
#include "hub/nodes/registry.h"
#include "hub/samples/intake.h"
#include "hub/samples/latest.h"
#include "hub/timekeeper.h"
#include "loop/loop.h"
#include "loop/timer.h"
#include "store/history/history.h"

enum { EPOCH = 77, HOUR = 3600000, KEPT_MAX = 16 };

static const int64_t wall_ms = INT64_C(1790000000000);

/* A history that remembers what it was given. */
struct history {
    struct history_cursor taken;
    struct history_cursor durable;
    struct history_watcher *watcher;
    int64_t times[KEPT_MAX];
    int64_t values[KEPT_MAX];
    size_t count;
    uint64_t skipped;
    unsigned flushes;
    bool is_full;
};

struct history_catalogue *history_share_catalogue(struct history *history,
                                                  struct history_catalogue *catalogue) {
    return catalogue;
}

struct history_cursor history_taken(const struct history *history, const char *node) {
    return history->taken;
}

struct history_cursor history_durable(const struct history *history, const char *node) {
    return history->durable;
}

int history_append(struct history *history,
                   const char *node,
                   struct history_cursor row,
                   int64_t time_ms,
                   struct history_catalogue *catalogue,
                   const int64_t *values) {
    if (row.epoch == history->taken.epoch && row.seq <= history->taken.seq)
        return HISTORY_E_KNOWN;
    if (history->is_full)
        return HISTORY_E_FULL;
    if (row.seq != (row.epoch == history->taken.epoch ? history->taken.seq + 1 : 1))
        return HISTORY_E_HOLE;
    CHECK(history->count < KEPT_MAX);
    history->times[history->count] = time_ms;
    history->values[history->count++] = values[0];
    history->taken = row;
    return 0;
}

void history_skip(struct history *history,
                  const char *node,
                  struct history_cursor last,
                  uint64_t count) {
    history->taken = last;
    history->skipped += count;
}

void history_watch(struct history *history, struct history_watcher *watcher) {
    list_init(&watcher->link);
    history->watcher = watcher;
}

void history_unwatch(struct history_watcher *watcher) {
    watcher->node = NULL;
}

void history_flush(struct history *history) {
    history->flushes++;
}

const char *history_trouble(const struct history *history) {
    return NULL;
}

bool history_boot_offset(const struct history *history,
                         const char *node,
                         const uint8_t boot_id[static HISTORY_BOOT_LEN],
                         int64_t *ret_offset_ms) {
    return false;
}

void history_set_boot_offset(struct history *history,
                             const char *node,
                             const uint8_t boot_id[static HISTORY_BOOT_LEN],
                             int64_t offset_ms) {
}

void timekeeper_read(const struct timekeeper *timekeeper,
                     int64_t *ret_boot_ms,
                     int64_t *ret_wall_ms) {
    *ret_boot_ms = 5 * (int64_t)HOUR;
    *ret_wall_ms = wall_ms;
}

int64_t timekeeper_now_ms(const struct timekeeper *timekeeper) {
    return wall_ms;
}

struct rig {
    struct history history;
    struct intake_shared shared;
    struct node *node;
    struct gateway_samples *samples;

    Roost__V1__Cursor durable; /* what the agent was told last */
    Roost__V1__Cursor resume;
    unsigned acks;
    unsigned resumes;
};

/* In the place of the stream's: what the agent hears. */
void stream_send(struct stream *stream, const Roost__V1__ConnectResponse *response) {
    struct rig *rig = (struct rig *)(void *)stream;

    if (response->kind_case == ROOST__V1__CONNECT_RESPONSE__KIND_DURABLE) {
        rig->durable = *response->durable;
        rig->acks++;
    } else {
        CHECK_INT(response->kind_case, ROOST__V1__CONNECT_RESPONSE__KIND_RESUME);
        rig->resume = *response->resume;
        rig->resumes++;
        loop_stop(rig->shared.loop);
    }
}

static void keep_event(void *arg, const struct activity_event *event) {
}

static void save_nothing(void *arg, const struct node *node) {
}

static void open(struct rig *rig) {
    struct registry_keeper keeper = { .save = save_nothing };
    Roost__V1__Cursor durable;

    *rig = (struct rig) {
        .shared = {
            .loop = loop_new(),
            .registry = registry_new(&keeper),
            .activity = activity_new(1, keep_event, rig),
            .history = &rig->history,
            .ack_ms = 1,
            .full_ms = 1,
        },
    };
    rig->node = registry_add(rig->shared.registry, "pie");
    rig->samples =
        gateway_samples_new(&rig->shared, rig->node, (struct stream *)(void *)rig);
    gateway_samples_begin(rig->samples, &durable);
    CHECK_INT(durable.seq, 0);
}

static void shut(struct rig *rig) {
    gateway_samples_free(rig->samples);
    registry_free(rig->shared.registry);
    activity_free(rig->shared.activity);
    loop_free(rig->shared.loop);
}

static const char *say_catalogue(struct rig *rig, uint64_t epoch, uint64_t now_ms) {
    Roost__V1__ConnectRequest request = ROOST__V1__CONNECT_REQUEST__INIT;
    Roost__V1__ConnectRequest__Catalogue catalogue =
        ROOST__V1__CONNECT_REQUEST__CATALOGUE__INIT;
    Roost__V1__MetricInfo metric = ROOST__V1__METRIC_INFO__INIT;
    Roost__V1__MetricInfo *metrics[] = { &metric };

    metric.name = "load1";
    metric.scale = 2;
    catalogue.n_metrics = 1;
    catalogue.metrics = metrics;
    catalogue.epoch = epoch;
    catalogue.now_ms = now_ms;
    catalogue.interval_ms = 1000;
    request.kind_case = ROOST__V1__CONNECT_REQUEST__KIND_CATALOGUE;
    request.catalogue = &catalogue;
    return gateway_samples_take(rig->samples, &request);
}

static const char *say_row(struct rig *rig,
                           uint64_t seq,
                           uint64_t time_ms,
                           double value) {
    Roost__V1__ConnectRequest request = ROOST__V1__CONNECT_REQUEST__INIT;
    Roost__V1__ConnectRequest__Rows rows = ROOST__V1__CONNECT_REQUEST__ROWS__INIT;
    Roost__V1__ConnectRequest__Row row = ROOST__V1__CONNECT_REQUEST__ROW__INIT;
    Roost__V1__ConnectRequest__Row *all[] = { &row };

    row.time_ms = time_ms;
    row.n_values = 1;
    row.values = &value;
    rows.seq = seq;
    rows.n_rows = 1;
    rows.rows = all;
    request.kind_case = ROOST__V1__CONNECT_REQUEST__KIND_ROWS;
    request.rows = &rows;
    return gateway_samples_take(rig->samples, &request);
}

static void become_durable(struct rig *rig) {
    rig->history.durable = rig->history.taken;
    rig->history.watcher->on_durable(rig->history.watcher, rig->history.durable);
}

/* Whatever the agent's clock shows, a row that it took a second ago is of a second ago.
 */
static void times_are_of_the_agents_clock(void) {
    static const uint64_t clocks[] = { 5000, 1790000000000, 1 };

    for (size_t i = 0; i < sizeof(clocks) / sizeof(clocks[0]); i++) {
        uint64_t ago = clocks[i] > 1000 ? 1000 : 0;
        struct rig rig;
        open(&rig);
        CHECK(!say_catalogue(&rig, EPOCH, clocks[i]));
        CHECK(!say_row(&rig, 1, clocks[i] - ago, 0.42));
        CHECK_INT(rig.history.times[0], wall_ms - (int64_t)ago);
        CHECK_INT(rig.history.values[0], 42);
        double shown;
        CHECK(latest_value(rig.node->latest, 0, &shown) && fabs(shown - 0.42) < 1e-9);
        shut(&rig);
    }
}

static void rows_without_numbers_get_some_and_are_of_now(void) {
    struct rig rig;

    open(&rig);
    CHECK(!say_catalogue(&rig, 0, 0));
    CHECK(!say_row(&rig, 0, 0, 1));
    CHECK(!say_row(&rig, 0, 0, NAN));
    CHECK_INT(rig.history.count, 2);
    CHECK_INT(rig.history.times[1], wall_ms);
    CHECK(rig.history.values[1] == LATEST_ABSENT);
    CHECK_INT(rig.history.taken.seq, 2);
    become_durable(&rig);
    CHECK_INT(rig.acks, 0);
    /* Another run of them never meets the numbers of this one. */
    uint64_t epoch = rig.history.taken.epoch;
    CHECK(!say_catalogue(&rig, 0, 0));
    CHECK(!say_row(&rig, 0, 0, 2));
    CHECK(rig.history.taken.epoch != epoch);
    shut(&rig);
}

static void known_rows_land_once_and_missing_ones_are_lost(void) {
    struct rig rig;

    open(&rig);
    CHECK(!say_catalogue(&rig, EPOCH, 9000));
    CHECK(!say_row(&rig, 1, 8000, 1));
    CHECK(!say_row(&rig, 1, 8000, 1));
    CHECK(!say_row(&rig, 5, 9000, 5));
    CHECK_INT(rig.history.count, 2);
    CHECK_INT(rig.history.skipped, 3);
    CHECK_INT(rig.history.taken.seq, 5);
    gateway_samples_settle(rig.samples);
    CHECK_INT(rig.history.flushes, 1);
    become_durable(&rig);
    CHECK_INT(rig.acks, 1);
    CHECK(rig.durable.epoch == EPOCH && rig.durable.seq == 5);
    shut(&rig);
}

/* Live rows are shown meanwhile; then the agent says again what was not taken. */
static void a_full_disk_asks_for_the_rows_again(void) {
    struct rig rig;

    open(&rig);
    CHECK(!say_catalogue(&rig, EPOCH, 9000));
    CHECK(!say_row(&rig, 1, 8900, 1));
    become_durable(&rig);
    rig.history.is_full = true;
    CHECK(!say_row(&rig, 2, 9000, 2));
    CHECK(!say_row(&rig, 3, 9100, 3));
    CHECK(rig.node->latest->values[0] == 300);
    rig.history.is_full = false;
    loop_run(rig.shared.loop);
    CHECK_INT(rig.resumes, 1);
    CHECK(rig.resume.epoch == EPOCH && rig.resume.seq == 1);
    CHECK(!say_row(&rig, 4, 9200, 4)); /* said before it heard of that */
    CHECK_INT(rig.history.count, 1);
    CHECK(!say_catalogue(&rig, EPOCH, 9300));
    for (uint64_t seq = 2; seq <= 4; seq++)
        CHECK(!say_row(&rig, seq, 8800 + 100 * seq, (double)seq));
    CHECK_INT(rig.history.count, 4);
    CHECK_INT(rig.history.skipped, 0);
    shut(&rig);
}

static void what_makes_no_sense_has_a_text(void) {
    struct rig rig;

    open(&rig);
    CHECK(say_row(&rig, 1, 1, 1));
    CHECK(!say_catalogue(&rig, EPOCH, 9000));
    CHECK(say_row(&rig, 0, 9000, 1));
    CHECK(say_row(&rig, 1, 0, 1));
    CHECK(say_row(&rig, 1, 9000, INFINITY));
    CHECK(say_row(&rig, 1, 9000, 1e18));
    CHECK(say_row(&rig, 1, 9000000, 1));
    CHECK_INT(rig.history.count, 0);
    shut(&rig);
}

TESTS(TEST(times_are_of_the_agents_clock),
      TEST(rows_without_numbers_get_some_and_are_of_now),
      TEST(known_rows_land_once_and_missing_ones_are_lost),
      TEST(a_full_disk_asks_for_the_rows_again),
      TEST(what_makes_no_sense_has_a_text))
