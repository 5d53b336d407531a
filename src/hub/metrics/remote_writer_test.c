#include "hub/metrics/remote_writer.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/check.h"
#include "base/mem.h"
#include "loop/loop.h"
#include "loop/test_server.h"
#include "loop/timer.h"
#include "wire/sample.h"

enum { STATUSES_MAX = 8 };

/* A receiver that answers with the next status of a list, and 204 after its end. */
struct receiver {
    struct test_server server;
    const char *statuses[STATUSES_MAX]; /* "503 Busy\r\nRetry-After: 0" */
    const struct remote_writer *writer; /* borrowed: the test */
    struct remote_writer_stats wanted; /* the loop stops when the writer has come there */
    struct timer look;
    char *url; /* owned */
};

static void answer(struct test_server *server, const char *request, struct buf *out) {
    const struct receiver *receiver = container_of(server, struct receiver, server);
    const char *status =
        server->requests < STATUSES_MAX ? receiver->statuses[server->requests] : NULL;

    if (status)
        buf_printf(out, "HTTP/1.1 %s\r\nContent-Length: 0\r\n\r\n", status);
    else
        buf_add_text(out, "HTTP/1.1 204 No Content\r\n\r\n");
}

static void on_look(struct timer *timer) {
    struct receiver *receiver = container_of(timer, struct receiver, look);
    struct remote_writer_stats now;

    remote_writer_stats(receiver->writer, &now);
    if (now.sent == receiver->wanted.sent && now.refused == receiver->wanted.refused &&
        now.retries == receiver->wanted.retries)
        loop_stop(receiver->server.loop);
    else
        timer_start(receiver->server.loop, &receiver->look, 2);
}

static void open_receiver(struct receiver *receiver) {
    *receiver = (struct receiver) { .look.fire = on_look };
    test_server_open(&receiver->server, answer);
    receiver->url = test_server_url(&receiver->server, "/api/v1/write");
}

static void close_receiver(struct receiver *receiver) {
    timer_stop(&receiver->look);
    free(receiver->url);
    test_server_close(&receiver->server);
}

static const struct remote_metric metrics[] = { { "cpu", "%", 1 },
                                                { "net.rx:eth0", "By/s", 0 } };

static struct remote_writer *make_writer(struct receiver *receiver,
                                         struct remote_writer_config config) {
    config.loop = receiver->server.loop;
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
    timer_start(receiver->server.loop, &receiver->look, 0);
    loop_run(receiver->server.loop);
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
    const char *sent = buf_text(&receiver.server.last);
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
    CHECK_INT(receiver.server.requests, 2);
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
    CHECK_INT(receiver.server.requests, 10);
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
