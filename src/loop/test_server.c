#include "loop/test_server.h"

#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "loop/conn.h"
#include "loop/listener.h"
#include "loop/loop.h"

/* How long the request at the beginning is; SIZE_MAX: its head has not come. */
static size_t whole_len(struct buf *request) {
    const char *text = buf_text(request);
    const char *end = strstr(text, "\r\n\r\n");
    const char *length = strcasestr(text, "content-length:");

    if (!end)
        return SIZE_MAX;
    return (size_t)(end + 4 - text) + (length ? strtoul(length + 15, NULL, 10) : 0);
}

static void respond(struct test_server_visit *visit) {
    struct test_server *server = visit->server;
    struct buf out = { 0 };

    server->answer(server, buf_text(&server->last), &out);
    server->requests++;
    if (out.len > 0) {
        server->open -= !visit->is_answered;
        visit->is_answered = true;
        conn_send(visit->conn, buf_slice(&out));
    }
    buf_done(&out);
}

static void on_bytes(void *owner, struct slice bytes) {
    struct test_server_visit *visit = owner;
    struct test_server *server = visit->server;

    buf_add_slice(&visit->request, bytes);
    size_t len = whole_len(&visit->request);
    if (visit->request.len < len)
        return;
    buf_clear(&server->last);
    buf_add(&server->last, visit->request.data, len);
    buf_drop(&visit->request, len);
    respond(visit);
}

static void on_closed(void *owner, int reason) {
    struct test_server_visit *visit = owner;
    conn_close(visit->conn);
    visit->conn = NULL;
}

static void on_conn(void *arg, struct conn *conn) {
    static const struct conn_events events = { .on_bytes = on_bytes,
                                               .on_closed = on_closed };
    struct test_server *server = arg;
    struct test_server_visit *visit = &server->visits[server->visit_count++];

    CHECK(server->visit_count <= TEST_SERVER_VISITS_MAX);
    visit->server = server;
    visit->conn = conn;
    if (++server->open > server->open_most)
        server->open_most = server->open;
    conn_set_owner(conn, &events, visit);
}

static void on_guard(struct timer *timer) {
    fail_msg("the loop hangs");
}

void test_server_open(struct test_server *server,
                      void (*answer)(struct test_server *server,
                                     const char *request,
                                     struct buf *out)) {
    static const struct listener_limits limits = { 5000, 100, 100 };
    struct listener_config config = {
        .address = "127.0.0.1:0",
        .limits = &limits,
        .on_conn = on_conn,
        .arg = server,
    };

    *server = (struct test_server) {
        .loop = loop_new(),
        .guard.fire = on_guard,
        .answer = answer,
    };
    CHECK_INT(listener_new(server->loop, &config, &server->listener), 0);
    timer_start(server->loop, &server->guard, 30000);
}

void test_server_close(struct test_server *server) {
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

char *test_server_url(const struct test_server *server, const char *path) {
    return mem_printf("http://%s%s", listener_address(server->listener), path);
}
