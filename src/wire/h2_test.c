#include "wire/h2_internal.h"
#include "wire/h2_testing.h"

static void a_call_goes_there_and_back(void) {
    struct h2_testing_pair pair = h2_testing_pair_new(&h2_testing_limits);
    h2_testing_talk(&pair);
    struct h2_stream *request = h2_testing_ask(pair.client, true);
    h2_stream_write(request, slice_of_text("ping"));
    h2_stream_end(request, NULL);
    h2_testing_talk(&pair);

    struct h2_stream *asked = h2_next(pair.server);
    CHECK(asked && asked->has_head && asked->in_ended && !asked->user);
    CHECK(!h2_next(pair.server));
    CHECK_TEXT(headers_get(&asked->head, ":path"), "/pkg.Service/Method");
    CHECK_TEXT(headers_get(&asked->head, "te"), "trailers");
    CHECK(slice_is_text(pipe_peek(&asked->in), "ping"));
    CHECK_INT(h2_testing_take(asked), 4);
    h2_testing_answer(asked, true);
    h2_stream_write(asked, slice_of_text("pong"));
    h2_testing_end(asked);
    h2_stream_release(asked);
    h2_testing_talk(&pair);

    CHECK(h2_next(pair.client) == request);
    CHECK(!h2_next(pair.client));
    CHECK(request->has_head && request->in_ended && request->closed);
    CHECK(!request->was_reset && !request->refused);
    CHECK_TEXT(headers_get(&request->head, ":status"), "200");
    CHECK_TEXT(headers_get(&request->trailers, "grpc-status"), "0");
    CHECK(slice_is_text(pipe_peek(&request->in), "pong"));
    CHECK_INT(h2_stream_count(pair.client), 0);
    CHECK_INT(h2_stream_count(pair.server), 0);
    h2_stream_release(request);
    h2_testing_pair_free(&pair);
}

static void an_answer_may_be_a_head_alone(void) {
    struct h2_testing_pair pair = h2_testing_pair_new(&h2_testing_limits);
    struct h2_stream *request = h2_testing_ask(pair.client, false);
    h2_testing_talk(&pair);
    struct h2_stream *asked = h2_next(pair.server);
    CHECK(asked->in_ended);
    h2_testing_answer(asked, false);
    h2_testing_talk(&pair);
    CHECK(h2_next(pair.server) == asked);
    CHECK(asked->closed && !asked->was_reset);
    CHECK(h2_next(pair.client) == request);
    CHECK(request->in_ended && request->closed && request->in.len == 0);
    h2_stream_release(asked);
    h2_stream_release(request);
    h2_testing_pair_free(&pair);
}

static void an_answer_may_be_trailers_behind_an_empty_body(void) {
    struct h2_testing_pair pair = h2_testing_pair_new(&h2_testing_limits);
    struct h2_stream *request = h2_testing_ask(pair.client, false);
    h2_testing_talk(&pair);
    struct h2_stream *asked = h2_next(pair.server);
    h2_testing_answer(asked, true);
    h2_testing_talk(&pair);
    CHECK(h2_next(pair.client) == request);
    CHECK(request->has_head && !request->in_ended);
    h2_testing_end(asked);
    h2_stream_release(asked);
    h2_testing_talk(&pair);
    CHECK(h2_next(pair.client) == request);
    CHECK_TEXT(headers_get(&request->trailers, "grpc-status"), "0");
    CHECK(request->in_ended && request->closed);
    h2_stream_release(request);
    h2_testing_pair_free(&pair);
}

/* Both ways at once, more than any window, with room asked for and credit given. */
static void a_long_body_is_pulled_through_windows(void) {
    enum { LEN = 3000000 };
    struct h2_testing_pair pair = h2_testing_pair_new(&h2_testing_limits);
    struct h2_stream *request = h2_testing_ask(pair.client, true);
    struct h2_stream *asked = NULL;
    size_t sent = 0, came = 0;
    static const uint8_t block[10000];

    while (came < LEN) {
        size_t room = h2_stream_room(request);
        size_t n = room < sizeof(block) ? room : sizeof(block);
        n = n < LEN - sent ? n : LEN - sent;
        h2_stream_write(request, slice_of(block, n));
        sent += n;
        if (sent == LEN)
            h2_stream_end(request, NULL);
        h2_testing_talk(&pair);
        struct h2_stream *next = h2_next(pair.server);
        asked = asked ? asked : next;
        CHECK(asked->in.len <= 65536);
        came += h2_testing_take(asked);
    }
    h2_testing_talk(&pair);
    CHECK(asked->in_ended);
    h2_stream_release(asked);
    h2_stream_release(request);
    h2_testing_pair_free(&pair);
}

static void room_again_is_news(void) {
    struct h2_testing_pair pair = h2_testing_pair_new(&h2_testing_limits);
    struct h2_stream *request = h2_testing_ask(pair.client, true);
    struct pipe from;
    static const uint8_t block[200000];
    pipe_init(&from);
    pipe_add(&from, slice_of(block, sizeof(block)));

    CHECK_INT(h2_stream_room(request), 65536);
    CHECK_INT(h2_stream_write_from(request, &from, SIZE_MAX), 65536);
    CHECK_INT(h2_stream_room(request), 0);
    CHECK(!h2_next(pair.client));
    h2_testing_talk(&pair);
    CHECK(h2_next(pair.client) == request);
    CHECK(!h2_next(pair.client));
    CHECK(h2_stream_room(request) > 0);
    pipe_done(&from);
    h2_stream_release(request);
    h2_testing_pair_free(&pair);
}

static void news_come_once_and_only_with_cause(void) {
    struct h2_testing_pair pair = h2_testing_pair_new(&h2_testing_limits);
    struct h2_stream *request = h2_testing_ask(pair.client, true);
    h2_testing_talk(&pair);
    CHECK(!h2_next(pair.client));
    struct h2_stream *asked = h2_next(pair.server);
    asked->user = &pair;
    CHECK(!h2_next(pair.server));
    h2_stream_write(request, slice_of_text("a"));
    h2_testing_talk(&pair);
    CHECK(h2_next(pair.server) == asked);
    CHECK(asked->user == &pair);
    h2_stream_end(request, NULL);
    h2_testing_talk(&pair);
    CHECK(h2_next(pair.server) == asked);
    CHECK(asked->in_ended && !asked->closed);
    CHECK(!h2_next(pair.server));
    h2_stream_release(asked);
    h2_testing_talk(&pair);
    CHECK(h2_next(pair.client) == request);
    CHECK(request->closed && request->was_reset && !request->in_ended);
    CHECK_INT(request->reset_code, H2_CANCEL);
    h2_stream_release(request);
    h2_testing_pair_free(&pair);
}

static void count_output(void *arg) {
    ++*(int *)arg;
}

static void output_is_announced_by_calls_from_above(void) {
    struct h2_testing_pair pair = h2_testing_pair_new(&h2_testing_limits);
    int count = 0;
    h2_testing_talk(&pair);
    CHECK(!h2_has_output(pair.client));
    h2_on_output(pair.client, count_output, &count);
    struct h2_stream *request = h2_testing_ask(pair.client, true);
    CHECK(count > 0 && h2_has_output(pair.client));
    h2_testing_talk(&pair);
    count = 0;
    h2_stream_write(request, slice_of_text("x"));
    CHECK_INT(count, 1);
    h2_testing_talk(&pair);
    count = 0;
    h2_ping(pair.client);
    CHECK_INT(count, 1);
    h2_testing_talk(&pair);
    CHECK_INT(h2_pongs(pair.client), 1);
    count = 0;
    h2_stream_release(request);
    CHECK_INT(count, 1);
    h2_testing_pair_free(&pair);
}

/* An exchange both sides of which are kept as bytes. */
struct record {
    struct buf to_server;
    struct buf to_client;
};

static void carry_and_keep(struct h2 *from, struct h2 *to, struct buf *kept) {
    size_t before = kept->len;
    CHECK_INT(h2_drain(from, kept, SIZE_MAX), 0);
    CHECK_INT(h2_feed(to, slice_after(buf_slice(kept), before)), 0);
}

static struct h2_stream *send_ping(struct h2 *client) {
    struct h2_stream *request = h2_testing_ask(client, true);
    h2_stream_write(request, slice_of_text("ping"));
    h2_stream_end(request, NULL);
    return request;
}

static struct record new_record(void) {
    struct h2_testing_pair pair = h2_testing_pair_new(&h2_testing_limits);
    struct record record = { 0 };

    struct h2_stream *request = send_ping(pair.client);
    carry_and_keep(pair.client, pair.server, &record.to_server);
    struct h2_stream *asked = h2_next(pair.server);
    h2_testing_answer(asked, true);
    h2_stream_write(asked, slice_of_text("pong"));
    h2_testing_end(asked);
    carry_and_keep(pair.server, pair.client, &record.to_client);
    h2_stream_release(asked);
    h2_stream_release(request);
    h2_testing_pair_free(&pair);
    return record;
}

static void record_done(struct record *record) {
    buf_done(&record->to_server);
    buf_done(&record->to_client);
}

static void feed_all(struct h2 *h2, struct slice bytes, size_t step) {
    while (bytes.len > 0) {
        size_t n = bytes.len < step ? bytes.len : step;
        CHECK_INT(h2_feed(h2, slice_of(bytes.at, n)), 0);
        bytes = slice_after(bytes, n);
    }
}

/* Cuts the client's bytes in two at cut, and each part in pieces of step bytes. */
static void check_server_with_cut(struct slice bytes, size_t cut, size_t step) {
    struct h2 *server = h2_new(H2_SERVER, &h2_testing_limits);
    struct h2_stream *asked = NULL;
    feed_all(server, slice_of(bytes.at, cut), step);
    asked = h2_next(server);
    feed_all(server, slice_after(bytes, cut), step);
    struct h2_stream *again = h2_next(server);

    CHECK(!asked || !again || asked == again);
    asked = asked ? asked : again;
    CHECK(asked->has_head && asked->in_ended && !asked->closed);
    CHECK_INT(asked->head.count, 5);
    CHECK(slice_is_text(pipe_peek(&asked->in), "ping"));
    h2_stream_release(asked);
    h2_free(server);
}

static void check_client_with_cut(struct slice bytes, size_t cut, size_t step) {
    struct h2 *client = h2_new(H2_CLIENT, &h2_testing_limits);
    struct h2_stream *request = send_ping(client);
    h2_testing_drop_output(client);
    feed_all(client, slice_of(bytes.at, cut), step);
    h2_next(client);
    CHECK(!request->closed || cut == bytes.len);
    feed_all(client, slice_after(bytes, cut), step);

    CHECK(request->in_ended && request->closed && !request->was_reset);
    CHECK(slice_is_text(pipe_peek(&request->in), "pong"));
    CHECK_TEXT(headers_get(&request->trailers, "grpc-status"), "0");
    h2_stream_release(request);
    h2_free(client);
}

static void any_split_gives_the_same_exchange(void) {
    struct record record = new_record();
    for (size_t cut = 0; cut <= record.to_server.len; cut++)
        check_server_with_cut(buf_slice(&record.to_server), cut, SIZE_MAX);
    for (size_t cut = 0; cut <= record.to_client.len; cut++)
        check_client_with_cut(buf_slice(&record.to_client), cut, SIZE_MAX);
    for (size_t step = 1; step < 20; step++) {
        check_server_with_cut(buf_slice(&record.to_server), 0, step);
        check_client_with_cut(buf_slice(&record.to_client), 0, step);
    }
    record_done(&record);
}

/* The connection may break at each byte: nothing is taken for whole, nothing leaks. */
static void a_truncated_exchange_is_never_whole(void) {
    struct record record = new_record();
    for (size_t len = 0; len < record.to_client.len; len++) {
        struct h2 *client = h2_new(H2_CLIENT, &h2_testing_limits);
        struct h2_stream *request = send_ping(client);
        h2_testing_drop_output(client);
        CHECK_INT(h2_feed(client, slice_of(record.to_client.data, len)), 0);
        h2_free(client);
        CHECK(request->closed && !request->in_ended && !request->refused);
        CHECK(!request->h2);
        h2_stream_release(request);
    }
    for (size_t len = 0; len < record.to_server.len; len++) {
        struct h2 *server = h2_new(H2_SERVER, &h2_testing_limits);
        CHECK_INT(h2_feed(server, slice_of(record.to_server.data, len)), 0);
        struct h2_stream *asked = h2_next(server);
        h2_free(server);
        CHECK(!asked || (asked->closed && !asked->in_ended));
        if (asked)
            h2_stream_release(asked);
    }
    record_done(&record);
}

/* A stream's number is used once: whoever asks long enough runs out of them. */
static void a_client_knows_when_its_numbers_run_out(void) {
    static const struct {
        int32_t next;
        bool spent;
        bool can;
    } rows[] = {
        { 1001, false, true },
        { 0x40000001, true, true },
        { 0x7fffffff, true, true },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct h2_testing_pair pair = h2_testing_pair_new(&h2_testing_limits);
        h2_testing_talk(&pair);
        CHECK_INT(nghttp2_session_set_next_stream_id(pair.client->session, rows[i].next),
                  0);
        CHECK(h2_is_spent(pair.client) == rows[i].spent);
        CHECK(!h2_is_spent(pair.server));
        CHECK(h2_can_request(pair.client) == rows[i].can);
        struct h2_stream *last = h2_testing_ask(pair.client, false);
        CHECK(h2_can_request(pair.client) == (rows[i].next != 0x7fffffff));
        h2_stream_release(last);
        h2_testing_pair_free(&pair);
    }
}

TESTS(TEST(a_call_goes_there_and_back),
      TEST(a_client_knows_when_its_numbers_run_out),
      TEST(an_answer_may_be_a_head_alone),
      TEST(an_answer_may_be_trailers_behind_an_empty_body),
      TEST(a_long_body_is_pulled_through_windows),
      TEST(room_again_is_news),
      TEST(news_come_once_and_only_with_cause),
      TEST(output_is_announced_by_calls_from_above),
      TEST(any_split_gives_the_same_exchange),
      TEST(a_truncated_exchange_is_never_whole))
