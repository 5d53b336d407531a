#include "wire/h2_testing.h"

enum {
    READ_LEN = 16384,            /* what the loop gives at a time */
    FLOOD_MAX = 4 * 1024 * 1024, /* no flood may go on for longer than so many bytes */
};

/* Writes one turn's worth of some flood; at counts the calls. */
typedef void (*flood)(struct buf *out, uint32_t at);

static void ping(struct buf *out, uint32_t at) {
    h2_testing_add(out, H2_TESTING_PING, 0, 0, slice_of("12345678", 8));
}

static void pong(struct buf *out, uint32_t at) {
    h2_testing_add(out, H2_TESTING_PING, 1, 0, slice_of("12345678", 8));
}

static void settings(struct buf *out, uint32_t at) {
    h2_testing_add(out, H2_TESTING_SETTINGS, 0, 0,
                   at % 2 ? slice_of("\0\4\0\0\0\1", 6) : slice_of("\0\4\0\1\0\0", 6));
}

static void goaway(struct buf *out, uint32_t at) {
    h2_testing_add(out, H2_TESTING_GOAWAY, 0, 0, slice_of("\x7f\xff\xff\xff\0\0\0\0", 8));
}

static void empty_body(struct buf *out, uint32_t at) {
    if (at == 0)
        h2_testing_add_get(out, 1, false);
    h2_testing_add(out, H2_TESTING_DATA, 0, 1, slice_of(NULL, 0));
}

static void padding(struct buf *out, uint32_t at) {
    if (at == 0)
        h2_testing_add_get(out, 1, false);
    h2_testing_add(out, H2_TESTING_DATA, 8, 1, slice_of("\3\0\0\0", 4));
}

static void window_update(struct buf *out, uint32_t at) {
    h2_testing_add_word(out, H2_TESTING_WINDOW_UPDATE, 0, 1);
}

static void priority(struct buf *out, uint32_t at) {
    h2_testing_add(out, H2_TESTING_PRIORITY, 0, 2 * at + 1, slice_of("\0\0\0\0\1", 5));
}

static void unknown(struct buf *out, uint32_t at) {
    h2_testing_add(out, 0xbb, 0, at, slice_of(NULL, 0));
}

/* The engine passes over what comes behind a reset of ours. */
static void empty_body_behind_a_reset(struct buf *out, uint32_t at) {
    if (at == 0)
        h2_testing_add_head(out, 1, false, slice_of_text("\x82"));
    h2_testing_add(out, H2_TESTING_DATA, 0, 1, slice_of(NULL, 0));
}

static void rapid_reset(struct buf *out, uint32_t at) {
    h2_testing_add_get(out, 2 * at + 1, true);
    h2_testing_add_word(out, H2_TESTING_RST_STREAM, 2 * at + 1, H2_CANCEL);
}

/* "MadeYouReset": the server is made to send the resets. */
static void made_reset(struct buf *out, uint32_t at) {
    h2_testing_add_get(out, 2 * at + 1, true);
    h2_testing_add_word(out, H2_TESTING_WINDOW_UPDATE, 2 * at + 1, 0x7fffffff);
}

static void malformed(struct buf *out, uint32_t at) {
    h2_testing_add_head(out, 2 * at + 1, true, slice_of_text("\x82"));
}

/* Streams over the limit of concurrent ones. */
static void crowd(struct buf *out, uint32_t at) {
    h2_testing_add_get(out, 2 * at + 1, false);
}

/* A head in frames of one byte that never ends. */
static void continuation(struct buf *out, uint32_t at) {
    h2_testing_add(out, at == 0 ? H2_TESTING_HEADERS : H2_TESTING_CONTINUATION, 0, 1,
                   slice_of_text("\x82"));
}

/* 4,000 bytes into the table, then that field again and again, a byte each. */
static void bomb(struct buf *out, uint32_t at) {
    struct buf block = { 0 };
    buf_add_text(&block, "\x82\x87\x84\x01\x01\x61");
    if (at == 0) {
        buf_add_text(&block, "\x40\x01\x62\x7f\xa1\x1e");
        memset(buf_room(&block, 4000), 'x', 4000);
        buf_added(&block, 4000);
    }
    memset(buf_room(&block, 8000), 0xbe, 8000);
    buf_added(&block, 8000);
    h2_testing_add_head(out, 2 * at + 1, true, buf_slice(&block));
    buf_done(&block);
}

static void early_hints(struct buf *out, uint32_t at) {
    h2_testing_add_head(out, 1, false, slice_of_text("\x08\x03\x31\x30\x33"));
}

/* An owner that keeps open streams and forgets closed ones. */
static void forget_closed(struct h2 *h2) {
    struct h2_stream *stream;
    while ((stream = h2_next(h2)))
        if (stream->closed)
            h2_stream_release(stream);
        else
            stream->user = h2;
}

/* Floods until the session has enough: how many bytes it bore, SIZE_MAX for no end. */
static size_t bear(struct h2 *h2, flood add, bool drains) {
    struct buf bytes = { 0 };
    size_t total = 0;
    uint32_t at = 0;
    int r = 0;

    while (r == 0 && total < FLOOD_MAX && h2_is_alive(h2)) {
        buf_clear(&bytes);
        while (bytes.len < READ_LEN)
            add(&bytes, at++);
        r = h2_feed(h2, buf_slice(&bytes));
        forget_closed(h2);
        if (r == 0 && drains)
            h2_testing_drop_output(h2);
        total += bytes.len;
    }
    buf_done(&bytes);
    return r < 0 ? total : SIZE_MAX;
}

static bool flood_ends(enum h2_role role, flood add, const char *name, bool drains) {
    struct h2 *h2 = h2_testing_new(role, &h2_testing_limits);
    if (role == H2_CLIENT)
        h2_testing_ask(h2, false);
    h2_testing_drop_output(h2);
    size_t borne = bear(h2, add, drains);
    int64_t code = h2_testing_goaway_code(h2);
    bool ends = borne < FLOOD_MAX && code == H2_ENHANCE_YOUR_CALM && !h2_is_alive(h2);
    if (!ends)
        print_error("%s: %zu bytes, GOAWAY %d\n", name, borne, (int)code);
    forget_closed(h2);
    CHECK(!h2_next(h2));
    h2_free(h2);
    return ends;
}

static void every_flood_ends_its_connection(void) {
    static const struct {
        const char *name;
        enum h2_role role;
        flood add;
    } rows[] = {
        { "PING", H2_SERVER, ping },
        { "PING to a client", H2_CLIENT, ping },
        { "PING ACK", H2_SERVER, pong },
        { "SETTINGS", H2_SERVER, settings },
        { "SETTINGS to a client", H2_CLIENT, settings },
        { "GOAWAY to a client", H2_CLIENT, goaway },
        { "empty DATA", H2_SERVER, empty_body },
        { "DATA that is padding", H2_SERVER, padding },
        { "WINDOW_UPDATE", H2_SERVER, window_update },
        { "PRIORITY", H2_SERVER, priority },
        { "unknown frames", H2_SERVER, unknown },
        { "empty DATA behind a reset", H2_SERVER, empty_body_behind_a_reset },
        { "rapid reset", H2_SERVER, rapid_reset },
        { "made reset", H2_SERVER, made_reset },
        { "malformed requests", H2_SERVER, malformed },
        { "streams over the limit", H2_SERVER, crowd },
        { "CONTINUATION", H2_SERVER, continuation },
        { "an HPACK bomb", H2_SERVER, bomb },
        { "informational answers", H2_CLIENT, early_hints },
    };
    size_t wrong = 0;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        wrong += !flood_ends(rows[i].role, rows[i].add, rows[i].name, true);
        wrong += !flood_ends(rows[i].role, rows[i].add, rows[i].name, false);
    }
    CHECK_INT(wrong, 0);
}

/* A keep-alive comes alone, and may come for ever. */
static void a_ping_a_read_is_no_flood(void) {
    struct h2 *h2 = h2_testing_new(H2_SERVER, &h2_testing_limits);
    struct buf bytes = { 0 };
    ping(&bytes, 0);
    for (int i = 0; i < 100000; i++) {
        CHECK_INT(h2_feed(h2, buf_slice(&bytes)), 0);
        CHECK_INT(h2_testing_drop_output(h2), 17);
    }
    buf_done(&bytes);
    h2_free(h2);
}

/* Some clients give credit for each small frame at once, twice. */
static void credit_for_each_small_frame_is_no_flood(void) {
    struct h2 *h2 = h2_testing_new(H2_SERVER, &h2_testing_limits);
    struct buf bytes = { 0 };
    struct headers head = { 0 };
    h2_testing_add_get(&bytes, 1, true);
    CHECK_INT(h2_feed(h2, buf_slice(&bytes)), 0);
    struct h2_stream *stream = h2_next(h2);
    headers_add(&head, ":status", "200");
    h2_respond(stream, &head, true);
    headers_done(&head);

    for (int i = 0; i < 20000; i++) {
        buf_clear(&bytes);
        for (int part = 0; part < 20; part++) {
            h2_stream_write(stream, slice_of_text("x"));
            h2_testing_drop_output(h2);
            h2_testing_add_word(&bytes, H2_TESTING_WINDOW_UPDATE, 0, 1);
            h2_testing_add_word(&bytes, H2_TESTING_WINDOW_UPDATE, 1, 1);
        }
        CHECK_INT(h2_feed(h2, buf_slice(&bytes)), 0);
    }
    buf_done(&bytes);
    h2_stream_release(stream);
    h2_free(h2);
}

/* A hub cancels the calls of a caller that left; its agent must bear that. */
static void trusted_resets_are_no_flood(void) {
    struct h2_limits trusting = h2_testing_limits;
    trusting.trust_resets = true;
    struct h2 *h2 = h2_testing_new(H2_SERVER, &trusting);
    struct buf bytes = { 0 };

    for (uint32_t i = 0; i < 4000; i++)
        rapid_reset(&bytes, i);
    CHECK_INT(h2_feed(h2, buf_slice(&bytes)), 0);
    CHECK(!h2_next(h2));
    CHECK_INT(h2_stream_count(h2), 0);
    buf_clear(&bytes);
    h2_testing_add_get(&bytes, 8001, true);
    CHECK_INT(h2_feed(h2, buf_slice(&bytes)), 0);
    struct h2_stream *stream = h2_next(h2);
    CHECK(stream && stream->in_ended);
    buf_done(&bytes);
    h2_stream_release(stream);
    h2_free(h2);
}

/* A tunnel ends as its TCP connection does, often by a reset. */
static void resets_of_answered_streams_are_no_flood(void) {
    struct h2 *h2 = h2_testing_new(H2_SERVER, &h2_testing_limits);
    struct headers head = { 0 };
    struct buf bytes = { 0 };
    struct h2_stream *stream;

    headers_add(&head, ":status", "200");
    for (uint32_t at = 0; at < 8000; at += 16) {
        buf_clear(&bytes);
        for (uint32_t i = at; i < at + 16; i++)
            h2_testing_add_get(&bytes, 2 * i + 1, false);
        CHECK_INT(h2_feed(h2, buf_slice(&bytes)), 0);
        while ((stream = h2_next(h2)))
            h2_respond(stream, &head, true);
        h2_testing_drop_output(h2);

        buf_clear(&bytes);
        for (uint32_t i = at; i < at + 16; i++)
            h2_testing_add_word(&bytes, H2_TESTING_RST_STREAM, 2 * i + 1, H2_CANCEL);
        CHECK_INT(h2_feed(h2, buf_slice(&bytes)), 0);
        while ((stream = h2_next(h2)))
            h2_stream_release(stream);
    }
    headers_done(&head);
    buf_done(&bytes);
    h2_free(h2);
}

/* A window that opens by single bytes makes single-byte frames and no pile. */
static void window_games_hold_no_more_than_a_full_output(void) {
    struct h2 *h2 = h2_testing_new(H2_SERVER, &h2_testing_limits);
    struct buf bytes = { 0 };
    struct headers head = { 0 };
    static const uint8_t body[1 << 20];
    struct pipe from;
    pipe_init(&from);
    pipe_add(&from, slice_of(body, sizeof(body)));
    headers_add(&head, ":status", "200");

    h2_testing_add(&bytes, H2_TESTING_SETTINGS, 0, 0, slice_of("\0\4\0\0\0\0", 6));
    h2_testing_add_get(&bytes, 1, true);
    CHECK_INT(h2_feed(h2, buf_slice(&bytes)), 0);
    struct h2_stream *stream = h2_next(h2);
    h2_respond(stream, &head, true);
    CHECK_INT(h2_stream_write_from(stream, &from, SIZE_MAX), 65536);
    h2_testing_drop_output(h2);
    CHECK(!h2_has_output(h2));
    for (int i = 0; i < 1000; i++) {
        buf_clear(&bytes);
        h2_testing_add_word(&bytes, H2_TESTING_WINDOW_UPDATE, 1, 1);
        CHECK_INT(h2_feed(h2, buf_slice(&bytes)), 0);
        CHECK_INT(h2_testing_drop_output(h2), 10);
        CHECK_INT(h2_stream_room(stream), i + 1);
    }
    pipe_done(&from);
    buf_done(&bytes);
    headers_done(&head);
    h2_stream_release(stream);
    h2_free(h2);
}

/* The whole row of fields, each of 4,000 bytes, is over the limit after the fourth. */
static void a_head_over_the_limit_ends_its_stream_alone(void) {
    struct h2 *h2 = h2_testing_new(H2_SERVER, &h2_testing_limits);
    struct buf bytes = { 0 }, block = { 0 }, out = { 0 };
    struct slice body;
    uint32_t id;

    bomb(&bytes, 0);
    buf_add_text(&block, "\x82\x87\x84\x01\x01\x61\xbe\xbe");
    h2_testing_add_head(&bytes, 3, true, buf_slice(&block));
    buf_add_text(&block, "\xbe\xbe\xbe");
    h2_testing_add_head(&bytes, 5, false, buf_slice(&block));
    CHECK_INT(h2_feed(h2, buf_slice(&bytes)), 0);
    struct h2_stream *stream = h2_next(h2);
    CHECK(stream && stream->id == 3 && !h2_next(h2));

    CHECK_INT(h2_drain(h2, &out, SIZE_MAX), 0);
    CHECK(h2_testing_find(buf_slice(&out), H2_TESTING_HEADERS, &id, &body));
    CHECK_INT(id, 5);
    CHECK_INT(h2_stream_count(h2), 1);
    buf_done(&out);
    buf_done(&block);
    buf_done(&bytes);
    h2_stream_release(stream);
    h2_free(h2);
}

/* A peer that disregards its window is cut off at the first frame beyond it. */
static void a_body_over_the_window_resets_its_stream(void) {
    struct h2 *h2 = h2_testing_new(H2_SERVER, &h2_testing_limits);
    struct buf bytes = { 0 }, out = { 0 };
    static const uint8_t body[16384];
    struct slice code = { 0 };
    uint32_t id;

    h2_testing_add(&bytes, H2_TESTING_SETTINGS, 1, 0, slice_of(NULL, 0));
    h2_testing_add_get(&bytes, 1, false);
    CHECK_INT(h2_feed(h2, buf_slice(&bytes)), 0);
    struct h2_stream *stream = h2_next(h2);
    buf_clear(&bytes);
    for (int i = 0; i < 6; i++)
        h2_testing_add(&bytes, H2_TESTING_DATA, 0, 1, slice_of(body, sizeof(body)));
    CHECK_INT(h2_feed(h2, buf_slice(&bytes)), 0);
    CHECK(stream->in.len <= 65536 + sizeof(body));
    CHECK_INT(h2_drain(h2, &out, SIZE_MAX), 0);
    CHECK(h2_testing_find(buf_slice(&out), H2_TESTING_RST_STREAM, &id, &code));
    CHECK_INT(h2_testing_number(code.at, 4), 3);
    CHECK(stream->closed && !stream->in_ended);
    buf_done(&out);
    buf_done(&bytes);
    h2_stream_release(stream);
    h2_free(h2);
}

TESTS(TEST(every_flood_ends_its_connection),
      TEST(a_ping_a_read_is_no_flood),
      TEST(credit_for_each_small_frame_is_no_flood),
      TEST(trusted_resets_are_no_flood),
      TEST(resets_of_answered_streams_are_no_flood),
      TEST(window_games_hold_no_more_than_a_full_output),
      TEST(a_head_over_the_limit_ends_its_stream_alone),
      TEST(a_body_over_the_window_resets_its_stream))
