#include "loop/muxconn.h"

#include <errno.h>
#include <string.h>

#include "base/buf.h"
#include "base/check.h"
#include "base/mem.h"
#include "loop/test_pair.h"
#include "loop/timer.h"
#include "wire/yamux.h"

enum { DATA = 0, WINDOW = 1, PING = 2, AWAY = 3 };
enum { SYN = 1, ACK = 2, FIN = 4, RST = 8 };

enum { STREAMS_MAX = 8, PATIENCE_MS = 10000 };

/* What somebody got of one conn of ours. */
struct end {
    struct rig *rig;
    struct conn *conn; /* owned */
    struct buf got;
    unsigned writable;
    int reason; /* 1: not closed */
    bool free_on_bytes;
};

/* A mux, and a peer that says what it likes and counts what comes. */
struct rig {
    struct test_pair pair;
    struct muxconn *mux;          /* owned */
    struct conn *peer;            /* owned */
    struct buf raw;               /* what came at the peer, not yet cut */
    struct buf heads;             /* in words: "1/0/1/0;" type, flags, id, length */
    size_t received[STREAMS_MAX]; /* bytes of data by stream id */
    struct timer watchdog;
    bool (*is_done)(struct rig *rig);
    int reason; /* of the mux; 1: not closed */
    unsigned alive;
};

static uint32_t number_at(const uint8_t *at) {
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static void look(struct rig *rig) {
    if (rig->is_done && rig->is_done(rig))
        loop_stop(rig->pair.loop);
}

static void on_watchdog(struct timer *timer) {
    (void)timer;
    fail_msg("it did not happen in time");
}

static void wait_for(struct rig *rig, bool (*is_done)(struct rig *rig)) {
    rig->is_done = is_done;
    if (is_done(rig))
        return;
    rig->watchdog.fire = on_watchdog;
    timer_start(rig->pair.loop, &rig->watchdog, PATIENCE_MS);
    loop_run(rig->pair.loop);
    timer_stop(&rig->watchdog);
    CHECK(is_done(rig));
}

static void on_peer_bytes(void *owner, struct slice bytes) {
    struct rig *rig = owner;

    buf_add_slice(&rig->raw, bytes);
    while (rig->raw.len >= YAMUX_HEAD_LEN) {
        const uint8_t *head = rig->raw.data;
        uint32_t id = number_at(head + 4);
        uint32_t len = number_at(head + 8);
        size_t body = head[1] == DATA ? len : 0;
        if (rig->raw.len < YAMUX_HEAD_LEN + body)
            break;
        if (head[1] != DATA)
            buf_printf(&rig->heads, "%u/%u/%u/%u;", head[1], head[3], (unsigned)id,
                       (unsigned)len);
        if (id < STREAMS_MAX)
            rig->received[id] += body;
        buf_drop(&rig->raw, YAMUX_HEAD_LEN + body);
    }
    look(rig);
}

static void on_peer_closed(void *owner, int reason) {
    struct rig *rig = owner;
    (void)reason;
    conn_close(TAKE(rig->peer));
    look(rig);
}

static void say(
    struct rig *rig, unsigned type, unsigned flags, uint32_t id, uint32_t len) {
    const uint8_t head[] = { 0,
                             (uint8_t)type,
                             0,
                             (uint8_t)flags,
                             0,
                             0,
                             0,
                             (uint8_t)id,
                             (uint8_t)(len >> 24),
                             (uint8_t)(len >> 16),
                             (uint8_t)(len >> 8),
                             (uint8_t)len };
    conn_send(rig->peer, slice_of(head, sizeof(head)));
}

static void say_data(struct rig *rig, unsigned flags, uint32_t id, const char *text) {
    say(rig, DATA, flags, id, (uint32_t)strlen(text));
    conn_send(rig->peer, slice_of_text(text));
}

static void on_mux_alive(void *owner) {
    struct rig *rig = owner;
    rig->alive++;
    look(rig);
}

static void on_mux_closed(void *owner, int reason) {
    struct rig *rig = owner;
    rig->reason = reason;
    look(rig);
}

static void on_end_bytes(void *owner, struct slice bytes) {
    struct end *end = owner;

    buf_add_slice(&end->got, bytes);
    if (end->free_on_bytes) {
        conn_close(TAKE(end->conn));
        end->rig->mux = muxconn_free(end->rig->mux);
    }
    look(end->rig);
}

static void on_end_writable(void *owner) {
    struct end *end = owner;
    end->writable++;
    look(end->rig);
}

static void on_end_closed(void *owner, int reason) {
    struct end *end = owner;
    end->reason = reason;
    look(end->rig);
}

static void rig_open(struct rig *rig) {
    static const struct conn_events peer_events = { .on_bytes = on_peer_bytes,
                                                    .on_closed = on_peer_closed };
    static const struct muxconn_events events = { .on_alive = on_mux_alive,
                                                  .on_closed = on_mux_closed };

    *rig = (struct rig) { .reason = 1 };
    test_pair_open(&rig->pair, TRANSPORT_TCP);
    rig->mux = muxconn_new(TAKE(rig->pair.server), &events, rig);
    rig->peer = TAKE(rig->pair.client);
    conn_set_owner(rig->peer, &peer_events, rig);
}

static void rig_close(struct rig *rig) {
    muxconn_free(rig->mux);
    if (rig->peer)
        conn_close(rig->peer);
    buf_done(&rig->raw);
    buf_done(&rig->heads);
    test_pair_close(&rig->pair);
}

static void end_open(struct end *end, struct rig *rig) {
    static const struct conn_events events = { .on_bytes = on_end_bytes,
                                               .on_writable = on_end_writable,
                                               .on_closed = on_end_closed };

    *end = (struct end) { .rig = rig, .reason = 1 };
    end->conn = muxconn_open(rig->mux);
    CHECK(end->conn);
    conn_set_owner(end->conn, &events, end);
}

static void end_close(struct end *end) {
    if (end->conn)
        conn_close(end->conn);
    buf_done(&end->got);
}

static struct end *watched; /* by the conditions below; a test runs alone */

static bool has_said(struct rig *rig, const char *words) {
    return strcmp(buf_text(&rig->heads), words) == 0;
}

static bool got_five(struct rig *rig) {
    (void)rig;
    return watched->got.len == 5 && rig->received[1] == 2;
}

static bool is_ended(struct rig *rig) {
    (void)rig;
    return watched->reason != 1;
}

static bool peer_heard_fin(struct rig *rig) {
    return has_said(rig, "1/1/1/0;1/4/1/0;");
}

static void a_stream_is_a_conn(void) {
    struct rig rig;
    struct end end;

    rig_open(&rig);
    end_open(&end, &rig);
    watched = &end;
    CHECK_TEXT(conn_peer(end.conn), conn_peer(muxconn_conn(rig.mux)));
    conn_send(end.conn, slice_of_text("hi"));
    say(&rig, WINDOW, ACK, 1, 0);
    say_data(&rig, 0, 1, "hello");
    wait_for(&rig, got_five);
    CHECK_TEXT(buf_text(&end.got), "hello");
    say_data(&rig, FIN, 1, "!");
    wait_for(&rig, is_ended);
    CHECK_INT(end.reason, 0);
    CHECK_TEXT(buf_text(&end.got), "hello!");
    end.reason = 1;
    conn_finish(end.conn);
    wait_for(&rig, is_ended);
    CHECK_INT(end.reason, 0);
    end_close(&end);
    wait_for(&rig, peer_heard_fin); /* and no reset */
    rig_close(&rig);
}

static bool peer_heard_reset(struct rig *rig) {
    return has_said(rig, "1/1/1/0;1/8/1/0;");
}

static void closing_resets_the_stream(void) {
    struct rig rig;
    struct end end;

    rig_open(&rig);
    end_open(&end, &rig);
    end_close(&end);
    wait_for(&rig, peer_heard_reset);
    rig_close(&rig);
}

static void a_reset_ends_the_conn(void) {
    struct rig rig;
    struct end end;

    rig_open(&rig);
    end_open(&end, &rig);
    watched = &end;
    say(&rig, WINDOW, RST, 1, 0);
    wait_for(&rig, is_ended);
    CHECK_INT(end.reason, -ECONNRESET);
    conn_send(end.conn, slice_of_text("too late"));
    CHECK(!conn_is_writable(end.conn));
    end_close(&end);
    rig_close(&rig);
}

static bool both_got_what_they_may(struct rig *rig) {
    return rig->received[1] == YAMUX_WINDOW && rig->received[3] == 100;
}

static bool all_came(struct rig *rig) {
    return rig->received[1] == YAMUX_WINDOW + 5000 && watched->writable == 1;
}

static void a_stream_without_window_holds_up_no_other(void) {
    struct rig rig;
    struct end stalled, other;
    char *much = mem_new(YAMUX_WINDOW + 5000);

    rig_open(&rig);
    end_open(&stalled, &rig);
    end_open(&other, &rig);
    watched = &stalled;
    conn_send(stalled.conn, slice_of(much, YAMUX_WINDOW + 5000));
    CHECK(!conn_is_writable(stalled.conn));
    conn_send(other.conn, slice_of(much, 100));
    wait_for(&rig, both_got_what_they_may);
    CHECK(conn_is_writable(other.conn));
    CHECK(!conn_is_writable(stalled.conn));
    CHECK(muxconn_is_stalled(stalled.conn) && !muxconn_is_stalled(other.conn));
    stalled.writable = 0;
    say(&rig, WINDOW, ACK, 1, 5001);
    wait_for(&rig, all_came);
    CHECK(conn_is_writable(stalled.conn));
    end_close(&stalled);
    end_close(&other);
    rig_close(&rig);
    free(much);
}

static bool got_window(struct rig *rig) {
    return watched->got.len == YAMUX_WINDOW && has_said(rig, "1/1/1/0;1/0/1/262144;");
}

static bool has_pong(struct rig *rig) {
    return strstr(buf_text(&rig->heads), "2/2/0/9;");
}

/* The window is the owner's: what waits for it is not given back. */
static void a_paused_stream_gives_no_credit(void) {
    struct rig rig;
    struct end end;
    char *much = mem_new(YAMUX_WINDOW);

    rig_open(&rig);
    end_open(&end, &rig);
    watched = &end;
    conn_pause(end.conn, true);
    say(&rig, DATA, ACK, 1, YAMUX_WINDOW);
    conn_send(rig.peer, slice_of(much, YAMUX_WINDOW));
    say(&rig, PING, SYN, 0, 9);
    wait_for(&rig, has_pong);
    CHECK_TEXT(buf_text(&rig.heads), "1/1/1/0;2/2/0/9;");
    buf_clear(&rig.heads);
    buf_add_text(&rig.heads, "1/1/1/0;");
    conn_pause(end.conn, false);
    wait_for(&rig, got_window);
    end_close(&end);
    rig_close(&rig);
    free(much);
}

static bool mux_is_closed(struct rig *rig) {
    return rig->reason != 1 && watched->reason != 1;
}

static bool peer_heard_go_away(struct rig *rig) {
    return has_said(rig, "1/1/1/0;3/0/0/1;");
}

static void a_broken_rule_ends_every_stream(void) {
    struct rig rig;
    struct end end;

    rig_open(&rig);
    end_open(&end, &rig);
    watched = &end;
    say(&rig, 9, 0, 1, 0);
    wait_for(&rig, mux_is_closed);
    CHECK_INT(rig.reason, -EPROTO);
    CHECK_INT(end.reason, -EPROTO);
    CHECK(!muxconn_open(rig.mux));
    wait_for(&rig, peer_heard_go_away);
    end_close(&end);
    rig_close(&rig);
}

static bool is_away(struct rig *rig) {
    return !muxconn_can_open(rig->mux) && watched->got.len > 0;
}

static void a_peer_that_goes_away_finishes_its_streams(void) {
    struct rig rig;
    struct end end;

    rig_open(&rig);
    end_open(&end, &rig);
    watched = &end;
    say(&rig, AWAY, 0, 0, YAMUX_NORMAL);
    say_data(&rig, 0, 1, "on");
    wait_for(&rig, is_away);
    CHECK_INT(rig.reason, 1);
    say(&rig, AWAY, 0, 0, YAMUX_INTERNAL);
    wait_for(&rig, mux_is_closed);
    CHECK_INT(rig.reason, -EPROTO);
    end_close(&end);
    rig_close(&rig);
}

static void the_end_of_the_conn_ends_every_stream(void) {
    struct rig rig;
    struct end end;

    rig_open(&rig);
    end_open(&end, &rig);
    watched = &end;
    conn_close(TAKE(rig.peer));
    wait_for(&rig, mux_is_closed);
    CHECK(rig.reason == 0 || rig.reason == -ECONNRESET); /* what it did not read */
    CHECK_INT(end.reason, -ECONNRESET);
    end_close(&end);
    rig_close(&rig);
}

static bool is_alive(struct rig *rig) {
    return rig->alive == 1;
}

static void a_probe_is_answered_or_ends_it(void) {
    struct rig rig;
    struct end end;

    rig_open(&rig);
    end_open(&end, &rig);
    watched = &end;
    muxconn_probe(rig.mux, 5000);
    say(&rig, PING, ACK, 0, 0);
    wait_for(&rig, is_alive);
    muxconn_probe(rig.mux, 1);
    wait_for(&rig, mux_is_closed);
    CHECK_INT(rig.reason, -ETIMEDOUT);
    CHECK_INT(rig.alive, 1);
    end_close(&end);
    rig_close(&rig);
}

static bool is_freed(struct rig *rig) {
    return !rig->mux;
}

static void it_may_be_freed_from_its_own_callbacks(void) {
    struct rig rig;
    struct end end, other;

    rig_open(&rig);
    end_open(&end, &rig);
    end_open(&other, &rig);
    watched = &other;
    end.free_on_bytes = true;
    say_data(&rig, 0, 1, "free");
    say_data(&rig, 0, 3, "never read");
    wait_for(&rig, is_freed);
    wait_for(&rig, is_ended);
    CHECK_INT(other.reason, -ECONNABORTED);
    CHECK_INT(other.got.len, 0);
    end_close(&end);
    end_close(&other);
    rig_close(&rig);
}

TESTS(TEST(a_stream_is_a_conn),
      TEST(closing_resets_the_stream),
      TEST(a_reset_ends_the_conn),
      TEST(a_stream_without_window_holds_up_no_other),
      TEST(a_paused_stream_gives_no_credit),
      TEST(a_broken_rule_ends_every_stream),
      TEST(a_peer_that_goes_away_finishes_its_streams),
      TEST(the_end_of_the_conn_ends_every_stream),
      TEST(a_probe_is_answered_or_ends_it),
      TEST(it_may_be_freed_from_its_own_callbacks))
