/*
 * h2_testing - a peer for tests of h2
 *
 * A pair is two sessions that talk in memory. A peer that follows no rule cannot be
 * played by a second session, so the others write frames byte by byte (RFC 9113, 4.1) and
 * find frames in what a session drained.
 */
#pragma once

#include "base/check.h"
#include "wire/h2.h"

enum {
    H2_TESTING_DATA = 0,
    H2_TESTING_HEADERS = 1,
    H2_TESTING_PRIORITY = 2,
    H2_TESTING_RST_STREAM = 3,
    H2_TESTING_SETTINGS = 4,
    H2_TESTING_PING = 6,
    H2_TESTING_GOAWAY = 7,
    H2_TESTING_WINDOW_UPDATE = 8,
    H2_TESTING_CONTINUATION = 9,

    H2_TESTING_END_STREAM = 1,
    H2_TESTING_END_HEADERS = 4,
};

/* GET https://a/ and :status 200 in HPACK, from the static table alone. */
#define H2_TESTING_GET "\x82\x87\x84\x41\x01\x61"
#define H2_TESTING_OK  "\x88"

static const struct h2_limits h2_testing_limits = {
    .streams_max = 100,
    .window = 65536,
    .header_bytes_max = 16384,
};

static inline void h2_testing_add_number(struct buf *out, uint32_t number, int bytes) {
    while (bytes-- > 0)
        buf_add_byte(out, (uint8_t)(number >> (8 * bytes)));
}

/* Appends one frame. */
static inline void h2_testing_add(
    struct buf *out, uint8_t type, uint8_t flags, uint32_t id, struct slice body) {
    h2_testing_add_number(out, (uint32_t)body.len, 3);
    buf_add_byte(out, type);
    buf_add_byte(out, flags);
    h2_testing_add_number(out, id, 4);
    buf_add_slice(out, body);
}

/* Appends a frame whose body is one number of 32 bits. */
static inline void h2_testing_add_word(struct buf *out,
                                       uint8_t type,
                                       uint32_t id,
                                       uint32_t word) {
    h2_testing_add_number(out, 4, 3);
    buf_add_byte(out, type);
    buf_add_byte(out, 0);
    h2_testing_add_number(out, id, 4);
    h2_testing_add_number(out, word, 4);
}

/* Appends HEADERS with END_HEADERS and a block of HPACK. */
static inline void h2_testing_add_head(struct buf *out,
                                       uint32_t id,
                                       bool ends,
                                       struct slice block) {
    uint8_t flags = H2_TESTING_END_HEADERS | (ends ? H2_TESTING_END_STREAM : 0);
    h2_testing_add(out, H2_TESTING_HEADERS, flags, id, block);
}

static inline void h2_testing_add_get(struct buf *out, uint32_t id, bool ends) {
    h2_testing_add_head(out, id, ends, slice_of_text(H2_TESTING_GET));
}

/* What a peer says first: a client's magic (towards a server), and empty SETTINGS. */
static inline void h2_testing_add_hello(struct buf *out, enum h2_role towards) {
    if (towards == H2_SERVER)
        buf_add_text(out, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    h2_testing_add(out, H2_TESTING_SETTINGS, 0, 0, slice_of(NULL, 0));
}

/* A session that has said and heard the hello; its own first frames are drained. */
static inline struct h2 *h2_testing_new(enum h2_role role,
                                        const struct h2_limits *limits) {
    struct h2 *h2 = h2_new(role, limits);
    struct buf bytes = { 0 };
    h2_testing_add_hello(&bytes, role);
    CHECK_INT(h2_feed(h2, buf_slice(&bytes)), 0);
    buf_clear(&bytes);
    CHECK_INT(h2_drain(h2, &bytes, SIZE_MAX), 0);
    buf_done(&bytes);
    return h2;
}

static inline uint32_t h2_testing_number(const uint8_t *at, int bytes) {
    uint32_t number = 0;
    for (int i = 0; i < bytes; i++)
        number = number << 8 | at[i];
    return number;
}

/* Finds the first frame of a type: false, or its stream and body. */
static inline bool h2_testing_find(struct slice bytes,
                                   uint8_t type,
                                   uint32_t *ret_id,
                                   struct slice *ret_body) {
    while (bytes.len >= 9) {
        size_t len = h2_testing_number(bytes.at, 3);
        CHECK(bytes.len >= 9 + len);
        if (bytes.at[3] == type) {
            *ret_id = h2_testing_number(bytes.at + 5, 4);
            *ret_body = slice_of(bytes.at + 9, len);
            return true;
        }
        bytes = slice_after(bytes, 9 + len);
    }
    return false;
}

/* Drains all and drops it; returns how many bytes there were. */
static inline size_t h2_testing_drop_output(struct h2 *h2) {
    struct buf bytes = { 0 };
    CHECK_INT(h2_drain(h2, &bytes, SIZE_MAX), 0);
    size_t len = bytes.len;
    buf_done(&bytes);
    return len;
}

/* Drains all: the error code of the GOAWAY among it, or -1. */
static inline int64_t h2_testing_goaway_code(struct h2 *h2) {
    struct buf bytes = { 0 };
    struct slice body;
    uint32_t id;
    int64_t code = -1;

    CHECK_INT(h2_drain(h2, &bytes, SIZE_MAX), 0);
    if (h2_testing_find(buf_slice(&bytes), H2_TESTING_GOAWAY, &id, &body))
        code = h2_testing_number(body.at + 4, 4);
    buf_done(&bytes);
    return code;
}

/* Takes every stream with news and forgets it. */
static inline size_t h2_testing_release_news(struct h2 *h2) {
    size_t count = 0;
    struct h2_stream *stream;
    while ((stream = h2_next(h2))) {
        h2_stream_release(stream);
        count++;
    }
    return count;
}

/* Two sessions that talk in memory. */
struct h2_testing_pair {
    struct h2 *client; /* owned */
    struct h2 *server; /* owned */
};

static inline struct h2_testing_pair h2_testing_pair_new(const struct h2_limits *limits) {
    return (struct h2_testing_pair) { h2_new(H2_CLIENT, limits),
                                      h2_new(H2_SERVER, limits) };
}

static inline void h2_testing_pair_free(struct h2_testing_pair *pair) {
    pair->client = h2_free(pair->client);
    pair->server = h2_free(pair->server);
}

/* Carries what waits at one side to the other; says whether there was anything. */
static inline bool h2_testing_carry(struct h2 *from, struct h2 *to) {
    struct buf bytes = { 0 };
    CHECK_INT(h2_drain(from, &bytes, 65536), 0);
    bool any = bytes.len > 0;
    CHECK_INT(h2_feed(to, buf_slice(&bytes)), 0);
    buf_done(&bytes);
    return any;
}

/* Carries both ways until both are silent. */
static inline void h2_testing_talk(struct h2_testing_pair *pair) {
    bool more = true;
    while (more) {
        more = h2_testing_carry(pair->client, pair->server);
        more = h2_testing_carry(pair->server, pair->client) || more;
    }
}

/* A request of the client, with one more field unless extra is NULL. */
static inline struct h2_stream *h2_testing_ask_with(struct h2 *client,
                                                    bool has_body,
                                                    const char *extra) {
    struct headers head = { 0 };
    headers_add(&head, ":method", has_body ? "POST" : "GET");
    headers_add(&head, ":scheme", "https");
    headers_add(&head, ":authority", "node");
    headers_add(&head, ":path", "/pkg.Service/Method");
    headers_add(&head, "te", "trailers");
    if (extra)
        headers_add(&head, "extra", extra);
    struct h2_stream *stream = h2_request(client, &head, has_body);
    headers_done(&head);
    return stream;
}

static inline struct h2_stream *h2_testing_ask(struct h2 *client, bool has_body) {
    return h2_testing_ask_with(client, has_body, NULL);
}

static inline void h2_testing_answer(struct h2_stream *stream, bool has_body) {
    struct headers head = { 0 };
    headers_add(&head, ":status", "200");
    headers_add(&head, "content-type", "application/grpc");
    h2_respond(stream, &head, has_body);
    headers_done(&head);
}

static inline void h2_testing_end(struct h2_stream *stream) {
    struct headers trailers = { 0 };
    headers_add(&trailers, "grpc-status", "0");
    h2_stream_end(stream, &trailers);
    headers_done(&trailers);
}

/* Takes everything that came, and gives credit for it. */
static inline size_t h2_testing_take(struct h2_stream *stream) {
    size_t len = stream->in.len;
    pipe_drop(&stream->in, len);
    h2_stream_consume(stream, len);
    return len;
}
