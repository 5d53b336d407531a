/* Calls whose peer surely never saw them go another way. */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/check.h"
#include "base/mem.h"
#include "loop/conn.h"
#include "loop/loop.h"
#include "loop/test_pair.h"
#include "loop/timer.h"
#include "rpc/call.h"
#include "rpc/h2conn.h"
#include "rpc/target.h"

/* A client, a server written by hand, and the other way that calls may go. */
struct rig {
    struct test_pair pair;
    struct h2conn *client;
    struct h2 *server;
    struct h2_stream *stream; /* that the server was asked on */
    struct timer pause;
    struct target again;
    struct call *came;  /* the other way */
    struct buf request; /* and its bytes */
    bool left;          /* the peer's GOAWAY was told */
    bool left_first;    /* before the call came */
};

static void server_flush(struct rig *rig) {
    struct buf out = { 0 };

    h2_drain(rig->server, &out, 1 << 20);
    conn_send(rig->pair.server, buf_slice(&out));
    buf_done(&out);
}

static void on_bytes(void *owner, struct slice bytes) {
    struct rig *rig = owner;
    struct h2_stream *stream;

    h2_feed(rig->server, bytes);
    while ((stream = h2_next(rig->server)))
        rig->stream = stream;
    server_flush(rig);
}

static void on_lost(void *owner, int reason) {
}

static void on_closed(void *owner, struct h2conn *h2conn, int reason) {
}

static void on_leaving(void *owner, struct h2conn *h2conn) {
    struct rig *rig = owner;
    rig->left = true;
}

static void start_again(struct target *target, struct call *call) {
    struct rig *rig = container_of(target, struct rig, again);

    rig->came = call;
    rig->left_first = rig->left;
    while (call->request.len > 0) {
        struct slice part = pipe_peek(&call->request);
        buf_add_slice(&rig->request, part);
        pipe_drop(&call->request, part.len);
    }
    call_finish(call, GRPC_OK, "went the other way", NULL);
}

static void on_wake(struct call *call, void *user) {
}

static void on_pause(struct timer *timer) {
    loop_stop(container_of(timer, struct rig, pause)->pair.loop);
}

static void run_for(struct rig *rig, unsigned ms) {
    timer_start(rig->pair.loop, &rig->pause, ms);
    while (timer_is_running(&rig->pause))
        loop_run(rig->pair.loop);
}

static void rig_init(struct rig *rig) {
    static const struct conn_events events = { .on_bytes = on_bytes,
                                               .on_closed = on_lost };
    const struct h2_limits limits = { .streams_max = 10,
                                      .window = 65536,
                                      .header_bytes_max = 16384 };
    const struct h2conn_config config = {
        .role = H2_CLIENT,
        .limits = limits,
        .on_leaving = on_leaving,
        .on_closed = on_closed,
        .owner = rig,
    };

    *rig = (struct rig) { .again.start = start_again, .pause.fire = on_pause };
    test_pair_open(&rig->pair, TRANSPORT_TCP);
    rig->server = h2_new(H2_SERVER, &limits);
    conn_set_owner(rig->pair.server, &events, rig);
    server_flush(rig);
    rig->client = h2conn_new(TAKE(rig->pair.client), &config);
    run_for(rig, 5); /* the settings arrive */
}

static void rig_done(struct rig *rig) {
    rig->client = h2conn_free(rig->client);
    run_for(rig, 1);
    if (rig->stream)
        h2_stream_release(rig->stream);
    h2_free(rig->server);
    buf_done(&rig->request);
    test_pair_close(&rig->pair);
}

static struct call *ask(struct rig *rig, size_t len) {
    struct call_half caller = { .on_wake = on_wake };
    struct call *call = call_new(rig->pair.loop, "/s/m", &caller);
    auto_(mem_freep) char *bytes = mem_new(len + 1);

    memset(bytes, 'x', len);
    call->again = &rig->again;
    call_request_write(call, slice_of(bytes, len));
    call_request_end(call);
    call_start(call, h2conn_target(rig->client));
    return call;
}

/* Lets the server see the call, and then refuse it. */
static void refuse(struct rig *rig, bool by_goaway) {
    while (!rig->stream)
        run_for(rig, 1);
    if (by_goaway) {
        static const uint8_t goaway[] = { 0, 0, 8, 7, 0, 0, 0, 0, 0,
                                          0, 0, 0, 0, 0, 0, 0, 0 }; /* it saw none */
        conn_send(rig->pair.server, slice_of(goaway, sizeof(goaway)));
    } else {
        h2_stream_reset(rig->stream, H2_REFUSED_STREAM);
        server_flush(rig);
    }
}

static void what_is_refused_goes_another_way_whole(void) {
    for (int by_goaway = 0; by_goaway < 2; by_goaway++) {
        struct rig rig;

        rig_init(&rig);
        struct call *call = ask(&rig, 3000);
        refuse(&rig, by_goaway);
        while (!call->finished)
            run_for(&rig, 1);
        CHECK(rig.came == call);
        CHECK_INT(call->status, GRPC_OK);
        CHECK_INT(rig.request.len, 3000);
        CHECK(rig.left_first == by_goaway);
        CHECK(!call->again); /* once */
        call_detach_caller(call);
        rig_done(&rig);
    }
}

static void what_is_too_large_to_keep_fails(void) {
    struct rig rig;

    rig_init(&rig);
    struct call *call = ask(&rig, 20000);
    refuse(&rig, false);
    while (!call->finished)
        run_for(&rig, 1);
    CHECK(!rig.came && call->cut);
    CHECK_INT(call->status, GRPC_UNAVAILABLE);
    call_detach_caller(call);
    rig_done(&rig);
}

static void what_was_perhaps_seen_fails(void) {
    struct rig rig;

    rig_init(&rig);
    struct call *call = ask(&rig, 10);
    while (!rig.stream)
        run_for(&rig, 1);
    rig.client = h2conn_free(rig.client);
    run_for(&rig, 1);
    CHECK(!rig.came && call->cut);
    CHECK_INT(call->status, GRPC_UNAVAILABLE);
    call_detach_caller(call);
    rig_done(&rig);
}

static void what_had_not_left_when_the_link_was_lost_goes_another_way(void) {
    struct rig rig;

    rig_init(&rig);
    struct call *call = ask(&rig, 10);
    rig.client = h2conn_free(rig.client); /* before the turn's write */
    CHECK(rig.came == call);
    CHECK_INT(rig.request.len, 10);
    call_detach_caller(call);
    rig_done(&rig);
}

static void a_connection_that_takes_none_passes_calls_on(void) {
    struct rig rig;

    rig_init(&rig);
    h2conn_drain(rig.client);
    struct call *call = ask(&rig, 10);
    CHECK(rig.came == call);
    CHECK_INT(rig.request.len, 10);
    call_detach_caller(call);
    rig_done(&rig);
}

TESTS(TEST(what_is_refused_goes_another_way_whole),
      TEST(what_is_too_large_to_keep_fails),
      TEST(what_was_perhaps_seen_fails),
      TEST(what_had_not_left_when_the_link_was_lost_goes_another_way),
      TEST(a_connection_that_takes_none_passes_calls_on))
