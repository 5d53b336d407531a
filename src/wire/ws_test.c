#include "wire/ws.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum { MESSAGE_MAX = 200 };

enum { FIN = 0x80, TEXT = 1, BINARY = 2, CLOSE = 8, PING = 9, PONG = 10 };

/* -- frames, written by hand ------------------------------------------------------- */

static void add_frame(struct buf *out, unsigned head, bool is_masked, struct slice body) {
    static const uint8_t mask[] = { 0x12, 0x34, 0x56, 0x78 };
    uint8_t bit = is_masked ? 0x80 : 0;

    buf_add_byte(out, (uint8_t)head);
    if (body.len < 126) {
        buf_add_byte(out, (uint8_t)(bit | body.len));
    } else if (body.len < 65536) {
        buf_add_byte(out, bit | 126);
        buf_add_byte(out, (uint8_t)(body.len >> 8));
        buf_add_byte(out, (uint8_t)body.len);
    } else {
        buf_add_byte(out, bit | 127);
        for (int shift = 56; shift >= 0; shift -= 8)
            buf_add_byte(out, (uint8_t)((uint64_t)body.len >> shift));
    }
    if (is_masked)
        buf_add(out, mask, sizeof(mask));
    for (size_t i = 0; i < body.len; i++)
        buf_add_byte(out, is_masked ? body.at[i] ^ mask[i % 4] : body.at[i]);
}

/* Cuts the frame that begins the bytes, unmasks it, and returns the whole length. */
static size_t cut_frame(struct slice bytes,
                        uint8_t *head,
                        bool *masked,
                        struct buf *body) {
    CHECK(bytes.len >= 2);
    *head = bytes.at[0];
    *masked = bytes.at[1] & 0x80;
    uint64_t len = bytes.at[1] & 0x7f;
    size_t at = 2;
    if (len >= 126) {
        size_t n = len == 126 ? 2 : 8;
        for (len = 0; n > 0; n--)
            len = len << 8 | bytes.at[at++];
    }
    const uint8_t *mask = bytes.at + at;
    at += *masked ? 4 : 0;
    CHECK(bytes.len - at >= len);
    buf_clear(body);
    for (size_t i = 0; i < len; i++)
        buf_add_byte(body, *masked ? bytes.at[at + i] ^ mask[i % 4] : bytes.at[at + i]);
    return at + len;
}

/* -- a session as a line of text ---------------------------------------------------- */

static void describe_frames(struct buf *out, struct slice bytes, bool is_client) {
    struct buf body;
    buf_init(&body);
    while (bytes.len > 0) {
        uint8_t head;
        bool is_masked;
        bytes = slice_after(bytes, cut_frame(bytes, &head, &is_masked, &body));
        CHECK(is_masked == is_client);
        CHECK(head & FIN);
        if ((head & 15) == CLOSE && body.len >= 2)
            buf_printf(out, "close %d;", body.data[0] << 8 | body.data[1]);
        else
            buf_printf(out, "%s %s;",
                       (head & 15) == CLOSE  ? "close"
                       : (head & 15) == PONG ? "pong"
                       : (head & 15) == TEXT ? "text"
                                             : "binary",
                       buf_text(&body));
    }
    buf_done(&body);
}

/* An echo server, or client: what it answers to the bytes, in steps. */
static char *echo(bool is_client, struct slice bytes, size_t cut, size_t step) {
    struct ws *ws = ws_new(is_client, MESSAGE_MAX);
    struct ws_message message;
    struct buf out, text;
    int r = 0;
    buf_init(&out);
    buf_init(&text);

    for (size_t at = 0; at < bytes.len;) {
        size_t n = at < cut ? cut - at : bytes.len - at < step ? bytes.len - at : step;
        r = ws_feed(ws, slice_of(bytes.at + at, n));
        at += n;
        while (ws_next(ws, &message))
            ws_send(ws, message.opcode, message.bytes);
        if (ws_has_output(ws))
            CHECK_INT(ws_drain(ws, &out), 0);
    }
    CHECK(!ws_has_output(ws));
    describe_frames(&text, buf_slice(&out), is_client);
    buf_printf(&text, "%s%s", r < 0 ? " failed" : "", ws_is_closed(ws) ? " closed" : "");
    CHECK(r == 0 || ws_is_closed(ws));
    ws_free(ws);
    buf_done(&out);
    return buf_take_text(&text);
}

/* Checks the answer whole, at any split and in small steps. */
static void check_echo(bool is_client, const struct buf *in, const char *wanted) {
    for (size_t cut = 0; cut <= in->len; cut++) {
        auto_(mem_freep) char *got = echo(is_client, buf_slice(in), cut, in->len);
        CHECK_TEXT(got, wanted);
    }
    for (size_t step = 1; step < 5; step++) {
        auto_(mem_freep) char *got = echo(is_client, buf_slice(in), 0, step);
        CHECK_TEXT(got, wanted);
    }
}

struct frame {
    unsigned head;
    const char *body; /* NULL behind the last frame */
    size_t len;
};

#define BODY(text) (text), sizeof(text) - 1

static const struct conversation {
    struct frame frames[8];
    const char *wanted;
} conversations[] = {
    /* messages, whole and in fragments */
    { { { FIN | TEXT, BODY("hello") } }, "text hello;" },
    { { { FIN | TEXT, BODY("") } }, "text ;" },
    { { { FIN | BINARY, BODY("\xff\xfe") } }, "binary \xff\xfe;" },
    { { { FIN | TEXT, BODY("a") },
        { FIN | BINARY, BODY("b") },
        { FIN | TEXT, BODY("c") } },
      "text a;binary b;text c;" },
    { { { TEXT, BODY("he") }, { 0, BODY("ll") }, { FIN, BODY("o") } }, "text hello;" },
    { { { BINARY, BODY("") }, { 0, BODY("") }, { FIN, BODY("") } }, "binary ;" },
    { { { TEXT, BODY("") }, { 0, BODY("middle") }, { FIN, BODY("") } }, "text middle;" },
    { { { TEXT, BODY("\xce") }, { FIN, BODY("\xba") } }, "text \xce\xba;" },
    { { { FIN | TEXT, BODY("\xf4\x8f\xbf\xbf") } }, "text \xf4\x8f\xbf\xbf;" },
    /* control frames, also between fragments */
    { { { FIN | PING, BODY("") } }, "pong ;" },
    { { { FIN | PING, BODY("p") }, { FIN | PING, BODY("q") } }, "pong p;pong q;" },
    { { { FIN | PONG, BODY("unasked") } }, "" },
    { { { TEXT, BODY("a") }, { FIN | PING, BODY("p") }, { FIN, BODY("b") } },
      "pong p;text ab;" },
    { { { TEXT, BODY("a") },
        { FIN | PING, BODY("1") },
        { 0, BODY("b") },
        { FIN | PONG, BODY("2") },
        { FIN | PING, BODY("3") },
        { FIN, BODY("c") } },
      "pong 1;pong 3;text abc;" },
    /* wrong order */
    { { { FIN, BODY("x") } }, "close 1002; failed closed" },
    { { { 0, BODY("x") } }, "close 1002; failed closed" },
    { { { TEXT, BODY("a") }, { FIN | TEXT, BODY("b") } }, "close 1002; failed closed" },
    { { { BINARY, BODY("a") }, { BINARY, BODY("b") } }, "close 1002; failed closed" },
    { { { FIN | TEXT, BODY("a") }, { FIN, BODY("b") } },
      "text a;close 1002; failed closed" },
    /* reserved bits and opcodes */
    { { { 0x40 | FIN | TEXT, BODY("x") } }, "close 1002; failed closed" },
    { { { 0x20 | FIN | TEXT, BODY("x") } }, "close 1002; failed closed" },
    { { { 0x10 | FIN | TEXT, BODY("x") } }, "close 1002; failed closed" },
    { { { 0x70 | FIN | PING, BODY("x") } }, "close 1002; failed closed" },
    { { { 0x40 | FIN | CLOSE, BODY("") } }, "close 1002; failed closed" },
    { { { TEXT, BODY("a") }, { 0x40 | FIN, BODY("b") } }, "close 1002; failed closed" },
    { { { FIN | 3, BODY("x") } }, "close 1002; failed closed" },
    { { { FIN | 4, BODY("") } }, "close 1002; failed closed" },
    { { { FIN | 5, BODY("x") } }, "close 1002; failed closed" },
    { { { FIN | 6, BODY("x") } }, "close 1002; failed closed" },
    { { { FIN | 7, BODY("x") } }, "close 1002; failed closed" },
    { { { FIN | 11, BODY("x") } }, "close 1002; failed closed" },
    { { { FIN | 12, BODY("") } }, "close 1002; failed closed" },
    { { { FIN | 13, BODY("x") } }, "close 1002; failed closed" },
    { { { FIN | 14, BODY("x") } }, "close 1002; failed closed" },
    { { { FIN | 15, BODY("x") } }, "close 1002; failed closed" },
    { { { FIN | TEXT, BODY("a") }, { FIN | 3, BODY("x") }, { FIN | PING, BODY("") } },
      "text a;close 1002; failed closed" },
    /* control frames in fragments */
    { { { PING, BODY("x") } }, "close 1002; failed closed" },
    { { { PONG, BODY("x") } }, "close 1002; failed closed" },
    { { { CLOSE, BODY("\x03\xe8") } }, "close 1002; failed closed" },
    /* texts that are none */
    { { { FIN | TEXT, BODY("\xff") } }, "close 1007; failed closed" },
    { { { FIN | TEXT, BODY("\xed\xa0\x80") } }, "close 1007; failed closed" },
    { { { FIN | TEXT, BODY("a\xce") } }, "close 1007; failed closed" },
    { { { TEXT, BODY("\xce") }, { FIN, BODY("x") } }, "close 1007; failed closed" },
    { { { TEXT, BODY("\xce") }, { FIN, BODY("") } }, "close 1007; failed closed" },
    { { { TEXT, BODY("\xf4\x90") } }, "close 1007; failed closed" },
    /* the end */
    { { { FIN | CLOSE, BODY("") } }, "close ; closed" },
    { { { FIN | CLOSE, BODY("\x03\xe8") } }, "close 1000; closed" },
    { { { FIN | CLOSE, BODY("\x03\xe8 bye \xc3\xa4") } }, "close 1000; closed" },
    { { { FIN | CLOSE, BODY("\x0b\xb8") } }, "close 3000; closed" },
    { { { FIN | CLOSE, BODY("\x13\x87") } }, "close 4999; closed" },
    { { { FIN | TEXT, BODY("a") },
        { FIN | CLOSE, BODY("\x03\xe8") },
        { FIN | TEXT, BODY("b") },
        { FIN | PING, BODY("p") },
        { FIN | CLOSE, BODY("\x03\xe9") } },
      "text a;close 1000; closed" },
    { { { TEXT, BODY("a") }, { FIN | CLOSE, BODY("\x03\xe8") }, { FIN, BODY("b") } },
      "close 1000; closed" },
    { { { FIN | CLOSE, BODY("\x03") } }, "close 1002; failed closed" },
    { { { FIN | CLOSE, BODY("\x03\xe8\xff") } }, "close 1007; failed closed" },
    { { { FIN | CLOSE, BODY("\x03\xe8\xce") } }, "close 1007; failed closed" },
};

static void conversations_go_by_the_book(void) {
    for (int is_client = 0; is_client < 2; is_client++) {
        for (size_t i = 0; i < COUNT(conversations); i++) {
            struct buf in;
            buf_init(&in);
            for (const struct frame *frame = conversations[i].frames; frame->body;
                 frame++)
                add_frame(&in, frame->head, !is_client,
                          slice_of(frame->body, frame->len));
            check_echo(is_client, &in, conversations[i].wanted);
            buf_done(&in);
        }
    }
}

static void close_codes_are_checked(void) {
    static const struct {
        unsigned from, to;
        bool is_good;
    } rows[] = {
        { 0, 0, false },       { 1, 1, false },       { 999, 999, false },
        { 1000, 1003, true },  { 1004, 1006, false }, { 1007, 1014, true },
        { 1015, 1016, false }, { 1100, 1100, false }, { 2000, 2000, false },
        { 2999, 2999, false }, { 3000, 3001, true },  { 3999, 4000, true },
        { 4999, 4999, true },  { 5000, 5000, false }, { 65535, 65535, false },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        for (unsigned code = rows[i].from; code <= rows[i].to; code++) {
            const uint8_t body[] = { (uint8_t)(code >> 8), (uint8_t)code };
            struct ws *ws = ws_new(false, MESSAGE_MAX);
            struct buf in;
            buf_init(&in);
            add_frame(&in, FIN | CLOSE, true, slice_of(body, 2));
            CHECK_INT(ws_feed(ws, buf_slice(&in)), rows[i].is_good ? 0 : -EPROTO);
            CHECK_INT(ws_close_code(ws), rows[i].is_good ? code : 0);
            buf_done(&in);
            ws_free(ws);
        }
    }
}

static void the_wrong_masking_is_refused(void) {
    for (int is_client = 0; is_client < 2; is_client++) {
        static const unsigned heads[] = { FIN | TEXT, FIN | PING, FIN | CLOSE, BINARY };
        for (size_t i = 0; i < COUNT(heads); i++) {
            struct buf in;
            buf_init(&in);
            add_frame(&in, heads[i], is_client, slice_of_text("\x03\xe8"));
            check_echo(is_client, &in, "close 1002; failed closed");
            buf_done(&in);
        }
    }
}

static void malformed_lengths_are_refused(void) {
    static const struct {
        const char *bytes;
        size_t len;
        const char *wanted;
    } rows[] = {
        /* control frames over 125 bytes */
        { BODY("\x89\xfe\x00\x7e\1\1\1\1xxxx"), "close 1002; failed closed" },
        { BODY("\x88\xff\0\0\0\0\0\1\0\0\1\1\1\1xxxx"), "close 1002; failed closed" },
        /* lengths in more bytes than needed */
        { BODY("\x82\xfe\x00\x7d\1\1\1\1xxxx"), "close 1002; failed closed" },
        { BODY("\x82\xfe\x00\x00\1\1\1\1xxxx"), "close 1002; failed closed" },
        { BODY("\x82\xff\0\0\0\0\0\0\xff\xff\1\1\1\1xxxx"), "close 1002; failed closed" },
        /* the highest bit */
        { BODY("\x82\xff\x80\0\0\0\0\0\0\1\1\1\1\1xxxx"), "close 1002; failed closed" },
        /* large ones */
        { BODY("\x82\xff\x7f\xff\xff\xff\xff\xff\xff\xff\1\1\1\1x"),
          "close 1009; failed closed" },
        { BODY("\x82\xfe\x00\xc9\1\1\1\1x"), "close 1009; failed closed" },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct buf in;
        buf_init(&in);
        buf_add(&in, rows[i].bytes, rows[i].len);
        check_echo(false, &in, rows[i].wanted);
        buf_done(&in);
    }
}

static void a_control_frame_of_125_bytes_is_answered(void) {
    uint8_t body[126];
    struct buf in;
    buf_init(&in);
    memset(body, 'x', sizeof(body));
    add_frame(&in, FIN | PING, true, slice_of(body, 125));
    auto_(mem_freep) char *got = echo(false, buf_slice(&in), 0, 1);
    CHECK_INT(strlen(got), strlen("pong ;") + 125);
    buf_clear(&in);
    add_frame(&in, FIN | PING, true, slice_of(body, 126));
    check_echo(false, &in, "close 1002; failed closed");
    buf_done(&in);
}

/* The limit is the sum of the fragments. */
static void messages_over_the_limit_end_with_1009(void) {
    uint8_t body[MESSAGE_MAX] = { 0 };
    for (size_t first = 0; first <= MESSAGE_MAX; first += 50) {
        for (size_t over = 0; over < 2; over++) {
            struct ws *ws = ws_new(false, MESSAGE_MAX);
            struct ws_message message;
            struct buf in;
            buf_init(&in);
            add_frame(&in, BINARY, true, slice_of(body, first));
            add_frame(&in, 0, true, slice_of(body, MESSAGE_MAX - first));
            add_frame(&in, FIN, true, slice_of(body, over));
            CHECK_INT(ws_feed(ws, buf_slice(&in)), over ? -EPROTO : 0);
            CHECK(ws_next(ws, &message) == !over);
            if (!over)
                CHECK_INT(message.bytes.len, MESSAGE_MAX);
            buf_clear(&in);
            if (over) {
                struct buf text;
                buf_init(&text);
                ws_drain(ws, &in);
                describe_frames(&text, buf_slice(&in), false);
                CHECK_TEXT(buf_text(&text), "close 1009;");
                buf_done(&text);
            }
            buf_done(&in);
            ws_free(ws);
        }
    }
}

static void endless_empty_fragments_are_refused(void) {
    struct ws *ws = ws_new(false, MESSAGE_MAX);
    struct buf in;
    int r;
    size_t sent = 0;
    buf_init(&in);
    add_frame(&in, TEXT, true, slice_of_text("a"));
    CHECK_INT(ws_feed(ws, buf_slice(&in)), 0);
    buf_clear(&in);
    add_frame(&in, 0, true, slice_of_text(""));
    do
        r = ws_feed(ws, buf_slice(&in));
    while (r == 0 && ++sent < 100000);
    CHECK_INT(r, -EPROTO);
    CHECK_INT(sent, 1024);
    buf_done(&in);
    ws_free(ws);
}

/* Without a drain, no more than 16 pongs wait, and the latest. */
static void a_flood_of_pings_is_bounded(void) {
    struct ws *ws = ws_new(false, MESSAGE_MAX);
    struct buf in, out, text;
    buf_init(&in);
    buf_init(&out);
    buf_init(&text);
    for (int i = 0; i < 1000; i++) {
        char body[8];
        snprintf(body, sizeof(body), "%d", i);
        buf_clear(&in);
        add_frame(&in, FIN | PING, true, slice_of_text(body));
        CHECK_INT(ws_feed(ws, buf_slice(&in)), 0);
    }
    ws_drain(ws, &out);
    CHECK(!ws_has_output(ws));
    describe_frames(&text, buf_slice(&out), false);
    CHECK_TEXT(buf_text(&text),
               "pong 0;pong 1;pong 2;pong 3;pong 4;pong 5;pong 6;pong 7;pong 8;pong "
               "9;pong 10;pong 11;pong 12;pong 13;pong 14;pong 15;pong 999;");
    buf_done(&in);
    buf_done(&out);
    buf_done(&text);
    ws_free(ws);
}

/* -- two of ours ------------------------------------------------------------------- */

static int carry(struct ws *from, struct ws *to, size_t step) {
    struct buf out;
    int r = 0;
    buf_init(&out);
    ws_drain(from, &out);
    for (size_t at = 0; r == 0 && at < out.len; at += step)
        r = ws_feed(to,
                    slice_of(out.data + at, out.len - at < step ? out.len - at : step));
    buf_done(&out);
    return r;
}

static void messages_of_any_size_arrive(void) {
    static const size_t sizes[] = { 0,    1,    125,   126,   127,   4095,  4096,
                                    4097, 8192, 65535, 65536, 65537, 200000 };
    static uint8_t body[200000];
    for (size_t i = 0; i < sizeof(body); i++)
        body[i] = (uint8_t)(i * 31 + i / 251);

    for (int is_client = 0; is_client < 2; is_client++) {
        for (size_t i = 0; i < COUNT(sizes); i++) {
            struct ws *from = ws_new(is_client, 0);
            struct ws *to = ws_new(!is_client, sizeof(body));
            struct ws_message message;

            ws_send(from, WS_BINARY, slice_of(body, sizes[i]));
            ws_send(from, WS_TEXT, slice_of_text("next"));
            CHECK_INT(carry(from, to, 1000), 0);
            CHECK(ws_next(to, &message));
            CHECK_INT(message.opcode, WS_BINARY);
            CHECK(slice_equal(message.bytes, slice_of(body, sizes[i])));
            CHECK(ws_next(to, &message));
            CHECK(slice_is_text(message.bytes, "next"));
            CHECK(!ws_next(to, &message));
            ws_free(from);
            ws_free(to);
        }
    }
}

static void pings_are_answered_and_counted(void) {
    struct ws *client = ws_new(true, MESSAGE_MAX);
    struct ws *server = ws_new(false, MESSAGE_MAX);

    ws_ping(client);
    ws_ping(client);
    CHECK_INT(carry(client, server, 1), 0);
    CHECK_INT(ws_pongs(client), 0);
    CHECK_INT(carry(server, client, 1), 0);
    CHECK_INT(ws_pongs(client), 2);
    CHECK_INT(ws_pongs(server), 0);
    ws_free(client);
    ws_free(server);
}

static void a_session_ends_in_order(void) {
    for (int is_client = 0; is_client < 2; is_client++) {
        struct ws *first = ws_new(is_client, MESSAGE_MAX);
        struct ws *other = ws_new(!is_client, MESSAGE_MAX);
        struct ws_message message;

        ws_send(first, WS_TEXT, slice_of_text("last"));
        ws_close(first, WS_CLOSE_GOING_AWAY, "restart");
        ws_close(first, WS_CLOSE_INTERNAL, "again");
        ws_send(first, WS_TEXT, slice_of_text("too late"));
        ws_ping(first);
        CHECK(!ws_is_closed(first));
        CHECK_INT(carry(first, other, 1), 0);
        CHECK_INT(ws_close_code(other), WS_CLOSE_GOING_AWAY);
        CHECK(!ws_is_closed(first) && !ws_is_closed(other));

        /* The answer waits until what came before has been taken. */
        CHECK(!ws_has_output(other));
        CHECK(ws_next(other, &message));
        CHECK(slice_is_text(message.bytes, "last"));
        ws_send(other, WS_TEXT, slice_of_text("answer"));
        CHECK(!ws_next(other, &message));
        CHECK(ws_has_output(other));
        CHECK_INT(carry(other, first, 1), 0);
        CHECK(ws_is_closed(first) && ws_is_closed(other));
        CHECK_INT(ws_close_code(first), WS_CLOSE_GOING_AWAY);
        CHECK(!ws_next(first, &message));
        CHECK(!ws_has_output(first) && !ws_has_output(other));
        ws_free(first);
        ws_free(other);
    }
}

/* Both close at the same time: neither answers the other. */
static void crossing_close_frames_end_both(void) {
    struct ws *client = ws_new(true, MESSAGE_MAX);
    struct ws *server = ws_new(false, MESSAGE_MAX);

    ws_close(client, WS_CLOSE_NORMAL, "");
    ws_close(server, WS_CLOSE_GOING_AWAY, NULL);
    CHECK_INT(carry(client, server, 1), 0);
    CHECK_INT(ws_close_code(server), WS_CLOSE_NORMAL);
    CHECK(ws_has_output(server) && !ws_is_closed(server));
    CHECK_INT(carry(server, client, 1), 0);
    CHECK(ws_is_closed(server) && ws_is_closed(client));
    CHECK_INT(ws_close_code(client), WS_CLOSE_GOING_AWAY);
    ws_free(client);
    ws_free(server);
}

/* What the peer still sends is read, kept nowhere, and not answered. */
static void nothing_is_delivered_behind_our_close(void) {
    struct ws *ws = ws_new(false, MESSAGE_MAX);
    struct ws_message message;
    struct buf in, out;
    buf_init(&in);
    buf_init(&out);
    add_frame(&in, FIN | TEXT, true, slice_of_text("a"));
    add_frame(&in, TEXT, true, slice_of_text("b"));
    CHECK_INT(ws_feed(ws, buf_slice(&in)), 0);
    ws_close(ws, WS_CLOSE_NORMAL, "");
    CHECK(!ws_next(ws, &message));
    buf_clear(&in);
    add_frame(&in, FIN, true, slice_of_text("c"));
    add_frame(&in, FIN | TEXT, true, slice_of_text("d"));
    add_frame(&in, FIN | PING, true, slice_of_text("e"));
    CHECK_INT(ws_feed(ws, buf_slice(&in)), 0);
    CHECK(!ws_next(ws, &message));
    ws_drain(ws, &out);
    CHECK_INT(out.len, 4);
    CHECK(!ws_is_closed(ws));
    buf_clear(&in);
    add_frame(&in, FIN | CLOSE, true, slice_of_text(""));
    CHECK_INT(ws_feed(ws, buf_slice(&in)), 0);
    CHECK(ws_is_closed(ws));
    CHECK_INT(ws_close_code(ws), WS_CLOSE_NO_CODE);
    buf_done(&in);
    buf_done(&out);
    ws_free(ws);
}

static void a_failure_is_for_good(void) {
    struct ws *ws = ws_new(false, MESSAGE_MAX);
    struct ws_message message;
    struct buf in;
    buf_init(&in);
    add_frame(&in, FIN | TEXT, true, slice_of_text("a"));
    add_frame(&in, FIN | 3, true, slice_of_text("b"));
    CHECK_INT(ws_feed(ws, buf_slice(&in)), -EPROTO);
    buf_clear(&in);
    add_frame(&in, FIN | TEXT, true, slice_of_text("c"));
    CHECK_INT(ws_feed(ws, buf_slice(&in)), -EPROTO);
    CHECK(!ws_is_closed(ws));
    CHECK(ws_next(ws, &message));
    CHECK(slice_is_text(message.bytes, "a"));
    CHECK(!ws_next(ws, &message));
    buf_clear(&in);
    ws_drain(ws, &in);
    CHECK(ws_is_closed(ws));
    CHECK_INT(ws_close_code(ws), 0);
    buf_done(&in);
    ws_free(ws);
}

/* The body of the only frame that is drained. */
static void check_close_frame(unsigned code, const char *reason, size_t wanted_len) {
    struct ws *ws = ws_new(false, MESSAGE_MAX);
    struct buf out, body;
    uint8_t head;
    bool is_masked;
    buf_init(&out);
    buf_init(&body);
    ws_close(ws, code, reason);
    ws_drain(ws, &out);
    CHECK_INT(cut_frame(buf_slice(&out), &head, &is_masked, &body), out.len);
    CHECK_INT(head, FIN | CLOSE);
    CHECK_INT(body.len, wanted_len);
    if (wanted_len > 2)
        CHECK(memcmp(body.data + 2, reason, wanted_len - 2) == 0);
    buf_done(&out);
    buf_done(&body);
    ws_free(ws);
}

static void reasons_are_cut_between_characters(void) {
    char reason[300];
    memset(reason, 'x', sizeof(reason));
    reason[299] = '\0';
    check_close_frame(1000, reason, 125);
    memcpy(reason + 121, "\xe2\x82\xac", 3); /* would need the 124th byte */
    check_close_frame(1000, reason, 123);
    memcpy(reason + 120, "\xe2\x82\xacx", 4); /* just fits */
    check_close_frame(1000, reason, 125);
    reason[123] = '\0';
    check_close_frame(1000, reason, 125);
    check_close_frame(1000, "", 2);
    check_close_frame(1000, NULL, 2);
    check_close_frame(WS_CLOSE_NO_CODE, "x", 0);
}

/* -- handshake --------------------------------------------------------------------- */

static void add_lines(struct headers *head, const char *lines) {
    while (*lines) {
        size_t name_len = strcspn(lines + 1, ":") + 1;
        size_t len = strcspn(lines, "\n");
        CHECK(headers_add_slice(head, slice_of(lines, name_len),
                                slice_of(lines + name_len + 2, len - name_len - 2)));
        lines += len + 1;
    }
}

#define GET     ":method: GET\n:path: /\nhost: a\n"
#define UPGRADE "upgrade: websocket\nconnection: Upgrade\n"
#define KEY     "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\n"
#define VERSION "sec-websocket-version: 13\n"

static void handshakes_are_checked(void) {
    static const struct {
        const char *lines;
        bool is_good;
    } rows[] = {
        { GET UPGRADE KEY VERSION, true },
        { GET KEY VERSION "upgrade: WebSocket\nconnection: keep-alive, upgrade\n", true },
        { GET KEY VERSION "upgrade: x, websocket\nconnection: x\nconnection: UPGRADE\n",
          true },
        { GET UPGRADE KEY VERSION "sec-websocket-extensions: permessage-deflate\n",
          true },
        { ":method: POST\n:path: /\nhost: a\n" UPGRADE KEY VERSION, false },
        { ":path: /\nhost: a\n" UPGRADE KEY VERSION, false },
        { ":method: GET\n:path: /\n" UPGRADE KEY VERSION, false },
        { GET KEY VERSION, false },
        { GET "upgrade: websocket\n" KEY VERSION, false },
        { GET "connection: upgrade\n" KEY VERSION, false },
        { GET "upgrade: websockets\nconnection: upgrade\n" KEY VERSION, false },
        { GET "upgrade: websocket\nconnection: upgraded\n" KEY VERSION, false },
        { GET UPGRADE VERSION, false },
        { GET UPGRADE KEY, false },
        { GET UPGRADE KEY KEY VERSION, false },
        { GET UPGRADE KEY VERSION VERSION, false },
        { GET UPGRADE KEY "sec-websocket-version: 8\n", false },
        { GET UPGRADE KEY "sec-websocket-version: 13, 8\n", false },
        { GET UPGRADE KEY "sec-websocket-version: 013\n", false },
        { GET UPGRADE VERSION "sec-websocket-key: \n", false },
        { GET UPGRADE VERSION "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ=\n", false },
        { GET UPGRADE VERSION "sec-websocket-key: dGhlIHNhbXBsZSBub25jZ\n", false },
        { GET UPGRADE VERSION "sec-websocket-key: dGhlIHNhbXBsZSBub25jZWU=\n", false },
        { GET UPGRADE VERSION "sec-websocket-key: dGhlIHNhbXBsZSBub2_jZQ==\n", false },
        { GET UPGRADE VERSION "sec-websocket-key: dGhlIHNhbXBsZSBub25jZR==\n", false },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct headers head;
        headers_init(&head);
        add_lines(&head, rows[i].lines);
        CHECK(ws_is_handshake(&head) == rows[i].is_good);
        headers_done(&head);
    }
}

/* RFC 6455, 1.3. */
static void the_answer_is_that_of_the_standard(void) {
    struct headers request, response;
    headers_init(&request);
    headers_init(&response);
    add_lines(&request, GET UPGRADE KEY VERSION);
    ws_accept(&request, "chat", &response);
    CHECK_TEXT(headers_get(&response, ":status"), "101");
    CHECK_TEXT(headers_get(&response, "upgrade"), "websocket");
    CHECK_TEXT(headers_get(&response, "connection"), "Upgrade");
    CHECK_TEXT(headers_get(&response, "sec-websocket-accept"),
               "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    CHECK_TEXT(headers_get(&response, "sec-websocket-protocol"), "chat");
    headers_done(&request);
    headers_done(&response);
}

static void our_request_gets_our_answer(void) {
    static const char *const protocols[] = { NULL, "ptth.h2" };
    for (size_t i = 0; i < COUNT(protocols); i++) {
        struct headers request, response;
        char key[25], other[25];
        headers_init(&request);
        headers_init(&response);
        ws_request("/link", "hub:8000", protocols[i], &request, other);
        headers_done(&request);
        ws_request("/link", "hub:8000", protocols[i], &request, key);
        CHECK(strcmp(key, other) != 0);
        CHECK(ws_is_handshake(&request));
        CHECK_TEXT(headers_get(&request, ":path"), "/link");
        CHECK_TEXT(headers_get(&request, "host"), "hub:8000");
        ws_accept(&request, protocols[i], &response);
        CHECK(ws_is_accepted(&response, key, protocols[i]));
        CHECK(!ws_is_accepted(&response, other, protocols[i]));
        CHECK(!ws_is_accepted(&response, key, protocols[!i]));
        CHECK(!ws_is_accepted(&response, key, "else"));
        headers_done(&request);
        headers_done(&response);
    }
}

#define ACCEPT "sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\n"

static void answers_are_checked(void) {
    static const struct {
        const char *lines;
        bool is_good;
    } rows[] = {
        { ":status: 101\n" UPGRADE ACCEPT, true },
        { ":status: 101\nupgrade: WEBSOCKET\nconnection: upgrade\n" ACCEPT, true },
        { ":status: 200\n" UPGRADE ACCEPT, false },
        { UPGRADE ACCEPT, false },
        { ":status: 101\n" ACCEPT, false },
        { ":status: 101\nupgrade: websocket\n" ACCEPT, false },
        { ":status: 101\n" UPGRADE, false },
        { ":status: 101\n" UPGRADE ACCEPT ACCEPT, false },
        { ":status: 101\n" UPGRADE "sec-websocket-accept: S3pPLMBiTxaQ9kYGzzhZRbK+xOo=\n",
          false },
        { ":status: 101\n" UPGRADE ACCEPT
          "sec-websocket-extensions: permessage-deflate\n",
          false },
        { ":status: 101\n" UPGRADE ACCEPT "sec-websocket-protocol: chat\n", false },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct headers head;
        headers_init(&head);
        add_lines(&head, rows[i].lines);
        CHECK(ws_is_accepted(&head, "dGhlIHNhbXBsZSBub25jZQ==", NULL) == rows[i].is_good);
        headers_done(&head);
    }
}

TESTS(TEST(conversations_go_by_the_book),
      TEST(close_codes_are_checked),
      TEST(the_wrong_masking_is_refused),
      TEST(malformed_lengths_are_refused),
      TEST(a_control_frame_of_125_bytes_is_answered),
      TEST(messages_over_the_limit_end_with_1009),
      TEST(endless_empty_fragments_are_refused),
      TEST(a_flood_of_pings_is_bounded),
      TEST(messages_of_any_size_arrive),
      TEST(pings_are_answered_and_counted),
      TEST(a_session_ends_in_order),
      TEST(crossing_close_frames_end_both),
      TEST(nothing_is_delivered_behind_our_close),
      TEST(a_failure_is_for_good),
      TEST(reasons_are_cut_between_characters),
      TEST(handshakes_are_checked),
      TEST(the_answer_is_that_of_the_standard),
      TEST(our_request_gets_our_answer),
      TEST(answers_are_checked))
