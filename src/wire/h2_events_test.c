#include "wire/h2_testing.h"

/* What a server or client makes of one hostile frame, or a few, after the hello. */
struct row {
    const char *what;
    const char *hex; /* spaces are ignored */
    int64_t goaway;  /* code of the GOAWAY, -1: the connection lives */
    int64_t reset;   /* code of a RST_STREAM for stream 1, -1: none */
};

enum {
    NONE = -1,
    PROTOCOL = 1,
    FLOW_CONTROL = 3,
    STREAM_CLOSED = 5,
    FRAME_SIZE = 6,
    CANCEL = 8,
    COMPRESSION = 9,
};

/* HEADERS of GET on stream 1, with END_HEADERS and with or without END_STREAM. */
#define GET      "000006 01 05 00000001 828784410161 "
#define GET_OPEN "000006 01 04 00000001 828784410161 "

static const struct row server_rows[] = {
    { "a request", GET, NONE, NONE },
    { "DATA on stream 0", "000001 00 00 00000000 00", PROTOCOL, NONE },
    { "DATA on an idle stream", "000001 00 00 00000001 00", PROTOCOL, NONE },
    { "DATA after END_STREAM", GET "000001 00 00 00000001 00", STREAM_CLOSED, NONE },
    { "DATA with more padding than body", GET_OPEN "000002 00 08 00000001 05 00",
      PROTOCOL, NONE },
    { "a request on stream 0", "000006 01 05 00000000 828784410161", PROTOCOL, NONE },
    { "a request on an even stream", "000006 01 05 00000002 828784410161", PROTOCOL,
      NONE },
    { "a request on a lower stream",
      "000006 01 05 00000003 828784410161 000006 01 05 00000001 828784410161", PROTOCOL,
      NONE },
    { "DATA after RST_STREAM",
      GET_OPEN "000004 03 00 00000001 00000008 000001 00 01 00000001 61", NONE,
      STREAM_CLOSED },
    { "HEADERS after RST_STREAM",
      GET_OPEN "000004 03 00 00000001 00000008 000006 01 05 00000001 828784410161", NONE,
      STREAM_CLOSED },
    { "HEADERS with more padding than body", "000002 01 0d 00000001 09 82", PROTOCOL,
      NONE },
    { "HEADERS that depend on themselves",
      "00000b 01 25 00000001 00000001 10 828784410161", PROTOCOL, NONE },
    { "HEADERS that never end, then DATA",
      "000006 01 00 00000001 828784410161 000000 00 01 00000001", PROTOCOL, NONE },
    { "CONTINUATION of another stream",
      "000003 01 00 00000001 828784 000003 09 04 00000003 410161", PROTOCOL, NONE },
    { "eight CONTINUATION",
      "000001 01 01 00000001 82 000001 09 00 00000001 87 000001 09 00 00000001 84"
      "000001 09 00 00000001 41 000001 09 00 00000001 01 000001 09 00 00000001 61"
      "000000 09 00 00000001    000000 09 00 00000001    000000 09 04 00000001",
      NONE, NONE },
    { "CONTINUATION of nothing", "000006 09 04 00000001 828784410161", PROTOCOL, NONE },
    { "PRIORITY of the wrong size", "000004 02 00 00000001 00000000", FRAME_SIZE, NONE },
    { "PRIORITY on stream 0", "000005 02 00 00000000 0000000010", PROTOCOL, NONE },
    { "PRIORITY on itself", "000005 02 00 00000001 0000000110", PROTOCOL, NONE },
    { "RST_STREAM on stream 0", "000004 03 00 00000000 00000008", PROTOCOL, NONE },
    { "RST_STREAM on an idle stream", "000004 03 00 00000001 00000008", PROTOCOL, NONE },
    { "RST_STREAM of the wrong size", GET_OPEN "000003 03 00 00000001 000008", FRAME_SIZE,
      NONE },
    { "SETTINGS of the wrong size", "000005 04 00 00000000 0000000000", FRAME_SIZE,
      NONE },
    { "SETTINGS on a stream", "000000 04 00 00000001", PROTOCOL, NONE },
    { "SETTINGS ACK with a body", "000006 04 01 00000000 000300000001", FRAME_SIZE,
      NONE },
    { "SETTINGS ACK for nothing", "000000 04 01 00000000 000000 04 01 00000000", PROTOCOL,
      NONE },
    { "ENABLE_PUSH of 2", "000006 04 00 00000000 000200000002", PROTOCOL, NONE },
    { "INITIAL_WINDOW_SIZE of 2^31", "000006 04 00 00000000 000480000000", FLOW_CONTROL,
      NONE },
    { "MAX_FRAME_SIZE of 100", "000006 04 00 00000000 000500000064", PROTOCOL, NONE },
    { "an unknown setting", "000006 04 00 00000000 00fe00000064", NONE, NONE },
    { "PUSH_PROMISE from a client", GET "000005 05 04 00000001 0000000282", PROTOCOL,
      NONE },
    { "PING of the wrong size", "000007 06 00 00000000 00000000000000", FRAME_SIZE,
      NONE },
    { "PING on a stream", "000008 06 00 00000001 0000000000000000", PROTOCOL, NONE },
    { "GOAWAY on a stream", "000008 07 00 00000001 0000000000000000", PROTOCOL, NONE },
    { "GOAWAY of the wrong size", "000004 07 00 00000000 00000000", FRAME_SIZE, NONE },
    { "WINDOW_UPDATE of the wrong size", "000003 08 00 00000000 000001", FRAME_SIZE,
      NONE },
    { "WINDOW_UPDATE of 0", "000004 08 00 00000000 00000000", PROTOCOL, NONE },
    { "WINDOW_UPDATE over 2^31", "000004 08 00 00000000 7fffffff", FLOW_CONTROL, NONE },
    { "WINDOW_UPDATE on an idle stream", "000004 08 00 00000001 00000001", PROTOCOL,
      NONE },
    { "a stream's WINDOW_UPDATE of 0", GET "000004 08 00 00000001 00000000", PROTOCOL,
      NONE },
    { "a stream's WINDOW_UPDATE over 2^31", GET "000004 08 00 00000001 7fffffff", NONE,
      FLOW_CONTROL },
    { "an unknown frame", "000003 ff 00 00000000 000000", NONE, NONE },
    { "a frame of 16,385 bytes", "004001 00 00 00000001", FRAME_SIZE, NONE },
    { "HPACK index 0", "000001 01 05 00000001 80", COMPRESSION, NONE },
    { "an HPACK index beyond the table", "000001 01 05 00000001 fe", COMPRESSION, NONE },
    { "an HPACK number without end", "000006 01 05 00000001 ffffffffffff", COMPRESSION,
      NONE },
    { "an HPACK table over the limit", "000004 01 05 00000001 3fffff03", COMPRESSION,
      NONE },
    { "an HPACK string cut short", "000003 01 05 00000001 400561", COMPRESSION, NONE },
    { "no :path", "000005 01 05 00000001 8287410161", NONE, PROTOCOL },
    { "an empty :path", "000008 01 05 00000001 8287410161 0400", NONE, PROTOCOL },
    { "two :method", "000007 01 05 00000001 82828784410161", NONE, PROTOCOL },
    { "a response's field", "000007 01 05 00000001 82878441016188", NONE, PROTOCOL },
    { "an unknown pseudo-header", "00000c 01 05 00000001 828784410161 00023a610161", NONE,
      PROTOCOL },
    { "a pseudo-header behind a field", "00000b 01 05 00000001 8287 0001610162 84410161",
      NONE, PROTOCOL },
    { "a name in upper case", "00000b 01 05 00000001 828784410161 0001410162", NONE,
      PROTOCOL },
    { "a name with a space", "00000b 01 05 00000001 828784410161 0001200162", NONE,
      PROTOCOL },
    { "a value with LF", "00000b 01 05 00000001 828784410161 000161010a", NONE,
      PROTOCOL },
    { "a value with NUL", "00000b 01 05 00000001 828784410161 0001610100", NONE,
      PROTOCOL },
    { "connection: close",
      "000018 01 05 00000001 828784410161 000a636f6e6e656374696f6e 05636c6f7365", NONE,
      PROTOCOL },
    { "te: gzip", "00000f 01 05 00000001 828784410161 00027465 04677a6970", NONE,
      PROTOCOL },
    { "content-length: x", "00000a 01 05 00000001 828784410161 0f0d0178", NONE,
      PROTOCOL },
    { "less body than content-length", "00000a 01 05 00000001 828784410161 0f0d0135",
      NONE, PROTOCOL },
    { "more body than content-length",
      "00000a 01 04 00000001 828784410161 0f0d0131 000002 00 01 00000001 6161", NONE,
      PROTOCOL },
    { "trailers that do not end", GET_OPEN "000005 01 04 00000001 0001610162", NONE,
      PROTOCOL },
    { "CONNECT with :path", "00000e 01 05 00000001 87844101610207434f4e4e454354", NONE,
      PROTOCOL },
};

static const struct row client_rows[] = {
    { "an answer", "000001 01 05 00000001 88", NONE, NONE },
    { "no :status", "000005 01 05 00000001 0001610162", NONE, PROTOCOL },
    { "a request's field", "000002 01 05 00000001 8882", NONE, PROTOCOL },
    { "two :status", "000002 01 05 00000001 8888", NONE, PROTOCOL },
    { "DATA before the head", "000001 00 00 00000001 61", PROTOCOL, NONE },
    { "an informational answer that ends", "000005 01 05 00000001 0803313030", NONE,
      PROTOCOL },
    { "PUSH_PROMISE before our SETTINGS are known", "000005 05 04 00000001 0000000282",
      NONE, CANCEL },
    { "PUSH_PROMISE", "000000 04 01 00000000 000005 05 04 00000001 0000000282", PROTOCOL,
      NONE },
    { "an answer on an even stream", "000001 01 05 00000002 88", PROTOCOL, NONE },
    { "an answer on an idle stream", "000001 01 05 00000003 88", PROTOCOL, NONE },
    { "ENABLE_PUSH of 1 from a server", "000006 04 00 00000000 000200000001", PROTOCOL,
      NONE },
};

static unsigned digit_of(char c) {
    return (unsigned)(c <= '9' ? c - '0' : c - 'a' + 10);
}

static void add_hex(struct buf *out, const char *hex) {
    while (*hex) {
        if (*hex == ' ') {
            hex++;
            continue;
        }
        buf_add_byte(out, (uint8_t)(digit_of(hex[0]) << 4 | digit_of(hex[1])));
        hex += 2;
    }
}

/* Feeds in pieces of step bytes, draining at the end; returns the last h2_feed(). */
static int feed_in_steps(struct h2 *h2, struct slice bytes, size_t step) {
    int r = 0;
    while (bytes.len > 0 && r == 0) {
        size_t n = bytes.len < step ? bytes.len : step;
        r = h2_feed(h2, slice_of(bytes.at, n));
        bytes = slice_after(bytes, n);
    }
    return r;
}

/* Did the session say to its peer what the row wants, and nothing else? */
static bool is_as_said(struct h2 *h2, const struct row *row, int r) {
    struct buf out = { 0 };
    struct slice body;
    uint32_t id;
    int64_t goaway = NONE, reset = NONE;

    CHECK_INT(h2_drain(h2, &out, SIZE_MAX), 0);
    if (h2_testing_find(buf_slice(&out), H2_TESTING_GOAWAY, &id, &body))
        goaway = h2_testing_number(body.at + 4, 4);
    if (h2_testing_find(buf_slice(&out), H2_TESTING_RST_STREAM, &id, &body))
        reset = h2_testing_number(body.at, 4);
    buf_done(&out);
    bool same = goaway == row->goaway && reset == row->reset &&
                (r < 0) == (row->goaway >= 0) && h2_is_alive(h2) == (row->goaway < 0);
    if (!same)
        print_error("%s: feed %d, alive %d, GOAWAY %d, RST_STREAM %d\n", row->what, r,
                    h2_is_alive(h2), (int)goaway, (int)reset);
    return same;
}

static bool row_holds(enum h2_role role, const struct row *row, size_t step) {
    struct h2 *h2 = h2_testing_new(role, &h2_testing_limits);
    struct h2_stream *asked = role == H2_CLIENT ? h2_testing_ask(h2, false) : NULL;
    struct buf in = { 0 };

    h2_testing_drop_output(h2);
    add_hex(&in, row->hex);
    bool holds = is_as_said(h2, row, feed_in_steps(h2, buf_slice(&in), step));
    buf_done(&in);
    struct h2_stream *stream;
    while ((stream = h2_next(h2)))
        if (stream != asked)
            h2_stream_release(stream);
    if (asked) {
        /* CANCEL is for a promised stream, not the one that was asked for. */
        bool ends = row->goaway >= 0 || (row->reset >= 0 && row->reset != CANCEL);
        holds = holds && (!ends || (asked->closed && !asked->in_ended));
        h2_stream_release(asked);
    }
    h2_free(h2);
    return holds;
}

static void check_rows(enum h2_role role, const struct row *rows, size_t count) {
    size_t wrong = 0;
    for (size_t i = 0; i < count; i++) {
        wrong += !row_holds(role, &rows[i], SIZE_MAX);
        wrong += !row_holds(role, &rows[i], 1);
    }
    CHECK_INT(wrong, 0);
}

static void a_server_ends_what_breaks_the_rules(void) {
    check_rows(H2_SERVER, server_rows, sizeof(server_rows) / sizeof(server_rows[0]));
}

static void a_client_ends_what_breaks_the_rules(void) {
    check_rows(H2_CLIENT, client_rows, sizeof(client_rows) / sizeof(client_rows[0]));
}

static void what_is_not_http2_is_refused(void) {
    static const char *const rows[] = {
        "GET / HTTP/1.1\r\n\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\nGET / HTTP/1.1\r\n\r\n",
        "PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n",
        "\x16\x03\x01\x02",
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct h2 *h2 = h2_new(H2_SERVER, &h2_testing_limits);
        CHECK(h2_feed(h2, slice_of_text(rows[i])) < 0);
        CHECK(h2_testing_goaway_code(h2) >= 0);
        CHECK(h2_feed(h2, slice_of_text("x")) < 0);
        CHECK(!h2_is_alive(h2));
        h2_free(h2);
    }
}

TESTS(TEST(a_server_ends_what_breaks_the_rules),
      TEST(a_client_ends_what_breaks_the_rules),
      TEST(what_is_not_http2_is_refused))
