#include "rpc/connect.h"

#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "grpc/health.pb-c.h"
#include "rpc/call.h"
#include "rpc/exchange.h"
#include "rpc/health.h"
#include "rpc/reflection.h"
#include "rpc/target.h"
#include "rpc/test_peer.h"

enum { BODY_MAX = 1000, FLOOD = 20000000 };

/* Health and reflection behind JSON; or a target of the test's own. */
struct site {
    struct test_peer peer;
    struct services *services;
    struct health *health;
    struct reflection *reflection;
    struct connect_config config;
    struct target target;
    const char *reply; /* of the own target */
    size_t reply_len;
    bool floods;    /* the own target sends text without end */
    size_t flooded; /* bytes that it has sent */
    unsigned served;
    unsigned gone;
};

static bool find(void *arg,
                 const char *path,
                 enum service_kind *ret_kind,
                 const ProtobufCMethodDescriptor **ret_types) {
    static const ProtobufCMethodDescriptor texts = {
        .name = "Watch",
        .input = &grpc__health__v1__health_check_request__descriptor,
        .output = &grpc__health__v1__health_check_request__descriptor,
    };
    const struct site *site = arg;

    if (site->floods) {
        *ret_kind = SERVICE_SERVER_STREAM;
        *ret_types = &texts;
        return true;
    }
    return services_find(site->services, path, ret_kind, ret_types);
}

static void on_exchange(void *arg, struct exchange *exchange) {
    struct site *site = arg;
    connect_serve(&site->config, exchange);
}

static void open_site(struct site *site) {
    struct front_config config = {
        .limits = {
            .header_bytes_max = 4000,
            .streams_max = 10,
            .head_ms = 60000,
            .body_ms = 60000,
            .idle_ms = 60000,
        },
        .on_exchange = on_exchange,
        .arg = site,
    };

    *site = (struct site) { .services = services_new(BODY_MAX) };
    site->health = health_new(site->services);
    site->reflection = reflection_new(site->services);
    test_peer_open(&site->peer, TRANSPORT_TCP, &config);
    site->config = (struct connect_config) {
        .loop = site->peer.pair.loop,
        .target = services_target(site->services),
        .message_max = BODY_MAX,
        .find = find,
        .arg = site,
    };
}

static void close_site(struct site *site) {
    test_peer_close(&site->peer);
    reflection_free(site->reflection);
    health_free(site->health);
    services_free(site->services);
}

static void post_bytes(struct site *site,
                       const char *path,
                       const char *fields,
                       struct slice body) {
    struct buf out = { 0 };

    buf_printf(&out, "POST %s HTTP/1.1\r\nHost: a\r\n%sContent-Length: %zu\r\n\r\n", path,
               fields, body.len);
    buf_add_slice(&out, body);
    test_peer_send(&site->peer, buf_slice(&out));
    buf_done(&out);
}

static void post(struct site *site,
                 const char *path,
                 const char *fields,
                 const char *body) {
    post_bytes(site, path, fields, slice_of_text(body));
}

#define CHECK_PATH "/grpc.health.v1.Health/Check"
#define WATCH_PATH "/grpc.health.v1.Health/Watch"
#define JSON       "Content-Type: application/json\r\n"
#define ENVELOPES  "Content-Type: application/connect+json\r\n"

static const struct row {
    const char *path;
    const char *fields;
    const char *body;
    const char *status;
    const char *answer;
} rows[] = {
    { CHECK_PATH, JSON, "{}", "200 OK", "{\"status\":\"SERVING\"}" },
    { CHECK_PATH, JSON, "", "200 OK", "{\"status\":\"SERVING\"}" },
    { CHECK_PATH, "Content-Type: Application/JSON; charset=utf-8\r\n", "{}", "200 OK",
      "SERVING" },
    { CHECK_PATH, JSON, "{\"service\":\"grpc.health.v1.Health\"}", "200 OK", "SERVING" },
    { CHECK_PATH, JSON, "{\"service\":\"no\\\"pe\"}", "404 Not Found",
      "{\"code\":\"not_found\",\"message\":\"unknown service no\\\"pe\"}" },
    { CHECK_PATH, JSON, "{\"sorvice\":1}", "400 Bad Request", "\"invalid_argument\"" },
    { CHECK_PATH, JSON, "{\"service\":1}", "400 Bad Request", "\"invalid_argument\"" },
    { CHECK_PATH, JSON, "[", "400 Bad Request", "\"invalid_argument\"" },
    { CHECK_PATH, "Content-Type: text/plain\r\n", "{}", "415 ", "content-type" },
    { CHECK_PATH, "Content-Type: application/jsonx\r\n", "{}", "415 ", "content-type" },
    { CHECK_PATH, "", "{}", "415 ", "content-type" },
    { CHECK_PATH "x", JSON, "{}", "404 Not Found", "\"unimplemented\"" },
    { "/x", JSON, "{}", "404 Not Found", "\"unimplemented\"" },
    { CHECK_PATH, JSON "Connect-Timeout-Ms: 1s\r\n", "{}", "400 Bad Request", "timeout" },
    { CHECK_PATH, JSON "Connect-Timeout-Ms: 12345678901\r\n", "{}", "400 Bad Request",
      "timeout" },
    { CHECK_PATH, JSON "Connect-Timeout-Ms: 5000\r\n", "{}", "200 OK", "SERVING" },
    { "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo", JSON, "{}",
      "501 Not Implemented", "\"unimplemented\"" },
    { WATCH_PATH, JSON, "{\"service\":", "400 Bad Request", "\"invalid_argument\"" },
    { WATCH_PATH, ENVELOPES, "{}", "400 Bad Request", "one envelope" },
    { WATCH_PATH, ENVELOPES, "", "400 Bad Request", "one envelope" },
};

static void unary_calls_are_answered_and_refused(void) {
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct site site;
        char *start = mem_printf("HTTP/1.1 %s", rows[i].status);

        open_site(&site);
        post(&site, rows[i].path, rows[i].fields, rows[i].body);
        CHECK(test_peer_wait(&site.peer, rows[i].answer));
        CHECK_INT(test_peer_count(&site.peer, start), 1);
        CHECK_INT(test_peer_count(&site.peer, "content-type: application/json\r\n"), 1);
        CHECK_INT(test_peer_count(&site.peer, "x-content-type-options: nosniff\r\n"), 1);
        CHECK_INT(test_peer_count(&site.peer, "cache-control: no-store\r\n"), 1);
        buf_clear(&site.peer.got);
        post(&site, CHECK_PATH, JSON, "{}"); /* the connection goes on */
        CHECK(test_peer_wait(&site.peer, "SERVING"));
        free(start);
        close_site(&site);
    }
}

static void only_post_calls(void) {
    struct site site;

    open_site(&site);
    test_peer_say(&site.peer, "GET " CHECK_PATH " HTTP/1.1\r\nHost: a\r\n\r\n");
    CHECK(test_peer_wait(&site.peer, "called with POST"));
    CHECK_INT(test_peer_count(&site.peer, "HTTP/1.1 405 "), 1);
    CHECK_INT(test_peer_count(&site.peer, "allow: POST\r\n"), 1);
    close_site(&site);
}

static void a_body_over_the_limit_is_refused(void) {
    struct site site;
    char *body = mem_new(BODY_MAX + 2);

    memset(body, ' ', BODY_MAX + 1);
    memcpy(body, "{}", 2);
    open_site(&site);
    post_bytes(&site, CHECK_PATH, JSON, slice_of(body, BODY_MAX));
    CHECK(test_peer_wait(&site.peer, "SERVING"));
    post_bytes(&site, CHECK_PATH, JSON, slice_of(body, BODY_MAX + 1));
    CHECK(test_peer_wait(&site.peer, "resource_exhausted"));
    CHECK_INT(test_peer_count(&site.peer, "HTTP/1.1 413 "), 1);
    free(body);
    close_site(&site);
}

static void a_stream_comes_as_lines(void) {
    struct site site;

    open_site(&site);
    post(&site, WATCH_PATH, JSON, "{}");
    CHECK(test_peer_wait(&site.peer, "{\"status\":\"SERVING\"}\n"));
    CHECK_INT(test_peer_count(&site.peer, "content-type: application/x-ndjson\r\n"), 1);
    health_stop(site.health);
    CHECK(test_peer_wait(&site.peer, "{\"status\":\"NOT_SERVING\"}\n"));
    CHECK(test_peer_wait(&site.peer, "0\r\n\r\n"));
    CHECK_INT(test_peer_count(&site.peer, "error"), 0);
    close_site(&site);
}

static void a_stream_ends_with_its_error(void) {
    struct site site;

    open_site(&site);
    post(&site, WATCH_PATH, JSON "Connect-Timeout-Ms: 20\r\n", "{}");
    CHECK(test_peer_wait(&site.peer, "0\r\n\r\n"));
    CHECK_INT(test_peer_count(&site.peer, "{\"error\":{\"code\":\"deadline_exceeded\","),
              1);
    close_site(&site);
}

/* Is this run of bytes in what came? */
static bool came(struct site *site, const void *bytes, size_t len) {
    for (size_t at = 0; at + len <= site->peer.got.len; at++)
        if (memcmp(site->peer.got.data + at, bytes, len) == 0)
            return true;
    return false;
}

static void a_stream_comes_in_envelopes(void) {
    static const char first[] = "\0\0\0\0\x14{\"status\":\"SERVING\"}";
    static const char end[] = "\2\0\0\0\2{}";
    struct site site;

    open_site(&site);
    post_bytes(&site, WATCH_PATH, ENVELOPES, slice_of("\0\0\0\0\2{}", 7));
    while (!came(&site, first, sizeof(first) - 1))
        test_peer_run(&site.peer, 1);
    CHECK(came(&site, "application/connect+json", 24));
    health_stop(site.health);
    while (!came(&site, end, sizeof(end) - 1))
        test_peer_run(&site.peer, 1);
    close_site(&site);
}

static void envelopes_must_fit(void) {
    static const struct {
        const char *bytes;
        size_t len;
    } bad[] = {
        { "\1\0\0\0\2{}", 7 }, { "\0\0\0\0\3{}", 7 },
        { "\0\0\0\0\1{}", 7 }, { "\0\0\0\0\2{}\0\0\0\0\0", 12 },
        { "\0\0\0\0", 4 },     { "\0\xff\xff\xff\xff", 5 },
    };

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct site site;

        open_site(&site);
        post_bytes(&site, WATCH_PATH, ENVELOPES, slice_of(bad[i].bytes, bad[i].len));
        CHECK(test_peer_wait(&site.peer, "exactly one envelope"));
        close_site(&site);
    }
}

static void a_watcher_may_leave(void) {
    struct site site;

    open_site(&site);
    post(&site, WATCH_PATH, JSON, "{}");
    CHECK(test_peer_wait(&site.peer, "SERVING"));
    conn_close(TAKE(site.peer.pair.client));
    while (front_count(site.peer.front) > 0)
        test_peer_run(&site.peer, 1);
    health_stop(site.health); /* nobody is left to be told */
    close_site(&site);
}

/* --- a target that says what the test likes --- */

static void on_own_wake(struct call *call, void *user) {
    struct site *site = user;
    uint8_t message[1000] = { 0, 0, 0, 3, 0xe3, 0x0a, 0xe0, 7 };

    memset(message + 8, 'x', sizeof(message) - 8);
    while (!call->finished && site->floods && call->reply.len < CALL_PIPE_MAX) {
        call_reply_write(call, slice_of(message, sizeof(message)));
        site->flooded += sizeof(message);
        if (site->flooded >= FLOOD)
            call_finish(call, GRPC_OK, NULL, NULL);
    }
    if (call->finished) {
        site->gone++;
        call_detach_callee(call);
    }
}

static void start_own(struct target *target, struct call *call) {
    struct site *site = container_of(target, struct site, target);
    struct call_half callee = { .on_wake = on_own_wake, .user = site };

    site->served++;
    call_attach_callee(call, &callee);
    if (site->floods) {
        call_reply_taken(call); /* wakes us */
        return;
    }
    call_reply_write(call, slice_of(site->reply, site->reply_len));
    call_finish(call, GRPC_OK, NULL, NULL);
}

static void open_own(struct site *site, const char *reply, size_t len) {
    open_site(site);
    site->target.start = start_own;
    site->config.target = &site->target;
    site->reply = reply;
    site->reply_len = len;
}

static void an_answer_that_is_none_is_an_error(void) {
    static const struct {
        const char *bytes;
        size_t len;
    } bad[] = {
        { "", 0 },                                /* no message */
        { "\0\0\0\0\0\0\0\0\0\0", 10 },           /* two */
        { "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 15 }, /* three */
        { "\0\0\0\0\1\x08", 6 },                  /* not of the type */
        { "\0\0\0\0\1\x08\0\0\0\0\0", 11 },       /* and another one behind */
        { "\0\0\0\0\2\x08", 6 },                  /* cut off */
        { "\7\0\0\0\0", 5 },                      /* not even framed */
    };

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct site site;

        open_own(&site, bad[i].bytes, bad[i].len);
        post(&site, CHECK_PATH, JSON, "{}");
        CHECK(test_peer_wait(&site.peer, "{\"code\":\"internal\""));
        CHECK_INT(test_peer_count(&site.peer, "HTTP/1.1 500 "), 1);
        CHECK_INT(site.gone, 1);
        close_site(&site);
    }
}

/* Whoever reads slowly slows the source down; nothing piles up between. */
static void a_slow_reader_slows_the_stream_down(void) {
    struct site site;

    open_own(&site, NULL, 0);
    site.floods = true;
    conn_pause(site.peer.pair.client, true);
    post(&site, WATCH_PATH, JSON, "{}");
    test_peer_run(&site.peer, 100);
    CHECK_INT(site.served, 1);
    CHECK(site.flooded < FLOOD);
    CHECK_INT(site.gone, 0);
    conn_pause(site.peer.pair.client, false);
    while (site.gone == 0)
        test_peer_run(&site.peer, 5);
    CHECK(test_peer_wait(&site.peer, "0\r\n\r\n"));
    CHECK(site.peer.got.len > FLOOD);
    close_site(&site);
}

TESTS(TEST(unary_calls_are_answered_and_refused),
      TEST(only_post_calls),
      TEST(a_body_over_the_limit_is_refused),
      TEST(a_stream_comes_as_lines),
      TEST(a_stream_ends_with_its_error),
      TEST(a_stream_comes_in_envelopes),
      TEST(envelopes_must_fit),
      TEST(a_watcher_may_leave),
      TEST(an_answer_that_is_none_is_an_error),
      TEST(a_slow_reader_slows_the_stream_down))
