#include "rpc/tunnel.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "loop/conn_tcp.h"
#include "loop/netaddr.h"
#include "loop/test_pair.h"
#include "loop/timer.h"
#include "rpc/call.h"
#include "rpc/h2conn.h"
#include "rpc/target.h"
#include "wire/headers.h"

enum { WATCHDOG_MS = 20000, LARGE = 3000000, MOST = 64 << 20 };

/* What the server does with a call. */
enum way { ANSWER, REFUSE, HOLD };

/* The end of a TCP connection that a test holds. */
struct end {
    struct rig *rig;
    struct conn *conn; /* owned */
    struct buf got;
    bool saw_end;
    int reason; /* of its loss */
    bool deaf;
};

/*
 * user == TCP == splice - h2 client === h2 server - splice == TCP == server
 *
 * The two ends are the test's; all else is under test.
 */
struct rig {
    struct test_pair link; /* what HTTP/2 runs on */
    struct loop *loop;     /* borrowed: the link's */
    struct h2conn *client;
    struct h2conn *server;
    struct listener *near; /* where the user connects */
    struct listener *far;  /* the target */
    struct listener_limits limits;
    struct end user;
    struct end target;
    struct splice *asked;
    struct splice *answered;
    struct call *held; /* a call that nobody answers yet: a reference */
    struct conn *dialled;
    struct conn *again; /* what was taken back */
    struct timer watchdog;
    struct timer pause;
    char to[64]; /* what the server was asked for */
    char message[200];
    enum grpc_status status;
    bool opened;
    bool asked_done;
    bool answered_done;
    bool takes_back;
    enum way way;
};

static void on_watchdog(struct timer *timer) {
    fail_msg("the test hangs");
}

static void go_on(struct rig *rig) {
    loop_stop(rig->loop);
}

static void on_pause(struct timer *timer) {
    go_on(container_of(timer, struct rig, pause));
}

static void on_end_bytes(void *owner, struct slice bytes) {
    struct end *end = owner;
    buf_add_slice(&end->got, bytes);
    go_on(end->rig);
}

static void on_end_closed(void *owner, int reason) {
    struct end *end = owner;

    end->saw_end = reason == 0;
    end->reason = reason;
    go_on(end->rig);
}

static void hold_end(struct rig *rig, struct end *end, struct conn *conn) {
    static const struct conn_events events = {
        .on_bytes = on_end_bytes,
        .on_closed = on_end_closed,
    };

    end->rig = rig;
    end->conn = conn;
    conn_set_owner(conn, &events, end);
}

static void on_asked_done(void *arg, struct splice *splice, const struct call *call) {
    struct rig *rig = arg;

    rig->asked = NULL;
    rig->asked_done = true;
    rig->status = call->status;
    snprintf(rig->message, sizeof(rig->message), "%s", call->message);
    if (rig->takes_back)
        rig->again = tunnel_take_conn(splice);
    go_on(rig);
}

static void on_answered_done(void *arg, struct splice *splice, const struct call *call) {
    struct rig *rig = arg;

    rig->answered = NULL;
    rig->answered_done = true;
    go_on(rig);
}

static void on_open(void *arg, struct splice *splice) {
    struct rig *rig = arg;
    rig->opened = true;
    go_on(rig);
}

static void ask(struct rig *rig, struct conn *conn) {
    struct headers metadata = { 0 };
    headers_add(&metadata, "name", "pi");
    struct tunnel_request request = {
        .target = h2conn_target(rig->client),
        .to = "db.example.org:5432",
        .metadata = &metadata,
        .on_open = on_open,
        .on_done = on_asked_done,
        .arg = rig,
    };

    rig->asked_done = false;
    rig->asked = tunnel_ask(conn, &request);
    headers_done(&metadata);
}

/* Who connects to near is given a tunnel. */
static void on_near(void *arg, struct conn *conn) {
    listener_vouch(conn);
    ask(arg, conn);
}

static void on_far(void *arg, struct conn *conn) {
    struct rig *rig = arg;
    hold_end(rig, &rig->target, conn);
    go_on(rig);
}

static void on_held_wake(struct call *call, void *user) {
    struct rig *rig = user;

    if (!call->finished) {
        go_on(rig);
        return;
    }
    rig->held = NULL;
    if (rig->dialled)
        conn_close(TAKE(rig->dialled));
    call_detach_callee(call);
    go_on(rig);
}

static void on_dialled(void *arg, int status) {
    struct rig *rig = arg;

    CHECK_INT(status, 0);
    if (rig->held)
        rig->answered =
            tunnel_answer(TAKE(rig->held), TAKE(rig->dialled), on_answered_done, rig);
}

static void on_call(void *owner, struct h2conn *h2conn, struct call *call) {
    struct rig *rig = owner;
    struct call_half callee = { .on_wake = on_held_wake, .user = rig };
    struct sockaddr_storage address;

    CHECK(call->tunnel);
    CHECK_TEXT(call->method, "CONNECT");
    CHECK_TEXT(headers_get(&call->metadata, "name"), "pi");
    snprintf(rig->to, sizeof(rig->to), "%s", call->tunnel);
    if (rig->way == REFUSE) {
        struct headers trailers = { 0 };
        headers_add(&trailers, "roost-remedy", "ask the owner");
        call_finish(call, GRPC_PERMISSION_DENIED, "n\xc3\xb6: 100%", &trailers);
        headers_done(&trailers);
        return;
    }
    call_attach_callee(call, &callee);
    rig->held = call;
    if (rig->way == HOLD) {
        go_on(rig);
        return;
    }
    CHECK(
        netaddr_parse("127.0.0.1", test_pair_port(listener_address(rig->far)), &address));
    rig->dialled = conn_tcp_connect(rig->loop, &address, on_dialled, rig);
}

static void on_client_closed(void *owner, struct h2conn *h2conn, int reason) {
    struct rig *rig = owner;
    rig->client = h2conn_free(h2conn);
    go_on(rig);
}

static void on_server_closed(void *owner, struct h2conn *h2conn, int reason) {
    struct rig *rig = owner;
    rig->server = h2conn_free(h2conn);
    go_on(rig);
}

static struct listener *listen_for(struct rig *rig,
                                   void (*on_conn)(void *arg, struct conn *conn)) {
    struct listener_config config = {
        .address = "127.0.0.1:0",
        .limits = &rig->limits,
        .on_conn = on_conn,
        .arg = rig,
    };
    struct listener *listener;

    CHECK_INT(listener_new(rig->loop, &config, &listener), 0);
    return listener;
}

static void on_user_connected(void *arg, int status) {
    struct rig *rig = arg;
    CHECK_INT(status, 0);
    hold_end(rig, &rig->user, rig->user.conn);
}

static void open_rig(struct rig *rig, enum transport transport, enum way way) {
    struct h2conn_config config = {
        .limits = { .streams_max = 100,
                    .window = CALL_PIPE_MAX,
                    .header_bytes_max = 9999 },
        .on_call = on_call,
        .owner = rig,
    };
    struct sockaddr_storage address;

    memset(rig, 0, sizeof(*rig));
    test_pair_open(&rig->link, transport);
    rig->loop = rig->link.loop;
    rig->way = way;
    rig->limits = (struct listener_limits) { 10000, 10, 10 };
    rig->watchdog.fire = on_watchdog;
    rig->pause.fire = on_pause;
    timer_start(rig->loop, &rig->watchdog, WATCHDOG_MS);
    config.role = H2_CLIENT;
    config.on_closed = on_client_closed;
    rig->client = h2conn_new(TAKE(rig->link.client), &config);
    config.role = H2_SERVER;
    config.on_closed = on_server_closed;
    rig->server = h2conn_new(TAKE(rig->link.server), &config);
    rig->near = listen_for(rig, on_near);
    rig->far = listen_for(rig, on_far);
    CHECK(netaddr_parse("127.0.0.1", test_pair_port(listener_address(rig->near)),
                        &address));
    rig->user.conn = conn_tcp_connect(rig->loop, &address, on_user_connected, rig);
    while (way == ANSWER && !(rig->opened && rig->target.conn))
        loop_run(rig->loop);
}

static void close_end(struct end *end) {
    if (end->conn)
        conn_close(end->conn);
    buf_done(&end->got);
}

static void close_rig(struct rig *rig) {
    tunnel_cut(rig->asked);
    h2conn_free(rig->client);
    h2conn_free(rig->server);
    loop_settle(rig->loop);
    CHECK(!rig->answered);
    listener_free(rig->near);
    listener_free(rig->far);
    close_end(&rig->user);
    close_end(&rig->target);
    if (rig->again)
        conn_close(rig->again);
    timer_stop(&rig->watchdog);
    timer_stop(&rig->pause);
    test_pair_close(&rig->link);
}

static void run_until_got(struct end *end, size_t len) {
    while (end->got.len < len)
        loop_run(end->rig->loop);
}

static void run_until_end(struct end *end) {
    while (!end->saw_end && end->reason == 0)
        loop_run(end->rig->loop);
}

static void run_until_done(struct rig *rig) {
    while (!rig->asked_done || (rig->way == ANSWER && !rig->answered_done))
        loop_run(rig->loop);
}

static void say(struct end *end, const char *text) {
    conn_send(end->conn, slice_of_text(text));
}

static void each_side_ends_for_itself(void) {
    for (int first = 0; first < 2; first++) {
        struct rig rig;
        open_rig(&rig, first ? TRANSPORT_TLS : TRANSPORT_TCP, ANSWER);
        struct end *one = first ? &rig.user : &rig.target;
        struct end *other = first ? &rig.target : &rig.user;

        CHECK_TEXT(rig.to, "db.example.org:5432");
        say(one, "all I say");
        conn_end(one->conn);
        run_until_end(other);
        CHECK_TEXT(buf_text(&other->got), "all I say");
        CHECK(!one->saw_end);
        say(other, "and ");
        run_until_got(one, 4);
        say(other, "the answer");
        conn_end(other->conn);
        run_until_end(one);
        CHECK_TEXT(buf_text(&one->got), "and the answer");
        run_until_done(&rig);
        CHECK_INT(rig.status, GRPC_OK);
        CHECK_INT(h2conn_count(rig.client), 0);
        CHECK_INT(h2conn_count(rig.server), 0);
        close_rig(&rig);
    }
}

static void what_is_large_arrives_whole_and_its_end_behind_it(void) {
    struct rig rig;
    uint8_t *bytes = mem_new(LARGE);

    for (size_t i = 0; i < LARGE; i++)
        bytes[i] = (uint8_t)(i * 7 + i / 251);
    open_rig(&rig, TRANSPORT_TLS, ANSWER);
    conn_send(rig.user.conn, slice_of(bytes, LARGE));
    conn_end(rig.user.conn);
    conn_send(rig.target.conn, slice_of(bytes, LARGE));
    conn_end(rig.target.conn);
    run_until_end(&rig.user);
    run_until_end(&rig.target);
    CHECK_INT(rig.user.got.len, LARGE);
    CHECK_INT(rig.target.got.len, LARGE);
    CHECK(memcmp(rig.user.got.data, bytes, LARGE) == 0);
    CHECK(memcmp(rig.target.got.data, bytes, LARGE) == 0);
    run_until_done(&rig);
    CHECK_INT(rig.status, GRPC_OK);
    free(bytes);
    close_rig(&rig);
}

static void a_reset_travels_both_ways(void) {
    for (int first = 0; first < 2; first++) {
        struct rig rig;
        open_rig(&rig, TRANSPORT_TCP, ANSWER);
        struct end *one = first ? &rig.user : &rig.target;
        struct end *other = first ? &rig.target : &rig.user;

        say(one, "x");
        run_until_got(other, 1);
        conn_abort(TAKE(one->conn));
        run_until_end(other);
        CHECK_INT(other->reason, -ECONNRESET);
        run_until_done(&rig);
        CHECK(rig.status != GRPC_OK);
        close_rig(&rig);
    }
}

static void a_loss_of_the_link_resets_both_ends(void) {
    struct rig rig;

    open_rig(&rig, TRANSPORT_TCP, ANSWER);
    conn_abort(h2conn_conn(rig.client));
    rig.client = h2conn_free(rig.client);
    run_until_end(&rig.user);
    run_until_end(&rig.target);
    CHECK_INT(rig.user.reason, -ECONNRESET);
    CHECK_INT(rig.target.reason, -ECONNRESET);
    run_until_done(&rig);
    CHECK_INT(rig.status, GRPC_UNAVAILABLE);
    close_rig(&rig);
}

static void a_refusal_says_why(void) {
    struct rig rig;

    open_rig(&rig, TRANSPORT_TCP, REFUSE);
    run_until_done(&rig);
    CHECK(!rig.opened);
    CHECK_INT(rig.status, GRPC_PERMISSION_DENIED);
    CHECK_TEXT(rig.message, "n\xc3\xb6: 100%");
    run_until_end(&rig.user);
    CHECK_INT(rig.user.reason, -ECONNRESET);
    close_rig(&rig);
}

/* Whoever waits for a node asks once more, and nothing that was said is lost. */
static void a_connection_whose_tunnel_never_opened_can_be_had_again(void) {
    struct rig rig;

    open_rig(&rig, TRANSPORT_TCP, HOLD);
    rig.takes_back = true;
    while (!rig.held || !rig.user.rig)
        loop_run(rig.loop);
    say(&rig.user, "said early");
    conn_end(rig.user.conn);
    while (!rig.held->request_ended)
        loop_run(rig.loop);
    call_finish(rig.held, GRPC_UNAVAILABLE, "not yet", NULL);
    run_until_done(&rig);
    CHECK(rig.again);
    rig.way = ANSWER;
    conn_pause(rig.again, false);
    ask(&rig, TAKE(rig.again));
    while (!rig.target.conn)
        loop_run(rig.loop);
    run_until_end(&rig.target);
    CHECK_TEXT(buf_text(&rig.target.got), "said early");
    conn_end(rig.target.conn);
    run_until_done(&rig);
    CHECK_INT(rig.status, GRPC_OK);
    close_rig(&rig);
}

static void who_goes_before_it_is_open_cancels_it(void) {
    struct rig rig;

    open_rig(&rig, TRANSPORT_TCP, HOLD);
    while (!rig.held || !rig.user.rig)
        loop_run(rig.loop);
    conn_abort(TAKE(rig.user.conn));
    while (rig.held)
        loop_run(rig.loop);
    CHECK(rig.asked_done);
    close_rig(&rig);
}

/* A reader that stops holds what two pipes and two windows take, and no more. */
static void a_reader_that_stops_stops_the_writer(void) {
    struct rig rig;
    uint8_t *bytes = mem_new(LARGE);
    size_t sent = 0;

    open_rig(&rig, TRANSPORT_TCP, ANSWER);
    conn_pause(rig.user.conn, true);
    for (int quiet = 0; quiet < 10; quiet++) {
        while (conn_is_writable(rig.target.conn) && sent < MOST) {
            conn_send(rig.target.conn, slice_of(bytes, 65536));
            sent += 65536;
            quiet = 0;
        }
        timer_start(rig.loop, &rig.pause, 10);
        loop_run(rig.loop);
    }
    CHECK(sent < MOST);
    free(bytes);
    close_rig(&rig);
}

static void statuses_have_names_in_http(void) {
    static const int rows[][2] = {
        { GRPC_PERMISSION_DENIED, 403 }, { GRPC_NOT_FOUND, 404 },
        { GRPC_UNAVAILABLE, 503 },       { GRPC_FAILED_PRECONDITION, 502 },
        { GRPC_DEADLINE_EXCEEDED, 504 }, { GRPC_INVALID_ARGUMENT, 400 },
        { GRPC_UNAUTHENTICATED, 407 },   { GRPC_RESOURCE_EXHAUSTED, 429 },
        { GRPC_UNIMPLEMENTED, 501 },     { GRPC_ABORTED, 502 },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        CHECK_INT(tunnel_http_status(rows[i][0]), rows[i][1]);
}

TESTS(TEST(each_side_ends_for_itself),
      TEST(what_is_large_arrives_whole_and_its_end_behind_it),
      TEST(a_reset_travels_both_ways),
      TEST(a_loss_of_the_link_resets_both_ends),
      TEST(a_refusal_says_why),
      TEST(a_connection_whose_tunnel_never_opened_can_be_had_again),
      TEST(who_goes_before_it_is_open_cancels_it),
      TEST(a_reader_that_stops_stops_the_writer),
      TEST(statuses_have_names_in_http))
