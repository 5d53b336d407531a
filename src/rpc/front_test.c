#include "rpc/front.h"

#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "rpc/call.h"
#include "rpc/exchange.h"
#include "rpc/h2conn.h"
#include "rpc/test_peer.h"
#include "wire/h2.h"

/* Answers calls and exchanges with a word each. */
struct site {
    struct test_peer peer;
    struct exchange *held; /* by "/hold" */
    unsigned calls;
    unsigned exchanges;
    unsigned gone;
    bool vouches;
};

static void on_call(void *arg, struct call *call, struct conn *conn) {
    struct site *site = arg;
    site->calls++;
    call_fail(call, GRPC_UNIMPLEMENTED, "nothing here");
}

static void on_hold_wake(struct exchange *exchange) {
    struct site *site = exchange->user;

    if (!exchange->gone)
        return;
    site->gone++;
    site->held = NULL;
    exchange_release(exchange);
}

static void on_exchange(void *arg, struct exchange *exchange) {
    struct site *site = arg;

    site->exchanges++;
    if (site->vouches)
        listener_vouch(exchange->conn);
    exchange->user = site;
    if (strcmp(exchange_path(exchange), "/hold") == 0) {
        site->held = exchange;
        exchange->on_wake = on_hold_wake;
        return;
    }
    exchange_answer(exchange, 200, "text/plain", slice_of_text("word"));
    exchange_release(exchange);
}

static struct front_config config_of(struct site *site) {
    return (struct front_config) {
        .limits = {
            .header_bytes_max = 4000,
            .streams_max = 10,
            .head_ms = 60000,
            .body_ms = 60000,
            .idle_ms = 60000,
            .stranger_ms = 60000,
        },
        .on_call = on_call,
        .on_exchange = on_exchange,
        .arg = site,
    };
}

static void open_site(struct site *site, enum transport transport) {
    *site = (struct site) { 0 };
    struct front_config config = config_of(site);
    test_peer_open(&site->peer, transport, &config);
}

static void close_site(struct site *site) {
    test_peer_close(&site->peer);
    CHECK(!site->held);
}

/* --- an HTTP/2 client of the test's own --- */

struct asker {
    struct site *site;
    struct h2 *h2;
    struct h2_stream *stream; /* the last request */
};

static void asker_open(struct asker *asker, struct site *site) {
    struct h2_limits limits = { .window = 65536, .header_bytes_max = 65536 };
    *asker = (struct asker) { .site = site, .h2 = h2_new(H2_CLIENT, &limits) };
}

static void asker_flush(struct asker *asker) {
    struct buf out = { 0 };
    h2_drain(asker->h2, &out, 1 << 20);
    test_peer_send(&asker->site->peer, buf_slice(&out));
    buf_done(&out);
}

/* Reads for as long as the stream is open, or for a while. */
static void asker_run(struct asker *asker, unsigned turns) {
    struct test_peer *peer = &asker->site->peer;

    for (unsigned i = 0; i < turns; i++) {
        test_peer_run(peer, 1);
        CHECK(h2_feed(asker->h2, buf_slice(&peer->got)) == 0);
        buf_clear(&peer->got);
        while (h2_next(asker->h2)) {
        }
        asker_flush(asker);
        if (asker->stream && asker->stream->in_ended)
            return;
    }
}

static void asker_ask(struct asker *asker,
                      const char *method,
                      const char *path,
                      const char *content_type,
                      bool has_body) {
    struct headers head = { 0 };

    if (asker->stream)
        h2_stream_release(asker->stream);
    headers_add(&head, ":method", method);
    headers_add(&head, ":scheme", "http");
    headers_add(&head, ":path", path);
    headers_add(&head, ":authority", "a");
    if (content_type)
        headers_add(&head, "content-type", content_type);
    asker->stream = h2_request(asker->h2, &head, has_body);
    CHECK(asker->stream != NULL);
    headers_done(&head);
    asker_flush(asker);
}

static void asker_close(struct asker *asker) {
    if (asker->stream)
        h2_stream_release(asker->stream);
    h2_free(asker->h2);
}

static const char *answer_of(const struct asker *asker, const char *field) {
    const char *value = headers_get(&asker->stream->head, field);
    return value ? value : "";
}

static const char PREFACE[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

static void the_preface_is_known_however_it_is_cut(void) {
    struct buf start = { 0 };
    struct h2_limits limits = { .window = 65536, .header_bytes_max = 65536 };
    struct h2 *h2 = h2_new(H2_CLIENT, &limits);

    h2_drain(h2, &start, 65536);
    h2_free(h2);
    for (size_t cut = 1; cut <= start.len; cut++) {
        struct site site;

        open_site(&site, TRANSPORT_TCP);
        test_peer_send(&site.peer, slice_of(start.data, cut));
        test_peer_run(&site.peer, 1);
        CHECK(site.peer.got.len == 0 || cut >= sizeof(PREFACE) - 1);
        test_peer_send(&site.peer, slice_of(start.data + cut, start.len - cut));
        while (site.peer.got.len < 9)
            test_peer_run(&site.peer, 1);
        CHECK_INT(site.peer.got.data[3], 4); /* SETTINGS */
        CHECK(!site.peer.closed);
        close_site(&site);
    }
    buf_done(&start);
}

/* As long as it may become a preface it waits; then HTTP/1.1 reads all of it. */
static void what_only_begins_like_the_preface_is_http_1(void) {
    for (size_t len = 1; len < sizeof(PREFACE) - 1; len++) {
        struct site site;

        open_site(&site, TRANSPORT_TCP);
        test_peer_send(&site.peer, slice_of(PREFACE, len));
        test_peer_run(&site.peer, 1);
        CHECK_INT(site.peer.got.len, 0);
        test_peer_say(&site.peer, "?\r\n\r\n");
        test_peer_wait_end(&site.peer);
        CHECK_INT(test_peer_count(&site.peer, "HTTP/1.1 400 "), 1);
        close_site(&site);
    }
}

static void a_method_that_begins_with_p_is_http_1(void) {
    struct site site;

    open_site(&site, TRANSPORT_TCP);
    test_peer_say(&site.peer, "P");
    test_peer_run(&site.peer, 1);
    test_peer_say(&site.peer, "OST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n");
    CHECK(test_peer_wait(&site.peer, "word"));
    close_site(&site);
}

static void tls_chooses_by_alpn(void) {
    struct site site;
    struct asker asker;

    open_site(&site, TRANSPORT_TLS); /* the pair asks for h2 */
    asker_open(&asker, &site);
    asker_ask(&asker, "GET", "/", NULL, false);
    asker_run(&asker, 1000);
    CHECK_TEXT(answer_of(&asker, ":status"), "200");
    CHECK_INT(asker.stream->in.len, 4);
    asker_close(&asker);
    close_site(&site);
}

static void calls_and_exchanges_take_their_roads(void) {
    static const struct row {
        const char *method;
        const char *content_type;
        bool is_call;
    } rows[] = {
        { "POST", "application/grpc", true },
        { "POST", "application/grpc+proto", true },
        { "POST", "application/grpc;x=y", true },
        { "POST", "application/grpc-web", false },
        { "POST", "application/json", false },
        { "POST", NULL, false },
        { "GET", "application/grpc", false },
        { "PUT", "application/grpc", false },
    };
    struct site site;
    struct asker asker;

    open_site(&site, TRANSPORT_TCP);
    asker_open(&asker, &site);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        unsigned calls = site.calls;
        asker_ask(&asker, rows[i].method, "/a.B/C", rows[i].content_type, false);
        asker_run(&asker, 1000);
        CHECK_INT(site.calls - calls, rows[i].is_call);
        CHECK_TEXT(answer_of(&asker, ":status"), "200");
        CHECK_TEXT(answer_of(&asker, "grpc-status"), rows[i].is_call ? "12" : "");
        CHECK_INT(asker.stream->in.len, rows[i].is_call ? 0 : 4);
    }
    asker_close(&asker);
    close_site(&site);
}

/* The answer comes although the request never ends; then the server wants no more. */
static void an_early_answer_stops_the_request(void) {
    struct site site;
    struct asker asker;

    open_site(&site, TRANSPORT_TCP);
    asker_open(&asker, &site);
    asker_ask(&asker, "POST", "/a.B/C", "application/grpc", true);
    asker_run(&asker, 1000);
    CHECK_TEXT(answer_of(&asker, "grpc-status"), "12");
    CHECK(asker.stream->in_ended);
    test_peer_run(&site.peer, 5);
    CHECK(h2_feed(asker.h2, buf_slice(&site.peer.got)) == 0);
    CHECK(asker.stream->closed);
    CHECK_INT(asker.stream->reset_code, H2_NO_ERROR);
    asker_close(&asker);
    close_site(&site);
}

static void a_malformed_timeout_ends_the_call(void) {
    static const char *const timeouts[] = { "", "1", "x", "1x", "123456789S", "-1S" };
    struct site site;
    struct asker asker;

    open_site(&site, TRANSPORT_TCP);
    asker_open(&asker, &site);
    for (size_t i = 0; i < sizeof(timeouts) / sizeof(timeouts[0]); i++) {
        struct headers head = { 0 };

        headers_add(&head, ":method", "POST");
        headers_add(&head, ":scheme", "http");
        headers_add(&head, ":path", "/a.B/C");
        headers_add(&head, ":authority", "a");
        headers_add(&head, "content-type", "application/grpc");
        headers_add(&head, "grpc-timeout", timeouts[i]);
        asker.stream = h2_request(asker.h2, &head, false);
        headers_done(&head);
        asker_flush(&asker);
        asker_run(&asker, 1000);
        CHECK_TEXT(answer_of(&asker, "grpc-status"), "13");
        h2_stream_release(TAKE(asker.stream));
    }
    CHECK_INT(site.calls, 0);
    asker_close(&asker);
    close_site(&site);
}

static void head_on_http_2_has_no_body(void) {
    struct site site;
    struct asker asker;

    open_site(&site, TRANSPORT_TCP);
    asker_open(&asker, &site);
    asker_ask(&asker, "HEAD", "/", NULL, false);
    asker_run(&asker, 1000);
    CHECK_TEXT(answer_of(&asker, "content-length"), "4");
    CHECK_INT(asker.stream->in.len, 0);
    asker_close(&asker);
    close_site(&site);
}

static void a_reset_request_is_told_to_its_owner(void) {
    struct site site;
    struct asker asker;

    open_site(&site, TRANSPORT_TCP);
    asker_open(&asker, &site);
    asker_ask(&asker, "GET", "/hold", NULL, false);
    while (!site.held)
        asker_run(&asker, 1);
    h2_stream_reset(asker.stream, H2_CANCEL);
    asker_flush(&asker);
    while (site.gone == 0)
        test_peer_run(&site.peer, 1);
    asker_close(&asker);
    close_site(&site);
}

static void the_end_of_the_front_is_told_to_owners(void) {
    struct site site;
    struct asker asker;

    open_site(&site, TRANSPORT_TCP);
    asker_open(&asker, &site);
    asker_ask(&asker, "GET", "/hold", NULL, false);
    while (!site.held)
        asker_run(&asker, 1);
    asker_close(&asker);
    close_site(&site);
    CHECK_INT(site.gone, 1);
}

static const char GET_HOLD[] = "GET /hold HTTP/1.1\r\nHost: a\r\n\r\n";
static const char GET_WORD[] = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

static void a_stranger_is_sent_away_however_busy(void) {
    static const char *const words[] = {
        "", "P", "GET / HT", GET_WORD, GET_HOLD, PREFACE
    };

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        struct site site = { 0 };
        struct front_config config = config_of(&site);

        config.limits.stranger_ms = 30;
        test_peer_open(&site.peer, TRANSPORT_TCP, &config);
        test_peer_say(&site.peer, words[i]);
        test_peer_wait_end(&site.peer);
        CHECK_INT(front_count(site.peer.front), 0);
        close_site(&site);
    }
}

static void what_may_become_a_preface_has_the_time_of_a_head(void) {
    static const char *const words[] = { "", "P", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r" };

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        struct site site = { 0 };
        struct front_config config = config_of(&site);

        config.limits.head_ms = 30;
        test_peer_open(&site.peer, TRANSPORT_TCP, &config);
        test_peer_say(&site.peer, words[i]);
        test_peer_wait_end(&site.peer);
        CHECK_INT(front_count(site.peer.front), 0);
        close_site(&site);
    }
}

static void who_was_vouched_for_may_stay(void) {
    struct site site = { .vouches = true };
    struct front_config config = config_of(&site);

    config.limits.stranger_ms = 30;
    test_peer_open(&site.peer, TRANSPORT_TCP, &config);
    test_peer_say(&site.peer, GET_WORD);
    CHECK(test_peer_wait(&site.peer, "word"));
    test_peer_run(&site.peer, 80);
    CHECK(!site.peer.closed);
    CHECK_INT(front_count(site.peer.front), 1);
    close_site(&site);
}

static void a_drain_ends_who_has_not_asked_yet(void) {
    static const char *const words[] = { "", "PRI", "GET / HT", PREFACE };

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        struct site site;

        open_site(&site, TRANSPORT_TCP);
        test_peer_say(&site.peer, words[i]);
        test_peer_run(&site.peer, 5);
        front_drain(site.peer.front);
        test_peer_wait_end(&site.peer);
        conn_finish(site.peer.pair.client); /* else it is waited for */
        while (front_count(site.peer.front) > 0)
            test_peer_run(&site.peer, 1);
        close_site(&site);
    }
}

static void an_idle_http_2_connection_ends(void) {
    struct site site = { 0 };
    struct front_config config = config_of(&site);
    struct asker asker;

    config.limits.idle_ms = 30;
    test_peer_open(&site.peer, TRANSPORT_TCP, &config);
    asker_open(&asker, &site);
    asker_ask(&asker, "GET", "/", NULL, false);
    asker_run(&asker, 1000);
    CHECK_TEXT(answer_of(&asker, ":status"), "200");
    test_peer_wait_end(&site.peer);
    CHECK(h2_feed(asker.h2, buf_slice(&site.peer.got)) == 0);
    CHECK(h2_is_draining(asker.h2)); /* a GOAWAY said so */
    asker_close(&asker);
    close_site(&site);
}

TESTS(TEST(the_preface_is_known_however_it_is_cut),
      TEST(what_only_begins_like_the_preface_is_http_1),
      TEST(a_method_that_begins_with_p_is_http_1),
      TEST(tls_chooses_by_alpn),
      TEST(calls_and_exchanges_take_their_roads),
      TEST(an_early_answer_stops_the_request),
      TEST(a_malformed_timeout_ends_the_call),
      TEST(head_on_http_2_has_no_body),
      TEST(a_reset_request_is_told_to_its_owner),
      TEST(the_end_of_the_front_is_told_to_owners),
      TEST(a_stranger_is_sent_away_however_busy),
      TEST(what_may_become_a_preface_has_the_time_of_a_head),
      TEST(who_was_vouched_for_may_stay),
      TEST(a_drain_ends_who_has_not_asked_yet),
      TEST(an_idle_http_2_connection_ends))
