/*
 * h2 - one HTTP/2 connection without I/O (RFC 9113)
 *
 * Feed it bytes, take events, drain bytes. The engine (nghttp2) only records; decisions
 * are taken by the owner after h2_feed() has returned, by asking h2_next() for the
 * streams that have news until it gives NULL. Draining makes news too: room in an output
 * that was full, and streams that end with their last frame. Both roles are served; on a
 * link the acceptor is the client.
 *
 * Flow control: connection credit returns on receipt; stream credit returns with
 * h2_stream_consume(), so a stream that nobody reads stops its own sender and no other.
 * On a far path the window of a stream that is read grows (h2_window.h).
 * Outgoing bodies wait in the stream's pipe; h2_stream_room() says when it is full.
 *
 * Floods (rapid reset, CONTINUATION, SETTINGS, PING, empty DATA, window games) and broken
 * frames end the connection: h2_feed() returns -EPROTO and a GOAWAY waits in the drain. A
 * head over the limit ends its stream alone: a server answers it with 431 and its owner
 * never sees it.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/pipe.h"
#include "wire/headers.h"

struct h2;
struct h2_mem_pool;
struct h2_window_budget;

enum h2_role { H2_CLIENT, H2_SERVER };

struct h2_limits {
    uint32_t streams_max; /* SETTINGS_MAX_CONCURRENT_STREAMS: what the peer may open */
    uint32_t window;      /* initial stream window that we grant, 64 KiB */
    uint32_t header_bytes_max; /* SETTINGS_MAX_HEADER_LIST_SIZE, enforced */
    bool trust_resets; /* a link's agent: the peer is our hub, resets are no attack */
    struct h2_window_budget *windows; /* borrowed: outlives the connection; what stream
                                         windows grow by; NULL: they do not */
    struct h2_mem_pool *pool; /* borrowed: the connection takes a reference; NULL: it
                                 keeps what it frees for itself */
};

/* RFC 9113, 7. The ones that we send. */
enum h2_error {
    H2_NO_ERROR = 0,
    H2_PROTOCOL_ERROR = 1,
    H2_INTERNAL_ERROR = 2,
    H2_REFUSED_STREAM = 7,
    H2_CANCEL = 8,
    H2_CONNECT_ERROR = 10, /* of a tunnel: its TCP connection was reset */
    H2_ENHANCE_YOUR_CALM = 11,
};

/*
 * One stream. It belongs to the connection until h2_stream_release(): the engine may
 * close it earlier, then `closed` is set and it stays readable. All fields are for
 * reading.
 */
struct h2_stream {
    struct h2 *h2;       /* borrowed; NULL once the connection is freed */
    void *user;          /* the owner's; NULL at first */
    struct headers head; /* request (server) or final response (client) header fields */
    struct headers trailers;
    struct pipe in; /* body bytes not yet consumed */
    int32_t id;
    bool has_head; /* head is complete */
    bool in_ended; /* the peer's END_STREAM: trailers, if any, are complete */
    bool closed; /* no more events: reset, or both sides ended, or the connection is over
                  */
    uint32_t reset_code; /* when closed by RST_STREAM or the connection's end: an error
                            code of RFC 9113, 7 */
    bool was_reset;      /* by a RST_STREAM of either side, not the connection's end */
    bool refused;        /* the peer surely has not processed it (REFUSED_STREAM or above
                            GOAWAY's last id) */
};

/*
 * Blocks that connections have freed, for the next one of the same thread that needs
 * some: many that are idle keep none each. Counted.
 */
struct h2_mem_pool *h2_mem_pool_new(void);

/* Gives one reference back. NULL is fine; always returns NULL. */
struct h2_mem_pool *h2_mem_pool_free(struct h2_mem_pool *pool);

/* Makes a connection; its preface and SETTINGS wait in the drain. */
struct h2 *h2_new(enum h2_role role, const struct h2_limits *limits);

/* Ends it: every stream that is not released becomes closed and keeps living until its
 * owner releases it; take h2_next() first if they shall be told. Always returns NULL. */
struct h2 *h2_free(struct h2 *h2);

/* Says what time it is, by a clock that never goes back: for windows that grow. To be
 * said before h2_feed() and h2_drain(). */
void h2_tick(struct h2 *h2, uint64_t now_us);

/* Takes bytes of the peer: 0, or -EPROTO (the connection must end after a last drain). */
int h2_feed(struct h2 *h2, struct slice bytes);

/* Appends frames to out until about max bytes are there; 0, or -errno. */
int h2_drain(struct h2 *h2, struct buf *out, size_t max);

/* Is there something to drain? */
bool h2_has_output(const struct h2 *h2);

/* False when the connection is over by both sides' GOAWAY or by fault: close it after the
 * drain. */
bool h2_is_alive(const struct h2 *h2);

/*
 * The next stream with news since it was last given, or NULL: its head, body bytes, the
 * end, closed, or room again after h2_stream_room() was 0. New request streams (server)
 * come here first with user NULL; one that ends before it was given is never given. A
 * stream is not given before has_head or closed, except for room.
 */
struct h2_stream *h2_next(struct h2 *h2);

/* Calls on_output(arg) when a call from above (not feed) may have made output: the owner
 * marks itself dirty, and looks at h2_has_output() once for all of them. */
void h2_on_output(struct h2 *h2, void (*on_output)(void *arg), void *arg);

/* Opens a request stream (client); head is copied, ":method" and the like come first. One
 * of CONNECT, or with "priority: u=7" (RFC 9218), has the least weight.
 * NULL when the peer's limit of streams is reached or the connection is ending. */
struct h2_stream *h2_request(struct h2 *h2, const struct headers *head, bool has_body);

/* Would it open one now (client)? */
bool h2_can_request(const struct h2 *h2);

/* Half of the numbers for streams (client) are used up: 500 million calls. They cannot be
 * used again, so another connection should take over now. */
bool h2_is_spent(const struct h2 *h2);

/* Has the peer told its limits by its first SETTINGS? */
bool h2_is_greeted(const struct h2 *h2);

/* Answers (server): ":status" first. Without a body the stream ends with it. */
void h2_respond(struct h2_stream *stream, const struct headers *head, bool has_body);

/* Client: has the request's head left? Until it has, the peer has seen nothing of it. */
bool h2_stream_is_sent(const struct h2_stream *stream);

/* Bytes that may be written now before the stream's output pipe is full (64 KiB). */
size_t h2_stream_room(const struct h2_stream *stream);

/* Queues body bytes, copied; more than the room is accepted but impolite. */
void h2_stream_write(struct h2_stream *stream, struct slice bytes);

/* Moves up to max bytes from the pipe to the output, no more than its room, without
 * copying; returns how many. */
size_t h2_stream_write_from(struct h2_stream *stream, struct pipe *from, size_t max);

/* Ends our side after what is queued; trailers are moved, and may be NULL. What they were
 * lent must outlive the stream. */
void h2_stream_end(struct h2_stream *stream, struct headers *trailers);

/* Resets the stream: it is closed at once and what is queued is dropped. */
void h2_stream_reset(struct h2_stream *stream, enum h2_error code);

/*
 * For servers that answered before the request ended: resets with NO_ERROR once our
 * END_STREAM is on its way (RFC 9113, 8.1), and drops what still comes.
 */
void h2_stream_stop_reading(struct h2_stream *stream);

/* The owner took n bytes (already dropped or moved from `in`): gives the sender credit.
 */
void h2_stream_consume(struct h2_stream *stream, size_t n);

/*
 * Forgets the stream; user is never seen again, and what still comes is dropped and
 * credited. When a server has ended its side (h2_stream_end, or h2_respond without a
 * body), or both sides have ended, queued output and trailers still go out, and then a
 * request that has not ended is reset with NO_ERROR. Otherwise the stream is reset with
 * CANCEL. Freed when the engine is done too.
 */
void h2_stream_release(struct h2_stream *stream);

/*
 * Leaves in peace: a server first says that it will (GOAWAY of the highest id) and takes
 * what is on its way, and one round trip later that it takes no more (RFC 9113, 6.8). A
 * client says GOAWAY at once.
 */
void h2_leave(struct h2 *h2);

/* Has it been said which request was the last? None comes after that. */
bool h2_has_left(const struct h2 *h2);

/* Sends a PING; h2_pongs() counts the answers that came. */
void h2_ping(struct h2 *h2);
uint64_t h2_pongs(const struct h2 *h2);

/* Graceful end (RFC 9113, 6.8): no new streams, those that run may finish. */
void h2_goaway(struct h2 *h2, enum h2_error code);

/* Has the peer sent GOAWAY? */
bool h2_is_draining(const struct h2 *h2);

/* Streams open now; a conn without any may be idle. */
size_t h2_stream_count(const struct h2 *h2);
