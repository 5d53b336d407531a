#include "hub/samples/intake.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/check.h"
#include "base/mem.h"
#include "hub/activity/activity.h"
#include "hub/nodes/node.h"
#include "hub/nodes/registry.h"
#include "hub/samples/latest.h"
#include "hub/timekeeper.h"
#include "loop/loop.h"
#include "roost/v1/host.pb-c.h"
#include "store/history/history.h"
#include "wire/pb.h"
#include "wire/sample.h"

enum { ROWS_MAX = 4096, EPOCH = 77, MINUTE = 60000, HOUR = 60 * MINUTE };

static const int64_t wall_ms = INT64_C(1790000000000);

/* A history that keeps its rows in a list, and the hub's clocks. */
struct history {
    struct kept {
        struct history_cursor cursor;
        int64_t time_ms;
        int64_t value;
    } rows[ROWS_MAX];
    size_t count;
    struct history_cursor taken;
    uint64_t skipped;
    bool is_full;
    bool has_offset;
    int64_t offset_ms;
};

struct timekeeper {
    int64_t since_ms; /* since the start */
};

struct history_catalogue *history_share_catalogue(struct history *history,
                                                  struct history_catalogue *catalogue) {
    return catalogue;
}

struct history_cursor history_taken(const struct history *history, const char *node) {
    return history->taken;
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
    if (row.epoch == history->taken.epoch && row.seq != history->taken.seq + 1)
        return HISTORY_E_HOLE;
    history->taken = row;
    if (history->count < ROWS_MAX)
        history->rows[history->count++] = (struct kept) { row, time_ms, values[0] };
    return 0;
}

void history_skip(struct history *history,
                  const char *node,
                  struct history_cursor last,
                  uint64_t count) {
    history->taken = last;
    history->skipped += count;
}

bool history_boot_offset(const struct history *history,
                         const char *node,
                         const uint8_t boot_id[static HISTORY_BOOT_LEN],
                         int64_t *ret_offset_ms) {
    if (history->has_offset)
        *ret_offset_ms = history->offset_ms;
    return history->has_offset;
}

void history_set_boot_offset(struct history *history,
                             const char *node,
                             const uint8_t boot_id[static HISTORY_BOOT_LEN],
                             int64_t offset_ms) {
    history->has_offset = true;
    history->offset_ms = offset_ms;
}

void timekeeper_read(const struct timekeeper *timekeeper,
                     int64_t *ret_boot_ms,
                     int64_t *ret_wall_ms) {
    *ret_boot_ms = 1000000 + timekeeper->since_ms;
    *ret_wall_ms = wall_ms + timekeeper->since_ms;
}

/* A node's intake, and what came out of it. */
struct rig {
    struct history history;
    struct timekeeper timekeeper;
    struct activity_watcher activity_watcher;
    struct registry_watcher registry_watcher;
    struct intake_shared shared;
    struct node *node;
    struct intake *intake;
    struct sample_chain *chain; /* the agent's */
    unsigned shown;
    unsigned events;
    char event[256];
};

static void keep_event(void *arg, const struct activity_event *event) {
}

static void save_nothing(void *arg, const struct node *node) {
}

static void on_event(struct activity_watcher *watcher,
                     const struct activity_event *event) {
    struct rig *rig = container_of(watcher, struct rig, activity_watcher);
    rig->events++;
    snprintf(rig->event, sizeof(rig->event), "%s: %s", event->kind, event->text);
}

static void on_values(struct registry_watcher *watcher, struct node *node) {
    container_of(watcher, struct rig, registry_watcher)->shown++;
}

static void rig_init(struct rig *rig) {
    struct registry_keeper keeper = { .save = save_nothing };

    *rig = (struct rig) {
        .activity_watcher.on_event = on_event,
        .registry_watcher.on_values = on_values,
        .shared = {
            .loop = loop_new(),
            .registry = registry_new(&keeper),
            .activity = activity_new(1, keep_event, NULL),
        },
    };
    rig->shared.history = &rig->history;
    rig->shared.timekeeper = &rig->timekeeper;
    rig->node = registry_add(rig->shared.registry, "pi");
    activity_watch(rig->shared.activity, &rig->activity_watcher);
    registry_watch(rig->shared.registry, &rig->registry_watcher);
    rig->intake = intake_new(&rig->shared, rig->node);
    rig->chain = sample_chain_new(1);
    intake_begin(rig->intake);
}

static void rig_done(struct rig *rig) {
    intake_free(rig->intake);
    sample_chain_free(rig->chain);
    activity_unwatch(&rig->activity_watcher);
    registry_unwatch(&rig->registry_watcher);
    registry_free(rig->shared.registry);
    activity_free(rig->shared.activity);
    loop_free(rig->shared.loop);
}

static int take(struct rig *rig, const Roost__V1__SamplesResponse *message) {
    struct buf packed = { 0 };
    pb_pack(&packed, &message->base);
    int r = intake_take(rig->intake, buf_slice(&packed));
    buf_done(&packed);
    return r;
}

/* The host booted an hour before the start. */
static void catalogue_init(Roost__V1__Catalogue *catalogue,
                           Roost__V1__MetricInfo **metrics,
                           const struct rig *rig) {
    static uint8_t boot_id[16] = "0123456789abcde";

    roost__v1__catalogue__init(catalogue);
    roost__v1__metric_info__init(metrics[0]);
    metrics[0]->name = (char *)"cpu";
    metrics[0]->unit = (char *)"%";
    catalogue->metrics = metrics;
    catalogue->n_metrics = 1;
    catalogue->epoch = EPOCH;
    catalogue->boot_id = (ProtobufCBinaryData) { .len = 16, .data = boot_id };
    catalogue->boottime_ms = (uint64_t)(HOUR + rig->timekeeper.since_ms);
    catalogue->interval_ms = 1000;
}

static int send_catalogue(struct rig *rig) {
    Roost__V1__SamplesResponse message = ROOST__V1__SAMPLES_RESPONSE__INIT;
    Roost__V1__Catalogue catalogue;
    Roost__V1__MetricInfo metric, *metrics[] = { &metric };

    catalogue_init(&catalogue, metrics, rig);
    message.kind_case = ROOST__V1__SAMPLES_RESPONSE__KIND_CATALOGUE;
    message.catalogue = &catalogue;
    sample_chain_reset(rig->chain);
    return take(rig, &message);
}

/* Rows that were taken one second after the other, the last one at that time. */
static int send_rows(struct rig *rig, uint64_t seq, size_t count, int64_t last_ms) {
    Roost__V1__SamplesResponse message = ROOST__V1__SAMPLES_RESPONSE__INIT;
    Roost__V1__Rows rows = ROOST__V1__ROWS__INIT;
    struct buf packed = { 0 };

    for (size_t i = 0; i < count; i++) {
        int64_t taken_ms = HOUR + last_ms - (int64_t)(count - 1 - i) * 1000;
        int64_t value = (int64_t)(seq + i) * 10;
        sample_encode(rig->chain, (uint64_t)taken_ms, &value, &packed);
    }
    rows.seq = seq;
    rows.packed = (ProtobufCBinaryData) { .len = packed.len, .data = packed.data };
    message.kind_case = ROOST__V1__SAMPLES_RESPONSE__KIND_ROWS;
    message.rows = &rows;
    int r = take(rig, &message);
    buf_done(&packed);
    return r;
}

static int send_lost(struct rig *rig, uint64_t epoch, uint64_t first, uint64_t last) {
    Roost__V1__SamplesResponse message = ROOST__V1__SAMPLES_RESPONSE__INIT;
    Roost__V1__Lost lost = ROOST__V1__LOST__INIT;

    lost.epoch = epoch;
    lost.first_seq = first;
    lost.last_seq = last;
    message.kind_case = ROOST__V1__SAMPLES_RESPONSE__KIND_LOST;
    message.lost = &lost;
    return take(rig, &message);
}

static void a_spool_is_kept_and_only_what_is_of_now_is_shown(void) {
    struct rig *rig = mem_new(sizeof(*rig));
    rig_init(rig);
    CHECK_INT(send_catalogue(rig), 0);
    CHECK_INT(send_rows(rig, 1, 1000, -100000), 0);
    CHECK_INT(rig->shown, 0);
    CHECK(!rig->node->latest);
    CHECK(intake_replayed(rig->intake, true) > 1000);
    CHECK_INT(intake_replayed(rig->intake, false), 0);
    CHECK_INT(send_rows(rig, 1001, 1, 0), 0);
    CHECK_INT(rig->shown, 1);
    CHECK(rig->node->latest->values[0] == 10010);
    CHECK(rig->node->latest->time_ms == wall_ms);
    CHECK_INT(rig->history.count, 1001);
    CHECK(rig->history.rows[0].time_ms == wall_ms - 1099000);
    CHECK(rig->history.rows[999].time_ms == wall_ms - 100000);

    /* A link that comes back at once brings the last row again. */
    intake_begin(rig->intake);
    CHECK_INT(send_catalogue(rig), 0);
    CHECK_INT(send_rows(rig, 1001, 1, 0), 0);
    CHECK_INT(rig->shown, 1);

    /* A new stream sends again what is not durable yet: nothing is doubled, and what is
     * shown stays until something newer comes. */
    intake_begin(rig->intake);
    rig->timekeeper.since_ms = 30000;
    CHECK_INT(send_catalogue(rig), 0);
    CHECK_INT(send_rows(rig, 500, 502, 0), 0);
    CHECK_INT(rig->history.count, 1001);
    CHECK(rig->node->latest->values[0] == 10010);
    CHECK_INT(rig->shown, 1);
    rig_done(rig);
    free(rig);
}

static void a_hole_is_asked_for_once_and_then_lost(void) {
    struct rig *rig = mem_new(sizeof(*rig));
    rig_init(rig);
    CHECK_INT(send_catalogue(rig), 0);
    CHECK_INT(send_rows(rig, 1, 5, -10000), 0);
    CHECK_INT(send_rows(rig, 9, 1, -6000), INTAKE_E_HOLE);
    intake_begin(rig->intake);
    CHECK_INT(send_catalogue(rig), 0);
    CHECK_INT(send_rows(rig, 6, 3, -7000), 0);
    CHECK_INT(send_rows(rig, 9, 1, -6000), 0);
    CHECK_INT(rig->history.skipped, 0);

    CHECK_INT(send_rows(rig, 20, 1, -5000), INTAKE_E_HOLE);
    intake_begin(rig->intake);
    CHECK_INT(send_catalogue(rig), 0);
    CHECK_INT(send_rows(rig, 20, 1, -5000), 0);
    CHECK_INT(rig->history.skipped, 10);
    CHECK_INT(rig->events, 1);
    CHECK_TEXT(rig->event, "node.samples_lost: 10 samples of pi are lost: its agent "
                           "passed over them");
    rig_done(rig);
    free(rig);
}

static void what_the_spool_dropped_is_told_once(void) {
    struct rig *rig = mem_new(sizeof(*rig));
    rig_init(rig);
    CHECK_INT(send_catalogue(rig), 0);
    CHECK_INT(send_lost(rig, EPOCH, 1, 1), 0);
    CHECK_TEXT(rig->event, "node.samples_lost: 1 sample of pi is lost: its spool was "
                           "full");
    CHECK_INT(send_lost(rig, EPOCH, 1, 1), 0);
    CHECK_INT(send_rows(rig, 2, 10, -10000), 0);
    CHECK_INT(send_lost(rig, EPOCH, 1, 20), 0);
    CHECK_INT(rig->history.skipped, 1 + 9);
    CHECK_INT(rig->events, 1); /* the rest within the minute, or at the end */
    CHECK_INT(send_lost(rig, EPOCH, 0, 30), INTAKE_E_BAD);
    CHECK_INT(send_lost(rig, EPOCH, 30, 29), INTAKE_E_BAD);
    CHECK_INT(send_lost(rig, 0, 1, 2), INTAKE_E_BAD);
    CHECK_INT(send_lost(rig, EPOCH, 1, UINT64_MAX), INTAKE_E_BAD);
    rig->intake = intake_free(rig->intake);
    CHECK_INT(rig->events, 2);
    CHECK_TEXT(rig->event, "node.samples_lost: 9 samples of pi are lost: its spool was "
                           "full");
    rig_done(rig);
    free(rig);
}

static void a_full_disk_stops_the_spool_but_not_what_is_shown(void) {
    struct rig *rig = mem_new(sizeof(*rig));
    rig_init(rig);
    CHECK_INT(send_catalogue(rig), 0);
    CHECK_INT(send_rows(rig, 1, 1, 0), 0);
    rig->history.is_full = true;
    CHECK_INT(send_rows(rig, 2, 1, 0), 0);
    CHECK(intake_is_starved(rig->intake));
    CHECK_INT(rig->shown, 2);
    rig->history.is_full = false;
    CHECK_INT(send_rows(rig, 3, 1, 0), 0); /* a hole, were it taken */
    CHECK_INT(rig->shown, 3);
    CHECK_INT(rig->history.count, 1);

    intake_begin(rig->intake);
    CHECK(!intake_is_starved(rig->intake));
    CHECK_INT(send_catalogue(rig), 0);
    CHECK_INT(send_rows(rig, 2, 2, 0), 0);
    CHECK_INT(rig->history.count, 3);
    rig->history.is_full = true;
    CHECK_INT(send_rows(rig, 4, 1, -100000), INTAKE_E_FULL);
    rig_done(rig);
    free(rig);
}

static void nonsense_is_refused_with_a_reason(void) {
    static const struct {
        const char *name;
        const char *unit;
        unsigned scale;
        uint64_t epoch;
        size_t boot_len;
        const char *fault;
    } rows[] = {
        { "", "%", 0, EPOCH, 16,
          "a metric's name is empty, no text, or longer than 256 bytes" },
        { "a\nb", "%", 0, EPOCH, 16,
          "a metric's name is empty, no text, or longer than 256 bytes" },
        { "a", "\x1b[2J", 0, EPOCH, 16,
          "a metric's unit is no text, or longer than 32 bytes" },
        { "a", "%", 19, EPOCH, 16, "a metric has more than 18 decimal places" },
        { "a", "%", 0, 0, 16, "its catalogue names no epoch" },
        { "a", "%", 0, EPOCH, 15, "its catalogue names no boot" },
        { "twin", "%", 0, EPOCH, 16, "two metrics have the same name" },
    };
    struct rig *rig = mem_new(sizeof(*rig));
    rig_init(rig);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        Roost__V1__SamplesResponse message = ROOST__V1__SAMPLES_RESPONSE__INIT;
        Roost__V1__Catalogue catalogue;
        Roost__V1__MetricInfo metric, twin, *metrics[] = { &metric, &twin };

        catalogue_init(&catalogue, metrics, rig);
        roost__v1__metric_info__init(&twin);
        twin.name = (char *)"twin";
        metric.name = (char *)rows[i].name;
        metric.unit = (char *)rows[i].unit;
        metric.scale = rows[i].scale;
        catalogue.n_metrics = 2;
        catalogue.epoch = rows[i].epoch;
        catalogue.boot_id.len = rows[i].boot_len;
        message.kind_case = ROOST__V1__SAMPLES_RESPONSE__KIND_CATALOGUE;
        message.catalogue = &catalogue;
        CHECK_INT(take(rig, &message), INTAKE_E_BAD);
        CHECK_TEXT(intake_fault(rig->intake), rows[i].fault);
    }
    CHECK_INT(send_rows(rig, 1, 1, 0), INTAKE_E_BAD);
    CHECK_TEXT(intake_fault(rig->intake), "its rows come before their catalogue");
    CHECK_INT(send_catalogue(rig), 0);
    CHECK_INT(send_rows(rig, 0, 1, 0), INTAKE_E_BAD);
    CHECK_INT(send_catalogue(rig), 0);
    CHECK_INT(send_rows(rig, 1, 1, HOUR), INTAKE_E_BAD);
    CHECK_TEXT(intake_fault(rig->intake), "its samples are of the future");
    CHECK_INT(intake_take(rig->intake, slice_of_text("\xff\xff")), INTAKE_E_BAD);
    CHECK_INT(rig->history.count, 0);
    CHECK(!rig->node->latest);
    rig_done(rig);
    free(rig);
}

static void a_thousand_rows_a_second_are_refused(void) {
    struct rig *rig = mem_new(sizeof(*rig));
    uint64_t seq = 1;
    int r = 0;

    rig_init(rig);
    CHECK_INT(send_catalogue(rig), 0);
    for (; r == 0 && seq < 10000; seq++) {
        rig->timekeeper.since_ms = (int64_t)seq;
        r = send_rows(rig, seq, 1, (int64_t)seq);
    }
    CHECK_INT(r, INTAKE_E_BAD);
    CHECK(seq > 600 && seq < 700);
    CHECK_TEXT(intake_fault(rig->intake), "it takes more than 10 samples a second");
    rig_done(rig);
    free(rig);
}

TESTS(TEST(a_spool_is_kept_and_only_what_is_of_now_is_shown),
      TEST(a_hole_is_asked_for_once_and_then_lost),
      TEST(what_the_spool_dropped_is_told_once),
      TEST(a_full_disk_stops_the_spool_but_not_what_is_shown),
      TEST(nonsense_is_refused_with_a_reason),
      TEST(a_thousand_rows_a_second_are_refused))
