#include "rpc/http1conn.h"

#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "rpc/exchange.h"
#include "rpc/test_peer.h"

/* A site of a few paths, and what its owners saw. */
struct site {
    struct test_peer peer;
    struct exchange *held; /* by /hold, or an unfinished /echo */
    struct conn *upgraded;
    struct buf raw; /* what came after the upgrade */
    unsigned begun;
    unsigned released;
    unsigned gone;
    bool deaf; /* /echo reads nothing for now */
};

static struct front_config config_of(struct site *site);

static void release(struct site *site, struct exchange *exchange) {
    if (site->held == exchange)
        site->held = NULL;
    site->released++;
    exchange_release(exchange);
}

static void answer(struct site *site, struct exchange *exchange, const char *text) {
    exchange_answer(exchange, 200, "text/plain", slice_of_text(text));
    release(site, exchange);
}

static void on_held_wake(struct exchange *exchange) {
    struct site *site = exchange->user;

    if (!exchange->gone)
        return;
    site->gone++;
    release(site, exchange);
}

static void on_echo_wake(struct exchange *exchange) {
    struct site *site = exchange->user;

    if (exchange->gone) {
        on_held_wake(exchange);
        return;
    }
    while (!site->deaf && exchange->body->len > 0 && exchange_room(exchange) > 0) {
        struct slice part = pipe_peek(exchange->body);
        size_t len = part.len;
        exchange_write(exchange, part);
        pipe_drop(exchange->body, len);
        exchange_taken(exchange, len);
    }
    if (exchange->body_ended && exchange->body->len == 0) {
        exchange_end(exchange);
        release(site, exchange);
    }
}

static void serve_echo(struct site *site, struct exchange *exchange) {
    const char *length = headers_get(exchange->head, "content-length");
    struct headers head = { 0 };

    headers_add(&head, ":status", "200");
    if (length && strcmp(exchange_path(exchange), "/same") == 0)
        headers_add(&head, "content-length", length);
    exchange_respond(exchange, &head, true);
    headers_done(&head);
    exchange->on_wake = on_echo_wake;
    on_echo_wake(exchange);
}

static void on_raw_bytes(void *owner, struct slice bytes) {
    struct site *site = owner;
    buf_add_slice(&site->raw, bytes);
}

static void on_raw_closed(void *owner, int reason) {
}

static void serve_upgrade(struct site *site, struct exchange *exchange) {
    static const struct conn_events events = {
        .on_bytes = on_raw_bytes,
        .on_closed = on_raw_closed,
    };
    struct headers head = { 0 };

    headers_add(&head, ":status", "101");
    headers_add(&head, "connection", "upgrade");
    headers_add(&head, "upgrade", "raw");
    site->upgraded = exchange_upgrade(exchange, &head);
    headers_done(&head);
    if (site->upgraded)
        conn_set_owner(site->upgraded, &events, site);
    else
        answer(site, exchange, "no upgrade");
}

static void on_exchange(void *arg, struct exchange *exchange) {
    const char *path = exchange_path(exchange);
    struct site *site = arg;
    char text[64];

    site->begun++;
    exchange->user = site;
    if (strcmp(path, "/hold") == 0) {
        site->held = exchange;
        exchange->on_wake = on_held_wake;
    } else if (strcmp(path, "/echo") == 0 || strcmp(path, "/same") == 0) {
        site->held = exchange;
        serve_echo(site, exchange);
    } else if (strcmp(path, "/up") == 0) {
        serve_upgrade(site, exchange);
    } else if (strcmp(path, "/drop") == 0) {
        release(site, exchange);
    } else if (strcmp(path, "/empty") == 0) {
        exchange_answer(exchange, 204, NULL, slice_of(NULL, 0));
        release(site, exchange);
    } else {
        snprintf(text, sizeof(text), "<%.60s>", path);
        answer(site, exchange, text);
    }
}

static struct front_config config_of(struct site *site) {
    return (struct front_config) {
        .limits = {
            .header_bytes_max = 1000,
            .streams_max = 10,
            .head_ms = 60000,
            .body_ms = 60000,
            .idle_ms = 60000,
        },
        .on_exchange = on_exchange,
        .arg = site,
    };
}

static void open_site(struct site *site) {
    *site = (struct site) { 0 };
    struct front_config config = config_of(site);
    test_peer_open(&site->peer, TRANSPORT_TCP, &config);
}

static void close_site(struct site *site) {
    if (site->upgraded)
        conn_close(site->upgraded);
    test_peer_close(&site->peer);
    buf_done(&site->raw);
    CHECK(!site->held);
    CHECK_INT(site->released, site->begun - (site->upgraded ? 1 : 0));
}

#define GET(path) "GET " path " HTTP/1.1\r\nHost: a\r\n\r\n"

static const char pipeline[] =
    GET("/one") "POST /echo HTTP/1.1\r\nHost: a\r\n"
                "Content-Length: 5\r\n\r\nhello" GET(
                    "/two") "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: "
                            "chunked\r\n\r\n"
                            "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n" GET("/three");

/* What the pipeline is answered with when it comes in whole. */
static void check_pipeline(struct site *site) {
    CHECK(test_peer_wait(&site->peer, "</three>"));
    const char *one = strstr(test_peer_text(&site->peer), "</one>");
    const char *hello = strstr(one, "5\r\nhello\r\n0\r\n\r\n");
    const char *two = strstr(hello, "</two>");
    CHECK(strstr(two, "</three>") != NULL);
    CHECK_INT(test_peer_count(&site->peer, "HTTP/1.1 200 OK\r\n"), 5);
    CHECK_INT(test_peer_count(&site->peer, "connection: close"), 0);
    CHECK_INT(site->begun, 5);
}

static void pipelined_requests_are_answered_in_order(void) {
    struct site site;

    open_site(&site);
    test_peer_say(&site.peer, pipeline);
    check_pipeline(&site);
    close_site(&site);
}

/* An echo that begins before its body has ended announces the connection's end; so the
 * cuts are made where heads and bodies come together. */
static void any_split_of_a_head_gives_the_same_answer(void) {
    static const char request[] = GET("/split");

    for (size_t cut = 1; cut < sizeof(request) - 1; cut++) {
        struct site site;

        open_site(&site);
        test_peer_send(&site.peer, slice_of(request, cut));
        test_peer_run(&site.peer, 1);
        CHECK_INT(site.begun, 0);
        test_peer_send(&site.peer, slice_of(request + cut, sizeof(request) - 1 - cut));
        CHECK(test_peer_wait(&site.peer, "</split>"));
        CHECK_INT(site.begun, 1);
        close_site(&site);
    }
}

static void single_bytes_are_enough(void) {
    static const char request[] =
        "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
        "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n";
    struct site site;

    open_site(&site);
    for (size_t i = 0; i < sizeof(request) - 1; i++) {
        test_peer_send(&site.peer, slice_of(request + i, 1));
        test_peer_run(&site.peer, 1);
    }
    test_peer_wait_end(&site.peer); /* it answered before the body had ended */
    CHECK_INT(test_peer_count(&site.peer, "connection: close"), 1);
    CHECK_INT(test_peer_count(&site.peer, "1\r\na\r\n1\r\nb\r\n"), 1);
    CHECK_INT(test_peer_count(&site.peer, "0\r\n\r\n"), 1);
    CHECK_INT(site.peer.reason, 0);
    close_site(&site);
}

static void thousands_of_pipelined_requests_need_no_stack(void) {
    enum { REQUESTS = 5000 };
    struct site site;
    struct buf all = { 0 };

    open_site(&site);
    for (int i = 0; i < REQUESTS; i++)
        buf_add_text(&all, GET("/"));
    buf_add_text(&all, GET("/last"));
    test_peer_send(&site.peer, buf_slice(&all));
    CHECK(test_peer_wait(&site.peer, "</last>"));
    CHECK_INT(site.begun, REQUESTS + 1);
    buf_done(&all);
    close_site(&site);
}

static void a_held_request_holds_the_next_ones_back(void) {
    struct site site;

    open_site(&site);
    test_peer_say(&site.peer, GET("/hold") GET("/after"));
    test_peer_run(&site.peer, 5);
    test_peer_say(&site.peer, GET("/later")); /* more than was read at once */
    test_peer_run(&site.peer, 5);
    CHECK_INT(site.begun, 1);
    answer(&site, site.held, "<held>");
    CHECK(test_peer_wait(&site.peer, "</later>"));
    CHECK(strstr(test_peer_text(&site.peer), "<held>") <
          strstr(test_peer_text(&site.peer), "</after>"));
    close_site(&site);
}

static void the_peer_says_how_long_the_connection_lives(void) {
    static const struct row {
        const char *request;
        bool ends;
    } rows[] = {
        { GET("/x"), false },
        { "GET /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", true },
        { "GET /x HTTP/1.0\r\n\r\n", true },
        { "GET /x HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n", true },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct site site;

        open_site(&site);
        test_peer_say(&site.peer, rows[i].request);
        CHECK(test_peer_wait(&site.peer, "</x>"));
        CHECK_INT(test_peer_count(&site.peer, "connection: close"), rows[i].ends);
        if (rows[i].ends) {
            test_peer_wait_end(&site.peer);
            CHECK_INT(site.peer.reason, 0);
        } else {
            test_peer_say(&site.peer, GET("/again"));
            CHECK(test_peer_wait(&site.peer, "</again>"));
        }
        close_site(&site);
    }
}

static void http_1_0_gets_no_chunks(void) {
    struct site site;

    open_site(&site);
    test_peer_say(&site.peer,
                  "POST /echo HTTP/1.0\r\nContent-Length: 5\r\n\r\nhello" GET("/no"));
    test_peer_wait_end(&site.peer);
    CHECK_INT(test_peer_count(&site.peer, "chunked"), 0);
    CHECK_INT(test_peer_count(&site.peer, "\r\n\r\nhello"), 1);
    CHECK_INT(site.begun, 1);
    close_site(&site);
}

static void head_is_answered_without_a_body(void) {
    struct site site;

    open_site(&site);
    test_peer_say(&site.peer, "HEAD /x HTTP/1.1\r\nHost: a\r\n\r\n"
                              "HEAD /echo HTTP/1.1\r\nHost: a\r\n\r\n" GET("/end"));
    CHECK(test_peer_wait(&site.peer, "</end>"));
    CHECK_INT(test_peer_count(&site.peer, "</x>"), 0);
    CHECK_INT(test_peer_count(&site.peer, "content-length: 4"), 1); /* as GET would say */
    CHECK_INT(test_peer_count(&site.peer, "content-length: 0"), 0);
    CHECK_INT(test_peer_count(&site.peer, "0\r\n\r\n"), 0);
    close_site(&site);
}

static void an_empty_answer_says_its_length_where_it_may(void) {
    struct site site;

    open_site(&site);
    test_peer_say(&site.peer, GET("/empty") GET("/end"));
    CHECK(test_peer_wait(&site.peer, "</end>"));
    CHECK_INT(test_peer_count(&site.peer, "HTTP/1.1 204 No Content\r\n"), 1);
    close_site(&site);
}

static const struct bad {
    const char *request;
    const char *answer;
} bads[] = {
    { "\x16\x03\x01\x02\r\n\r\n", "HTTP/1.1 400 " },
    { "GET / HTTP/1.1\r\n\r\n", "HTTP/1.1 400 " },
    { "GET / HTTP/3.0\r\nHost: a\r\n\r\n", "HTTP/1.1 400 " },
    { "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: "
      "chunked\r\n\r\n",
      "HTTP/1.1 400 " },
    { "POST /hold HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
      "HTTP/1.1 400 " },
};

static void what_is_no_request_is_refused_and_the_connection_ends(void) {
    for (size_t i = 0; i < sizeof(bads) / sizeof(bads[0]); i++) {
        struct site site;

        open_site(&site);
        test_peer_say(&site.peer, bads[i].request);
        test_peer_wait_end(&site.peer);
        CHECK_INT(test_peer_count(&site.peer, bads[i].answer), 1);
        CHECK_INT(test_peer_count(&site.peer, "HTTP/1.1"), 1);
        CHECK_INT(site.peer.reason, 0);
        close_site(&site);
    }
}

static void a_long_head_is_refused(void) {
    struct site site;
    char *value = mem_new(20001);

    memset(value, 'x', 20000);
    open_site(&site);
    test_peer_say(&site.peer, "GET / HTTP/1.1\r\nHost: a\r\nX: ");
    test_peer_say(&site.peer, value);
    test_peer_wait_end(&site.peer);
    CHECK_INT(test_peer_count(&site.peer, "HTTP/1.1 431 "), 1);
    free(value);
    close_site(&site);
}

/* A fault in a body whose answer has begun can only be told by the end. */
static void a_fault_behind_the_answer_cuts_it_off(void) {
    struct site site;

    open_site(&site);
    test_peer_say(&site.peer, "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: "
                              "chunked\r\n\r\n1\r\na\r\n");
    CHECK(test_peer_wait(&site.peer, "1\r\na\r\n"));
    test_peer_say(&site.peer, "zzz\r\n");
    test_peer_wait_end(&site.peer);
    CHECK_INT(test_peer_count(&site.peer, "0\r\n\r\n"), 0);
    CHECK_INT(test_peer_count(&site.peer, "HTTP/1.1"), 1);
    CHECK_INT(site.gone, 1);
    close_site(&site);
}

static void a_late_head_or_body_is_answered_408(void) {
    static const char *const requests[] = {
        "GET / HT",
        "POST /hold HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc",
    };

    for (size_t i = 0; i < 2; i++) {
        struct site site = { 0 };
        struct front_config config = config_of(&site);

        config.limits.head_ms = 20;
        config.limits.body_ms = 20;
        test_peer_open(&site.peer, TRANSPORT_TCP, &config);
        test_peer_say(&site.peer, requests[i]);
        test_peer_wait_end(&site.peer);
        CHECK_INT(test_peer_count(&site.peer, "HTTP/1.1 408 "), 1);
        CHECK_INT(site.gone, i);
        close_site(&site);
    }
}

static void an_idle_connection_ends_without_a_word(void) {
    struct site site = { 0 };
    struct front_config config = config_of(&site);

    config.limits.idle_ms = 20;
    test_peer_open(&site.peer, TRANSPORT_TCP, &config);
    test_peer_say(&site.peer, GET("/x"));
    test_peer_wait_end(&site.peer);
    CHECK_INT(test_peer_count(&site.peer, "HTTP/1.1"), 1);
    CHECK_INT(site.peer.reason, 0);
    close_site(&site);
}

/* None of the limits is for an answer that takes its time. */
static void a_busy_connection_is_not_idle(void) {
    struct site site = { 0 };
    struct front_config config = config_of(&site);

    config.limits.idle_ms = 10;
    config.limits.head_ms = 10;
    config.limits.body_ms = 10;
    test_peer_open(&site.peer, TRANSPORT_TCP, &config);
    test_peer_say(&site.peer, GET("/hold"));
    test_peer_run(&site.peer, 60);
    CHECK(!site.peer.closed);
    answer(&site, site.held, "<late>");
    CHECK(test_peer_wait(&site.peer, "<late>"));
    close_site(&site);
}

/* Much more than any buffer, with a peer that reads nothing for a while. */
static void large_bodies_go_both_ways(void) {
    enum { LEN = 3000000 };
    static const char *const paths[] = { "/echo", "/same" };

    for (int which = 0; which < 2; which++) {
        struct site site;
        struct buf request = { 0 };
        uint8_t *body = mem_new(LEN);

        for (size_t i = 0; i < LEN; i++)
            body[i] = (uint8_t)('a' + i % 23);
        open_site(&site);
        buf_printf(&request, "POST %s HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n",
                   paths[which], LEN);
        conn_pause(site.peer.pair.client, true);
        test_peer_send(&site.peer, buf_slice(&request));
        test_peer_send(&site.peer, slice_of(body, LEN));
        test_peer_run(&site.peer, 30);
        CHECK(site.held && site.held->body->len <= 65536 * 2);
        conn_pause(site.peer.pair.client, false);
        test_peer_wait_end(&site.peer);
        CHECK(site.peer.got.len > LEN);
        if (which == 1)
            CHECK(memcmp(site.peer.got.data + site.peer.got.len - LEN, body, LEN) == 0);
        else
            CHECK(memcmp(site.peer.got.data + site.peer.got.len - 5, "0\r\n\r\n", 5) ==
                  0);
        buf_done(&request);
        free(body);
        close_site(&site);
    }
}

/* An owner that reads nothing makes the sender wait, and then goes on. */
static void a_deaf_owner_stops_the_sender(void) {
    enum { LEN = 8000000 };
    struct site site;
    struct buf request = { 0 };
    uint8_t *body = mem_new(LEN);

    open_site(&site);
    site.deaf = true;
    buf_printf(&request, "POST /same HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n",
               LEN);
    test_peer_send(&site.peer, buf_slice(&request));
    test_peer_send(&site.peer, slice_of(body, LEN));
    test_peer_run(&site.peer, 50);
    CHECK(site.held && site.held->body->len <= 65536 * 2);
    CHECK(!site.held->body_ended);
    site.deaf = false;
    on_echo_wake(site.held);
    test_peer_wait_end(&site.peer);
    CHECK(site.peer.got.len > LEN);
    buf_done(&request);
    free(body);
    close_site(&site);
}

static void expectations_are_met(void) {
    struct site site;

    open_site(&site);
    test_peer_say(&site.peer, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n"
                              "Expect: 100-continue\r\n\r\n");
    CHECK(test_peer_wait(&site.peer, "HTTP/1.1 100 Continue\r\n\r\n"));
    test_peer_say(&site.peer, "ok");
    CHECK(test_peer_wait(&site.peer, "2\r\nok\r\n0\r\n\r\n"));
    close_site(&site);
}

/* The answer is not lost although the peer goes on sending what nobody reads. */
static void an_early_answer_arrives_whole(void) {
    struct site site;
    struct buf request = { 0 };
    uint8_t *body = mem_new(1000000);

    open_site(&site);
    buf_add_text(&request, "POST /early HTTP/1.1\r\nHost: a\r\nContent-Length: "
                           "9000000\r\n\r\n");
    test_peer_send(&site.peer, buf_slice(&request));
    test_peer_send(&site.peer, slice_of(body, 1000000));
    CHECK(test_peer_wait(&site.peer, "</early>"));
    CHECK_INT(test_peer_count(&site.peer, "connection: close"), 1);
    test_peer_wait_end(&site.peer);
    CHECK_INT(site.peer.reason, 0);
    CHECK_INT(site.begun, 1);
    buf_done(&request);
    free(body);
    close_site(&site);
}

static void an_unfinished_answer_ends_the_connection(void) {
    struct site site;

    open_site(&site);
    test_peer_say(&site.peer, GET("/drop") GET("/never"));
    test_peer_wait_end(&site.peer);
    CHECK_INT(site.peer.got.len, 0);
    CHECK_INT(site.begun, 1);
    close_site(&site);
}

static const char UPGRADE[] =
    "GET /up HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: raw\r\n\r\n";

static void early_bytes_follow_an_upgrade_in_order(void) {
    enum { LEN = 60000 };
    struct site site;
    struct buf all = { 0 };

    open_site(&site);
    buf_add_text(&all, GET("/before"));
    buf_add_text(&all, UPGRADE);
    size_t head_len = all.len;
    for (uint32_t i = 0; i < LEN / 4; i++)
        buf_add(&all, &i, sizeof(i));
    test_peer_send(&site.peer, buf_slice(&all));
    CHECK(test_peer_wait(&site.peer, "upgrade: raw"));
    CHECK(site.upgraded != NULL);
    for (int i = 0; i < 100 && site.raw.len < LEN; i++)
        test_peer_run(&site.peer, 5);
    CHECK_INT(site.raw.len, LEN);
    CHECK(memcmp(site.raw.data, all.data + head_len, LEN) == 0);
    conn_send(site.upgraded, slice_of_text("from above"));
    CHECK(test_peer_wait(&site.peer, "from above"));
    CHECK_INT(front_count(site.peer.front), 0); /* it is not the front's any more */
    buf_done(&all);
    close_site(&site);
}

static void a_held_request_behind_which_an_upgrade_waits(void) {
    struct site site;

    open_site(&site);
    test_peer_say(&site.peer, GET("/hold"));
    test_peer_say(&site.peer, UPGRADE);
    test_peer_say(&site.peer, "raw bytes");
    test_peer_run(&site.peer, 5);
    answer(&site, site.held, "<held>");
    CHECK(test_peer_wait(&site.peer, "upgrade: raw"));
    for (int i = 0; i < 100 && site.raw.len < 9; i++)
        test_peer_run(&site.peer, 5);
    CHECK_TEXT(buf_text(&site.raw), "raw bytes");
    close_site(&site);
}

/* "Upgrade" says nothing about how the request is read (curl asks so for h2c). */
static void a_body_with_an_upgrade_is_read_to_its_end(void) {
    struct site site;

    open_site(&site);
    test_peer_say(&site.peer, "POST /same HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\n"
                              "Upgrade: h2c\r\nContent-Length: 6\r\n\r\nabc");
    test_peer_run(&site.peer, 5);
    test_peer_say(&site.peer, "def");
    CHECK(test_peer_wait(&site.peer, "abcdef"));
    close_site(&site);

    open_site(&site);
    test_peer_say(&site.peer, "POST /up HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\n"
                              "Upgrade: raw\r\nContent-Length: 6\r\n\r\nabc");
    CHECK(test_peer_wait(&site.peer, "no upgrade"));
    close_site(&site);
}

/* Its FIN says only that no request follows. */
static void who_ends_its_side_still_gets_the_answer(void) {
    struct site site;

    open_site(&site);
    test_peer_say(&site.peer, GET("/hold") GET("/two"));
    conn_finish(site.peer.pair.client);
    while (!site.held)
        test_peer_run(&site.peer, 1);
    test_peer_run(&site.peer, 5);
    answer(&site, site.held, "<one>");
    test_peer_wait_end(&site.peer);
    CHECK_INT(test_peer_count(&site.peer, "<one>"), 1);
    CHECK_INT(test_peer_count(&site.peer, "</two>"), 1);
    CHECK_INT(site.gone, 0);
    close_site(&site);
}

static void who_ends_its_side_within_a_request_gets_none(void) {
    struct site site;

    open_site(&site);
    test_peer_say(&site.peer,
                  "POST /hold HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhell");
    conn_finish(site.peer.pair.client);
    while (site.gone == 0)
        test_peer_run(&site.peer, 1);
    test_peer_wait_end(&site.peer);
    close_site(&site);
}

static void a_lost_peer_is_told_once(void) {
    struct site site = { 0 };
    struct front_config config = config_of(&site);

    config.limits.body_ms = 30; /* its FIN could be one of those */
    test_peer_open(&site.peer, TRANSPORT_TCP, &config);
    test_peer_say(&site.peer, GET("/hold"));
    while (!site.held)
        test_peer_run(&site.peer, 1);
    conn_close(TAKE(site.peer.pair.client));
    while (site.gone == 0)
        test_peer_run(&site.peer, 1);
    CHECK_INT(front_count(site.peer.front), 0);
    close_site(&site);
}

static void the_end_of_the_front_is_told_too(void) {
    struct site site;

    open_site(&site);
    test_peer_say(&site.peer, GET("/hold"));
    while (!site.held)
        test_peer_run(&site.peer, 1);
    close_site(&site); /* which frees the front */
    CHECK_INT(site.gone, 1);
}

static void a_drained_connection_answers_what_is_under_way(void) {
    struct site site;

    open_site(&site);
    test_peer_say(&site.peer, GET("/hold") GET("/never"));
    while (!site.held)
        test_peer_run(&site.peer, 1);
    front_drain(site.peer.front);
    answer(&site, site.held, "<last>");
    test_peer_wait_end(&site.peer);
    CHECK_INT(test_peer_count(&site.peer, "<last>"), 1);
    CHECK_INT(test_peer_count(&site.peer, "connection: close"), 1);
    CHECK_INT(site.begun, 1);
    close_site(&site);

    open_site(&site);
    test_peer_say(&site.peer, GET("/x"));
    CHECK(test_peer_wait(&site.peer, "</x>"));
    front_drain(site.peer.front);
    test_peer_wait_end(&site.peer);
    close_site(&site);
}

TESTS(TEST(pipelined_requests_are_answered_in_order),
      TEST(any_split_of_a_head_gives_the_same_answer),
      TEST(single_bytes_are_enough),
      TEST(thousands_of_pipelined_requests_need_no_stack),
      TEST(a_held_request_holds_the_next_ones_back),
      TEST(the_peer_says_how_long_the_connection_lives),
      TEST(http_1_0_gets_no_chunks),
      TEST(head_is_answered_without_a_body),
      TEST(an_empty_answer_says_its_length_where_it_may),
      TEST(what_is_no_request_is_refused_and_the_connection_ends),
      TEST(a_long_head_is_refused),
      TEST(a_fault_behind_the_answer_cuts_it_off),
      TEST(a_late_head_or_body_is_answered_408),
      TEST(an_idle_connection_ends_without_a_word),
      TEST(a_busy_connection_is_not_idle),
      TEST(large_bodies_go_both_ways),
      TEST(a_deaf_owner_stops_the_sender),
      TEST(expectations_are_met),
      TEST(an_early_answer_arrives_whole),
      TEST(an_unfinished_answer_ends_the_connection),
      TEST(early_bytes_follow_an_upgrade_in_order),
      TEST(a_held_request_behind_which_an_upgrade_waits),
      TEST(a_body_with_an_upgrade_is_read_to_its_end),
      TEST(who_ends_its_side_still_gets_the_answer),
      TEST(who_ends_its_side_within_a_request_gets_none),
      TEST(a_lost_peer_is_told_once),
      TEST(the_end_of_the_front_is_told_too),
      TEST(a_drained_connection_answers_what_is_under_way))
