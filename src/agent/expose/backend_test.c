#include "agent/expose/backend.h"

#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "loop/conn.h"
#include "loop/listener.h"
#include "loop/loop.h"
#include "loop/timer.h"
#include "rpc/call.h"
#include "rpc/h2conn.h"

enum { CONNS_MAX = 40, WATCHDOG_MS = 20000 };

static const struct listener_limits limits = { 10000, 100, 100 };

/* A server that holds calls until they are let go, and somebody who calls it. */
struct rig {
    struct loop *loop;
    struct listener *listener;
    struct h2conn *conns[CONNS_MAX];
    size_t conn_count;
    uint32_t streams; /* of each connection */
    struct call *held[100];
    size_t held_count;
    struct backend *backend;
    char address[64];
    struct timer watchdog;
    struct timer pause;
    unsigned changes;
    bool is_deaf; /* takes connections and says nothing */
    struct conn *deaf;
};

struct asked {
    struct call *call;
    enum grpc_status status;
    char *message;
    bool done;
};

static void on_held_wake(struct call *call, void *user) {
    struct rig *rig = user;

    if (!call->finished)
        return;
    for (size_t i = 0; i < rig->held_count; i++)
        if (rig->held[i] == call)
            rig->held[i] = rig->held[--rig->held_count];
    call_detach_callee(call);
}

static void on_call(void *owner, struct h2conn *h2conn, struct call *call) {
    struct rig *rig = owner;
    struct call_half callee = { .on_wake = on_held_wake, .user = rig };

    rig->held[rig->held_count++] = call;
    call_attach_callee(call, &callee);
}

static void on_conn_closed(void *owner, struct h2conn *h2conn, int reason) {
    struct rig *rig = owner;

    for (size_t i = 0; i < rig->conn_count; i++)
        if (rig->conns[i] == h2conn)
            rig->conns[i] = rig->conns[--rig->conn_count];
    h2conn_free(h2conn);
}

static void on_conn(void *arg, struct conn *conn) {
    struct rig *rig = arg;
    struct h2conn_config config = {
        .role = H2_SERVER,
        .limits = { .streams_max = rig->streams,
                    .window = CALL_PIPE_MAX,
                    .header_bytes_max = 65536 },
        .on_call = on_call,
        .on_closed = on_conn_closed,
        .owner = rig,
    };

    if (rig->is_deaf)
        rig->deaf = conn;
    else
        rig->conns[rig->conn_count++] = h2conn_new(conn, &config);
}

static void serve(struct rig *rig) {
    struct listener_config config = {
        .address = rig->address[0] ? rig->address : "127.0.0.1:0",
        .limits = &limits,
        .on_conn = on_conn,
        .arg = rig,
    };
    CHECK_INT(listener_new(rig->loop, &config, &rig->listener), 0);
    snprintf(rig->address, sizeof(rig->address), "%s", listener_address(rig->listener));
}

static void on_watchdog(struct timer *timer) {
    CHECK(false);
}

static void on_pause(struct timer *timer) {
    struct rig *rig = container_of(timer, struct rig, pause);
    loop_stop(rig->loop);
}

static void on_change(void *arg) {
    struct rig *rig = arg;
    rig->changes++;
}

static void expose(struct rig *rig, bool tls) {
    struct backend_config config = {
        .loop = rig->loop,
        .name = "lab",
        .address = rig->address,
        .tls = tls,
        .pin = tls ? "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA" : NULL,
        .on_change = on_change,
        .arg = rig,
    };
    rig->backend = backend_new(&config);
}

static void open_rig(struct rig *rig, uint32_t streams) {
    *rig = (struct rig) {
        .loop = loop_new(),
        .streams = streams,
        .watchdog.fire = on_watchdog,
        .pause.fire = on_pause,
    };
    timer_start(rig->loop, &rig->watchdog, WATCHDOG_MS);
    serve(rig);
}

/* Runs the loop a little. */
static void run(struct rig *rig) {
    timer_start(rig->loop, &rig->pause, 5);
    loop_run(rig->loop);
}

static void close_rig(struct rig *rig) {
    backend_free(rig->backend);
    loop_settle(rig->loop);
    while (rig->conn_count > 0)
        h2conn_free(rig->conns[--rig->conn_count]);
    if (rig->deaf)
        conn_close(rig->deaf);
    loop_settle(rig->loop);
    listener_free(rig->listener);
    timer_stop(&rig->watchdog);
    loop_free(rig->loop);
}

static void on_asked_wake(struct call *call, void *user) {
    struct asked *asked = user;

    if (!call->finished)
        return;
    asked->done = true;
    asked->status = call->status;
    asked->message = mem_strdup(call->message);
    call_detach_caller(TAKE(asked->call));
}

static void ask(struct rig *rig, struct asked *asked) {
    struct call_half caller = { .on_wake = on_asked_wake, .user = asked };

    *asked = (struct asked) { 0 };
    asked->call = call_new(rig->loop, "/a.B/C", &caller);
    call_request_end(asked->call);
    call_start(asked->call, backend_target(rig->backend));
}

static void wait_for(struct rig *rig, const struct asked *asked) {
    while (!asked->done)
        run(rig);
}

static void wait_held(struct rig *rig, size_t count) {
    while (rig->held_count < count)
        run(rig);
}

static void let_go(struct rig *rig) {
    for (size_t i = 0; i < rig->held_count; i++)
        call_finish(rig->held[i], GRPC_OK, "", NULL);
}

static void a_call_waits_for_the_connection(void) {
    struct rig rig;
    struct asked asked;

    open_rig(&rig, 10);
    expose(&rig, false);
    CHECK(!backend_is_up(rig.backend));
    ask(&rig, &asked);
    wait_held(&rig, 1);
    CHECK(backend_is_up(rig.backend));
    CHECK(rig.changes > 0);
    let_go(&rig);
    wait_for(&rig, &asked);
    CHECK_INT(asked.status, GRPC_OK);
    free(asked.message);
    close_rig(&rig);
}

static void a_server_that_is_away_is_told_and_comes_back(void) {
    struct rig rig;
    struct asked asked;

    open_rig(&rig, 10);
    rig.listener = listener_free(rig.listener);
    expose(&rig, false);
    ask(&rig, &asked);
    wait_for(&rig, &asked);
    CHECK_INT(asked.status, GRPC_UNAVAILABLE);
    CHECK(strstr(asked.message, "back end \"lab\" (127.0.0.1:"));
    CHECK(strstr(asked.message, "connection refused by 127.0.0.1:"));
    CHECK(strstr(backend_why(rig.backend), "connection refused"));
    free(asked.message);

    serve(&rig);
    while (!backend_is_up(rig.backend))
        run(&rig);
    CHECK_TEXT(backend_why(rig.backend), "");
    CHECK_INT(backend_generation(rig.backend), 1);
    close_rig(&rig);
}

static void more_calls_than_a_connection_takes_get_another(void) {
    struct rig rig;
    struct asked asked[40];

    open_rig(&rig, 2);
    expose(&rig, false);
    for (size_t i = 0; i < 40; i++)
        ask(&rig, &asked[i]);
    wait_held(&rig, 2 * BACKEND_LINKS_MAX);
    run(&rig);
    CHECK_INT(rig.conn_count, BACKEND_LINKS_MAX);
    CHECK_INT(rig.held_count, 2 * BACKEND_LINKS_MAX); /* the others wait for room */
    let_go(&rig);
    wait_held(&rig, 40 - 2 * BACKEND_LINKS_MAX);
    while (rig.held_count > 0) {
        let_go(&rig);
        run(&rig);
    }
    for (size_t i = 0; i < 40; i++) {
        wait_for(&rig, &asked[i]);
        CHECK_INT(asked[i].status, GRPC_OK);
        free(asked[i].message);
    }
    close_rig(&rig);
}

static void a_server_that_leaves_keeps_its_calls_and_gets_no_more(void) {
    struct rig rig;
    struct asked first, second;

    open_rig(&rig, 10);
    expose(&rig, false);
    ask(&rig, &first);
    wait_held(&rig, 1);
    h2conn_drain(rig.conns[0]);
    while (rig.conn_count < 2)
        run(&rig);
    ask(&rig, &second);
    wait_held(&rig, 2);
    CHECK(backend_is_up(rig.backend));
    let_go(&rig);
    wait_for(&rig, &first);
    wait_for(&rig, &second);
    CHECK_INT(first.status, GRPC_OK);
    CHECK_INT(second.status, GRPC_OK);
    while (rig.conn_count > 1)
        run(&rig);
    CHECK(backend_is_up(rig.backend));
    free(first.message);
    free(second.message);
    close_rig(&rig);
}

static void a_call_that_is_cancelled_waits_no_longer(void) {
    struct rig rig;
    struct asked asked;

    open_rig(&rig, 10);
    rig.is_deaf = true;
    expose(&rig, false);
    ask(&rig, &asked);
    run(&rig);
    CHECK(!asked.done);
    call_cancel(asked.call);
    wait_for(&rig, &asked);
    CHECK_INT(asked.status, GRPC_CANCELLED);
    free(asked.message);

    ask(&rig, &asked); /* and one that waits when the back end goes is told */
    run(&rig);
    rig.backend = backend_free(rig.backend);
    wait_for(&rig, &asked);
    CHECK_INT(asked.status, GRPC_UNAVAILABLE);
    free(asked.message);
    close_rig(&rig);
}

static void somebody_without_tls_is_no_back_end_with_it(void) {
    struct rig rig;
    struct asked asked;

    open_rig(&rig, 10);
    expose(&rig, true);
    ask(&rig, &asked);
    wait_for(&rig, &asked);
    CHECK_INT(asked.status, GRPC_UNAVAILABLE);
    CHECK(strstr(asked.message, "TLS: "));
    free(asked.message);
    close_rig(&rig);
}

TESTS(TEST(a_call_waits_for_the_connection),
      TEST(a_server_that_is_away_is_told_and_comes_back),
      TEST(more_calls_than_a_connection_takes_get_another),
      TEST(a_server_that_leaves_keeps_its_calls_and_gets_no_more),
      TEST(a_call_that_is_cancelled_waits_no_longer),
      TEST(somebody_without_tls_is_no_back_end_with_it))
