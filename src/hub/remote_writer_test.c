#include "hub/remote_writer.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/check.h"
#include "base/mem.h"
#include "loop/conn.h"
#include "loop/listener.h"
#include "loop/loop.h"
#include "loop/timer.h"
#include "wire/sample.h"

enum { VISITS_MAX = 64 };

/* A receiver that answers with the next status of a list, and 204 after its end. */
struct visit {
    struct receiver *receiver; /* borrowed: the test */
    struct conn *conn;         /* owned */
    struct buf request;
};

struct receiver {
    struct loop *loop;
    struct listener *listener;
    struct visit visits[VISITS_MAX];
    size_t visit_count;
    const char *statuses[8]; /* "503 Busy\r\nRetry-After: 0" */
    size_t requests;
    const struct remote_writer *writer; /* borrowed: the test */
    struct remote_writer_stats wanted; /* the loop stops when the writer has come there */
    struct buf last;
    struct timer guard;
    struct timer look;
    char *url;
};

static size_t whole_len(struct buf *request) {
    const char *text = buf_text(request);
    const char *end = strstr(text, "\r\n\r\n");
    const char *length = strcasestr(text, "content-length:");

    if (!end)
        return SIZE_MAX;
    return (size_t)(end + 4 - text) + (length ? strtoul(length + 15, NULL, 10) : 0);
}

static void on_look(struct timer *timer) {
    struct receiver *receiver = container_of(timer, struct receiver, look);
    struct remote_writer_stats now;

    remote_writer_stats(receiver->writer, &now);
    if (now.sent == receiver->wanted.sent && now.refused == receiver->wanted.refused &&
        now.retries == receiver->wanted.retries)
        loop_stop(receiver->loop);
    else
        timer_start(receiver->loop, &receiver->look, 2);
}

static void on_bytes(void *owner, struct slice bytes) {
    struct visit *visit = owner;
    struct receiver *receiver = visit->receiver;
    struct buf out = { 0 };

    buf_add_slice(&visit->request, bytes);
    size_t len = whole_len(&visit->request);
    if (visit->request.len < len)
        return;
    buf_clear(&receiver->last);
    buf_add(&receiver->last, visit->request.data, len);
    buf_drop(&visit->request, len);
    const char *status = receiver->requests < 8 && receiver->statuses[receiver->requests]
                             ? receiver->statuses[receiver->requests]
                             : "204 No Content";
    receiver->requests++;
    buf_printf(&out, "HTTP/1.1 %s\r\n%s\r\n", status,
               strncmp(status, "204", 3) == 0 ? "" : "Content-Length: 0\r\n");
    conn_send(visit->conn, buf_slice(&out));
    buf_done(&out);
}

static void on_closed(void *owner, int reason) {
    struct visit *visit = owner;
    conn_close(visit->conn);
    visit->conn = NULL;
}

static void on_conn(void *arg, struct conn *conn) {
    static const struct conn_events events = { .on_bytes = on_bytes,
                                               .on_closed = on_closed };
    struct receiver *receiver = arg;
    struct visit *visit = &receiver->visits[receiver->visit_count++];

    CHECK(receiver->visit_count <= VISITS_MAX);
    visit->receiver = receiver;
    visit->conn = conn;
    conn_set_owner(conn, &events, visit);
}

static void on_guard(struct timer *timer) {
    fail_msg("the loop hangs");
}

static void open_receiver(struct receiver *receiver) {
    static const struct listener_limits limits = { 5000, 100, 100 };
    struct listener_config config = {
        .address = "127.0.0.1:0",
        .limits = &limits,
        .on_conn = on_conn,
        .arg = receiver,
    };

    *receiver = (struct receiver) {
        .loop = loop_new(),
        .guard.fire = on_guard,
        .look.fire = on_look,
    };
    CHECK_INT(listener_new(receiver->loop, &config, &receiver->listener), 0);
    receiver->url =
        mem_printf("http://%s/api/v1/write", listener_address(receiver->listener));
    timer_start(receiver->loop, &receiver->guard, 30000);
}

static void close_receiver(struct receiver *receiver) {
    for (size_t i = 0; i < receiver->visit_count; i++) {
        if (receiver->visits[i].conn)
            conn_close(receiver->visits[i].conn);
        buf_done(&receiver->visits[i].request);
    }
    buf_done(&receiver->last);
    timer_stop(&receiver->guard);
    timer_stop(&receiver->look);
    listener_free(receiver->listener);
    free(receiver->url);
    loop_free(receiver->loop);
}

static const struct remote_metric metrics[] = { { "cpu", "%", 1 },
                                                { "net.rx:eth0", "By/s", 0 } };

static struct remote_writer *make_writer(struct receiver *receiver,
                                         struct remote_writer_config config) {
    config.loop = receiver->loop;
    config.url = receiver->url;
    config.queue_bytes_max = config.queue_bytes_max ? config.queue_bytes_max : 1 << 20;
    config.batch_ms = 1;
    return remote_writer_new(&config);
}

static void give(struct remote_writer *writer, struct remote_series *series, int rows) {
    for (int i = 0; i < rows; i++) {
        int64_t values[] = { 125 + i, i % 2 ? SAMPLE_ABSENT : 1000 };
        remote_writer_take(writer, series, 1700000000000 + i * 1000, values);
    }
}

static void run_until(struct receiver *receiver,
                      const struct remote_writer *writer,
                      struct remote_writer_stats wanted) {
    receiver->writer = writer;
    receiver->wanted = wanted;
    timer_start(receiver->loop, &receiver->look, 0);
    loop_run(receiver->loop);
}

static void rows_are_sent_together_with_what_the_protocol_wants(void) {
    struct receiver receiver;
    struct remote_writer_stats stats;
    open_receiver(&receiver);
    char *extra[] = { "X-Scope-OrgID: me" };
    struct settings_list headers = { extra, 1 };
    struct remote_writer_config config = { .bearer = "secret", .headers = &headers };
    struct remote_writer *writer = make_writer(&receiver, config);
    struct remote_series *series = remote_writer_describe(writer, "pi", metrics, 2);

    give(writer, series, 10);
    remote_writer_release(series);
    run_until(&receiver, writer, (struct remote_writer_stats) { .sent = 15 });
    remote_writer_stats(writer, &stats);
    CHECK_INT(stats.sent, 15);
    CHECK_INT(stats.waiting_bytes, 0);
    CHECK_INT(stats.retries + stats.refused + stats.dropped, 0);
    const char *sent = buf_text(&receiver.last);
    CHECK(strncmp(sent, "POST /api/v1/write HTTP/1.1\r\n", 29) == 0);
    CHECK(strstr(sent, "\r\nContent-Type: application/x-protobuf\r\n"));
    CHECK(strstr(sent, "\r\nContent-Encoding: snappy\r\n"));
    CHECK(strstr(sent, "\r\nX-Prometheus-Remote-Write-Version: 0.1.0\r\n"));
    CHECK(strstr(sent, "\r\nAuthorization: Bearer secret\r\n"));
    CHECK(strstr(sent, "\r\nX-Scope-OrgID: me\r\n"));
    remote_writer_free(writer);
    close_receiver(&receiver);
}

static void a_receiver_in_trouble_gets_them_again(void) {
    struct receiver receiver;
    struct remote_writer_stats stats;
    open_receiver(&receiver);
    receiver.statuses[0] = "503 Service Unavailable";
    receiver.statuses[1] = "429 Too Many Requests\r\nRetry-After: 1";
    struct remote_writer *writer =
        make_writer(&receiver, (struct remote_writer_config) { 0 });
    struct remote_series *series = remote_writer_describe(writer, "pi", metrics, 2);

    give(writer, series, 4);
    run_until(&receiver, writer,
              (struct remote_writer_stats) { .sent = 6, .retries = 2 });
    remote_writer_stats(writer, &stats);
    CHECK_INT(stats.sent, 6);
    CHECK_INT(stats.retries, 2);
    CHECK_INT(stats.dropped, 0);
    remote_writer_release(series);
    remote_writer_free(writer);
    close_receiver(&receiver);
}

static void what_is_refused_for_good_is_not_sent_again(void) {
    struct receiver receiver;
    struct remote_writer_stats stats;
    open_receiver(&receiver);
    receiver.statuses[0] = "400 Bad Request";
    struct remote_writer *writer =
        make_writer(&receiver, (struct remote_writer_config) { 0 });
    struct remote_series *series = remote_writer_describe(writer, "pi", metrics, 2);

    give(writer, series, 2);
    run_until(&receiver, writer, (struct remote_writer_stats) { .refused = 3 });
    give(writer, series, 2);
    run_until(&receiver, writer,
              (struct remote_writer_stats) { .refused = 3, .sent = 3 });
    remote_writer_stats(writer, &stats);
    CHECK_INT(stats.refused, 3);
    CHECK_INT(stats.sent, 3);
    CHECK_INT(receiver.requests, 2);
    remote_writer_release(series);
    remote_writer_free(writer);
    close_receiver(&receiver);
}

static void beyond_its_memory_the_oldest_go(void) {
    struct receiver receiver;
    struct remote_writer_stats stats;
    open_receiver(&receiver);
    receiver.statuses[0] = "503 Service Unavailable";
    struct remote_writer_config config = { .queue_bytes_max = 4096 };
    struct remote_writer *writer = make_writer(&receiver, config);
    struct remote_series *series = remote_writer_describe(writer, "pi", metrics, 2);

    give(writer, series, 2);
    run_until(&receiver, writer, (struct remote_writer_stats) { .retries = 1 });
    give(writer, series, 1000);
    remote_writer_stats(writer, &stats);
    CHECK(stats.waiting_bytes <= 4096);
    CHECK(stats.dropped > 1000 && stats.dropped < 1500);
    CHECK_INT(stats.sent, 0);
    run_until(
        &receiver, writer,
        (struct remote_writer_stats) { .retries = 1, .sent = 1503 - stats.dropped });
    uint64_t dropped = stats.dropped;
    remote_writer_stats(writer, &stats);
    CHECK_INT(stats.sent + dropped, 1503);
    CHECK_INT(stats.waiting_bytes, 0);
    remote_writer_release(series);
    remote_writer_free(writer);
    close_receiver(&receiver);
}

static void a_batch_has_a_limit(void) {
    struct receiver receiver;
    struct remote_writer_stats stats;
    open_receiver(&receiver);
    struct remote_writer_config config = { .batch_max = 10 };
    struct remote_writer *writer = make_writer(&receiver, config);
    struct remote_series *series = remote_writer_describe(writer, "pi", metrics, 1);

    give(writer, series, 95);
    run_until(&receiver, writer, (struct remote_writer_stats) { .sent = 95 });
    remote_writer_stats(writer, &stats);
    CHECK_INT(stats.sent, 95);
    CHECK_INT(receiver.requests, 10);
    remote_writer_release(series);
    remote_writer_free(writer);
    close_receiver(&receiver);
}

static void only_what_is_wanted_is_described(void) {
    struct receiver receiver;
    open_receiver(&receiver);
    char *node_globs[] = { "pi*" }, *metric_globs[] = { "net.*" };
    struct settings_list nodes = { node_globs, 1 }, wishes = { metric_globs, 1 };
    struct remote_writer_config config = { .nodes = &nodes, .metrics = &wishes };
    struct remote_writer *writer = make_writer(&receiver, config);
    struct remote_series *series = remote_writer_describe(writer, "pi4", metrics, 2);

    CHECK(!remote_writer_describe(writer, "nas", metrics, 2));
    CHECK(!remote_writer_describe(writer, "pi4", metrics, 1));
    CHECK(series);
    remote_writer_release(series);
    remote_writer_free(writer);
    close_receiver(&receiver);
}

TESTS(TEST(rows_are_sent_together_with_what_the_protocol_wants),
      TEST(a_receiver_in_trouble_gets_them_again),
      TEST(what_is_refused_for_good_is_not_sent_again),
      TEST(beyond_its_memory_the_oldest_go),
      TEST(a_batch_has_a_limit),
      TEST(only_what_is_wanted_is_described))
