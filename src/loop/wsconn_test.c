#include "loop/wsconn.h"

#include <errno.h>
#include <string.h>

#include "base/buf.h"
#include "base/check.h"
#include "base/mem.h"
#include "loop/test_pair.h"

/* A server's wsconn, and a peer that says what it likes on the conn below. */
struct talk {
    struct loop *loop;
    struct conn *server; /* owned */
    struct conn *peer;   /* owned */
    struct buf at_server;
    struct buf at_peer;
    int reason; /* 1: not closed */
};

static void on_server_bytes(void *owner, struct slice bytes) {
    struct talk *talk = owner;
    buf_add_slice(&talk->at_server, bytes);
}

/* The conn may still say why: it ends by itself. */
static void on_server_closed(void *owner, int reason) {
    struct talk *talk = owner;

    talk->reason = reason;
    if (reason == 0)
        conn_finish(talk->server);
    conn_set_owner(TAKE(talk->server), NULL, NULL);
}

static void on_peer_bytes(void *owner, struct slice bytes) {
    struct talk *talk = owner;
    buf_add_slice(&talk->at_peer, bytes);
}

static void on_peer_closed(void *owner, int reason) {
    struct talk *talk = owner;
    (void)reason;
    conn_close(TAKE(talk->peer));
}

static const struct conn_events server_events = { .on_bytes = on_server_bytes,
                                                  .on_closed = on_server_closed };
static const struct conn_events peer_events = { .on_bytes = on_peer_bytes,
                                                .on_closed = on_peer_closed };

/* What the server makes of these bytes, when the peer ends after them. */
static const struct exchange {
    struct slice sent;
    const char *received; /* by the server's owner */
    struct slice answer;
    int reason;
} exchanges[] = {
#define BYTES(text)                                                                      \
    { (const uint8_t *)(text), sizeof(text) - 1 }
    /* a message in one frame, then close 1000 */
    { BYTES("\x82\x82\0\0\0\0hi\x88\x82\0\0\0\0\x03\xe8"), "hi",
      BYTES("\x88\x02\x03\xe8"), 0 },
    /* in three fragments with a ping between them, masked with 0x20 */
    { BYTES("\x02\x81\x20\x20\x20\x20H\x89\x81\0\0\0\0p\x00\x80\0\0\0\0"
            "\x80\x81\x20\x20\x20\x20I\x88\x80\0\0\0\0"),
      "hi", BYTES("\x8a\x01p\x88\x00"), 0 },
    /* a text */
    { BYTES("\x81\x82\0\0\0\0hi"), "",
      BYTES("\x88\x16\x03\xeb"
            "binary messages only"),
      -EPROTO },
    /* FIN without a close frame */
    { BYTES("\x82\x82\0\0\0\0hi"), "hi", BYTES(""), -ECONNRESET },
    { BYTES("\x82\x82\0\0"), "", BYTES(""), -ECONNRESET },
};

static void run_exchange(const struct exchange *exchange) {
    struct test_pair pair;

    test_pair_open(&pair, TRANSPORT_TCP);
    struct talk talk = {
        .loop = pair.loop,
        .server = wsconn_new(TAKE(pair.server), false),
        .peer = TAKE(pair.client),
        .reason = 1,
    };
    conn_set_owner(talk.server, &server_events, &talk);
    conn_set_owner(talk.peer, &peer_events, &talk);
    conn_send(talk.peer, exchange->sent);
    conn_finish(talk.peer);
    loop_run(pair.loop);

    CHECK_INT(talk.reason, exchange->reason);
    CHECK_TEXT(buf_text(&talk.at_server), exchange->received);
    CHECK(slice_equal(buf_slice(&talk.at_peer), exchange->answer));
    CHECK(!talk.server && !talk.peer);
    buf_done(&talk.at_server);
    buf_done(&talk.at_peer);
    test_pair_close(&pair);
}

static void messages_become_a_stream(void) {
    for (size_t i = 0; i < sizeof(exchanges) / sizeof(exchanges[0]); i++)
        run_exchange(&exchanges[i]);
}

/* What breaks the protocol is answered with the code that says how. */
static void broken_rules_end_it_with_a_code(void) {
    static const struct {
        struct slice sent;
        unsigned code;
    } rows[] = {
        { BYTES("\x82\x02hi"), 1002 },                          /* not masked */
        { BYTES("\x83\x80\0\0\0\0"), 1002 },                    /* no such opcode */
        { BYTES("\x80\x80\0\0\0\0"), 1002 },                    /* nothing to continue */
        { BYTES("\x09\x80\0\0\0\0"), 1002 },                    /* a ping in fragments */
        { BYTES("\xc2\x80\0\0\0\0"), 1002 },                    /* an extension's bit */
        { BYTES("\x82\xff\0\0\0\0\x10\0\0\0\0\0\0\0h"), 1009 }, /* 256 MiB */
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct test_pair pair;
        test_pair_open(&pair, TRANSPORT_TCP);
        struct talk talk = {
            .loop = pair.loop,
            .server = wsconn_new(TAKE(pair.server), false),
            .peer = TAKE(pair.client),
            .reason = 1,
        };
        conn_set_owner(talk.server, &server_events, &talk);
        conn_set_owner(talk.peer, &peer_events, &talk);
        conn_send(talk.peer, rows[i].sent);
        loop_run(pair.loop);
        CHECK_INT(talk.reason, -EPROTO);
        CHECK(talk.at_peer.len >= 4 && talk.at_peer.data[0] == 0x88);
        CHECK_INT(talk.at_peer.data[2] << 8 | talk.at_peer.data[3], rows[i].code);
        buf_done(&talk.at_server);
        buf_done(&talk.at_peer);
        test_pair_close(&pair);
    }
}

/* Runs a server with this config until its end; the peer says nothing but sent. */
static int run_with(const struct wsconn_config *config,
                    struct slice sent,
                    void (*act)(struct conn *server),
                    struct buf *ret_at_peer) {
    struct test_pair pair;

    test_pair_open(&pair, TRANSPORT_TCP);
    struct talk talk = {
        .loop = pair.loop,
        .server = wsconn_new_with(TAKE(pair.server), config),
        .peer = TAKE(pair.client),
        .reason = 1,
    };
    conn_set_owner(talk.server, &server_events, &talk);
    conn_set_owner(talk.peer, &peer_events, &talk);
    if (act)
        act(talk.server);
    conn_send(talk.peer, sent);
    loop_run(pair.loop);
    buf_add_slice(ret_at_peer, buf_slice(&talk.at_peer));
    buf_done(&talk.at_server);
    buf_done(&talk.at_peer);
    test_pair_close(&pair);
    return talk.reason;
}

static void send_ten(struct conn *server) {
    conn_send(server, slice_of_text("0123456789"));
    wsconn_finish(server, 1000, "name is empty");
    wsconn_finish(server, 1001, "too late");
}

static void messages_are_cut_and_the_end_says_why(void) {
    struct wsconn_config config = { .slice_max = 4 };
    struct slice wanted = BYTES("\x82\x04"
                                "0123\x82\x04"
                                "4567\x82\x02"
                                "89\x88\x0f\x03\xe8name is empty");
    struct buf got = { 0 };

    CHECK_INT(run_with(&config, (struct slice)BYTES("\x88\x82\0\0\0\0\x03\xe8"), send_ten,
                       &got),
              0);
    CHECK(slice_equal(buf_slice(&got), wanted));
    buf_done(&got);
}

static void silence_is_asked_and_then_ends_it(void) {
    struct wsconn_config config = { .ping_ms = 20, .quiet_ms = 200 };
    struct buf got = { 0 };

    CHECK_INT(run_with(&config, (struct slice)BYTES("\x8a\x80\0\0\0\0"), NULL, &got),
              -ETIMEDOUT);
    CHECK(got.len >= 4 && got.data[0] == 0x89 && got.data[1] == 0 && got.data[2] == 0x89);
    buf_done(&got);
}

TESTS(TEST(messages_become_a_stream),
      TEST(broken_rules_end_it_with_a_code),
      TEST(messages_are_cut_and_the_end_says_why),
      TEST(silence_is_asked_and_then_ends_it))
