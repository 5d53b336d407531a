#include "loop/http_client.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/check.h"
#include "base/mem.h"
#include "loop/listener.h"
#include "loop/loop.h"
#include "loop/test_server.h"

struct outcome {
    struct loop *loop;
    size_t wanted; /* stop the loop at that many */
    size_t count;
    unsigned status;
    unsigned retry_after_s;
    char body[256];
    char error[256];
};

/* Answers by the path. */
static void answer(struct test_server *server, const char *request, struct buf *out) {
    if (strstr(request, " /silent"))
        return;
    if (strstr(request, " /busy")) {
        buf_add_text(out, "HTTP/1.1 503 Busy\r\nRetry-After: 7\r\n"
                          "Content-Length: 4\r\nConnection: close\r\n\r\nbusy");
    } else if (strstr(request, " /moved")) {
        buf_add_text(out, "HTTP/1.1 302 Found\r\nLocation: /else\r\n"
                          "Content-Length: 0\r\nConnection: close\r\n\r\n");
    } else if (strstr(request, " /long")) {
        buf_add_text(out, "HTTP/1.1 200 OK\r\nContent-Length: 4096\r\n\r\n");
        memset(buf_room(out, 4096), 'x', 4096);
        buf_added(out, 4096);
    } else if (strstr(request, " /garbage")) {
        buf_add_text(out, "SMTP ready\r\n\r\n");
    } else {
        buf_add_text(out, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n"
                          "Connection: close\r\n\r\nok");
    }
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

/* One request from start to end. */
static struct outcome ask(struct test_server *server,
                          const struct http_request *request) {
    struct http_client_config config = { .loop = server->loop };
    struct http_client *client = http_client_new(&config);
    struct outcome outcome = { .loop = server->loop, .wanted = 1 };

    http_client_start(client, request, on_done, &outcome);
    loop_run(server->loop);
    http_client_free(client);
    return outcome;
}

static struct outcome get(struct test_server *server,
                          const char *path,
                          size_t answer_max) {
    char *url = test_server_url(server, path);
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
    struct test_server server;
    test_server_open(&server, answer);
    char *url = test_server_url(&server, "/write?a=b");
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
    test_server_close(&server);
}

static void what_a_server_asks_for_is_told(void) {
    struct test_server server;
    test_server_open(&server, answer);
    struct outcome outcome = get(&server, "/busy", 0);

    CHECK_INT(outcome.status, 503);
    CHECK_INT(outcome.retry_after_s, 7);
    CHECK_TEXT(outcome.body, "busy");
    test_server_close(&server);
}

static void a_redirect_is_an_answer(void) {
    struct test_server server;
    test_server_open(&server, answer);

    CHECK_INT(get(&server, "/moved", 0).status, 302);
    CHECK_INT(server.visit_count, 1);
    test_server_close(&server);
}

static void trouble_has_a_text(void) {
    struct test_server server;
    test_server_open(&server, answer);
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
    test_server_close(&server);
}

static void a_server_that_is_not_there_is_an_error(void) {
    struct test_server server;
    test_server_open(&server, answer);
    char *url = test_server_url(&server, "/");
    server.listener = listener_free(server.listener);
    struct http_request request = { .method = "GET", .url = url };
    struct outcome outcome = ask(&server, &request);

    CHECK_INT(outcome.status, 0);
    CHECK(outcome.error[0]);
    free(url);
    test_server_close(&server);
}

static void calls_beyond_the_limit_wait(void) {
    struct test_server server;
    test_server_open(&server, answer);
    struct http_client_config config = { .loop = server.loop, .calls_max = 2 };
    struct http_client *client = http_client_new(&config);
    struct outcome outcome = { .loop = server.loop, .wanted = 10 };
    char *url = test_server_url(&server, "/ok");
    struct http_request request = { .method = "GET", .url = url };

    for (int i = 0; i < 10; i++)
        http_client_start(client, &request, on_done, &outcome);
    loop_run(server.loop);
    CHECK_INT(outcome.count, 10);
    CHECK(server.open_most <= 2);
    http_client_free(client);
    free(url);
    test_server_close(&server);
}

static void a_cancelled_call_is_never_told(void) {
    struct test_server server;
    test_server_open(&server, answer);
    struct http_client_config config = { .loop = server.loop, .calls_max = 1 };
    struct http_client *client = http_client_new(&config);
    struct outcome never = { .loop = server.loop, .wanted = 1 };
    struct outcome outcome = { .loop = server.loop, .wanted = 1 };
    char *silent = test_server_url(&server, "/silent"),
         *url = test_server_url(&server, "/ok");
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
    test_server_close(&server);
}

TESTS(TEST(a_post_arrives_whole_and_is_answered),
      TEST(what_a_server_asks_for_is_told),
      TEST(a_redirect_is_an_answer),
      TEST(trouble_has_a_text),
      TEST(a_server_that_is_not_there_is_an_error),
      TEST(calls_beyond_the_limit_wait),
      TEST(a_cancelled_call_is_never_told))
