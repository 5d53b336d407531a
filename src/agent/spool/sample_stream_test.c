#include "agent/spool/sample_stream.h"

#include <dirent.h>
#include <string.h>
#include <unistd.h>

#include "agent/host/service_host.h"
#include "agent/spool/spool_testing.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/list.h"
#include "base/log.h"
#include "base/mem.h"
#include "loop/loop.h"
#include "loop/timer.h"
#include "rpc/client.h"
#include "rpc/invocation.h"
#include "rpc/services.h"
#include "wire/pb.h"
#include "wire/sample.h"

enum { SERIES = 30, WAITING_LIMIT = 256 << 10, PATIENCE_MS = 10000 };

/* An agent without a host: a spool, and streams of it. */
struct rig {
    struct loop *loop; /* owned, as the others */
    struct services *services;
    struct spool *spool;
    struct list streams;
    struct testing_series series;
    struct timer watchdog;
    struct timer pause;
    size_t waiting_max; /* that was ever seen in a stream */
    unsigned batch_ms;
};

/* A hub that reads one stream and believes nothing. */
struct hub {
    struct rig *rig;            /* borrowed: the test */
    struct client_call *client; /* owned; NULL after the end */
    struct sample_chain *chain; /* owned; NULL before the first catalogue */
    uint32_t catalogue_id;
    uint64_t epoch;
    uint64_t seq;
    uint64_t lost;
    unsigned rows;
    unsigned messages;
    unsigned catalogues;
    unsigned wanted; /* rows after which the loop stops */
    uint64_t wanted_lost;
};

static void on_samples(void *arg,
                       struct invocation *invocation,
                       const ProtobufCMessage *message) {
    struct rig *rig = arg;
    struct sample_stream_config config = {
        .loop = rig->loop,
        .spool = rig->spool,
        .streams = &rig->streams,
        .batch_ms = rig->batch_ms,
    };

    if (message)
        sample_stream_take(&config, invocation,
                           (const Roost__V1__SamplesRequest *)message);
    else
        invocation_finish(invocation, GRPC_OK, "%s", "");
    size_t waiting = message ? invocation_waiting(invocation) : 0;
    if (waiting > rig->waiting_max)
        rig->waiting_max = waiting;
}

static void on_describe(void *arg,
                        struct invocation *invocation,
                        const ProtobufCMessage *message) {
    invocation_finish(invocation, GRPC_UNIMPLEMENTED, "%s", "");
}

static const struct service_method methods[] = {
    { "Describe", SERVICE_UNARY, on_describe },
    { "Samples", SERVICE_BIDI, on_samples },
    { 0 },
};

static void on_watchdog(struct timer *timer) {
    fail_msg("what was awaited did not come within ten seconds");
}

static void open_spool(struct rig *rig, uint64_t epoch, const char *dir) {
    struct spool_config config = {
        .start = { .epoch = epoch, .interval_ms = 5000 },
        .bytes_max = 1 << 20,
        .dir = dir,
    };
    snprintf((char *)config.start.boot_id, SPOOL_BOOT_ID_LEN, "boot %u", (unsigned)epoch);
    rig->spool = spool_new(&config);
}

static void open_rig(struct rig *rig) {
    struct service service = {
        .descriptor = &roost__v1__host__descriptor,
        .methods = methods,
        .arg = rig,
    };

    log_set_level(LOG_LEVEL_ERROR);
    *rig = (struct rig) {
        .loop = loop_new(),
        .services = services_new(65536),
        .watchdog.fire = on_watchdog,
    };
    list_init(&rig->streams);
    services_add(rig->services, &service);
    testing_series_init(&rig->series, 1, SERIES);
}

static void close_rig(struct rig *rig) {
    loop_run(rig->loop);
    CHECK(list_is_empty(&rig->streams));
    services_free(rig->services);
    loop_free(rig->loop);
    spool_free(rig->spool);
    testing_series_done(&rig->series);
}

static void take_many(struct rig *rig, unsigned count) {
    while (count-- > 0)
        testing_take(rig->spool, &rig->series);
    sample_stream_wake_all(&rig->streams);
}

static void take_catalogue(struct hub *hub, const Roost__V1__Catalogue *catalogue) {
    const char **names = mem_new_array(catalogue->n_metrics + 1, sizeof(*names));

    CHECK(catalogue->id > hub->catalogue_id);
    CHECK(catalogue->boot_id.len == 16);
    CHECK(catalogue->boottime_ms > 0 && catalogue->wall_ms > 0);
    CHECK(catalogue->interval_ms == 5000);
    /* Only the boot of the spool's own epoch lasts. */
    bool is_now = catalogue->epoch == spool_newest(hub->rig->spool).epoch;
    CHECK((catalogue->now_boottime_ms == 0) == is_now);
    CHECK((catalogue->now_wall_ms == 0) == is_now);
    hub->catalogue_id = catalogue->id;
    hub->catalogues++;
    if (hub->epoch != catalogue->epoch)
        hub->seq = 0;
    hub->epoch = catalogue->epoch;
    for (size_t i = 0; i < catalogue->n_metrics; i++)
        names[i] = catalogue->metrics[i]->name;
    sample_chain_free(hub->chain);
    hub->chain = sample_chain_new(catalogue->n_metrics);
    sample_chain_pair(hub->chain, names);
    free(names);
}

static void take_rows(struct hub *hub, const Roost__V1__Rows *rows) {
    struct slice bytes = slice_of(rows->packed.data, rows->packed.len);

    CHECK(rows->seq == hub->seq + 1);
    CHECK(bytes.len > 0 && bytes.len < 20000);
    for (; bytes.len > 0; hub->rows++) {
        CHECK_INT(sample_decode(hub->chain, &bytes), 0);
        hub->seq++;
        CHECK(sample_chain_time_ms(hub->chain) == testing_time(hub->epoch, hub->seq));
        for (size_t i = 0; i < sample_chain_count(hub->chain); i++)
            CHECK(sample_chain_values(hub->chain)[i] ==
                  testing_value(hub->epoch, hub->seq, i));
    }
}

static void take_lost(struct hub *hub, const Roost__V1__Lost *lost) {
    if (lost->epoch != hub->epoch)
        hub->seq = 0;
    CHECK(lost->first_seq == hub->seq + 1);
    hub->epoch = lost->epoch;
    hub->seq = lost->last_seq;
    hub->lost += lost->last_seq + 1 - lost->first_seq;
}

static void on_message(void *user, struct slice bytes) {
    struct hub *hub = user;
    ProtobufCMessage *message;

    CHECK_INT(pb_unpack(&roost__v1__samples_response__descriptor, bytes, &message), 0);
    const Roost__V1__SamplesResponse *response =
        (const Roost__V1__SamplesResponse *)message;
    hub->messages++;
    if (response->kind_case == ROOST__V1__SAMPLES_RESPONSE__KIND_CATALOGUE)
        take_catalogue(hub, response->catalogue);
    else if (response->kind_case == ROOST__V1__SAMPLES_RESPONSE__KIND_ROWS)
        take_rows(hub, response->rows);
    else
        take_lost(hub, response->lost);
    pb_free(message);
    if (hub->rows >= hub->wanted && hub->lost >= hub->wanted_lost)
        loop_stop(hub->rig->loop);
}

static void on_done(void *user,
                    enum grpc_status status,
                    const char *message,
                    const struct headers *trailers) {
    struct hub *hub = user;
    hub->client = NULL;
    loop_stop(hub->rig->loop);
}

static void send_cursor(struct hub *hub, int kind, uint64_t epoch, uint64_t seq) {
    Roost__V1__SamplesRequest request = ROOST__V1__SAMPLES_REQUEST__INIT;
    Roost__V1__SamplesRequest__Start start = ROOST__V1__SAMPLES_REQUEST__START__INIT;
    Roost__V1__Cursor cursor = ROOST__V1__CURSOR__INIT;

    cursor.epoch = epoch;
    cursor.seq = seq;
    request.kind_case = (Roost__V1__SamplesRequest__KindCase)kind;
    if (kind == ROOST__V1__SAMPLES_REQUEST__KIND_START)
        request.start = &start;
    else
        request.durable = &cursor;
    start.after = epoch ? &cursor : NULL;
    client_send(hub->client, &request.base);
}

static void open_hub(struct hub *hub, struct rig *rig, uint64_t epoch, uint64_t seq) {
    static const struct client_events events = {
        .on_message = on_message,
        .on_done = on_done,
    };
    struct client_request call = { .method = "/roost.v1.Host/Samples" };

    *hub = (struct hub) { .rig = rig, .epoch = epoch, .seq = seq };
    hub->client =
        client_start(rig->loop, services_target(rig->services), &call, &events, hub);
    send_cursor(hub, ROOST__V1__SAMPLES_REQUEST__KIND_START, epoch, seq);
}

static void close_hub(struct hub *hub) {
    hub->client = client_cancel(hub->client);
    hub->chain = sample_chain_free(hub->chain);
}

/* Runs until the hub has so many rows and losses. */
static void await(struct hub *hub, unsigned rows, uint64_t lost) {
    hub->wanted = rows;
    hub->wanted_lost = lost;
    timer_start(hub->rig->loop, &hub->rig->watchdog, PATIENCE_MS);
    while (hub->client && (hub->rows < rows || hub->lost < lost))
        loop_run(hub->rig->loop);
    timer_stop(&hub->rig->watchdog);
    CHECK(hub->rows == rows && hub->lost == lost);
}

static void on_pause(struct timer *timer) {
    loop_stop(container_of(timer, struct rig, pause)->loop);
}

/* Runs the loop for some turns. */
static void settle(struct rig *rig) {
    rig->pause.fire = on_pause;
    timer_start(rig->loop, &rig->pause, 20);
    while (timer_is_running(&rig->pause))
        loop_run(rig->loop);
}

static void what_was_missed_comes_first_then_live_rows(void) {
    struct rig rig;
    struct hub hub;

    open_rig(&rig);
    open_spool(&rig, 7, NULL);
    take_many(&rig, 5000);
    open_hub(&hub, &rig, 0, 0);
    await(&hub, 5000, 0);
    CHECK(hub.catalogues == 1);
    CHECK(hub.messages < 100); /* many rows in one */
    for (unsigned i = 1; i <= 20; i++) {
        take_many(&rig, 1);
        await(&hub, 5000 + i, 0);
    }
    CHECK(hub.catalogues == 1);
    close_hub(&hub);
    close_rig(&rig);
}

static void a_batch_of_live_rows_is_one_message(void) {
    struct rig rig;
    struct hub hub;

    open_rig(&rig);
    rig.batch_ms = 100;
    open_spool(&rig, 7, NULL);
    take_many(&rig, 1);
    open_hub(&hub, &rig, 0, 0);
    await(&hub, 1, 0); /* what was missed does not wait */
    unsigned before = hub.messages;
    for (unsigned i = 0; i < 3; i++)
        take_many(&rig, 1);
    settle(&rig);
    CHECK(hub.rows == 1);
    await(&hub, 4, 0);
    CHECK(hub.messages == before + 1);
    close_hub(&hub);
    close_rig(&rig);
}

static void the_end_does_not_cut_a_batch_off(void) {
    struct rig rig;
    struct hub hub;

    open_rig(&rig);
    rig.batch_ms = 60000;
    open_spool(&rig, 7, NULL);
    take_many(&rig, 1);
    open_hub(&hub, &rig, 0, 0);
    await(&hub, 1, 0);
    take_many(&rig, 3);
    sample_stream_stop_all(&rig.streams);
    await(&hub, 4, 0);
    settle(&rig);
    CHECK(!hub.client); /* and then it ended */
    close_hub(&hub);
    close_rig(&rig);
}

static void a_stream_begins_where_the_store_stands(void) {
    struct rig rig;
    struct hub hub;

    open_rig(&rig);
    open_spool(&rig, 7, NULL);
    take_many(&rig, 1000);
    for (unsigned seq = 1; seq <= 1000; seq += 111) {
        open_hub(&hub, &rig, 7, seq);
        await(&hub, 1000 - seq, 0);
        close_hub(&hub);
    }
    close_rig(&rig);
}

static void what_was_dropped_is_told_first(void) {
    struct rig rig;
    struct hub hub;
    struct spool_stats stats;

    open_rig(&rig);
    open_spool(&rig, 7, NULL);
    take_many(&rig, 60000);
    spool_get_stats(rig.spool, &stats);
    CHECK(stats.dropped > 0);
    open_hub(&hub, &rig, 7, 10);
    await(&hub, (unsigned)stats.held, 60000 - 10 - stats.held);
    close_hub(&hub);
    close_rig(&rig);
}

static void a_hub_that_does_not_read_makes_nothing_pile_up(void) {
    struct rig rig;
    struct hub slow, quick;

    open_rig(&rig);
    open_spool(&rig, 7, NULL);
    take_many(&rig, 10000);
    open_hub(&slow, &rig, 0, 0);
    client_pause(slow.client, true);
    open_hub(&quick, &rig, 0, 0);
    await(&quick, 10000, 0);
    for (unsigned i = 1; i <= 50; i++) {
        take_many(&rig, 10);
        await(&quick, 10000 + 10 * i, 0);
    }
    settle(&rig);
    send_cursor(&slow, ROOST__V1__SAMPLES_REQUEST__KIND_DURABLE, 7, 1);
    settle(&rig);
    CHECK(rig.waiting_max > 0 && rig.waiting_max <= WAITING_LIMIT);
    CHECK(slow.rows == 0);
    client_pause(slow.client, false);
    await(&slow, 10500, 0);
    close_hub(&slow);
    close_hub(&quick);
    close_rig(&rig);
}

static void what_one_stream_acknowledges_another_need_not_get(void) {
    struct rig rig;
    struct hub old, new;
    struct spool_stats stats;

    open_rig(&rig);
    open_spool(&rig, 7, NULL);
    open_hub(&old, &rig, 0, 0);
    take_many(&rig, 100);
    await(&old, 100, 0);
    client_pause(old.client, true); /* the link that drains */
    take_many(&rig, 10000);
    open_hub(&new, &rig, 7, 100);
    await(&new, 10000, 0);
    send_cursor(&new, ROOST__V1__SAMPLES_REQUEST__KIND_DURABLE, 7, 10100);
    settle(&rig);
    spool_get_stats(rig.spool, &stats);
    CHECK(stats.waiting == 0 && stats.dropped == 0 && stats.held < 1000);
    close_hub(&old);
    take_many(&rig, 3);
    await(&new, 10003, 0);
    close_hub(&new);
    close_rig(&rig);
}

static void other_series_come_with_another_catalogue(void) {
    struct rig rig;
    struct hub hub;
    struct testing_series more;

    open_rig(&rig);
    open_spool(&rig, 7, NULL);
    testing_series_init(&more, 2, SERIES + 1);
    take_many(&rig, 10);
    testing_take(rig.spool, &more);
    testing_take(rig.spool, &more);
    take_many(&rig, 10);
    open_hub(&hub, &rig, 0, 0);
    await(&hub, 22, 0);
    CHECK(hub.catalogues == 3);
    testing_take(rig.spool, &more);
    sample_stream_wake_all(&rig.streams);
    await(&hub, 23, 0);
    CHECK(hub.catalogues == 4);
    spool_renew(rig.spool, 5000);
    take_many(&rig, 1);
    await(&hub, 24, 0);
    CHECK(hub.catalogues == 5);
    close_hub(&hub);
    testing_series_done(&more);
    close_rig(&rig);
}

static void remove_all(const char *path) {
    DIR *dir = opendir(path);
    struct dirent *entry;

    while ((entry = readdir(dir)))
        if (entry->d_name[0] != '.')
            CHECK_INT(unlinkat(dirfd(dir), entry->d_name, 0), 0);
    closedir(dir);
    CHECK_INT(rmdir(path), 0);
}

static void epochs_follow_each_other_each_with_its_catalogue(void) {
    char dir[] = "/tmp/roost-stream-XXXXXX";
    struct rig rig;
    struct hub hub;

    open_rig(&rig);
    CHECK(mkdtemp(dir));
    for (uint64_t epoch = 1; epoch <= 3; epoch++) {
        open_spool(&rig, epoch, dir);
        take_many(&rig, 500);
        rig.spool = spool_free(rig.spool);
    }
    open_spool(&rig, 4, dir);
    take_many(&rig, 5);
    open_hub(&hub, &rig, 9, 99); /* of another agent, it seems */
    hub.epoch = 0;
    await(&hub, 1505, 0);
    CHECK(hub.catalogues == 4);
    close_hub(&hub);
    open_hub(&hub, &rig, 2, 400);
    await(&hub, 100 + 500 + 5, 0);
    CHECK(hub.catalogues == 3 && hub.epoch == 4);
    send_cursor(&hub, ROOST__V1__SAMPLES_REQUEST__KIND_DURABLE, 3, 500);
    settle(&rig);
    close_hub(&hub);
    open_hub(&hub, &rig, 0, 0);
    await(&hub, 5, 0);
    CHECK(hub.catalogues == 1 && hub.epoch == 4);
    close_hub(&hub);
    close_rig(&rig);
    remove_all(dir);
}

static void ticks_stay_on_multiples_of_the_interval(void) {
    static const struct {
        uint64_t now_ms, interval_ms, phase_ms, wanted_ms;
    } rows[] = {
        { 10000, 5000, 0, 5000 }, { 10003, 5000, 0, 4997 }, { 12500, 5000, 0, 2500 },
        { 13000, 5000, 0, 2000 }, { 14999, 5000, 0, 5001 }, /* fired a little early: this
                                                               was the tick */
        { 14500, 5000, 0, 5500 }, { 14499, 5000, 0, 501 },  { 10100, 5000, 100, 5000 },
        { 50, 5000, 100, 5050 },  { 0, 1000, 0, 1000 },     { 999, 1000, 999, 1000 },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        CHECK_INT(
            service_host_next_tick(rows[i].now_ms, rows[i].interval_ms, rows[i].phase_ms),
            rows[i].wanted_ms);
}

TESTS(TEST(what_was_missed_comes_first_then_live_rows),
      TEST(a_batch_of_live_rows_is_one_message),
      TEST(the_end_does_not_cut_a_batch_off),
      TEST(a_stream_begins_where_the_store_stands),
      TEST(what_was_dropped_is_told_first),
      TEST(a_hub_that_does_not_read_makes_nothing_pile_up),
      TEST(what_one_stream_acknowledges_another_need_not_get),
      TEST(other_series_come_with_another_catalogue),
      TEST(epochs_follow_each_other_each_with_its_catalogue),
      TEST(ticks_stay_on_multiples_of_the_interval))
