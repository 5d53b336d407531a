/*
 * yamux - streams over one ordered stream of bytes, without I/O
 *
 * The client's side of yamux, protocol version 0, as hashicorp's library of 2019 speaks
 * it: feed bytes, take events, drain bytes. We open the streams (ids 1, 3, 5...); those
 * that the peer opens are reset. Each stream has a window of 262,144 bytes a side; ours
 * is given back, half a window at a time, as the owner says what it took.
 *
 *   open --yamux_end()--> ours ended --YAMUX_ENDED--> over --yamux_release()--> gone
 *      \-- YAMUX_ENDED --> theirs ended --yamux_end()--> over
 *       \------------------ YAMUX_RESET ---------------> over
 *
 * A frame is the version (0), a type, 16 bits of flags, 32 of the stream and 32 of the
 * length, big-endian; only data frames have a body. Memory: what was fed and not taken,
 * and what was sent and not drained. Of the peer's pings and streams at most
 * YAMUX_ANSWERS_MAX are answered for each drain; the others are passed over.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

struct yamux;
struct yamux_stream;

enum {
    YAMUX_HEAD_LEN = 12,
    YAMUX_WINDOW = 262144,
    YAMUX_BACKLOG = 256,     /* streams that the peer has not acknowledged */
    YAMUX_ANSWERS_MAX = 256, /* control frames that a peer can make us say at once */
};

/* Why a side goes away. */
enum { YAMUX_NORMAL = 0, YAMUX_PROTOCOL = 1, YAMUX_INTERNAL = 2 };

/* What yamux_next() may answer besides 0 and -EPROTO. */
enum {
    YAMUX_E_MORE = 1, /* nothing more in what was fed */
};

enum yamux_kind {
    YAMUX_DATA,     /* bytes, lent until the next yamux_next() or yamux_feed() */
    YAMUX_WRITABLE, /* the window was used up and is open again */
    YAMUX_ENDED,    /* the peer says no more on this stream */
    YAMUX_RESET,    /* the stream is over at once */
    YAMUX_AWAY,     /* code: the peer takes no new streams; not 0: nor does it go on */
};

struct yamux_event {
    enum yamux_kind kind;
    struct yamux_stream *stream; /* borrowed: the yamux; NULL of YAMUX_AWAY */
    struct slice bytes;
    uint32_t code;
};

struct yamux *yamux_new(void);

/* Frees it and every stream. NULL is fine. Always returns NULL. */
struct yamux *yamux_free(struct yamux *yamux);

/* Copies the bytes in; then take every event. */
void yamux_feed(struct yamux *yamux, struct slice bytes);

/*
 * Takes the next event: 0, YAMUX_E_MORE, or -EPROTO now and ever after: the peer broke a
 * rule, and the go-away that says so waits in the drain.
 */
int yamux_next(struct yamux *yamux, struct yamux_event *ret_event);

/* Opens a stream, to be released; NULL while yamux_can_open() is false. */
struct yamux_stream *yamux_open(struct yamux *yamux, void *user);

/* False once either side went away, and while YAMUX_BACKLOG streams wait for the peer. */
bool yamux_can_open(const struct yamux *yamux);

/* What the opener gave. */
void *yamux_user(const struct yamux_stream *stream);

/* How much yamux_write() takes now. */
size_t yamux_room(const struct yamux_stream *stream);

/* Queues one frame; bytes.len is at most yamux_room(). */
void yamux_write(struct yamux_stream *stream, struct slice bytes);

/* The owner took count bytes of what came: the peer may send as many more. */
void yamux_taken(struct yamux_stream *stream, size_t count);

/* We say no more on this stream. */
void yamux_end(struct yamux_stream *stream);

/* The owner lets go; a stream that is not over is reset. NULL is fine. */
void yamux_release(struct yamux_stream *stream);

/* Asks for a sign of life; any bytes that come are one. */
void yamux_ping(struct yamux *yamux);

/* Says that we take no new streams, with one of the codes above; only the first counts.
 */
void yamux_go_away(struct yamux *yamux, uint32_t code);

/* Appends what waits to be sent. */
void yamux_drain(struct yamux *yamux, struct buf *out);
bool yamux_has_output(const struct yamux *yamux);
