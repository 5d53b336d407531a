#include "dialect/hubws.h"

#include <errno.h>
#include <string.h>

#include "base/buf.h"
#include "base/check.h"
#include "base/mem.h"
#include "loop/conn.h"
#include "loop/test_pair.h"
#include "loop/timer.h"
#include "rpc/call.h"

enum { PATIENCE_MS = 10000 };

/* A hub's end, and a server that says what a test wants. */
struct rig {
    struct test_pair pair;
    struct hubws *hubws; /* owned */
    struct conn *peer;   /* owned */
    struct buf got;
    struct call *call; /* reference: the rig is its caller */
    struct timer watchdog;
    int reason; /* of the end; 1: it goes on */
    unsigned alive;
    bool finished; /* the call */
    size_t wanted; /* bytes of got for which the rig waits */
};

static void look(struct rig *rig) {
    if (rig->reason != 1 || rig->finished || rig->alive > 0 ||
        (rig->wanted > 0 && rig->got.len >= rig->wanted))
        loop_stop(rig->pair.loop);
}

static void on_watchdog(struct timer *timer) {
    (void)timer;
    fail_msg("it did not happen in time");
}

/* Runs until something happened. */
static void run(struct rig *rig) {
    rig->watchdog.fire = on_watchdog;
    timer_start(rig->pair.loop, &rig->watchdog, PATIENCE_MS);
    loop_run(rig->pair.loop);
    timer_stop(&rig->watchdog);
}

static void on_peer_bytes(void *owner, struct slice bytes) {
    struct rig *rig = owner;
    buf_add_slice(&rig->got, bytes);
    look(rig);
}

static void on_peer_closed(void *owner, int reason) {
    struct rig *rig = owner;
    (void)reason;
    conn_close(TAKE(rig->peer));
}

static void on_alive(void *owner) {
    struct rig *rig = owner;
    rig->alive++;
    look(rig);
}

static void on_closed(void *owner, int reason) {
    struct rig *rig = owner;
    rig->reason = reason;
    look(rig);
}

static void on_wake(struct call *call, void *user) {
    struct rig *rig = user;
    rig->finished = call->finished;
    look(rig);
}

static void rig_open(struct rig *rig) {
    static const struct conn_events peer_events = { .on_bytes = on_peer_bytes,
                                                    .on_closed = on_peer_closed };
    struct hubws_config config = { .header_bytes_max = 65536,
                                   .on_alive = on_alive,
                                   .on_closed = on_closed,
                                   .owner = rig };

    *rig = (struct rig) { .reason = 1 };
    test_pair_open(&rig->pair, TRANSPORT_TCP);
    rig->peer = TAKE(rig->pair.client);
    conn_set_owner(rig->peer, &peer_events, rig);
    rig->hubws = hubws_new(TAKE(rig->pair.server), &config);
}

static void rig_close(struct rig *rig) {
    if (rig->call)
        call_detach_caller(rig->call);
    hubws_free(rig->hubws);
    if (rig->peer)
        conn_close(rig->peer);
    loop_settle(rig->pair.loop);
    buf_done(&rig->got);
    test_pair_close(&rig->pair);
}

static void start_call(struct rig *rig, bool is_tunnel) {
    struct call_half caller = { .on_wake = on_wake, .user = rig };

    rig->call = is_tunnel ? call_new_tunnel(rig->pair.loop, "127.0.0.1:22", &caller)
                          : call_new(rig->pair.loop, "/external.Fluentd/Start", &caller);
    rig->call->lost_text = "transport is closing";
    call_start(rig->call, hubws_target(rig->hubws));
}

/* A masked WebSocket message of the server's; the mask is zero. */
static void say(struct rig *rig, const char *bytes, uint8_t len) {
    const uint8_t head[] = { 0x82, (uint8_t)(0x80 | len), 0, 0, 0, 0 };
    conn_send(rig->peer, slice_of(head, sizeof(head)));
    conn_send(rig->peer, slice_of(bytes, len));
}

static void a_call_opens_a_stream_and_waits_for_settings(void) {
    static const char opened[] = "\x82\x0c\0\1\0\1\0\0\0\1\0\0\0\0";
    struct rig rig;

    rig_open(&rig);
    start_call(&rig, false);
    rig.wanted = sizeof(opened) - 1;
    run(&rig);
    CHECK(memcmp(rig.got.data, opened, sizeof(opened) - 1) == 0);
    CHECK(!rig.finished);
    conn_close(TAKE(rig.peer));
    rig.wanted = 0;
    run(&rig);
    CHECK_INT(rig.call->status, GRPC_UNAVAILABLE);
    CHECK_TEXT(rig.call->message, "transport is closing");
    rig_close(&rig);
}

static void a_stream_that_is_refused_fails_its_calls(void) {
    struct rig rig;

    rig_open(&rig);
    start_call(&rig, false);
    say(&rig, "\0\1\0\10\0\0\0\1\0\0\0\0", 12);
    run(&rig);
    CHECK_INT(rig.call->status, GRPC_UNAVAILABLE);
    CHECK_TEXT(rig.call->message, "transport is closing");
    CHECK_INT(rig.reason, 1);
    rig_close(&rig);
}

static void a_tunnel_is_not_opened(void) {
    struct rig rig;

    rig_open(&rig);
    start_call(&rig, true);
    run(&rig);
    CHECK_INT(rig.call->status, GRPC_UNIMPLEMENTED);
    rig_close(&rig);
}

static void draining_waits_for_calls_alone(void) {
    struct rig rig;

    rig_open(&rig);
    hubws_drain(rig.hubws);
    run(&rig);
    CHECK_INT(rig.reason, 0);
    rig.reason = 1;
    start_call(&rig, false);
    run(&rig);
    CHECK_INT(rig.call->status, GRPC_UNAVAILABLE);
    rig_close(&rig);
}

static void a_probe_hears_the_peer_or_ends_it(void) {
    struct rig rig;

    rig_open(&rig);
    hubws_probe(rig.hubws, 5000);
    say(&rig, "\0\2\0\2\0\0\0\0\0\0\0\0", 12);
    run(&rig);
    CHECK_INT(rig.alive, 1);
    rig.alive = 0;
    hubws_probe(rig.hubws, 1);
    run(&rig);
    CHECK_INT(rig.reason, -ETIMEDOUT);
    rig_close(&rig);
}

static void the_end_is_told_with_a_reason(void) {
    static const char wanted[] = "\x88\x08\x03\xe8"
                                 "closed";
    struct rig rig;

    rig_open(&rig);
    rig.hubws = hubws_free(rig.hubws);
    rig.wanted = sizeof(wanted) - 1;
    run(&rig);
    CHECK(slice_equal(buf_slice(&rig.got), slice_of(wanted, sizeof(wanted) - 1)));
    rig_close(&rig);
}

TESTS(TEST(a_call_opens_a_stream_and_waits_for_settings),
      TEST(a_stream_that_is_refused_fails_its_calls),
      TEST(a_tunnel_is_not_opened),
      TEST(draining_waits_for_calls_alone),
      TEST(a_probe_hears_the_peer_or_ends_it),
      TEST(the_end_is_told_with_a_reason))
