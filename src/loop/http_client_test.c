#include "loop/http_client.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/check.h"
#include "base/mem.h"
#include "loop/conn.h"
#include "loop/listener.h"
#include "loop/loop.h"
#include "loop/timer.h"

enum { VISITS_MAX = 32 };

/* A server that answers by the path: one request a connection. */
struct visit {
    struct server *server; /* borrowed: the test */
    struct conn *conn;     /* owned */
    struct buf request;
};

struct server {
    struct loop *loop;
    struct listener *listener;
    struct visit visits[VISITS_MAX];
    size_t visit_count;
    size_t open; /* requests that are not answered */
    size_t open_most;
    struct buf last; /* request */
    struct timer guard;
};

struct outcome {
    struct loop *loop;
    size_t wanted; /* stop the loop at that many */
    size_t count;
    unsigned status;
    unsigned retry_after_s;
    char body[256];
    char error[256];
};

static bool is_whole(struct buf *request) {
    const char *text = buf_text(request);
    const char *end = strstr(text, "\r\n\r\n");
    const char *length = strcasestr(text, "content-length:");

    if (!end)
        return false;
    size_t body = length ? strtoul(length + 15, NULL, 10) : 0;
    return request->len >= (size_t)(end + 4 - text) + body;
}

static void answer(struct visit *visit) {
    const char *text = buf_text(&visit->request);
    struct buf out = { 0 };

    if (strstr(text, " /silent"))
        return;
    if (strstr(text, " /busy")) {
        buf_add_text(&out, "HTTP/1.1 503 Busy\r\nRetry-After: 7\r\n"
                           "Content-Length: 4\r\nConnection: close\r\n\r\nbusy");
    } else if (strstr(text, " /moved")) {
        buf_add_text(&out, "HTTP/1.1 302 Found\r\nLocation: /else\r\n"
                           "Content-Length: 0\r\nConnection: close\r\n\r\n");
    } else if (strstr(text, " /long")) {
        buf_add_text(&out, "HTTP/1.1 200 OK\r\nContent-Length: 4096\r\n\r\n");
        memset(buf_room(&out, 4096), 'x', 4096);
        buf_added(&out, 4096);
    } else if (strstr(text, " /garbage")) {
        buf_add_text(&out, "SMTP ready\r\n\r\n");
    } else {
        buf_add_text(&out, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n"
                           "Connection: close\r\n\r\nok");
    }
    visit->server->open--;
    conn_send(visit->conn, buf_slice(&out));
    buf_done(&out);
}

static void on_bytes(void *owner, struct slice bytes) {
    struct visit *visit = owner;
    struct server *server = visit->server;

    buf_add_slice(&visit->request, bytes);
    if (!is_whole(&visit->request))
        return;
    buf_clear(&server->last);
    buf_add_slice(&server->last, buf_slice(&visit->request));
    answer(visit);
}

static void on_closed(void *owner, int reason) {
    struct visit *visit = owner;
    conn_close(visit->conn);
    visit->conn = NULL;
}

static void on_conn(void *arg, struct conn *conn) {
    static const struct conn_events events = { .on_bytes = on_bytes,
                                               .on_closed = on_closed };
    struct server *server = arg;
    struct visit *visit = &server->visits[server->visit_count++];

    CHECK(server->visit_count <= VISITS_MAX);
    visit->server = server;
    visit->conn = conn;
    if (++server->open > server->open_most)
        server->open_most = server->open;
    conn_set_owner(conn, &events, visit);
}

static void on_guard(struct timer *timer) {
    fail_msg("the loop hangs");
}

static void open_server(struct server *server) {
    static const struct listener_limits limits = { 5000, 100, 100 };
    struct listener_config config = {
        .address = "127.0.0.1:0",
        .limits = &limits,
        .on_conn = on_conn,
        .arg = server,
    };

    *server = (struct server) { .loop = loop_new(), .guard.fire = on_guard };
    CHECK_INT(listener_new(server->loop, &config, &server->listener), 0);
    timer_start(server->loop, &server->guard, 30000);
}

static void close_server(struct server *server) {
    for (size_t i = 0; i < server->visit_count; i++) {
        if (server->visits[i].conn)
            conn_close(server->visits[i].conn);
        buf_done(&server->visits[i].request);
    }
    buf_done(&server->last);
    timer_stop(&server->guard);
    listener_free(server->listener);
    loop_free(server->loop);
}

static void on_done(void *arg, const struct http_answer *answer) {
    struct outcome *outcome = arg;

    outcome->status = answer->status;
    outcome->retry_after_s = answer->retry_after_s;
    snprintf(outcome->body, sizeof(outcome->body), "%.*s", (int)answer->body.len,
             (const char *)answer->body.at);
    snprintf(outcome->error, sizeof(outcome->error), "%s",
             answer->error ? answer->error : "");
    if (++outcome->count == outcome->wanted)
        loop_stop(outcome->loop);
}

static char *url_of(const struct server *server, const char *path) {
    return mem_printf("http://%s%s", listener_address(server->listener), path);
}

/* One request from start to end. */
static struct outcome ask(struct server *server, const struct http_request *request) {
    struct http_client_config config = { .loop = server->loop };
    struct http_client *client = http_client_new(&config);
    struct outcome outcome = { .loop = server->loop, .wanted = 1 };

    http_client_start(client, request, on_done, &outcome);
    loop_run(server->loop);
    http_client_free(client);
    return outcome;
}

static struct outcome get(struct server *server, const char *path, size_t answer_max) {
    char *url = url_of(server, path);
    struct http_request request = {
        .method = "GET",
        .url = url,
        .answer_max = answer_max,
        .timeout_ms = 200,
    };
    struct outcome outcome = ask(server, &request);
    free(url);
    return outcome;
}

static void a_post_arrives_whole_and_is_answered(void) {
    static const char *const headers[] = { "Content-Type: application/x-protobuf",
                                           "X-Scope-OrgID: me", NULL };
    struct server server;
    open_server(&server);
    char *url = url_of(&server, "/write?a=b");
    struct http_request request = {
        .method = "POST",
        .url = url,
        .headers = headers,
        .user = "u",
        .password = "p:w",
        .body = slice_of("a\0b", 3),
    };
    struct outcome outcome = ask(&server, &request);

    CHECK_INT(outcome.status, 200);
    CHECK_TEXT(outcome.body, "ok");
    CHECK_TEXT(outcome.error, "");
    const char *sent = buf_text(&server.last);
    CHECK(strncmp(sent, "POST /write?a=b HTTP/1.1\r\n", 26) == 0);
    CHECK(strstr(sent, "\r\nContent-Type: application/x-protobuf\r\n"));
    CHECK(strstr(sent, "\r\nX-Scope-OrgID: me\r\n"));
    CHECK(strstr(sent, "\r\nAuthorization: Basic dTpwOnc=\r\n"));
    CHECK(memcmp(server.last.data + server.last.len - 3, "a\0b", 3) == 0);
    free(url);
    close_server(&server);
}

static void what_a_server_asks_for_is_told(void) {
    struct server server;
    open_server(&server);
    struct outcome outcome = get(&server, "/busy", 0);

    CHECK_INT(outcome.status, 503);
    CHECK_INT(outcome.retry_after_s, 7);
    CHECK_TEXT(outcome.body, "busy");
    close_server(&server);
}

static void a_redirect_is_an_answer(void) {
    struct server server;
    open_server(&server);

    CHECK_INT(get(&server, "/moved", 0).status, 302);
    CHECK_INT(server.visit_count, 1);
    close_server(&server);
}

static void trouble_has_a_text(void) {
    struct server server;
    open_server(&server);
    struct outcome late = get(&server, "/silent", 0);
    struct outcome large = get(&server, "/long", 4095);
    struct outcome garbage = get(&server, "/garbage", 0);
    struct http_request other = { .method = "GET", .url = "file:///etc/passwd" };
    struct outcome refused = ask(&server, &other);

    CHECK_INT(late.status, 0);
    CHECK(late.error[0]);
    CHECK_INT(large.status, 0);
    CHECK_TEXT(large.error, "the answer is too long");
    CHECK_INT(garbage.status, 0);
    CHECK(garbage.error[0]);
    CHECK_INT(refused.status, 0);
    CHECK(refused.error[0]);
    CHECK_INT(get(&server, "/long", 4096).status, 200);
    close_server(&server);
}

static void a_server_that_is_not_there_is_an_error(void) {
    struct server server;
    open_server(&server);
    char *url = url_of(&server, "/");
    server.listener = listener_free(server.listener);
    struct http_request request = { .method = "GET", .url = url };
    struct outcome outcome = ask(&server, &request);

    CHECK_INT(outcome.status, 0);
    CHECK(outcome.error[0]);
    free(url);
    close_server(&server);
}

static void calls_beyond_the_limit_wait(void) {
    struct server server;
    open_server(&server);
    struct http_client_config config = { .loop = server.loop, .calls_max = 2 };
    struct http_client *client = http_client_new(&config);
    struct outcome outcome = { .loop = server.loop, .wanted = 10 };
    char *url = url_of(&server, "/ok");
    struct http_request request = { .method = "GET", .url = url };

    for (int i = 0; i < 10; i++)
        http_client_start(client, &request, on_done, &outcome);
    loop_run(server.loop);
    CHECK_INT(outcome.count, 10);
    CHECK(server.open_most <= 2);
    http_client_free(client);
    free(url);
    close_server(&server);
}

static void a_cancelled_call_is_never_told(void) {
    struct server server;
    open_server(&server);
    struct http_client_config config = { .loop = server.loop, .calls_max = 1 };
    struct http_client *client = http_client_new(&config);
    struct outcome never = { .loop = server.loop, .wanted = 1 };
    struct outcome outcome = { .loop = server.loop, .wanted = 1 };
    char *silent = url_of(&server, "/silent"), *url = url_of(&server, "/ok");
    struct http_request first = { .method = "GET", .url = silent };
    struct http_request second = { .method = "GET", .url = url };

    struct http_call *running = http_client_start(client, &first, on_done, &never);
    struct http_call *waiting = http_client_start(client, &second, on_done, &never);
    http_client_start(client, &second, on_done, &outcome);
    loop_settle(server.loop);
    http_client_cancel(waiting);
    http_client_cancel(running);
    loop_run(server.loop);
    CHECK_INT(outcome.status, 200);
    CHECK_INT(never.count, 0);
    http_client_start(client, &first, on_done, &never);
    loop_settle(server.loop);
    http_client_free(client); /* with a call that runs */
    CHECK_INT(never.count, 0);
    free(silent);
    free(url);
    close_server(&server);
}

TESTS(TEST(a_post_arrives_whole_and_is_answered),
      TEST(what_a_server_asks_for_is_told),
      TEST(a_redirect_is_an_answer),
      TEST(trouble_has_a_text),
      TEST(a_server_that_is_not_there_is_an_error),
      TEST(calls_beyond_the_limit_wait),
      TEST(a_cancelled_call_is_never_told))
