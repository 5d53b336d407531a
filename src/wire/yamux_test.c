#include "wire/yamux.h"

#include <errno.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum { DATA = 0, WINDOW = 1, PING = 2, AWAY = 3 };
enum { SYN = 1, ACK = 2, FIN = 4, RST = 8 };

/* -- frames, written by hand ------------------------------------------------------- */

static void add_head(
    struct buf *out, unsigned type, unsigned flags, uint32_t id, uint32_t len) {
    const uint8_t head[] = { 0,
                             (uint8_t)type,
                             (uint8_t)(flags >> 8),
                             (uint8_t)flags,
                             (uint8_t)(id >> 24),
                             (uint8_t)(id >> 16),
                             (uint8_t)(id >> 8),
                             (uint8_t)id,
                             (uint8_t)(len >> 24),
                             (uint8_t)(len >> 16),
                             (uint8_t)(len >> 8),
                             (uint8_t)len };
    buf_add(out, head, sizeof(head));
}

static void add_data(struct buf *out, unsigned flags, uint32_t id, const char *text) {
    add_head(out, DATA, flags, id, (uint32_t)strlen(text));
    buf_add_text(out, text);
}

/* What a session does, in words: "data 1 abc", "end 1"; the user is the stream's number.
 */
static int describe(struct yamux *yamux, struct buf *words) {
    struct yamux_event event;
    int r;

    while ((r = yamux_next(yamux, &event)) == 0) {
        const char *user = event.stream ? yamux_user(event.stream) : "";
        switch (event.kind) {
        case YAMUX_DATA:
            buf_printf(words, "data %s %.*s;", user, (int)event.bytes.len,
                       (const char *)event.bytes.at);
            break;
        case YAMUX_WRITABLE:
            buf_printf(words, "writable %s;", user);
            break;
        case YAMUX_ENDED:
            buf_printf(words, "end %s;", user);
            break;
        case YAMUX_RESET:
            buf_printf(words, "reset %s;", user);
            break;
        case YAMUX_AWAY:
            buf_printf(words, "away %u;", (unsigned)event.code);
            break;
        }
    }
    return r;
}

static int feed(struct yamux *yamux, const struct buf *bytes, struct buf *words) {
    yamux_feed(yamux, buf_slice(bytes));
    return describe(yamux, words);
}

static void check_sent(struct yamux *yamux, const struct buf *wanted) {
    struct buf sent = { 0 };

    yamux_drain(yamux, &sent);
    CHECK(slice_equal(buf_slice(&sent), buf_slice(wanted)));
    buf_done(&sent);
}

static void forget_sent(struct yamux *yamux) {
    struct buf sent = { 0 };

    yamux_drain(yamux, &sent);
    buf_done(&sent);
}

/* -- what we say ------------------------------------------------------------------------
 */

static void streams_open_with_odd_ids_by_a_window_update(void) {
    static const uint8_t wanted[] = { 0, 1, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0,
                                      0, 1, 0, 1, 0, 0, 0, 3, 0, 0, 0, 0 };
    struct yamux *yamux = yamux_new();
    struct buf sent = { 0 };

    CHECK(yamux_open(yamux, NULL));
    CHECK(yamux_open(yamux, NULL));
    yamux_drain(yamux, &sent);
    CHECK(slice_equal(buf_slice(&sent), slice_of(wanted, sizeof(wanted))));
    CHECK(!yamux_has_output(yamux));
    buf_done(&sent);
    yamux_free(yamux);
}

static void data_ends_and_resets_are_written_byte_for_byte(void) {
    static const uint8_t wanted[] = {
        0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 2, 'h', 'i', /* data */
        0, 1, 0, 4, 0, 0, 0, 1, 0, 0, 0, 0,           /* FIN */
        0, 1, 0, 8, 0, 0, 0, 1, 0, 0, 0, 0,           /* RST: theirs had not ended */
        0, 2, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0,           /* ping */
        0, 2, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1,           /* the next one */
        0, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2,           /* go away */
    };
    struct yamux *yamux = yamux_new();
    struct yamux_stream *stream = yamux_open(yamux, NULL);
    struct buf sent = { 0 };

    forget_sent(yamux);
    yamux_write(stream, slice_of_text("hi"));
    yamux_write(stream, slice_of_text(""));
    yamux_end(stream);
    yamux_end(stream);
    CHECK_INT(yamux_room(stream), 0);
    yamux_release(stream);
    yamux_ping(yamux);
    yamux_ping(yamux);
    yamux_go_away(yamux, YAMUX_INTERNAL);
    yamux_go_away(yamux, YAMUX_NORMAL);
    CHECK(!yamux_can_open(yamux));
    yamux_drain(yamux, &sent);
    CHECK(slice_equal(buf_slice(&sent), slice_of(wanted, sizeof(wanted))));
    buf_done(&sent);
    yamux_free(yamux);
}

static void a_ping_is_answered_with_its_opaque(void) {
    struct yamux *yamux = yamux_new();
    struct buf in = { 0 };
    struct buf wanted = { 0 };
    struct buf words = { 0 };

    add_head(&in, PING, SYN, 0, 0xdeadbeef);
    add_head(&in, PING, ACK, 0, 7); /* an answer to one of ours */
    add_head(&wanted, PING, ACK, 0, 0xdeadbeef);
    CHECK_INT(feed(yamux, &in, &words), YAMUX_E_MORE);
    check_sent(yamux, &wanted);
    CHECK_INT(words.len, 0);
    buf_done(&in);
    buf_done(&wanted);
    buf_done(&words);
    yamux_free(yamux);
}

/* A peer that asks without end does not make us say without end. */
static void what_is_answered_is_limited_for_each_drain(void) {
    struct yamux *yamux = yamux_new();
    struct buf in = { 0 };
    struct buf sent = { 0 };
    struct buf words = { 0 };

    for (uint32_t i = 0; i < 1000; i++) {
        add_head(&in, PING, SYN, 0, i);
        add_head(&in, WINDOW, SYN, 2 * i + 2, 0);
    }
    CHECK_INT(feed(yamux, &in, &words), YAMUX_E_MORE);
    yamux_drain(yamux, &sent);
    CHECK_INT(sent.len, YAMUX_ANSWERS_MAX * YAMUX_HEAD_LEN);
    CHECK_INT(feed(yamux, &in, &words), YAMUX_E_MORE);
    CHECK(yamux_has_output(yamux));
    buf_done(&in);
    buf_done(&sent);
    buf_done(&words);
    yamux_free(yamux);
}

/* -- streams
 * ------------------------------------------------------------------------------- */

static void a_window_is_used_up_and_opened_again(void) {
    struct yamux *yamux = yamux_new();
    struct yamux_stream *stream = yamux_open(yamux, "1");
    struct buf in = { 0 };
    struct buf words = { 0 };
    char *much = mem_new(YAMUX_WINDOW);

    CHECK_INT(yamux_room(stream), YAMUX_WINDOW);
    yamux_write(stream, slice_of(much, YAMUX_WINDOW - 1));
    CHECK_INT(yamux_room(stream), 1);
    yamux_write(stream, slice_of(much, 1));
    CHECK_INT(yamux_room(stream), 0);
    add_head(&in, WINDOW, ACK, 1, 0);
    add_head(&in, WINDOW, 0, 1, 10);
    add_head(&in, WINDOW, 0, 1, 10);
    CHECK_INT(feed(yamux, &in, &words), YAMUX_E_MORE);
    CHECK_TEXT(buf_text(&words), "writable 1;");
    CHECK_INT(yamux_room(stream), 20);
    buf_done(&in);
    buf_done(&words);
    free(much);
    yamux_free(yamux);
}

static void credit_returns_by_half_a_window_of_what_was_taken(void) {
    struct yamux *yamux = yamux_new();
    struct yamux_stream *stream = yamux_open(yamux, "1");
    struct yamux_event event;
    struct buf in = { 0 };
    struct buf wanted = { 0 };

    forget_sent(yamux);
    add_head(&in, DATA, 0, 1, YAMUX_WINDOW);
    memset(buf_room(&in, YAMUX_WINDOW), 'x', YAMUX_WINDOW);
    buf_added(&in, YAMUX_WINDOW);
    yamux_feed(yamux, buf_slice(&in));
    CHECK_INT(yamux_next(yamux, &event), 0);
    CHECK_INT(event.bytes.len, YAMUX_WINDOW);
    CHECK_INT(yamux_next(yamux, &event), YAMUX_E_MORE);

    yamux_taken(stream, YAMUX_WINDOW / 2 - 1);
    CHECK(!yamux_has_output(yamux));
    yamux_taken(stream, 1);
    add_head(&wanted, WINDOW, 0, 1, YAMUX_WINDOW / 2);
    check_sent(yamux, &wanted);
    yamux_taken(stream, YAMUX_WINDOW / 2);
    check_sent(yamux, &wanted);
    yamux_feed(yamux, buf_slice(&in)); /* the whole window is there again */
    CHECK_INT(yamux_next(yamux, &event), 0);
    buf_done(&in);
    buf_done(&wanted);
    yamux_free(yamux);
}

static void each_side_ends_for_itself(void) {
    struct yamux *yamux = yamux_new();
    struct yamux_stream *stream = yamux_open(yamux, "1");
    struct buf in = { 0 };
    struct buf words = { 0 };

    add_data(&in, ACK, 1, "abc");
    add_data(&in, FIN, 1, "def");
    CHECK_INT(feed(yamux, &in, &words), YAMUX_E_MORE);
    CHECK_TEXT(buf_text(&words), "data 1 abc;data 1 def;end 1;");
    CHECK(yamux_room(stream) > 0);
    yamux_end(stream);
    forget_sent(yamux);
    yamux_release(stream); /* both are over: nothing is left to say */
    CHECK(!yamux_has_output(yamux));
    buf_done(&in);
    buf_done(&words);
    yamux_free(yamux);
}

static void no_more_streams_than_the_backlog_wait_for_the_peer(void) {
    struct yamux *yamux = yamux_new();
    struct yamux_stream *first = yamux_open(yamux, "1");
    struct buf in = { 0 };
    struct buf words = { 0 };

    for (int i = 1; i < YAMUX_BACKLOG; i++)
        CHECK(yamux_open(yamux, "x"));
    CHECK(!yamux_can_open(yamux));
    CHECK(!yamux_open(yamux, NULL));
    add_head(&in, WINDOW, ACK, 3, 0);
    CHECK_INT(feed(yamux, &in, &words), YAMUX_E_MORE);
    CHECK(yamux_open(yamux, "x"));
    CHECK(!yamux_can_open(yamux));
    yamux_release(first);
    CHECK(yamux_can_open(yamux));
    buf_done(&in);
    buf_done(&words);
    yamux_free(yamux);
}

static void what_comes_for_unknown_streams_is_passed_over(void) {
    struct yamux *yamux = yamux_new();
    struct yamux_stream *gone = yamux_open(yamux, "1");
    struct buf in = { 0 };
    struct buf wanted = { 0 };
    struct buf words = { 0 };

    CHECK(yamux_open(yamux, "3"));
    yamux_release(gone);
    forget_sent(yamux);
    add_data(&in, 0, 1, "too late");
    add_head(&in, WINDOW, FIN, 1, 5);
    add_data(&in, 0, 0, "for nobody");
    add_data(&in, 0, 99, "for nobody");
    add_data(&in, SYN, 2, "theirs");
    add_data(&in, 0, 3, "ours");
    add_head(&wanted, WINDOW, RST, 2, 0);
    CHECK_INT(feed(yamux, &in, &words), YAMUX_E_MORE);
    CHECK_TEXT(buf_text(&words), "data 3 ours;");
    check_sent(yamux, &wanted);
    buf_done(&in);
    buf_done(&wanted);
    buf_done(&words);
    yamux_free(yamux);
}

static void a_stream_may_be_released_amid_its_data(void) {
    struct yamux *yamux = yamux_new();
    struct yamux_stream *stream = yamux_open(yamux, "1");
    struct buf in = { 0 };
    struct buf words = { 0 };
    struct yamux_event event;

    add_data(&in, FIN, 1, "abcdef");
    add_head(&in, AWAY, 0, 0, 0);
    yamux_feed(yamux, slice_of(in.data, YAMUX_HEAD_LEN + 3));
    CHECK_INT(yamux_next(yamux, &event), 0);
    yamux_release(stream);
    CHECK_INT(describe(yamux, &words), YAMUX_E_MORE);
    yamux_feed(yamux, slice_after(buf_slice(&in), YAMUX_HEAD_LEN + 3));
    CHECK_INT(describe(yamux, &words), YAMUX_E_MORE);
    CHECK_TEXT(buf_text(&words), "away 0;");
    buf_done(&in);
    buf_done(&words);
    yamux_free(yamux);
}

static void a_reset_ends_a_stream_at_once(void) {
    struct yamux *yamux = yamux_new();
    struct yamux_stream *stream = yamux_open(yamux, "1");
    struct buf in = { 0 };
    struct buf words = { 0 };

    add_head(&in, WINDOW, RST, 1, 0);
    add_data(&in, 0, 1, "late");
    CHECK_INT(feed(yamux, &in, &words), YAMUX_E_MORE);
    CHECK_TEXT(buf_text(&words), "reset 1;");
    CHECK_INT(yamux_room(stream), 0);
    forget_sent(yamux);
    yamux_end(stream);
    yamux_release(stream);
    CHECK(!yamux_has_output(yamux));
    buf_done(&in);
    buf_done(&words);
    yamux_free(yamux);
}

static void a_peer_that_goes_away_gets_no_new_streams(void) {
    struct yamux *yamux = yamux_new();
    struct yamux_stream *stream = yamux_open(yamux, "1");
    struct buf in = { 0 };
    struct buf words = { 0 };

    add_head(&in, AWAY, 0, 0, 0);
    add_data(&in, 0, 1, "on");
    CHECK_INT(feed(yamux, &in, &words), YAMUX_E_MORE);
    CHECK_TEXT(buf_text(&words), "away 0;data 1 on;");
    CHECK(!yamux_open(yamux, NULL));
    CHECK(yamux_room(stream) > 0);
    buf_done(&in);
    buf_done(&words);
    yamux_free(yamux);
}

/* -- however it is cut, whatever comes
 * ---------------------------------------------------- */

static void add_long_talk(struct buf *in) {
    add_head(in, WINDOW, ACK, 1, 0);
    add_data(in, ACK, 3, "three");
    add_head(in, PING, SYN, 0, 77);
    add_data(in, 0, 1, "one");
    add_data(in, 0, 9, "nobody");
    add_data(in, FIN, 1, "");
    add_data(in, FIN, 3, "more");
    add_head(in, AWAY, 0, 0, 0);
}

/* Runs of data may come in parts; put together they are the same. */
static void run_talk(
    const struct buf *in, size_t first, size_t step, struct buf *one, struct buf *three) {
    struct yamux *yamux = yamux_new();
    struct buf wanted = { 0 };
    struct yamux_event event;

    CHECK(yamux_open(yamux, one));
    CHECK(yamux_open(yamux, three));
    forget_sent(yamux);
    for (size_t at = 0, n = first; at < in->len; at += n, n = step) {
        n = in->len - at < n ? in->len - at : n;
        yamux_feed(yamux, slice_of(in->data + at, n));
        int r;
        while ((r = yamux_next(yamux, &event)) == 0) {
            if (event.kind == YAMUX_DATA)
                buf_add_slice(yamux_user(event.stream), event.bytes);
            else if (event.stream)
                buf_add_text(yamux_user(event.stream), "|");
        }
        CHECK_INT(r, YAMUX_E_MORE);
    }
    add_head(&wanted, PING, ACK, 0, 77);
    check_sent(yamux, &wanted);
    CHECK(!yamux_can_open(yamux));
    buf_done(&wanted);
    yamux_free(yamux);
}

static void check_talk(const struct buf *in, size_t first, size_t step) {
    struct buf one = { 0 };
    struct buf three = { 0 };

    run_talk(in, first, step, &one, &three);
    CHECK_TEXT(buf_text(&one), "one|");
    CHECK_TEXT(buf_text(&three), "threemore|");
    buf_done(&one);
    buf_done(&three);
}

static void any_split_gives_the_same_events(void) {
    struct buf in = { 0 };

    add_long_talk(&in);
    for (size_t cut = 1; cut < in.len; cut++)
        check_talk(&in, cut, in.len);
    for (size_t step = 1; step < 16; step++)
        check_talk(&in, step, step);
    buf_done(&in);
}

static void a_truncated_talk_asks_for_more(void) {
    struct buf in = { 0 };
    struct buf words = { 0 };

    add_long_talk(&in);
    for (size_t len = 0; len < in.len; len++) {
        struct yamux *yamux = yamux_new();
        CHECK(yamux_open(yamux, "1"));
        yamux_feed(yamux, slice_of(in.data, len));
        CHECK_INT(describe(yamux, &words), YAMUX_E_MORE);
        yamux_free(yamux);
    }
    buf_done(&in);
    buf_done(&words);
}

static void hostile_frames_end_the_session(void) {
    static const struct {
        const char *what;
        uint8_t head[YAMUX_HEAD_LEN];
        uint8_t again; /* how often it comes */
    } rows[] = {
        { "version 1", { 1, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0 }, 1 },
        { "version 255", { 255, 2, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0 }, 1 },
        { "type 4", { 0, 4, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0 }, 1 },
        { "type 255", { 0, 255, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0 }, 1 },
        { "a body over the window", { 0, 0, 0, 0, 0, 0, 0, 1, 0, 4, 0, 1 }, 1 },
        { "a body of 4 GiB", { 0, 0, 0, 0, 0, 0, 0, 1, 255, 255, 255, 255 }, 1 },
        { "a window that overflows", { 0, 1, 0, 0, 0, 0, 0, 1, 255, 255, 255, 255 }, 1 },
        { "a window that overflows later",
          { 0, 1, 0, 0, 0, 0, 0, 1, 127, 255, 255, 255 },
          3 },
        { "a second end", { 0, 1, 0, 4, 0, 0, 0, 1, 0, 0, 0, 0 }, 2 },
        { "a stream of ours, opened", { 0, 1, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0 }, 1 },
    };

    for (size_t i = 0; i < COUNT(rows); i++) {
        struct yamux *yamux = yamux_new();
        struct yamux_stream *stream = yamux_open(yamux, "1");
        struct buf in = { 0 };
        struct buf wanted = { 0 };
        struct buf words = { 0 };

        forget_sent(yamux);
        for (int n = 0; n < rows[i].again; n++)
            buf_add(&in, rows[i].head, YAMUX_HEAD_LEN);
        add_data(&in, 0, 1, "never read");
        CHECK_INT(feed(yamux, &in, &words), -EPROTO);
        CHECK_INT(feed(yamux, &in, &words), -EPROTO);
        CHECK(!strstr(buf_text(&words), "data"));
        add_head(&wanted, AWAY, 0, 0, YAMUX_PROTOCOL);
        check_sent(yamux, &wanted);

        CHECK_INT(yamux_room(stream), 0);
        CHECK(!yamux_can_open(yamux));
        yamux_end(stream);
        yamux_ping(yamux);
        yamux_release(stream);
        CHECK(!yamux_has_output(yamux));
        buf_done(&in);
        buf_done(&wanted);
        buf_done(&words);
        yamux_free(yamux);
    }
}

/* A hostile length of a stream that is not there costs nothing. */
static void a_body_for_nobody_keeps_no_memory(void) {
    struct yamux *yamux = yamux_new();
    struct buf in = { 0 };
    struct buf words = { 0 };

    add_head(&in, DATA, 0, 77, UINT32_MAX);
    CHECK_INT(feed(yamux, &in, &words), YAMUX_E_MORE);
    for (int i = 0; i < 1000; i++)
        CHECK_INT(feed(yamux, &in, &words), YAMUX_E_MORE);
    CHECK(!yamux_has_output(yamux));
    CHECK_INT(words.len, 0);
    buf_done(&in);
    buf_done(&words);
    yamux_free(yamux);
}

TESTS(TEST(streams_open_with_odd_ids_by_a_window_update),
      TEST(data_ends_and_resets_are_written_byte_for_byte),
      TEST(a_ping_is_answered_with_its_opaque),
      TEST(what_is_answered_is_limited_for_each_drain),
      TEST(a_window_is_used_up_and_opened_again),
      TEST(credit_returns_by_half_a_window_of_what_was_taken),
      TEST(each_side_ends_for_itself),
      TEST(no_more_streams_than_the_backlog_wait_for_the_peer),
      TEST(what_comes_for_unknown_streams_is_passed_over),
      TEST(a_stream_may_be_released_amid_its_data),
      TEST(a_reset_ends_a_stream_at_once),
      TEST(a_peer_that_goes_away_gets_no_new_streams),
      TEST(any_split_gives_the_same_events),
      TEST(a_truncated_talk_asks_for_more),
      TEST(hostile_frames_end_the_session),
      TEST(a_body_for_nobody_keeps_no_memory))
