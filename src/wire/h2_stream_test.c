#include <errno.h>
#include <malloc.h>

#include "base/mem.h"
#include "wire/h2_testing.h"

static struct h2_testing_pair new_pair(void) {
    return h2_testing_pair_new(&h2_testing_limits);
}

static void a_released_answer_is_still_sent(void) {
    struct h2_testing_pair pair = new_pair();
    static const uint8_t body[50000];
    struct h2_stream *request = h2_testing_ask(pair.client, false);
    h2_testing_talk(&pair);
    struct h2_stream *asked = h2_next(pair.server);
    h2_testing_answer(asked, true);
    h2_stream_write(asked, slice_of(body, sizeof(body)));
    h2_testing_end(asked);
    h2_stream_release(asked);
    h2_testing_talk(&pair);
    CHECK_INT(request->in.len, sizeof(body));
    CHECK(request->in_ended && request->closed && !request->was_reset);
    CHECK_INT(h2_stream_count(pair.server), 0);
    h2_stream_release(request);
    h2_testing_pair_free(&pair);
}

/* RFC 9113, 8.1: the answer is whole, then NO_ERROR tells to send no more. */
static void an_early_answer_stops_the_request(void) {
    struct h2_testing_pair pair = new_pair();
    static const uint8_t body[200000];
    struct h2_stream *request = h2_testing_ask(pair.client, true);
    h2_stream_write(request, slice_of(body, 65536));
    h2_testing_talk(&pair);
    struct h2_stream *asked = h2_next(pair.server);
    CHECK_INT(asked->in.len, 65536);
    h2_testing_answer(asked, true);
    h2_stream_write(asked, slice_of_text("enough"));
    h2_testing_end(asked);
    h2_stream_stop_reading(asked);
    CHECK_INT(asked->in.len, 0);
    h2_stream_write(request, slice_of(body, sizeof(body)));
    h2_testing_talk(&pair);

    CHECK(request->closed && request->in_ended && request->was_reset);
    CHECK_INT(request->reset_code, H2_NO_ERROR);
    CHECK(slice_is_text(pipe_peek(&request->in), "enough"));
    CHECK_TEXT(headers_get(&request->trailers, "grpc-status"), "0");
    CHECK(asked->closed);
    CHECK_INT(h2_stream_count(pair.server), 0);
    CHECK_INT(h2_stream_count(pair.client), 0);
    h2_stream_release(asked);
    h2_stream_release(request);
    h2_testing_pair_free(&pair);
}

static void stopping_after_the_answer_has_left_resets_at_once(void) {
    struct h2_testing_pair pair = new_pair();
    struct h2_stream *request = h2_testing_ask(pair.client, true);
    h2_testing_talk(&pair);
    struct h2_stream *asked = h2_next(pair.server);
    h2_testing_answer(asked, false);
    h2_testing_talk(&pair);
    CHECK(request->in_ended && !request->closed);
    h2_stream_stop_reading(asked);
    h2_testing_talk(&pair);
    CHECK(request->closed && request->was_reset);
    CHECK_INT(request->reset_code, H2_NO_ERROR);
    h2_stream_release(asked);
    h2_stream_release(request);
    h2_testing_pair_free(&pair);
}

static void a_released_request_is_cancelled(void) {
    struct h2_testing_pair pair = new_pair();
    struct h2_stream *request = h2_testing_ask(pair.client, false);
    h2_testing_talk(&pair);
    struct h2_stream *asked = h2_next(pair.server);
    h2_stream_release(request);
    h2_testing_talk(&pair);
    CHECK(h2_next(pair.server) == asked);
    CHECK(asked->closed && asked->was_reset);
    CHECK_INT(asked->reset_code, H2_CANCEL);
    h2_testing_answer(asked, true);
    h2_stream_write(asked, slice_of_text("too late"));
    h2_testing_end(asked);
    h2_stream_consume(asked, 100);
    h2_stream_stop_reading(asked);
    h2_stream_reset(asked, H2_CANCEL);
    CHECK_INT(h2_stream_room(asked), 0);
    CHECK(!h2_has_output(pair.server));
    h2_stream_release(asked);
    h2_testing_pair_free(&pair);
}

static void a_request_that_never_left_is_refused(void) {
    struct h2_testing_pair pair = new_pair();
    struct h2_stream *request = h2_testing_ask(pair.client, true);
    pair.client = h2_free(pair.client);
    CHECK(request->closed && request->refused && !request->was_reset && !request->h2);
    h2_stream_write(request, slice_of_text("x"));
    h2_stream_release(request);

    /* Or it was forgotten before the drain: the server hears nothing of it. */
    pair.client = h2_new(H2_CLIENT, &h2_testing_limits);
    h2_stream_release(h2_testing_ask(pair.client, true));
    h2_testing_talk(&pair);
    CHECK(!h2_next(pair.server));
    CHECK_INT(h2_stream_count(pair.client), 0);
    h2_testing_pair_free(&pair);
}

static void the_peers_limit_of_streams_holds(void) {
    struct h2_testing_pair pair = new_pair();
    struct h2_stream *requests[100];
    h2_testing_talk(&pair);
    for (int i = 0; i < 100; i++)
        CHECK((requests[i] = h2_testing_ask(pair.client, false)));
    CHECK(!h2_testing_ask(pair.client, false));
    h2_testing_talk(&pair);
    CHECK(!h2_testing_ask(pair.client, false));
    struct h2_stream *asked = h2_next(pair.server);
    h2_testing_answer(asked, false);
    h2_stream_release(asked);
    h2_testing_talk(&pair);
    struct h2_stream *another = h2_testing_ask(pair.client, false);
    CHECK(another);
    h2_stream_release(another);
    for (int i = 0; i < 100; i++)
        h2_stream_release(requests[i]);
    h2_testing_talk(&pair);
    h2_testing_release_news(pair.server);
    h2_testing_talk(&pair);
    CHECK_INT(h2_stream_count(pair.client), 0);
    CHECK_INT(h2_stream_count(pair.server), 0);
    h2_testing_pair_free(&pair);
}

static void a_goaway_lets_running_streams_finish(void) {
    struct h2_testing_pair pair = new_pair();
    struct h2_stream *running = h2_testing_ask(pair.client, false);
    h2_testing_talk(&pair);
    struct h2_stream *asked = h2_next(pair.server);
    h2_goaway(pair.server, H2_NO_ERROR);
    h2_goaway(pair.server, H2_NO_ERROR);
    struct h2_stream *late = h2_testing_ask(pair.client, false);
    h2_testing_talk(&pair);

    CHECK(h2_is_draining(pair.client) && !h2_is_draining(pair.server));
    CHECK(!h2_testing_ask(pair.client, false));
    CHECK(late->closed && late->refused && !running->closed);
    CHECK(h2_is_alive(pair.client) && h2_is_alive(pair.server));
    h2_testing_answer(asked, true);
    h2_testing_end(asked);
    h2_stream_release(asked);
    h2_testing_talk(&pair);
    CHECK(running->closed && running->in_ended && !running->refused);
    CHECK(!h2_is_alive(pair.client));
    CHECK(!h2_is_alive(pair.server));
    h2_stream_release(running);
    h2_stream_release(late);
    h2_testing_pair_free(&pair);
}

static void who_leaves_in_peace_takes_what_is_on_its_way(void) {
    struct h2_testing_pair pair = new_pair();
    struct h2_stream *running = h2_testing_ask(pair.client, false);
    h2_testing_talk(&pair);
    struct h2_stream *asked = h2_next(pair.server);
    struct h2_stream *late = h2_testing_ask(pair.client, false);
    struct buf late_bytes = { 0 };
    CHECK_INT(h2_drain(pair.client, &late_bytes, SIZE_MAX), 0); /* sent, not yet there */
    h2_leave(pair.server);
    h2_leave(pair.server);
    CHECK_INT(h2_feed(pair.server, buf_slice(&late_bytes)), 0);
    buf_done(&late_bytes);
    h2_testing_talk(&pair);

    CHECK(h2_is_draining(pair.client));
    CHECK(!h2_testing_ask(pair.client, false));
    CHECK(!late->closed && !running->closed);
    h2_testing_answer(asked, false);
    h2_stream_release(asked);
    struct h2_stream *asked_late = h2_next(pair.server);
    CHECK(asked_late);
    h2_testing_answer(asked_late, false);
    h2_stream_release(asked_late);
    h2_testing_talk(&pair);
    CHECK(running->in_ended && late->in_ended && !late->refused);
    CHECK(!h2_is_alive(pair.client) && !h2_is_alive(pair.server));
    h2_stream_release(running);
    h2_stream_release(late);
    h2_testing_pair_free(&pair);
}

static void a_client_may_leave_too(void) {
    struct h2_testing_pair pair = new_pair();
    struct h2_stream *running = h2_testing_ask(pair.client, false);
    h2_testing_talk(&pair);
    h2_goaway(pair.client, H2_NO_ERROR);
    CHECK(!h2_testing_ask(pair.client, false));
    h2_testing_talk(&pair);
    CHECK(h2_is_draining(pair.server));
    struct h2_stream *asked = h2_next(pair.server);
    h2_testing_answer(asked, false);
    h2_stream_release(asked);
    h2_testing_talk(&pair);
    CHECK(running->in_ended && !running->was_reset);
    CHECK(!h2_is_alive(pair.client) && !h2_is_alive(pair.server));
    h2_stream_release(running);
    h2_testing_pair_free(&pair);
}

static void refused_says_that_nothing_was_done(void) {
    static const struct {
        enum h2_error code;
        bool refused;
    } rows[] = {
        { H2_REFUSED_STREAM, true },
        { H2_CANCEL, false },
        { H2_NO_ERROR, false },
        { H2_ENHANCE_YOUR_CALM, false },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct h2_testing_pair pair = new_pair();
        struct h2_stream *request = h2_testing_ask(pair.client, false);
        h2_testing_talk(&pair);
        struct h2_stream *asked = h2_next(pair.server);
        h2_stream_reset(asked, rows[i].code);
        CHECK(asked->closed && !h2_next(pair.server));
        h2_testing_talk(&pair);
        CHECK(h2_next(pair.client) == request);
        CHECK(request->closed && request->was_reset && !request->in_ended);
        CHECK_INT(request->reset_code, rows[i].code);
        CHECK_INT(request->refused, rows[i].refused);
        h2_stream_release(asked);
        h2_stream_release(request);
        h2_testing_pair_free(&pair);
    }
}

static void freeing_leaves_open_streams_readable(void) {
    struct h2_testing_pair pair = new_pair();
    struct h2_stream *request = h2_testing_ask(pair.client, true);
    h2_stream_write(request, slice_of_text("half"));
    h2_testing_talk(&pair);
    struct h2_stream *asked = h2_next(pair.server);
    h2_testing_answer(asked, true);
    h2_stream_write(asked, slice_of_text("an answer"));
    h2_testing_talk(&pair);
    h2_testing_pair_free(&pair);

    CHECK(request->closed && !request->was_reset && !request->in_ended);
    CHECK(asked->closed && !asked->was_reset && !asked->in_ended);
    CHECK_TEXT(headers_get(&request->head, ":status"), "200");
    CHECK(slice_is_text(pipe_peek(&request->in), "an answer"));
    CHECK(slice_is_text(pipe_peek(&asked->in), "half"));
    h2_testing_take(request);
    h2_stream_end(asked, NULL);
    h2_stream_release(request);
    h2_stream_release(asked);
}

static void a_fault_closes_every_stream(void) {
    struct h2_testing_pair pair = new_pair();
    struct h2_stream *request = h2_testing_ask(pair.client, true);
    h2_stream_write(request, slice_of_text("half"));
    h2_testing_talk(&pair);
    CHECK_INT(h2_feed(pair.client, slice_of("\0\0\1\0\0\0\0\0\0\0", 10)), -EPROTO);
    CHECK(h2_next(pair.client) == request);
    CHECK(request->closed && !request->was_reset);
    CHECK_INT(request->reset_code, H2_PROTOCOL_ERROR);
    CHECK(!h2_testing_ask(pair.client, false));
    CHECK(!h2_is_alive(pair.client));
    h2_testing_carry(pair.client, pair.server);
    CHECK(h2_is_draining(pair.server));
    h2_testing_release_news(pair.server);
    h2_stream_release(request);
    h2_testing_pair_free(&pair);
}

static void a_long_head_is_answered_with_431(void) {
    struct h2_testing_pair pair = new_pair();
    char *extra = mem_new(20001);
    memset(extra, 'x', 20000);
    struct h2_stream *request = h2_testing_ask_with(pair.client, true, extra);
    struct h2_stream *other = h2_testing_ask(pair.client, false);
    h2_stream_write(request, slice_of(extra, 20000));
    h2_testing_talk(&pair);
    CHECK_TEXT(headers_get(&request->head, ":status"), "431");
    CHECK(request->in_ended && request->closed);
    struct h2_stream *asked = h2_next(pair.server);
    CHECK(asked && asked->id == other->id && !h2_next(pair.server));

    /* And the other way: a client gives the answer up. */
    struct headers head = { 0 };
    headers_add(&head, ":status", "200");
    headers_add(&head, "extra", extra);
    h2_respond(asked, &head, true);
    h2_testing_talk(&pair);
    CHECK(other->closed && other->was_reset && !other->has_head);
    CHECK_INT(other->reset_code, H2_ENHANCE_YOUR_CALM);
    CHECK(asked->closed);
    CHECK(h2_is_alive(pair.client) && h2_is_alive(pair.server));
    headers_done(&head);
    free(extra);
    h2_stream_release(request);
    h2_stream_release(other);
    h2_stream_release(asked);
    h2_testing_pair_free(&pair);
}

static void informational_answers_are_skipped(void) {
    struct h2 *client = h2_testing_new(H2_CLIENT, &h2_testing_limits);
    struct h2_stream *request = h2_testing_ask(client, false);
    struct buf bytes = { 0 };
    h2_testing_drop_output(client);
    h2_testing_add_head(&bytes, 1, false, slice_of_text("\x08\x03\x31\x30\x33"));
    CHECK_INT(h2_feed(client, buf_slice(&bytes)), 0);
    CHECK(!request->has_head && request->head.count == 0 && !h2_next(client));
    h2_testing_add_head(&bytes, 1, true, slice_of_text(H2_TESTING_OK));
    CHECK_INT(h2_feed(client, buf_slice(&bytes)), 0);
    CHECK(h2_next(client) == request);
    CHECK_TEXT(headers_get(&request->head, ":status"), "200");
    CHECK(request->head.count == 1 && request->closed);
    buf_done(&bytes);
    h2_stream_release(request);
    h2_free(client);
}

static void connect_makes_a_tunnel(void) {
    struct h2_testing_pair pair = new_pair();
    struct headers head = { 0 };
    headers_add(&head, ":method", "CONNECT");
    headers_add(&head, ":authority", "host:22");
    struct h2_stream *request = h2_request(pair.client, &head, true);
    headers_done(&head);
    h2_testing_talk(&pair);
    struct h2_stream *asked = h2_next(pair.server);
    CHECK_TEXT(headers_get(&asked->head, ":authority"), "host:22");
    headers_add(&head, ":status", "200");
    h2_respond(asked, &head, true);
    headers_done(&head);
    h2_stream_write(asked, slice_of_text("SSH-2.0"));
    h2_stream_write(request, slice_of_text("SSH-2.0"));
    h2_testing_talk(&pair);
    CHECK(slice_is_text(pipe_peek(&request->in), "SSH-2.0"));
    CHECK(slice_is_text(pipe_peek(&asked->in), "SSH-2.0"));
    h2_stream_release(request);
    h2_stream_release(asked);
    h2_testing_pair_free(&pair);
}

/* 20,000 bytes wait at each side of 1,000 streams whose answers nobody reads. */
static void stalled_streams_do_not_stall_others(void) {
    enum { STALLED = 1000 };
    const struct h2_limits limits = { 2000, 16384, 16384, false, NULL, NULL };
    struct h2_testing_pair pair = h2_testing_pair_new(&limits);
    struct h2_stream *stalled[STALLED], *asked;
    static const uint8_t body[40000];
    h2_testing_talk(&pair);

    for (int i = 0; i < STALLED; i++)
        stalled[i] = h2_testing_ask(pair.client, false);
    h2_testing_talk(&pair);
    while ((asked = h2_next(pair.server))) {
        h2_testing_answer(asked, true);
        h2_stream_write(asked, slice_of(body, sizeof(body)));
        h2_testing_end(asked);
        h2_stream_release(asked);
    }
    h2_testing_talk(&pair);
    while (h2_next(pair.client)) {
    }
    for (int i = 0; i < 200; i++) {
        struct h2_stream *request = h2_testing_ask(pair.client, false);
        h2_testing_talk(&pair);
        asked = h2_next(pair.server);
        h2_testing_answer(asked, true);
        h2_stream_write(asked, slice_of(body, 10000));
        h2_testing_end(asked);
        h2_stream_release(asked);
        h2_testing_talk(&pair);
        CHECK(request->closed && request->in.len == 10000);
        h2_stream_release(request);
    }
    for (int i = 0; i < STALLED; i++) {
        CHECK_INT(stalled[i]->in.len, 16384);
        size_t got = 0;
        while (!stalled[i]->in_ended) {
            got += h2_testing_take(stalled[i]);
            h2_testing_talk(&pair);
        }
        CHECK_INT(got + stalled[i]->in.len, sizeof(body));
        h2_stream_release(stalled[i]);
    }
    CHECK_INT(h2_stream_count(pair.server), 0);
    h2_testing_pair_free(&pair);
}

/* While one stream moves in bulk, a small answer waits for a few frames only. */
static void bulk_does_not_starve_small_answers(void) {
    struct h2_testing_pair pair = new_pair();
    const struct h2_limits wide = { 100, 8 << 20, 16384, false, NULL, NULL };
    static const uint8_t body[65536];
    h2_free(pair.client);
    pair.client = h2_new(H2_CLIENT, &wide);
    struct h2_stream *bulk = h2_testing_ask(pair.client, false);
    h2_testing_talk(&pair);
    struct h2_stream *asked = h2_next(pair.server);
    h2_testing_answer(asked, true);

    for (int i = 0; i < 10; i++) {
        struct h2_stream *small = h2_testing_ask(pair.client, false);
        h2_testing_carry(pair.client, pair.server);
        h2_stream_write(asked, slice_of(body, sizeof(body)));
        struct h2_stream *small_asked = h2_next(pair.server);
        h2_testing_answer(small_asked, true);
        h2_stream_write(small_asked, slice_of_text("small"));
        h2_testing_end(small_asked);
        h2_stream_release(small_asked);
        h2_testing_carry(pair.server, pair.client);
        CHECK(small->in_ended);
        h2_testing_talk(&pair);
        h2_stream_release(small);
    }
    CHECK_INT(bulk->in.len, 10 * sizeof(body));
    h2_stream_release(bulk);
    h2_stream_release(asked);
    h2_testing_pair_free(&pair);
}

static void run_calls(struct h2_testing_pair *pair, int count) {
    struct h2_stream *requests[50], *asked;
    for (int done = 0; done < count; done += 50) {
        for (int i = 0; i < 50; i++) {
            requests[i] = h2_testing_ask(pair->client, true);
            h2_stream_write(requests[i], slice_of_text("some bytes"));
            h2_stream_end(requests[i], NULL);
        }
        h2_testing_talk(pair);
        while ((asked = h2_next(pair->server))) {
            h2_testing_answer(asked, true);
            h2_stream_write(asked, pipe_peek(&asked->in));
            h2_testing_take(asked);
            h2_testing_end(asked);
            h2_stream_release(asked);
        }
        h2_testing_talk(pair);
        for (int i = 0; i < 50; i++) {
            CHECK(requests[i]->in_ended && requests[i]->in.len == 10);
            h2_stream_release(requests[i]);
        }
    }
}

/*
 * What malloc keeps for itself counts as used, some 200 KiB; a leak of 16 bytes a request
 * would be 1.6 MB. Under a sanitizer mallinfo2() counts nothing.
 */
static void memory_stays_flat_over_many_requests(void) {
    enum { MALLOC_KEEPS = 400000 };
    struct h2_testing_pair pair = new_pair();
    h2_testing_talk(&pair);
    run_calls(&pair, 5000);
    size_t before = mallinfo2().uordblks;
    run_calls(&pair, 100000);
    size_t after = mallinfo2().uordblks;
    CHECK(after <= before + MALLOC_KEEPS);
    CHECK_INT(h2_stream_count(pair.client), 0);
    CHECK_INT(h2_stream_count(pair.server), 0);
    h2_testing_pair_free(&pair);
}

TESTS(TEST(a_released_answer_is_still_sent),
      TEST(an_early_answer_stops_the_request),
      TEST(stopping_after_the_answer_has_left_resets_at_once),
      TEST(a_released_request_is_cancelled),
      TEST(a_request_that_never_left_is_refused),
      TEST(the_peers_limit_of_streams_holds),
      TEST(a_goaway_lets_running_streams_finish),
      TEST(who_leaves_in_peace_takes_what_is_on_its_way),
      TEST(a_client_may_leave_too),
      TEST(refused_says_that_nothing_was_done),
      TEST(freeing_leaves_open_streams_readable),
      TEST(a_fault_closes_every_stream),
      TEST(a_long_head_is_answered_with_431),
      TEST(informational_answers_are_skipped),
      TEST(connect_makes_a_tunnel),
      TEST(stalled_streams_do_not_stall_others),
      TEST(bulk_does_not_starve_small_answers),
      TEST(memory_stays_flat_over_many_requests))
