#include "rpc/h2conn.h"

#include <errno.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "loop/test_pair.h"
#include "loop/timer.h"
#include "rpc/call.h"
#include "rpc/exchange.h"
#include "wire/h2.h"

enum { CALLS = 1000, WATCHDOG_MS = 20000, LARGE = 1000000 };

/* Both ends of one connection: calls go from the client to the server and are answered
 * there as their methods say. */
struct rig {
    struct test_pair pair;
    struct h2conn *client;
    struct h2conn *server;
    struct timer watchdog;
    struct timer pause;
    struct list served; /* of struct served */
    unsigned begun;
    unsigned gone;
    unsigned ended; /* of the client's calls */
    int client_reason;
    int server_reason;
    bool client_closed;
    bool server_closed;
    bool free_in_call; /* the server frees itself when a call comes */
};

/* A call at the server. */
struct served {
    struct list node;
    struct rig *rig;
    struct call *call;
    char kind; /* of the method: '/s/' and this letter */
};

/* A call at the client. */
struct asked {
    struct rig *rig;
    struct call *call;
    enum grpc_status status;
    char *message;
    size_t received;
    bool done;
    bool deaf; /* takes no replies */
};

static void forget(struct served *served) {
    served->rig->gone++;
    list_remove(&served->node);
    call_detach_callee(served->call);
    free(served);
}

static void echo(struct call *call) {
    while (call->request.len > 0 && call->reply.len < CALL_PIPE_MAX)
        call_reply_move(call, &call->request, CALL_PIPE_MAX - call->reply.len);
    call_request_taken(call);
    if (call->request_ended && call->request.len == 0)
        call_finish(call, GRPC_OK, "", NULL);
}

static void on_served_wake(struct call *call, void *user) {
    struct served *served = user;

    if (!call->finished && served->kind == 'e')
        echo(call);
    if (call->finished)
        forget(served);
}

static void send_head(struct call *call) {
    struct headers head = { 0 };
    headers_add(&head, "x-answer", "yes");
    headers_add(&head, "x-bin", "AAEC");
    call_reply_head(call, &head);
    headers_done(&head);
}

static void on_call(void *owner, struct h2conn *h2conn, struct call *call) {
    struct rig *rig = owner;

    rig->begun++;
    if (rig->free_in_call) {
        rig->server = h2conn_free(rig->server);
        rig->server_closed = true;
        return;
    }
    struct served *served = mem_new(sizeof(*served));
    struct call_half callee = { .on_wake = on_served_wake, .user = served };
    served->rig = rig;
    served->call = call;
    served->kind = call->method[3];
    list_add_tail(&rig->served, &served->node);
    call_attach_callee(call, &callee);
    if (served->kind == 'e') {
        send_head(call);
    } else if (served->kind == 'f') {
        struct headers trailers = { 0 };
        headers_add(&trailers, "x-why", "because");
        call_finish(call, GRPC_NOT_FOUND, "no \xc3\xa4pple: 100%\n", &trailers);
        headers_done(&trailers);
    }
}

static void on_exchange(void *owner, struct exchange *exchange) {
    exchange_answer(exchange, 404, NULL, slice_of(NULL, 0));
    exchange_release(exchange);
}

static void on_server_closed(void *owner, struct h2conn *h2conn, int reason) {
    struct rig *rig = owner;
    rig->server_closed = true;
    rig->server_reason = reason;
    rig->server = h2conn_free(h2conn);
}

static void on_client_closed(void *owner, struct h2conn *h2conn, int reason) {
    struct rig *rig = owner;
    rig->client_closed = true;
    rig->client_reason = reason;
    rig->client = h2conn_free(h2conn);
}

static void on_watchdog(struct timer *timer) {
    fail_msg("the test hangs");
}

static void on_pause(struct timer *timer) {
    loop_stop(container_of(timer, struct rig, pause)->pair.loop);
}

static struct h2conn_config config_of(struct rig *rig, enum h2_role role) {
    return (struct h2conn_config) {
        .role = role,
        .limits = { .streams_max = CALLS,
                    .window = CALL_PIPE_MAX,
                    .header_bytes_max = 16384,
                    .trust_resets = true },
        .on_call = on_call,
        .on_exchange = on_exchange,
        .on_closed = role == H2_SERVER ? on_server_closed : on_client_closed,
        .owner = rig,
    };
}

static void open_pair(struct rig *rig) {
    *rig = (struct rig) { .watchdog.fire = on_watchdog, .pause.fire = on_pause };
    list_init(&rig->served);
    test_pair_open(&rig->pair, TRANSPORT_TCP);
    timer_start(rig->pair.loop, &rig->watchdog, WATCHDOG_MS);
}

static void open_server(struct rig *rig) {
    struct h2conn_config config = config_of(rig, H2_SERVER);
    rig->server = h2conn_new(TAKE(rig->pair.server), &config);
}

static void open_client(struct rig *rig) {
    struct h2conn_config config = config_of(rig, H2_CLIENT);
    rig->client = h2conn_new(TAKE(rig->pair.client), &config);
}

static void run_for(struct rig *rig, unsigned ms) {
    timer_start(rig->pair.loop, &rig->pause, ms);
    while (timer_is_running(&rig->pause))
        loop_run(rig->pair.loop);
}

static void open_rig(struct rig *rig) {
    open_pair(rig);
    open_server(rig);
    open_client(rig);
    run_for(rig, 5); /* the settings arrive */
}

static void close_rig(struct rig *rig) {
    rig->client = h2conn_free(rig->client);
    rig->server = h2conn_free(rig->server);
    run_for(rig, 1);
    CHECK(list_is_empty(&rig->served));
    timer_stop(&rig->watchdog);
    test_pair_close(&rig->pair);
}

static void on_asked_wake(struct call *call, void *user) {
    struct asked *asked = user;

    if (!asked->deaf && call->reply.len > 0) {
        asked->received += call->reply.len;
        pipe_done(&call->reply);
        call_reply_taken(call);
    }
    if (call->finished && call->reply.len == 0) {
        asked->done = true;
        asked->status = call->status;
        asked->message = mem_strdup(call->message);
        asked->rig->ended++;
        call_detach_caller(TAKE(asked->call));
    }
}

static void ask(struct rig *rig, struct asked *asked, const char *method) {
    struct call_half caller = { .on_wake = on_asked_wake, .user = asked };

    *asked = (struct asked) { .rig = rig };
    asked->call = call_new(rig->pair.loop, method, &caller);
}

static void start(struct asked *asked) {
    call_start(asked->call, h2conn_target(asked->rig->client));
}

static void wait_done(struct asked *asked) {
    while (!asked->done)
        run_for(asked->rig, 1);
}

static void forget_asked(struct asked *asked) {
    if (asked->call)
        call_detach_caller(TAKE(asked->call));
    free(asked->message);
    asked->message = NULL;
}

static void write_bytes(struct call *call, size_t len) {
    uint8_t *bytes = mem_new(len);
    call_request_write(call, slice_of(bytes, len));
    free(bytes);
}

static void a_call_is_echoed_with_its_metadata(void) {
    struct rig rig;
    struct asked asked;

    open_rig(&rig);
    ask(&rig, &asked, "/s/e");
    struct call *call = call_ref(asked.call);
    headers_add(&call->metadata, "k", "1");
    headers_add(&call->metadata, "data-bin", "AAECAw==");
    headers_add(&call->metadata, "k", "2");
    headers_add(&call->metadata, "grpc-encoding", "gzip");
    call_set_deadline(call, 5000);
    start(&asked);
    while (rig.begun == 0)
        run_for(&rig, 1);
    struct call *far = container_of(rig.served.next, struct served, node)->call;
    CHECK_TEXT(far->method, "/s/e");
    CHECK_TEXT(far->authority, "roost");
    CHECK(far->peer != NULL);
    CHECK(call_time_left_ms(far) > 3000 && call_time_left_ms(far) <= 5000);
    const struct header *fields = far->metadata.fields;
    CHECK_INT(far->metadata.count, 5);
    CHECK_TEXT(fields[0].name, "content-type");
    CHECK_TEXT(fields[1].value, "1");
    CHECK_TEXT(fields[2].value, "AAECAw==");
    CHECK_TEXT(fields[3].value, "2");
    CHECK_TEXT(fields[4].value, "gzip");
    write_bytes(call, 1000);
    call_request_end(call);
    wait_done(&asked);
    CHECK_INT(asked.status, GRPC_OK);
    CHECK_INT(asked.received, 1000);
    CHECK_TEXT(headers_get(&call->reply_head, "x-answer"), "yes");
    CHECK_TEXT(headers_get(&call->reply_head, "x-bin"), "AAEC");
    call_unref(call);
    forget_asked(&asked);
    close_rig(&rig);
}

static void a_failure_arrives_as_it_was_said(void) {
    struct rig rig;
    struct asked asked;

    open_rig(&rig);
    ask(&rig, &asked, "/s/f");
    struct call *call = call_ref(asked.call);
    start(&asked);
    wait_done(&asked); /* although our side has not ended */
    CHECK_INT(asked.status, GRPC_NOT_FOUND);
    CHECK_TEXT(asked.message, "no \xc3\xa4pple: 100%\n");
    CHECK_TEXT(headers_get(&call->trailers, "x-why"), "because");
    CHECK(!headers_get(&call->trailers, "content-type"));
    CHECK(!headers_get(&call->trailers, "grpc-status"));
    CHECK(!call->has_reply_head);
    call_unref(call);
    forget_asked(&asked);
    run_for(&rig, 5);
    CHECK_INT(h2conn_count(rig.client), 0);
    CHECK_INT(h2conn_count(rig.server), 0);
    close_rig(&rig);
}

static void a_thousand_calls_run_at_once(void) {
    struct rig rig;
    struct asked *asked = mem_new_array(CALLS, sizeof(*asked));

    open_rig(&rig);
    for (int i = 0; i < CALLS; i++) {
        ask(&rig, &asked[i], "/s/e");
        start(&asked[i]);
        write_bytes(asked[i].call, 5000);
    }
    while (rig.begun < CALLS)
        run_for(&rig, 1);
    CHECK_INT(h2conn_count(rig.client), CALLS);
    CHECK_INT(h2conn_count(rig.server), CALLS);
    struct asked more;
    ask(&rig, &more, "/s/e"); /* one over the limit */
    start(&more);
    wait_done(&more);
    CHECK_INT(more.status, GRPC_UNAVAILABLE);
    forget_asked(&more);
    for (int i = 0; i < CALLS; i++)
        call_request_end(asked[i].call);
    while (rig.ended < CALLS + 1)
        run_for(&rig, 1);
    for (int i = 0; i < CALLS; i++) {
        CHECK_INT(asked[i].status, GRPC_OK);
        CHECK_INT(asked[i].received, 5000);
        forget_asked(&asked[i]);
    }
    CHECK_INT(h2conn_count(rig.client), 0);
    free(asked);
    close_rig(&rig);
}

static void cancellations_leave_nothing_behind(void) {
    struct rig rig;
    struct asked *asked = mem_new_array(CALLS, sizeof(*asked));

    open_rig(&rig);
    for (unsigned round = 0; round < 10; round++) {
        for (int i = 0; i < CALLS; i++) {
            ask(&rig, &asked[i], "/s/e");
            start(&asked[i]);
            write_bytes(asked[i].call, 100);
            if (i % 3 == 0)
                forget_asked(&asked[i]); /* before a byte of it has left */
        }
        run_for(&rig, round % 3);
        for (int i = 0; i < CALLS; i++)
            forget_asked(&asked[i]);
        run_for(&rig, 1);
    }
    ask(&rig, &asked[0], "/s/e"); /* and the connection still works */
    start(&asked[0]);
    call_request_end(asked[0].call);
    wait_done(&asked[0]);
    CHECK_INT(asked[0].status, GRPC_OK);
    forget_asked(&asked[0]);
    while (rig.gone < rig.begun || h2conn_count(rig.client) > 0)
        run_for(&rig, 1);
    CHECK_INT(h2conn_count(rig.server), 0);
    CHECK(list_is_empty(&rig.served));
    CHECK(!rig.client_closed && !rig.server_closed);
    free(asked);
    close_rig(&rig);
}

/* Credit comes back whichever way a call ends, so large calls work for ever. */
static void large_calls_pass_beside_a_stalled_one(void) {
    struct rig rig;
    struct asked stalled[5];
    struct asked asked;

    open_rig(&rig);
    for (int i = 0; i < 5; i++) {
        ask(&rig, &stalled[i], "/s/e");
        stalled[i].deaf = true;
        start(&stalled[i]);
        write_bytes(stalled[i].call, LARGE);
    }
    for (int i = 0; i < 3; i++) {
        ask(&rig, &asked, "/s/e");
        start(&asked);
        for (int k = 0; k < 10; k++)
            write_bytes(asked.call, LARGE / 10);
        call_request_end(asked.call);
        wait_done(&asked);
        CHECK_INT(asked.status, GRPC_OK);
        CHECK_INT(asked.received, LARGE);
        forget_asked(&asked);
    }
    for (int i = 0; i < 5; i++) {
        CHECK(stalled[i].call->reply.len <= CALL_PIPE_MAX);
        CHECK(stalled[i].call->request.len > LARGE / 2); /* it waits at its sender */
        stalled[i].deaf = false;
        call_reply_taken(stalled[i].call);
        on_asked_wake(stalled[i].call, &stalled[i]);
        call_request_end(stalled[i].call);
    }
    for (int i = 0; i < 5; i++) {
        wait_done(&stalled[i]);
        CHECK_INT(stalled[i].received, LARGE);
        forget_asked(&stalled[i]);
    }
    close_rig(&rig);
}

/* The server takes nothing: the sender's bytes stay where they are. */
static void a_deaf_server_holds_the_sender_back(void) {
    struct rig rig;
    struct asked asked;

    open_rig(&rig);
    ask(&rig, &asked, "/s/deaf"); /* kind 'd': never looks */
    start(&asked);
    write_bytes(asked.call, LARGE);
    run_for(&rig, 20);
    struct call *far = container_of(rig.served.next, struct served, node)->call;
    CHECK_INT(far->request.len, CALL_PIPE_MAX); /* one window */
    CHECK(asked.call->request.len >= LARGE - 3 * CALL_PIPE_MAX);
    call_fail(far, GRPC_ABORTED, "enough"); /* an end before the request has ended */
    wait_done(&asked);
    CHECK_INT(asked.status, GRPC_ABORTED);
    forget_asked(&asked);
    run_for(&rig, 5);
    CHECK_INT(h2conn_count(rig.server), 0);
    close_rig(&rig);
}

static void a_deadline_holds_on_both_sides(void) {
    struct rig rig;
    struct asked asked;

    open_rig(&rig);
    ask(&rig, &asked, "/s/hold");
    call_set_deadline(asked.call, 10);
    start(&asked);
    wait_done(&asked);
    CHECK_INT(asked.status, GRPC_DEADLINE_EXCEEDED);
    while (rig.gone == 0)
        run_for(&rig, 1);
    forget_asked(&asked);
    close_rig(&rig);
}

static void a_lost_connection_ends_calls_with_unavailable(void) {
    for (int who = 0; who < 2; who++) {
        struct rig rig;
        struct asked asked[10];

        open_rig(&rig);
        for (int i = 0; i < 10; i++) {
            ask(&rig, &asked[i], i % 2 ? "/s/e" : "/s/hold");
            start(&asked[i]);
            write_bytes(asked[i].call, 100);
        }
        while (rig.begun < 10)
            run_for(&rig, 1);
        if (who == 0)
            rig.server = h2conn_free(rig.server);
        else
            rig.client = h2conn_free(rig.client);
        for (int i = 0; i < 10; i++) {
            wait_done(&asked[i]);
            CHECK_INT(asked[i].status, GRPC_UNAVAILABLE);
            forget_asked(&asked[i]);
        }
        while (rig.gone < 10)
            run_for(&rig, 1);
        close_rig(&rig);
    }
}

static void a_connection_that_is_over_refuses_calls(void) {
    struct rig rig;
    struct asked asked;

    open_rig(&rig);
    h2conn_drain(rig.client);
    ask(&rig, &asked, "/s/e");
    start(&asked);
    CHECK_INT(asked.call->status, GRPC_UNAVAILABLE);
    wait_done(&asked);
    forget_asked(&asked);
    while (!rig.client_closed || !rig.server_closed)
        run_for(&rig, 1);
    CHECK_INT(rig.client_reason, 0);
    CHECK_INT(rig.server_reason, 0);
    close_rig(&rig);
}

/* Whichever side leaves, what is under way may finish. */
static void a_drain_lets_calls_finish(void) {
    for (int who = 0; who < 2; who++) {
        struct rig rig;
        struct asked asked;
        struct asked late;

        open_rig(&rig);
        ask(&rig, &asked, "/s/e");
        start(&asked);
        write_bytes(asked.call, 10);
        while (rig.begun == 0)
            run_for(&rig, 1);
        h2conn_drain(who == 0 ? rig.server : rig.client);
        run_for(&rig, 10);
        CHECK(!rig.client_closed && !rig.server_closed);
        ask(&rig, &late, "/s/e");
        start(&late);
        wait_done(&late);
        CHECK_INT(late.status, GRPC_UNAVAILABLE);
        forget_asked(&late);
        write_bytes(asked.call, LARGE);
        call_request_end(asked.call);
        wait_done(&asked);
        CHECK_INT(asked.status, GRPC_OK);
        CHECK_INT(asked.received, LARGE + 10);
        while (!rig.client_closed || !rig.server_closed)
            run_for(&rig, 1);
        CHECK_INT(rig.client_reason, 0);
        CHECK_INT(rig.server_reason, 0);
        forget_asked(&asked);
        close_rig(&rig);
    }
}

static void a_dead_peer_is_told_by_a_probe(void) {
    struct rig rig;
    struct asked asked;

    open_rig(&rig);
    ask(&rig, &asked, "/s/e");
    start(&asked);
    run_for(&rig, 5);
    conn_pause(h2conn_conn(rig.server), true); /* it is there, but says nothing */
    h2conn_probe(rig.client, 20);
    while (!rig.client_closed)
        run_for(&rig, 1);
    CHECK_INT(rig.client_reason, -ETIMEDOUT);
    wait_done(&asked);
    CHECK_INT(asked.status, GRPC_UNAVAILABLE);
    forget_asked(&asked);
    conn_pause(h2conn_conn(rig.server), false);
    close_rig(&rig);
}

static void an_idle_server_ends_and_a_busy_one_does_not(void) {
    struct rig rig;
    struct asked asked;

    open_pair(&rig);
    struct h2conn_config config = config_of(&rig, H2_SERVER);
    config.idle_ms = 20;
    rig.server = h2conn_new(TAKE(rig.pair.server), &config);
    open_client(&rig);
    ask(&rig, &asked, "/s/hold");
    start(&asked);
    run_for(&rig, 150);
    CHECK(!rig.server_closed && !asked.done);
    forget_asked(&asked);
    while (!rig.server_closed || !rig.client_closed)
        run_for(&rig, 1);
    CHECK_INT(rig.server_reason, 0);
    CHECK_INT(rig.client_reason, 0);
    close_rig(&rig);
}

/* The owner may end the connection from the very callback that brings a call. */
static void a_call_may_end_its_connection(void) {
    struct rig rig;
    struct asked asked[3];

    open_rig(&rig);
    rig.free_in_call = true;
    for (int i = 0; i < 3; i++) {
        ask(&rig, &asked[i], "/s/e");
        start(&asked[i]);
    }
    for (int i = 0; i < 3; i++) {
        wait_done(&asked[i]);
        CHECK_INT(asked[i].status, GRPC_UNAVAILABLE);
        forget_asked(&asked[i]);
    }
    CHECK_INT(rig.begun, 1);
    close_rig(&rig);
}

/* --- a server of the test's own, which says what it likes --- */

struct liar {
    struct rig rig;
    struct h2 *h2;
    struct h2_stream *stream;
};

static void liar_flush(struct liar *liar) {
    struct buf out = { 0 };
    h2_drain(liar->h2, &out, 1 << 20);
    conn_send(liar->rig.pair.server, buf_slice(&out));
    buf_done(&out);
}

static void on_liar_bytes(void *owner, struct slice bytes) {
    struct liar *liar = owner;
    struct h2_stream *stream;

    h2_feed(liar->h2, bytes);
    while ((stream = h2_next(liar->h2)))
        liar->stream = stream;
    liar_flush(liar);
}

static void on_liar_closed(void *owner, int reason) {
}

static void open_liar(struct liar *liar, struct asked *asked) {
    static const struct conn_events events = {
        .on_bytes = on_liar_bytes,
        .on_closed = on_liar_closed,
    };
    struct h2_limits limits = { .streams_max = 10,
                                .window = 65536,
                                .header_bytes_max = 16384 };

    *liar = (struct liar) { 0 };
    open_pair(&liar->rig);
    liar->h2 = h2_new(H2_SERVER, &limits);
    conn_set_owner(liar->rig.pair.server, &events, liar);
    liar_flush(liar);
    open_client(&liar->rig);
    ask(&liar->rig, asked, "/s/x");
    start(asked);
    while (!liar->stream)
        run_for(&liar->rig, 1);
}

static void close_liar(struct liar *liar, struct asked *asked) {
    forget_asked(asked);
    if (liar->stream)
        h2_stream_release(liar->stream);
    h2_free(liar->h2);
    close_rig(&liar->rig);
}

struct lie {
    const char *head[6];     /* names and values, NULL-terminated */
    const char *trailers[6]; /* "" first: none */
    size_t body_len;
    enum grpc_status status;
    const char *text;
};

static const struct lie lies[] = {
    { { ":status", "200", "content-type", "application/grpc" },
      { "grpc-status", "0" },
      10,
      GRPC_OK,
      "" },
    { { ":status", "200", "content-type", "application/grpc" },
      { "grpc-status", "9", "grpc-message", "a%20b%zz" },
      0,
      GRPC_FAILED_PRECONDITION,
      "a b%zz" },
    { { ":status", "200", "content-type", "application/grpc" },
      { "grpc-status", "nonsense" },
      0,
      GRPC_UNKNOWN,
      "" },
    { { ":status", "200", "content-type", "application/grpc" },
      { "grpc-status", "" },
      0,
      GRPC_UNKNOWN,
      "" },
    { { ":status", "200", "content-type", "application/grpc" },
      { "grpc-status", "4294967296" },
      0,
      GRPC_UNKNOWN,
      "" },
    { { ":status", "200", "content-type", "application/grpc" },
      { "grpc-status", "17" },
      0,
      GRPC_UNKNOWN,
      "" },
    { { ":status", "200", "content-type", "application/grpc" },
      { NULL },
      10,
      GRPC_UNKNOWN,
      "without grpc-status" },
    { { ":status", "200", "content-type", "text/html" },
      { NULL },
      200000,
      GRPC_UNKNOWN,
      "without grpc-status" },
    { { ":status", "503" }, { NULL }, 200000, GRPC_UNAVAILABLE, "HTTP 503" },
    { { ":status", "401" }, { NULL }, 0, GRPC_UNAUTHENTICATED, "HTTP 401" },
    { { ":status", "404" }, { NULL }, 10, GRPC_UNIMPLEMENTED, "HTTP 404" },
    { { ":status", "302", "grpc-status", "0" }, { NULL }, 0, GRPC_OK, "" },
};

static void fill(struct headers *headers, const char *const *fields) {
    for (; fields[0]; fields += 2)
        headers_add(headers, fields[0], fields[1]);
}

static void whatever_a_server_says_ends_the_call_with_a_status(void) {
    for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
        struct liar liar;
        struct asked asked;
        struct headers head = { 0 };
        struct headers trailers = { 0 };
        size_t left = lies[i].body_len;

        open_liar(&liar, &asked);
        fill(&head, lies[i].head);
        fill(&trailers, lies[i].trailers);
        h2_respond(liar.stream, &head, true);
        while (left > 0) {
            size_t room = h2_stream_room(liar.stream);
            uint8_t zeros[1000] = { 0 };
            size_t len = left < sizeof(zeros) ? left : sizeof(zeros);
            len = len < room ? len : room;
            h2_stream_write(liar.stream, slice_of(zeros, len));
            left -= len;
            liar_flush(&liar);
            if (room == 0)
                run_for(&liar.rig, 1);
        }
        h2_stream_end(liar.stream, trailers.count > 0 ? &trailers : NULL);
        liar_flush(&liar);
        wait_done(&asked);
        CHECK_INT(asked.status, lies[i].status);
        if (!strstr(asked.message, lies[i].text))
            CHECK_TEXT(asked.message, lies[i].text);
        CHECK_INT(asked.received,
                  lies[i].status == GRPC_OK || i == 6 ? lies[i].body_len : 0);
        headers_done(&head);
        headers_done(&trailers);
        close_liar(&liar, &asked);
    }
}

static void resets_are_told_as_the_specification_maps_them(void) {
    static const struct row {
        int code;
        enum grpc_status status;
    } rows[] = {
        { H2_NO_ERROR, GRPC_INTERNAL },
        { H2_PROTOCOL_ERROR, GRPC_INTERNAL },
        { H2_INTERNAL_ERROR, GRPC_INTERNAL },
        { H2_REFUSED_STREAM, GRPC_UNAVAILABLE },
        { H2_CANCEL, GRPC_CANCELLED },
        { H2_ENHANCE_YOUR_CALM, GRPC_RESOURCE_EXHAUSTED },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct liar liar;
        struct asked asked;

        open_liar(&liar, &asked);
        h2_stream_reset(liar.stream, (enum h2_error)rows[i].code);
        liar_flush(&liar);
        wait_done(&asked);
        CHECK_INT(asked.status, rows[i].status);
        close_liar(&liar, &asked);
    }
}

TESTS(TEST(a_call_is_echoed_with_its_metadata),
      TEST(a_failure_arrives_as_it_was_said),
      TEST(a_thousand_calls_run_at_once),
      TEST(cancellations_leave_nothing_behind),
      TEST(large_calls_pass_beside_a_stalled_one),
      TEST(a_deaf_server_holds_the_sender_back),
      TEST(a_deadline_holds_on_both_sides),
      TEST(a_lost_connection_ends_calls_with_unavailable),
      TEST(a_connection_that_is_over_refuses_calls),
      TEST(a_drain_lets_calls_finish),
      TEST(a_dead_peer_is_told_by_a_probe),
      TEST(an_idle_server_ends_and_a_busy_one_does_not),
      TEST(a_call_may_end_its_connection),
      TEST(whatever_a_server_says_ends_the_call_with_a_status),
      TEST(resets_are_told_as_the_specification_maps_them))
