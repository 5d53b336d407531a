#include "hub/samples/sampling.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/check.h"
#include "base/mem.h"
#include "hub/activity/activity.h"
#include "hub/nodes/node.h"
#include "hub/nodes/registry.h"
#include "hub/samples/intake.h"
#include "hub/timekeeper.h"
#include "loop/loop.h"
#include "roost/v1/host.pb-c.h"
#include "rpc/invocation.h"
#include "rpc/services.h"
#include "store/history/history.h"
#include "wire/sample.h"

enum { EPOCH = 77, MESSAGE_MAX = 1 << 20, HOUR = 3600000 };

/* A history that remembers how far it is, and is told when it is durable. */
struct history {
    struct history_cursor taken;
    struct history_cursor durable;
    struct history_watcher *watcher;
    unsigned flushes;
    const char *trouble;
    bool is_full;
};

struct timekeeper {
    int64_t wall_ms;
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
    history->taken = row;
    return 0;
}

void history_skip(struct history *history,
                  const char *node,
                  struct history_cursor last,
                  uint64_t count) {
    history->taken = last;
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
    return history->trouble;
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
    *ret_wall_ms = timekeeper->wall_ms;
}

/* A node's stream, and the agent at its other end. */
struct rig {
    struct history history;
    struct timekeeper timekeeper;
    struct intake_shared shared;
    struct services *services;
    struct node *node;
    struct sampling *sampling;
    struct invocation *stream; /* the agent's half */
    struct sample_chain *chain;
    unsigned streams;
    bool has_ended; /* the hub said all */
    struct history_cursor after;
    struct history_cursor acked;
    unsigned acks;
    unsigned events;
};

static void keep_event(void *arg, const struct activity_event *event) {
    ((struct rig *)arg)->events++;
}

static void save_nothing(void *arg, const struct node *node) {
}

static void on_gone(struct invocation *invocation, void *user) {
    ((struct rig *)user)->stream = NULL;
}

static void on_samples(void *arg,
                       struct invocation *invocation,
                       const ProtobufCMessage *message) {
    const Roost__V1__SamplesRequest *request = (const Roost__V1__SamplesRequest *)message;
    struct rig *rig = arg;

    if (!request) {
        rig->has_ended = true;
        invocation_finish(invocation, GRPC_OK, "%s", "");
    } else if (request->kind_case == ROOST__V1__SAMPLES_REQUEST__KIND_START) {
        rig->stream = invocation;
        rig->streams++;
        rig->after = (struct history_cursor) { request->start->after->epoch,
                                               request->start->after->seq };
        invocation_set_user(invocation, rig, on_gone);
    } else {
        rig->acked =
            (struct history_cursor) { request->durable->epoch, request->durable->seq };
        rig->acks++;
    }
}

static const struct service_method methods[] = {
    { "Samples", SERVICE_BIDI, on_samples },
    { 0 },
};

static void rig_init(struct rig *rig) {
    struct registry_keeper keeper = { .save = save_nothing };
    struct service table = {
        .descriptor = &roost__v1__host__descriptor,
        .methods = methods,
        .arg = rig,
    };

    *rig = (struct rig) {
        .timekeeper.wall_ms = INT64_C(1790000000000),
        .shared = {
            .loop = loop_new(),
            .registry = registry_new(&keeper),
            .activity = activity_new(1, keep_event, rig),
            .history = &rig->history,
            .timekeeper = &rig->timekeeper,
        },
        .services = services_new(MESSAGE_MAX),
    };
    services_add(rig->services, &table);
    rig->node = registry_add(rig->shared.registry, "pi");
    rig->history.durable = (struct history_cursor) { EPOCH, 40 };
    rig->history.taken = rig->history.durable;
    rig->chain = sample_chain_new(1);
    rig->sampling = sampling_new(&rig->shared, services_target(rig->services), rig->node);
    loop_settle(rig->shared.loop);
    CHECK(rig->stream);
    CHECK_INT(rig->after.seq, 40);
}

static void rig_done(struct rig *rig) {
    sampling_free(rig->sampling);
    loop_settle(rig->shared.loop);
    CHECK(!rig->stream);
    sample_chain_free(rig->chain);
    services_free(rig->services);
    registry_free(rig->shared.registry);
    activity_free(rig->shared.activity);
    loop_free(rig->shared.loop);
}

static void send_catalogue(struct rig *rig, size_t boot_len) {
    static uint8_t boot_id[16] = "0123456789abcde";
    Roost__V1__SamplesResponse message = ROOST__V1__SAMPLES_RESPONSE__INIT;
    Roost__V1__Catalogue catalogue = ROOST__V1__CATALOGUE__INIT;
    Roost__V1__MetricInfo metric = ROOST__V1__METRIC_INFO__INIT, *metrics[] = { &metric };

    metric.name = (char *)"cpu";
    catalogue.metrics = metrics;
    catalogue.n_metrics = 1;
    catalogue.epoch = EPOCH;
    catalogue.boot_id = (ProtobufCBinaryData) { .len = boot_len, .data = boot_id };
    catalogue.boottime_ms = 3 * HOUR;
    catalogue.interval_ms = 1000;
    message.kind_case = ROOST__V1__SAMPLES_RESPONSE__KIND_CATALOGUE;
    message.catalogue = &catalogue;
    sample_chain_reset(rig->chain);
    invocation_send(rig->stream, &message.base);
}

/* Rows a second apart, the last one so long ago. */
static void send_rows(struct rig *rig, uint64_t seq, int count, int64_t ago_ms) {
    Roost__V1__SamplesResponse message = ROOST__V1__SAMPLES_RESPONSE__INIT;
    Roost__V1__Rows rows = ROOST__V1__ROWS__INIT;
    struct buf packed = { 0 };

    for (int i = 0; i < count; i++) {
        int64_t value = (int64_t)((uint64_t)i * UINT64_C(0x9e3779b97f4a7c15) >> 2);
        int64_t taken_ms = 3 * (int64_t)HOUR - ago_ms - (count - 1 - i) * 1000;
        sample_encode(rig->chain, (uint64_t)taken_ms, &value, &packed);
    }
    rows.seq = seq;
    rows.packed = (ProtobufCBinaryData) { .len = packed.len, .data = packed.data };
    message.kind_case = ROOST__V1__SAMPLES_RESPONSE__KIND_ROWS;
    message.rows = &rows;
    invocation_send(rig->stream, &message.base);
    loop_settle(rig->shared.loop);
    buf_done(&packed);
}

static void make_durable(struct rig *rig) {
    rig->history.durable = rig->history.taken;
    rig->history.watcher->on_durable(rig->history.watcher, rig->history.durable);
    loop_settle(rig->shared.loop);
}

static void live_rows_are_acknowledged_rarely(void) {
    struct rig rig;
    rig_init(&rig);
    send_catalogue(&rig, 16);
    send_rows(&rig, 41, 1, 0);
    CHECK_INT(rig.history.taken.seq, 41);
    make_durable(&rig);
    CHECK_INT(rig.acks, 0);
    rig_done(&rig);
}

static void a_long_replay_is_acknowledged_at_once(void) {
    struct rig rig;
    rig_init(&rig);
    send_catalogue(&rig, 16);
    send_rows(&rig, 41, 4000, 4100000);
    make_durable(&rig);
    CHECK_INT(rig.acks, 0); /* about 40 KiB */
    send_rows(&rig, 4041, 4000, 0);
    CHECK_INT(rig.history.taken.seq, 8040);
    make_durable(&rig);
    CHECK_INT(rig.acks, 1);
    CHECK_INT(rig.acked.epoch, EPOCH);
    CHECK_INT(rig.acked.seq, 8040);
    make_durable(&rig);
    CHECK_INT(rig.acks, 1);
    rig_done(&rig);
}

static void the_last_word_comes_when_all_is_durable(void) {
    struct rig rig;
    rig_init(&rig);
    send_catalogue(&rig, 16);
    send_rows(&rig, 41, 3, 0);
    sampling_stop(rig.sampling);
    loop_settle(rig.shared.loop);
    CHECK_INT(rig.history.flushes, 1);
    CHECK(!rig.has_ended);
    send_rows(&rig, 44, 1, 0); /* too late: it comes again elsewhere */
    make_durable(&rig);
    CHECK_INT(rig.acked.seq, 43);
    CHECK(rig.has_ended);
    CHECK_INT(rig.streams, 1);
    rig_done(&rig);
}

static void a_disk_that_refuses_keeps_nobody_from_stopping(void) {
    struct rig rig;
    rig_init(&rig);
    send_catalogue(&rig, 16);
    send_rows(&rig, 41, 3, 0);
    rig.history.trouble = "the disk is full";
    sampling_stop(rig.sampling);
    loop_settle(rig.shared.loop);
    CHECK_INT(rig.acks, 0);
    CHECK(rig.has_ended);
    rig_done(&rig);
}

static void nonsense_ends_the_stream_and_is_told(void) {
    struct rig rig;
    rig_init(&rig);
    send_catalogue(&rig, 15);
    loop_settle(rig.shared.loop);
    CHECK(!rig.stream);
    CHECK_INT(rig.events, 1);
    rig_done(&rig);
}

static void a_full_history_ends_a_replay_but_not_what_is_live(void) {
    struct rig rig;
    rig_init(&rig);
    send_catalogue(&rig, 16);
    rig.history.is_full = true;
    send_rows(&rig, 41, 1, 0);
    CHECK(rig.stream);
    CHECK(rig.node->latest);
    send_rows(&rig, 42, 1, 600000);
    CHECK(!rig.stream);
    CHECK_INT(rig.history.taken.seq, 40);
    rig_done(&rig);
}

/* A newer session of the node writes: this one must not any more. */
static void an_older_generation_is_not_taken(void) {
    struct rig rig;
    rig_init(&rig);
    send_catalogue(&rig, 16);
    loop_settle(rig.shared.loop);
    rig.node->generation++;
    send_rows(&rig, 41, 1, 0);
    CHECK_INT(rig.history.taken.seq, 40);
    CHECK(!rig.node->latest);
    rig_done(&rig);
}

TESTS(TEST(live_rows_are_acknowledged_rarely),
      TEST(a_long_replay_is_acknowledged_at_once),
      TEST(the_last_word_comes_when_all_is_durable),
      TEST(a_disk_that_refuses_keeps_nobody_from_stopping),
      TEST(nonsense_ends_the_stream_and_is_told),
      TEST(a_full_history_ends_a_replay_but_not_what_is_live),
      TEST(an_older_generation_is_not_taken))
