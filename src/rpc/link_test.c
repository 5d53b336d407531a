#include "rpc/link.h"

#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "loop/test_pair.h"
#include "loop/timer.h"
#include "rpc/call.h"
#include "rpc/exchange.h"
#include "rpc/front.h"
#include "rpc/h2conn.h"
#include "rpc/link_accept.h"
#include "rpc/link_dial.h"

enum { WATCHDOG_MS = 10000 };

/* --- what goes over a link --- */

struct ends {
    struct h2conn *hub;   /* owned */
    struct h2conn *agent; /* owned */
    unsigned calls;
    bool done;
    enum grpc_status status;
    size_t received;
};

static void on_echo_wake(struct call *call, void *user) {
    if (!call->finished) {
        call_reply_move(call, &call->request, CALL_PIPE_MAX);
        call_request_taken(call);
        if (call->request_ended && call->request.len == 0)
            call_finish(call, GRPC_OK, NULL, NULL);
    }
    if (call->finished)
        call_detach_callee(call);
}

static void on_call(void *owner, struct h2conn *h2conn, struct call *call) {
    struct call_half callee = { .on_wake = on_echo_wake };
    struct ends *ends = owner;
    ends->calls++;
    call_attach_callee(call, &callee);
}

static void on_link_exchange(void *owner, struct exchange *exchange) {
    exchange_release(exchange);
}

static void on_link_closed(void *owner, struct h2conn *h2conn, int reason) {
}

static void on_caller_wake(struct call *call, void *user) {
    struct ends *ends = user;

    ends->received += call->reply.len;
    pipe_done(&call->reply);
    call_reply_taken(call);
    if (call->finished) {
        ends->done = true;
        ends->status = call->status;
        call_detach_caller(call);
    }
}

static struct h2conn *speak(struct ends *ends, struct conn *conn, enum h2_role role) {
    struct h2conn_config config = {
        .role = role,
        .limits = { .streams_max = 10, .window = 65536, .header_bytes_max = 16384 },
        .on_call = on_call,
        .on_exchange = on_link_exchange,
        .on_closed = on_link_closed,
        .owner = ends,
    };
    return h2conn_new(conn, &config);
}

/* A hub of a few rules, or a server that says one text; and one agent that dials. */
struct rig {
    struct loop *loop;
    struct listener *listener;
    struct front *front;
    struct link_dial *dial;
    struct ends ends;
    struct timer watchdog;
    struct timer pause;
    const char *credential; /* what the hub gives at a join */
    /* A server that says one text. */
    struct conn *server;
    const char *says;
    size_t step; /* bytes of it at a time; 0: all */
    bool hangs_up;
    struct buf heard;
    /* What on_done said. */
    enum link_dial_end end;
    int http_status;
    char *error;
    char *message;
    char *name;
    char *given;
    unsigned dones;
    bool cancel_in_done;
};

static const struct listener_limits listener_limits = {
    .handshake_ms = 10000,
    .unauthenticated_max = 10,
    .per_client_max = 10,
};

static void on_pause(struct timer *timer) {
    loop_stop(container_of(timer, struct rig, pause)->loop);
}

static void on_watchdog(struct timer *timer) {
    fail_msg("the test hangs");
}

static void run_for(struct rig *rig, unsigned ms) {
    timer_start(rig->loop, &rig->pause, ms);
    while (timer_is_running(&rig->pause))
        loop_run(rig->loop);
}

static void accept_link(struct rig *rig,
                        struct exchange *exchange,
                        enum link_transport transport,
                        enum link_intent intent) {
    const char *credential = intent == LINK_JOIN ? rig->credential : NULL;
    struct conn *conn = link_accept_take(exchange, transport, "nas", credential);

    CHECK(conn != NULL);
    if (intent == LINK_RUN) {
        rig->ends.hub = speak(&rig->ends, conn, H2_CLIENT);
        return;
    }
    conn_set_owner(conn, NULL, NULL);
    conn_finish(conn);
}

static void on_exchange(void *arg, struct exchange *exchange) {
    enum link_transport transport;
    struct rig *rig = arg;
    struct link_hello hello;

    if (!link_accept_is_asked(exchange, &transport)) {
        exchange_answer(exchange, 404, "text/plain", slice_of_text("no link here"));
        exchange_release(exchange);
    } else if (!link_hello_read(exchange->head, &hello)) {
        link_accept_refuse(exchange, 401, LINK_ERROR_MALFORMED, "who are you?");
    } else if (strcmp(hello.credential, "known") != 0) {
        link_accept_refuse(exchange, 403, LINK_ERROR_UNKNOWN, "not \"known\"\nhere");
    } else {
        listener_vouch(exchange->conn);
        accept_link(rig, exchange, transport, hello.intent);
    }
}

static void on_hub_conn(void *arg, struct conn *conn) {
    struct rig *rig = arg;
    front_serve(rig->front, conn);
}

static void on_server_bytes(void *owner, struct slice bytes) {
    struct rig *rig = owner;
    size_t len = strlen(rig->says);
    size_t step = rig->step ? rig->step : len;

    bool begun = rig->heard.len > 0;
    buf_add_slice(&rig->heard, bytes);
    if (begun)
        return;
    for (size_t at = 0; at < len; at += step) {
        conn_send(rig->server,
                  slice_of(rig->says + at, len - at < step ? len - at : step));
    }
    if (rig->hangs_up)
        conn_finish(rig->server);
}

static void on_server_closed(void *owner, int reason) {
    struct rig *rig = owner;
    conn_close(TAKE(rig->server));
}

static void on_server_conn(void *arg, struct conn *conn) {
    static const struct conn_events events = {
        .on_bytes = on_server_bytes,
        .on_closed = on_server_closed,
    };
    struct rig *rig = arg;

    rig->server = conn;
    conn_set_owner(conn, &events, rig);
}

static void open_rig(struct rig *rig, const char *says) {
    struct front_config front = {
        .limits = {
            .header_bytes_max = 4000,
            .streams_max = 10,
            .head_ms = 60000,
            .body_ms = 60000,
            .idle_ms = 60000,
        },
        .on_exchange = on_exchange,
        .arg = rig,
    };
    struct listener_config listener = {
        .address = "127.0.0.1:0",
        .limits = &listener_limits,
        .on_conn = says ? on_server_conn : on_hub_conn,
        .arg = rig,
    };

    *rig = (struct rig) {
        .loop = loop_new(),
        .says = says,
        .credential = "fresh",
        .watchdog.fire = on_watchdog,
        .pause.fire = on_pause,
    };
    rig->front = front_new(rig->loop, &front);
    CHECK_INT(listener_new(rig->loop, &listener, &rig->listener), 0);
    timer_start(rig->loop, &rig->watchdog, WATCHDOG_MS);
}

static void forget_end(struct rig *rig) {
    free(rig->error);
    free(rig->message);
    free(rig->name);
    free(rig->given);
    rig->error = rig->message = rig->name = rig->given = NULL;
}

static void close_rig(struct rig *rig) {
    rig->dial = link_dial_cancel(rig->dial);
    h2conn_free(rig->ends.agent);
    h2conn_free(rig->ends.hub);
    if (rig->server)
        conn_close(rig->server);
    front_free(rig->front);
    listener_free(rig->listener);
    run_for(rig, 1);
    timer_stop(&rig->watchdog);
    forget_end(rig);
    buf_done(&rig->heard);
    loop_free(rig->loop);
}

static void on_done(void *arg, const struct link_dial_result *result) {
    struct rig *rig = arg;

    rig->dones++;
    rig->end = result->end;
    if (result->conn)
        rig->ends.agent = speak(&rig->ends, result->conn, H2_SERVER);
    rig->http_status = result->http_status;
    rig->error = mem_strdup(result->error);
    rig->message = mem_strdup(result->message);
    rig->name = mem_strdup(result->name);
    rig->given = mem_strdup(result->credential);
    if (rig->cancel_in_done)
        link_dial_cancel(rig->dial);
    rig->dial = NULL;
}

static void begin(struct rig *rig,
                  enum link_transport transport,
                  enum link_intent intent,
                  const char *credential) {
    struct link_dial_config config = {
        .dial = { .host = "127.0.0.1",
                  .port = test_pair_port(listener_address(rig->listener)),
                  .timeout_ms = 5000 },
        .transport = transport,
        .hello = { .credential = credential,
                   .name = "nas",
                   .instance = "0123456789abcdef",
                   .version = "1",
                   .capabilities = "host,processes",
                   .intent = intent },
        .on_done = on_done,
        .arg = rig,
    };

    forget_end(rig);
    rig->dones = 0;
    rig->dial = link_dial_start(rig->loop, &config);
}

static void dial(struct rig *rig,
                 enum link_transport transport,
                 enum link_intent intent,
                 const char *credential) {
    begin(rig, transport, intent, credential);
    while (rig->dones == 0)
        run_for(rig, 1);
    CHECK_INT(rig->dones, 1);
}

/* The hub calls the agent over the link, with more than any buffer holds. */
static void check_link(struct rig *rig) {
    enum { LEN = 1000000 };
    struct ends *ends = &rig->ends;
    struct call_half caller = { .on_wake = on_caller_wake, .user = ends };
    uint8_t *bytes = mem_new(LEN);

    CHECK(ends->hub && ends->agent);
    run_for(rig, 5);
    struct call *call = call_new(rig->loop, "/a.B/C", &caller);
    call_start(call, h2conn_target(ends->hub));
    call_request_write(call, slice_of(bytes, LEN));
    call_request_end(call);
    while (!ends->done)
        run_for(rig, 1);
    CHECK_INT(ends->status, GRPC_OK);
    CHECK_INT(ends->calls, 1);
    CHECK_INT(ends->received, LEN);
    free(bytes);
}

static void a_link_carries_calls_on_both_transports(void) {
    for (int transport = LINK_PTTH; transport <= LINK_WEBSOCKET; transport++) {
        struct rig rig;

        open_rig(&rig, NULL);
        dial(&rig, (enum link_transport)transport, LINK_RUN, "known");
        CHECK_INT(rig.end, LINK_DIAL_READY);
        CHECK_INT(rig.http_status, 101);
        CHECK_TEXT(rig.name, "nas");
        CHECK(!rig.given);
        CHECK_INT(front_count(rig.front), 0);
        check_link(&rig);
        close_rig(&rig);
    }
}

static void a_join_gives_a_credential_and_no_link(void) {
    for (int transport = LINK_PTTH; transport <= LINK_WEBSOCKET; transport++) {
        struct rig rig;

        open_rig(&rig, NULL);
        dial(&rig, (enum link_transport)transport, LINK_JOIN, "known");
        CHECK_INT(rig.end, LINK_DIAL_READY);
        CHECK_TEXT(rig.given, "fresh");
        CHECK(!rig.ends.agent);
        close_rig(&rig);

        open_rig(&rig, NULL);
        rig.credential = NULL; /* a hub that forgets to give one is none */
        dial(&rig, (enum link_transport)transport, LINK_JOIN, "known");
        CHECK_INT(rig.end, LINK_DIAL_NO_UPGRADE);
        close_rig(&rig);

        open_rig(&rig, NULL);
        dial(&rig, (enum link_transport)transport, LINK_CHECK, "known");
        CHECK_INT(rig.end, LINK_DIAL_READY);
        CHECK(!rig.ends.agent && !rig.given);
        close_rig(&rig);
    }
}

static void a_refusal_says_why(void) {
    for (int transport = LINK_PTTH; transport <= LINK_WEBSOCKET; transport++) {
        struct rig rig;

        open_rig(&rig, NULL);
        dial(&rig, (enum link_transport)transport, LINK_RUN, "stranger");
        CHECK_INT(rig.end, LINK_DIAL_REFUSED);
        CHECK_INT(rig.http_status, 403);
        CHECK_TEXT(rig.error, LINK_ERROR_UNKNOWN);
        CHECK_TEXT(rig.message, "not \"known\"\nhere");
        CHECK(!rig.ends.agent && !rig.ends.hub);
        close_rig(&rig);
    }
}

#define OK_101 "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\n"

static const struct server {
    const char *says;
    enum link_dial_end end;
    int http_status;
    const char *error;
    const char *message; /* part of it */
    bool hangs_up;
} servers[] = {
    { OK_101 "Upgrade: ptth\r\nALPN: h2\r\nRoost-Name: nas\r\n\r\n", LINK_DIAL_READY, 101,
      "", "", false },
    { "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" OK_101
      "Upgrade: ptth\r\nALPN: h2\r\nRoost-Name: nas\r\n\r\n",
      LINK_DIAL_READY, 101, "", "", false },
    { OK_101 "Upgrade: ptth\r\nRoost-Name: nas\r\n\r\n", LINK_DIAL_NO_UPGRADE, 0, "",
      "no hub", false },
    { OK_101 "Upgrade: ptth\r\nALPN: h2\r\n\r\n", LINK_DIAL_NO_UPGRADE, 0, "", "no hub",
      false },
    { OK_101 "Upgrade: websocket\r\nALPN: h2\r\nRoost-Name: nas\r\n\r\n",
      LINK_DIAL_NO_UPGRADE, 0, "", "no hub", false },
    { "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", LINK_DIAL_NO_UPGRADE, 200, "",
      "HTTP 200 OK", false },
    { "HTTP/1.1 200 OK\r\n\r\nhello", LINK_DIAL_NO_UPGRADE, 200, "", "HTTP 200 OK",
      true },
    { "HTTP/1.1 302 Found\r\nLocation: http://login\r\nContent-Length: 0\r\n\r\n",
      LINK_DIAL_NO_UPGRADE, 302, "", "HTTP 302", false },
    { "HTTP/1.0 502 Bad Gateway\r\n\r\n<html>", LINK_DIAL_NO_UPGRADE, 502, "", "HTTP 502",
      true },
    { "HTTP/1.1 409 Conflict\r\nRoost-Error: name-taken\r\nContent-Length: 27\r\n\r\n"
      "{\"code\":1,\"message\":\"taken\"}",
      LINK_DIAL_REFUSED, 409, "name-taken", "taken", false },
    { "HTTP/1.1 409 Conflict\r\nRoost-Error: name-taken\r\nContent-Length: 28\r\n\r\n"
      "{\"code\":1,\"message\":\"taken\"}",
      LINK_DIAL_REFUSED, 409, "name-taken", "taken", false },
    { "HTTP/1.1 409 Conflict\r\nRoost-Error: name-taken\r\nContent-Length: 99\r\n\r\n"
      "{\"message\":\"cut",
      LINK_DIAL_REFUSED, 409, "name-taken", "HTTP 409", true },
    { "", LINK_DIAL_NO_UPGRADE, 0, "", "closed without an answer", true },
    { "HTTP/1.1 1", LINK_DIAL_NO_UPGRADE, 0, "", "closed without an answer", true },
    { "SSH-2.0-OpenSSH_9.2\r\n", LINK_DIAL_NO_UPGRADE, 0, "", "not HTTP/1.1", false },
    { "\x16\x03\x01\x02\x01\x01", LINK_DIAL_NO_UPGRADE, 0, "", "closed without", true },
};

static void whatever_a_server_says_is_told(void) {
    for (size_t i = 0; i < sizeof(servers) / sizeof(servers[0]); i++) {
        for (size_t step = 0; step <= 1; step++) {
            struct rig rig;

            open_rig(&rig, servers[i].says);
            rig.hangs_up = servers[i].hangs_up;
            rig.step = step;
            dial(&rig, LINK_PTTH, LINK_RUN, "known");
            CHECK_INT(rig.end, servers[i].end);
            CHECK_INT(rig.http_status, servers[i].http_status);
            CHECK_TEXT(rig.error, servers[i].error);
            if (!strstr(rig.message, servers[i].message))
                CHECK_TEXT(rig.message, servers[i].message);
            CHECK_INT(rig.ends.agent != NULL, servers[i].end == LINK_DIAL_READY);
            CHECK(strstr(buf_text(&rig.heard), "GET /link HTTP/1.1\r\n") != NULL);
            CHECK(strstr(buf_text(&rig.heard), "\r\nauthorization: Bearer known\r\n"));
            close_rig(&rig);
        }
    }
}

/* A page without end is not waited for. */
static void a_long_answer_is_cut(void) {
    char page[10000] = "HTTP/1.1 200 OK\r\n\r\n";
    struct rig rig;

    memset(page + strlen(page), 'x', sizeof(page) - strlen(page) - 1);
    page[sizeof(page) - 1] = '\0';
    open_rig(&rig, page);
    dial(&rig, LINK_PTTH, LINK_RUN, "known");
    CHECK_INT(rig.end, LINK_DIAL_NO_UPGRADE);
    CHECK_INT(rig.http_status, 200);
    close_rig(&rig);
}

static void nobody_listens(void) {
    struct rig rig;

    open_rig(&rig, NULL);
    struct link_dial_config config = {
        .dial = { .host = "127.0.0.1", .port = 1, .timeout_ms = 5000 },
        .hello = { .credential = "c", .instance = "i", .version = "1" },
        .on_done = on_done,
        .arg = &rig,
    };
    rig.dial = link_dial_start(rig.loop, &config);
    while (rig.dones == 0)
        run_for(&rig, 1);
    CHECK_INT(rig.end, LINK_DIAL_UNREACHED);
    CHECK(rig.message[0] != '\0');
    close_rig(&rig);
}

/* At any moment: before the connection, behind the request, within the result. */
static void a_dial_may_be_cancelled_at_any_time(void) {
    for (unsigned ms = 0; ms < 6; ms++) {
        struct rig rig;

        open_rig(&rig, ms % 2 ? "" : NULL);
        begin(&rig, LINK_WEBSOCKET, LINK_CHECK, "known");
        if (ms > 0)
            run_for(&rig, ms / 2);
        unsigned dones = rig.dones;
        rig.dial = link_dial_cancel(rig.dial);
        run_for(&rig, 5);
        CHECK_INT(rig.dones, dones);
        close_rig(&rig);
    }
    struct rig rig;
    open_rig(&rig, NULL);
    rig.cancel_in_done = true;
    dial(&rig, LINK_PTTH, LINK_RUN, "known");
    CHECK_INT(rig.end, LINK_DIAL_READY);
    close_rig(&rig);
}

static void a_hello_is_read_as_it_was_written(void) {
    static const enum link_intent intents[] = { LINK_RUN, LINK_JOIN, LINK_CHECK };

    for (size_t i = 0; i < 3; i++) {
        struct headers request = { 0 };
        struct link_hello hello = {
            .credential = "c", .instance = "i", .version = "1.2", .intent = intents[i]
        };
        struct link_hello read = { 0 };

        link_hello_write(&request, &hello);
        CHECK(link_hello_read(&request, &read));
        CHECK_TEXT(read.credential, "c");
        CHECK_TEXT(read.name, "");
        CHECK_TEXT(read.instance, "i");
        CHECK_TEXT(read.version, "1.2");
        CHECK_TEXT(read.status, "ok");
        CHECK_TEXT(read.capabilities, "");
        CHECK_INT(read.intent, intents[i]);
        headers_done(&request);
    }
}

static void what_is_not_plain_in_a_hello_is_not_said(void) {
    static const char *const texts[] = { "1.2\xff", "\xc3\xa4", "1\t2", "1\x7f" };

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct headers request = { 0 };
        struct link_hello read = { 0 };

        headers_add(&request, "authorization", "Bearer c");
        headers_add(&request, "roost-instance", "i");
        headers_add(&request, "roost-version", texts[i]);
        headers_add(&request, "roost-capabilities", "look,tcp");
        CHECK(link_hello_read(&request, &read));
        CHECK_TEXT(read.version, "");
        CHECK_TEXT(read.capabilities, "look,tcp");
        headers_done(&request);
    }
}

static void a_hello_needs_credential_and_instance(void) {
    static const struct row {
        const char *authorization;
        const char *instance;
        bool fine;
    } rows[] = {
        { "Bearer c", "i", true },
        { "bearer   c", "i", true },
        { "Basic c", "i", false },
        { "Bearer", "i", false },
        { NULL, "i", false },
        { "Bearer c", NULL, false },
        { "Bearer c", "", false },
        { "Bearer c", "12345678901234567890123456789012345678901234567890123456789012345",
          false },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct headers request = { 0 };
        struct link_hello hello;

        if (rows[i].authorization)
            headers_add(&request, "authorization", rows[i].authorization);
        if (rows[i].instance)
            headers_add(&request, "roost-instance", rows[i].instance);
        CHECK_INT(link_hello_read(&request, &hello), rows[i].fine);
        if (rows[i].fine)
            CHECK_TEXT(hello.credential, "c");
        headers_done(&request);
    }
}

TESTS(TEST(a_link_carries_calls_on_both_transports),
      TEST(a_join_gives_a_credential_and_no_link),
      TEST(a_refusal_says_why),
      TEST(whatever_a_server_says_is_told),
      TEST(a_long_answer_is_cut),
      TEST(nobody_listens),
      TEST(a_dial_may_be_cancelled_at_any_time),
      TEST(a_hello_is_read_as_it_was_written),
      TEST(what_is_not_plain_in_a_hello_is_not_said),
      TEST(a_hello_needs_credential_and_instance))
