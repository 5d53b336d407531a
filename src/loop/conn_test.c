#include "loop/conn.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "loop/test_pair.h"
#include "loop/timer.h"

static const enum transport transports[] = {
    TRANSPORT_TCP,
    TRANSPORT_TLS,
    TRANSPORT_WS,
    TRANSPORT_WSS,
};

#define FOR_EACH_TRANSPORT(transport)                                                    \
    for (size_t i_ = 0; i_ < sizeof(transports) / sizeof(transports[0]); i_++)           \
        for (enum transport transport = transports[i_], *once_ = &transport; once_;      \
             once_ = NULL)

/* Bytes that tell at which place of the stream they stand. */
static uint8_t pattern(uint64_t at) {
    return (uint8_t)((at * 2654435761U) >> 13);
}

static uint32_t next_random(uint32_t *state) {
    *state = *state * 1664525 + 1013904223;
    return *state >> 8;
}

/* One end. What happened is counted; what to do about it is set by the test. */
struct side {
    struct loop *loop;
    struct conn *conn;
    struct side *other;
    uint64_t to_send;
    uint64_t sent;
    uint64_t received;
    uint64_t expected; /* finish when that many came */
    unsigned calls;    /* of anything */
    unsigned closed_calls;
    int reason;
    uint32_t random;
    bool echoes;
    bool pauses;        /* now and then */
    bool closes_at_end; /* of the peer */
    bool inside;        /* one of our own calls: nothing may be told meanwhile */
    bool is_gone;
    struct timer resume;
};

static void note_call(struct side *side) {
    CHECK(!side->inside);
    CHECK(!side->is_gone);
    side->calls++;
}

static void close_side(struct side *side) {
    side->inside = true;
    conn_close(side->conn);
    side->inside = false;
    side->is_gone = true;
    timer_stop(&side->resume);
}

static void send_bytes(struct side *side, struct slice bytes) {
    side->inside = true;
    conn_send(side->conn, bytes);
    side->inside = false;
    side->sent += bytes.len;
}

static void send_pattern(struct side *side) {
    static uint8_t chunk[CONN_SEND_MAX];

    while (side->sent < side->to_send && conn_is_writable(side->conn)) {
        uint64_t left = side->to_send - side->sent;
        size_t len = 1 + next_random(&side->random) % sizeof(chunk);
        if (len > left)
            len = (size_t)left;
        for (size_t i = 0; i < len; i++)
            chunk[i] = pattern(side->sent + i);
        send_bytes(side, slice_of(chunk, len));
    }
}

static void pause_side(struct side *side, bool paused) {
    side->inside = true;
    conn_pause(side->conn, paused);
    side->inside = false;
}

static void on_resume(struct timer *timer) {
    struct side *side = container_of(timer, struct side, resume);
    pause_side(side, false);
}

static void pause_now_and_then(struct side *side) {
    if (!side->pauses || next_random(&side->random) % 8 != 0)
        return;
    pause_side(side, true);
    timer_start(side->loop, &side->resume, 1);
}

static void finish(struct side *side) {
    side->inside = true;
    conn_finish(side->conn);
    side->inside = false;
}

static void on_bytes(void *owner, struct slice bytes) {
    struct side *side = owner;

    note_call(side);
    CHECK(bytes.len > 0);
    for (size_t i = 0; i < bytes.len; i++)
        CHECK(bytes.at[i] == pattern(side->received + i));
    side->received += bytes.len;
    if (side->echoes) {
        send_bytes(side, bytes);
        if (!conn_is_writable(side->conn))
            pause_side(side, true);
    }
    pause_now_and_then(side);
    if (side->expected > 0 && side->received == side->expected)
        finish(side);
}

static void on_writable(void *owner) {
    struct side *side = owner;

    note_call(side);
    CHECK(conn_is_writable(side->conn));
    send_pattern(side);
    if (side->echoes)
        pause_side(side, false);
}

static void on_closed(void *owner, int reason) {
    struct side *side = owner;

    note_call(side);
    side->closed_calls++;
    side->reason = reason;
    if (side->closes_at_end) {
        close_side(side);
        return;
    }
    if (reason == 0 && side->closed_calls == 1)
        finish(side);
    else
        close_side(side);
}

static const struct conn_events side_events = {
    .on_bytes = on_bytes,
    .on_writable = on_writable,
    .on_closed = on_closed,
};

static void set_up(struct side *side, struct test_pair *pair, bool is_client) {
    *side = (struct side) {
        .loop = pair->loop,
        .conn = is_client ? TAKE(pair->client) : TAKE(pair->server),
        .resume.fire = on_resume,
        .random = is_client ? 17 : 23,
        .reason = -1,
    };
}

static void own(struct side *side) {
    side->inside = true;
    conn_set_owner(side->conn, &side_events, side);
    side->inside = false;
}

/* Whatever carries them, the same bytes come back, also to a reader that is slow. */
static void ten_megabytes_come_back(void) {
    FOR_EACH_TRANSPORT(transport) {
        struct test_pair pair;
        struct side client, server;

        test_pair_open(&pair, transport);
        set_up(&client, &pair, true);
        set_up(&server, &pair, false);
        client.to_send = 10 << 20;
        client.expected = client.to_send;
        client.pauses = true;
        client.closes_at_end = true;
        server.echoes = true;
        own(&server);
        own(&client);
        send_pattern(&client);
        loop_run(pair.loop);

        CHECK_INT(client.received, client.to_send);
        CHECK_INT(client.reason, 0);
        CHECK_INT(server.reason, 0);
        CHECK(client.is_gone && server.is_gone);
        test_pair_close(&pair);
    }
}

struct stopper {
    struct timer timer;
    struct loop *loop;
};

static void on_stopper(struct timer *timer) {
    loop_stop(container_of(timer, struct stopper, timer)->loop);
}

static void run_for(struct loop *loop, uint64_t ms) {
    struct stopper stopper = { .timer.fire = on_stopper, .loop = loop };
    timer_start(loop, &stopper.timer, ms);
    loop_run(loop);
    timer_stop(&stopper.timer);
}

/* A reader that has paused stops the sender after what the kernel and one remainder
 * hold; when it goes on, everything arrives. */
static void a_paused_reader_stops_the_sender(void) {
    FOR_EACH_TRANSPORT(transport) {
        struct test_pair pair;
        struct side client, server;

        test_pair_open(&pair, transport);
        set_up(&client, &pair, true);
        set_up(&server, &pair, false);
        client.to_send = 64 << 20;
        own(&client);
        own(&server);
        pause_side(&server, true);
        send_pattern(&client);
        run_for(pair.loop, 200);
        CHECK(!conn_is_writable(client.conn));
        CHECK(client.sent < client.to_send / 2);
        CHECK_INT(server.received, 0);

        server.expected = client.to_send;
        server.closes_at_end = true;
        pause_side(&server, false);
        loop_run(pair.loop);
        CHECK_INT(server.received, client.to_send);
        CHECK(client.is_gone && server.is_gone);
        test_pair_close(&pair);
    }
}

/* Bytes wait for an owner who comes late, or who pauses in the middle of them. */
static void bytes_wait_for_the_owner(void) {
    FOR_EACH_TRANSPORT(transport) {
        struct test_pair pair;
        struct side client, server;

        test_pair_open(&pair, transport);
        set_up(&client, &pair, true);
        set_up(&server, &pair, false);
        client.to_send = 100000;
        client.closes_at_end = true;
        own(&client);
        send_pattern(&client);
        run_for(pair.loop, 20);
        CHECK_INT(server.calls, 0);

        server.pauses = true;
        server.expected = client.to_send;
        server.closes_at_end = true;
        own(&server);
        loop_run(pair.loop);
        CHECK_INT(server.received, client.to_send);
        test_pair_close(&pair);
    }
}

struct taker {
    struct conn *conn;
    struct side *heir;
    size_t take;
};

static void take_some(void *owner, struct slice bytes) {
    struct taker *taker = owner;

    CHECK(bytes.len > taker->take);
    taker->heir->received = taker->take;
    conn_unread(taker->conn, slice_after(bytes, taker->take));
    own(taker->heir);
}

static void what_is_unread_comes_again_first(void) {
    FOR_EACH_TRANSPORT(transport) {
        static const struct conn_events events = { .on_bytes = take_some };
        struct test_pair pair;
        struct side client, server;

        test_pair_open(&pair, transport);
        set_up(&client, &pair, true);
        set_up(&server, &pair, false);
        struct taker taker = { .conn = server.conn, .heir = &server, .take = 5 };
        client.to_send = 300000;
        client.closes_at_end = true;
        server.expected = client.to_send;
        server.closes_at_end = true;
        conn_set_owner(server.conn, &events, &taker);
        own(&client);
        send_pattern(&client);
        loop_run(pair.loop);
        CHECK_INT(server.received, client.to_send);
        test_pair_close(&pair);
    }
}

/* After the peer has ended in order, what we still have to say goes out. */
static void half_closed_connections_still_carry_the_other_half(void) {
    static const enum transport with_halves[] = { TRANSPORT_TCP, TRANSPORT_TLS };

    for (size_t i = 0; i < 2; i++) {
        struct test_pair pair;
        struct side client, server;

        test_pair_open(&pair, with_halves[i]);
        set_up(&client, &pair, true);
        set_up(&server, &pair, false);
        client.closes_at_end = true;
        own(&client);
        own(&server);
        server.to_send = 60000; /* fits the buffers: sent as a whole before finish */
        finish(&client);
        send_pattern(&server);
        loop_run(pair.loop);
        CHECK_INT(client.received, server.to_send);
        CHECK_INT(client.reason, 0);
        CHECK_INT(server.reason, 0);
        CHECK_INT(server.closed_calls, 2);
        test_pair_close(&pair);
    }
}

/* A peer that vanishes without the farewell of its layer is an error. */
static void an_abrupt_end_is_told_as_one(void) {
    static const enum transport with_farewell[] = { TRANSPORT_TLS, TRANSPORT_WS,
                                                    TRANSPORT_WSS };

    for (size_t i = 0; i < 3; i++) {
        struct test_pair pair;
        struct side client, server;

        test_pair_open(&pair, with_farewell[i]);
        set_up(&client, &pair, true);
        set_up(&server, &pair, false);
        own(&client);
        own(&server);
        close_side(&client);
        loop_run(pair.loop);
        CHECK_INT(server.reason, -ECONNRESET);
        CHECK(server.is_gone);
        test_pair_close(&pair);
    }
}

enum moment { AT_BYTES, AT_WRITABLE, AT_CLOSED, MOMENT_COUNT };

struct closer {
    struct side side;
    enum moment moment;
    bool has_closed;
};

static void maybe_close(struct closer *closer, enum moment moment) {
    CHECK(!closer->has_closed);
    if (closer->moment != moment)
        return;
    closer->has_closed = true;
    conn_close(closer->side.conn);
}

static void close_at_bytes(void *owner, struct slice bytes) {
    (void)bytes;
    maybe_close(owner, AT_BYTES);
}

static void close_at_writable(void *owner) {
    maybe_close(owner, AT_WRITABLE);
}

static void close_at_closed(void *owner, int reason) {
    struct closer *closer = owner;
    (void)reason;
    closer->moment = AT_CLOSED;
    maybe_close(closer, AT_CLOSED);
}

static void closing_in_any_callback_is_the_last_one(void) {
    static const struct conn_events events = {
        .on_bytes = close_at_bytes,
        .on_writable = close_at_writable,
        .on_closed = close_at_closed,
    };

    FOR_EACH_TRANSPORT(transport) {
        for (enum moment moment = 0; moment < MOMENT_COUNT; moment++) {
            struct test_pair pair;
            struct closer closer = { .moment = moment };
            struct side server;

            test_pair_open(&pair, transport);
            set_up(&closer.side, &pair, true);
            set_up(&server, &pair, false);
            server.to_send = 4 << 20;
            server.closes_at_end = true;
            if (moment == AT_CLOSED)
                server.to_send = 0;
            conn_set_owner(closer.side.conn, &events, &closer);
            own(&server);
            closer.side.to_send = moment == AT_WRITABLE ? 16 << 20 : 0;
            send_pattern(&closer.side);
            if (moment != AT_WRITABLE)
                send_pattern(&server);
            if (moment == AT_CLOSED)
                finish(&server);
            loop_run(pair.loop);
            CHECK(closer.has_closed);
            CHECK(server.is_gone);
            test_pair_close(&pair);
        }
    }
}

/* Left alone, a conn sends what it has, ends in order, and is gone. */
static void a_disowned_conn_ends_by_itself(void) {
    FOR_EACH_TRANSPORT(transport) {
        struct test_pair pair;
        struct side client, server;

        test_pair_open(&pair, transport);
        set_up(&client, &pair, true);
        set_up(&server, &pair, false);
        own(&server);
        server.closes_at_end = true;
        client.to_send = 50000;
        send_pattern(&client);
        conn_set_owner(client.conn, NULL, NULL);
        conn_finish(client.conn);
        loop_run(pair.loop);
        CHECK_INT(server.received, client.to_send);
        CHECK_INT(server.reason, 0);
        test_pair_close(&pair);
    }
}

static void drop_owner(void *owner, int reason) {
    struct side *side = owner;

    side->reason = reason;
    conn_set_owner(side->conn, NULL, NULL);
    conn_finish(side->conn);
}

/* The owner has heard of the end and leaves the rest to the conn. */
static void a_conn_disowned_after_its_end_goes_away(void) {
    static const struct conn_events events = { .on_bytes = on_bytes,
                                               .on_closed = drop_owner };

    FOR_EACH_TRANSPORT(transport) {
        for (int in_order = 0; in_order < 2; in_order++) {
            struct test_pair pair;
            struct side client, server;

            test_pair_open(&pair, transport);
            set_up(&client, &pair, true);
            set_up(&server, &pair, false);
            client.closes_at_end = true;
            own(&client);
            conn_set_owner(server.conn, &events, &server);
            server.to_send = 60000;
            if (in_order)
                send_pattern(&server);
            if (in_order)
                finish(&client);
            else
                close_side(&client);
            loop_run(pair.loop); /* ends when both are gone */
            if (in_order && transport <= TRANSPORT_TLS)
                CHECK_INT(client.received, server.to_send);
            test_pair_close(&pair);
        }
    }
}

/* A peer that does not read and does not end is cut off after 5 s. */
static void a_silent_peer_cannot_hold_a_finish(void) {
    struct test_pair pair;
    struct side client, server;

    test_pair_open(&pair, TRANSPORT_TLS);
    set_up(&client, &pair, true);
    set_up(&server, &pair, false);
    own(&server);
    pause_side(&server, true);
    own(&client);
    finish(&client);
    uint64_t before = loop_now_ms(pair.loop);
    run_for(pair.loop, 7000);
    CHECK(loop_now_ms(pair.loop) >= before + 5000);
    CHECK_INT(client.reason, -ETIMEDOUT);
    CHECK(client.is_gone);
    close_side(&server);
    test_pair_close(&pair);
}

static void facts_of_a_connection_are_the_same_on_top(void) {
    FOR_EACH_TRANSPORT(transport) {
        bool with_tls = transport == TRANSPORT_TLS || transport == TRANSPORT_WSS;
        struct test_pair pair;

        test_pair_open(&pair, transport);
        CHECK(conn_is_tls(pair.client) == with_tls);
        CHECK_TEXT(conn_alpn(pair.client), with_tls ? "h2" : "");
        CHECK_TEXT(conn_alpn(pair.server), with_tls ? "h2" : "");
        CHECK_TEXT(conn_peer(pair.client), conn_local(pair.server));
        CHECK_TEXT(conn_local(pair.client), conn_peer(pair.server));
        CHECK_TEXT(conn_peer_key(pair.server), "127.0.0.1");
        CHECK(conn_loop(pair.server) == pair.loop);
        test_pair_close(&pair);
    }
}

TESTS(TEST(ten_megabytes_come_back),
      TEST(a_paused_reader_stops_the_sender),
      TEST(bytes_wait_for_the_owner),
      TEST(what_is_unread_comes_again_first),
      TEST(half_closed_connections_still_carry_the_other_half),
      TEST(an_abrupt_end_is_told_as_one),
      TEST(closing_in_any_callback_is_the_last_one),
      TEST(a_disowned_conn_ends_by_itself),
      TEST(a_conn_disowned_after_its_end_goes_away),
      TEST(a_silent_peer_cannot_hold_a_finish),
      TEST(facts_of_a_connection_are_the_same_on_top))
