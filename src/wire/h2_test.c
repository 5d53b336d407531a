#include "wire/h2.h"

#include "base/check.h"

static const struct h2_limits limits = {
    .streams_max = 100,
    .window = 65536,
    .header_bytes_max = 16384,
};

/* Two sessions that talk in memory. */
struct pair {
    struct h2 *client; /* owned */
    struct h2 *server; /* owned */
};

static struct pair new_pair_with(const struct h2_limits *server_limits) {
    return (struct pair) { h2_new(H2_CLIENT, &limits), h2_new(H2_SERVER, server_limits) };
}

static struct pair new_pair(void) {
    return new_pair_with(&limits);
}

static void free_pair(struct pair *pair) {
    pair->client = h2_free(pair->client);
    pair->server = h2_free(pair->server);
}

/* Carries what waits at one side to the other; says whether there was anything. */
static bool carry(struct h2 *from, struct h2 *to) {
    struct buf bytes = { 0 };
    CHECK_INT(h2_drain(from, &bytes, 65536), 0);
    bool any = bytes.len > 0;
    h2_feed(to, buf_slice(&bytes));
    buf_done(&bytes);
    return any;
}

static void talk(struct pair *pair) {
    bool more = true;
    while (more) {
        more = carry(pair->client, pair->server);
        more = carry(pair->server, pair->client) || more;
    }
}

static struct headers new_request(const char *method) {
    struct headers head = { 0 };
    headers_add(&head, ":method", method);
    headers_add(&head, ":scheme", "https");
    headers_add(&head, ":authority", "node");
    headers_add(&head, ":path", "/pkg.Service/Method");
    headers_add(&head, "te", "trailers");
    return head;
}

static struct h2_stream *ask(struct h2 *client, bool has_body) {
    struct headers head = new_request(has_body ? "POST" : "GET");
    struct h2_stream *stream = h2_request(client, &head, has_body);
    headers_done(&head);
    return stream;
}

static void answer(struct h2_stream *stream, bool has_body) {
    struct headers head = { 0 };
    headers_add(&head, ":status", "200");
    headers_add(&head, "content-type", "application/grpc");
    h2_respond(stream, &head, has_body);
    headers_done(&head);
}

static void end_with_trailers(struct h2_stream *stream) {
    struct headers trailers = { 0 };
    headers_add(&trailers, "grpc-status", "0");
    h2_stream_end(stream, &trailers);
    headers_done(&trailers);
}

/* Takes everything that came, and gives credit for it. */
static size_t take_all(struct h2_stream *stream) {
    size_t len = stream->in.len;
    pipe_drop(&stream->in, len);
    h2_stream_consume(stream, len);
    return len;
}

static void a_call_goes_there_and_back(void) {
    struct pair pair = new_pair();
    talk(&pair);
    struct h2_stream *request = ask(pair.client, true);
    h2_stream_write(request, slice_of_text("ping"));
    h2_stream_end(request, NULL);
    talk(&pair);

    struct h2_stream *asked = h2_next(pair.server);
    CHECK(asked && asked->has_head && asked->in_ended && !asked->user);
    CHECK(!h2_next(pair.server));
    CHECK_TEXT(headers_get(&asked->head, ":path"), "/pkg.Service/Method");
    CHECK_TEXT(headers_get(&asked->head, "te"), "trailers");
    CHECK(slice_is_text(pipe_peek(&asked->in), "ping"));
    CHECK_INT(take_all(asked), 4);
    answer(asked, true);
    h2_stream_write(asked, slice_of_text("pong"));
    end_with_trailers(asked);
    h2_stream_release(asked);
    talk(&pair);

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
    free_pair(&pair);
}

static void an_answer_may_be_a_head_alone(void) {
    struct pair pair = new_pair();
    struct h2_stream *request = ask(pair.client, false);
    talk(&pair);
    struct h2_stream *asked = h2_next(pair.server);
    CHECK(asked->in_ended);
    answer(asked, false);
    talk(&pair);
    CHECK(h2_next(pair.server) == asked);
    CHECK(asked->closed && !asked->was_reset);
    CHECK(h2_next(pair.client) == request);
    CHECK(request->in_ended && request->closed && request->in.len == 0);
    h2_stream_release(asked);
    h2_stream_release(request);
    free_pair(&pair);
}

static void an_answer_may_be_trailers_behind_an_empty_body(void) {
    struct pair pair = new_pair();
    struct h2_stream *request = ask(pair.client, false);
    talk(&pair);
    struct h2_stream *asked = h2_next(pair.server);
    answer(asked, true);
    talk(&pair);
    CHECK(h2_next(pair.client) == request);
    CHECK(request->has_head && !request->in_ended);
    end_with_trailers(asked);
    h2_stream_release(asked);
    talk(&pair);
    CHECK(h2_next(pair.client) == request);
    CHECK_TEXT(headers_get(&request->trailers, "grpc-status"), "0");
    CHECK(request->in_ended && request->closed);
    h2_stream_release(request);
    free_pair(&pair);
}

/* Both ways at once, more than any window, with room asked for and credit given. */
static void a_long_body_is_pulled_through_windows(void) {
    enum { LEN = 3000000 };
    struct pair pair = new_pair();
    struct h2_stream *request = ask(pair.client, true);
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
        talk(&pair);
        struct h2_stream *next = h2_next(pair.server);
        asked = asked ? asked : next;
        CHECK(asked->in.len <= 65536);
        came += take_all(asked);
    }
    talk(&pair);
    CHECK(asked->in_ended);
    h2_stream_release(asked);
    h2_stream_release(request);
    free_pair(&pair);
}

static void room_again_is_news(void) {
    struct pair pair = new_pair();
    struct h2_stream *request = ask(pair.client, true);
    struct pipe from;
    static const uint8_t block[200000];
    pipe_init(&from);
    pipe_add(&from, slice_of(block, sizeof(block)));

    CHECK_INT(h2_stream_room(request), 65536);
    CHECK_INT(h2_stream_write_from(request, &from, SIZE_MAX), 65536);
    CHECK_INT(h2_stream_room(request), 0);
    CHECK(!h2_next(pair.client));
    talk(&pair);
    CHECK(h2_next(pair.client) == request);
    CHECK(!h2_next(pair.client));
    CHECK(h2_stream_room(request) > 0);
    pipe_done(&from);
    h2_stream_release(request);
    free_pair(&pair);
}

static void news_come_once_and_only_with_cause(void) {
    struct pair pair = new_pair();
    struct h2_stream *request = ask(pair.client, true);
    talk(&pair);
    CHECK(!h2_next(pair.client));
    struct h2_stream *asked = h2_next(pair.server);
    asked->user = &pair;
    CHECK(!h2_next(pair.server));
    h2_stream_write(request, slice_of_text("a"));
    talk(&pair);
    CHECK(h2_next(pair.server) == asked);
    CHECK(asked->user == &pair);
    h2_stream_end(request, NULL);
    talk(&pair);
    CHECK(h2_next(pair.server) == asked);
    CHECK(asked->in_ended && !asked->closed);
    CHECK(!h2_next(pair.server));
    h2_stream_release(asked);
    talk(&pair);
    CHECK(h2_next(pair.client) == request);
    CHECK(request->closed && request->was_reset && !request->in_ended);
    CHECK_INT(request->reset_code, H2_CANCEL);
    h2_stream_release(request);
    free_pair(&pair);
}

static void count_output(void *arg) {
    ++*(int *)arg;
}

static void output_is_announced_by_calls_from_above(void) {
    struct pair pair = new_pair();
    int count = 0;
    talk(&pair);
    CHECK(!h2_has_output(pair.client));
    h2_on_output(pair.client, count_output, &count);
    struct h2_stream *request = ask(pair.client, true);
    CHECK(count > 0 && h2_has_output(pair.client));
    talk(&pair);
    count = 0;
    h2_stream_write(request, slice_of_text("x"));
    CHECK_INT(count, 1);
    talk(&pair);
    count = 0;
    h2_ping(pair.client);
    CHECK_INT(count, 1);
    talk(&pair);
    CHECK_INT(h2_pongs(pair.client), 1);
    count = 0;
    h2_stream_release(request);
    CHECK_INT(count, 1);
    free_pair(&pair);
}

TESTS(TEST(a_call_goes_there_and_back),
      TEST(an_answer_may_be_a_head_alone),
      TEST(an_answer_may_be_trailers_behind_an_empty_body),
      TEST(a_long_body_is_pulled_through_windows),
      TEST(room_again_is_news),
      TEST(news_come_once_and_only_with_cause),
      TEST(output_is_announced_by_calls_from_above))
