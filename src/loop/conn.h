/*
 * conn - a stream of bytes with a peer, whatever carries it
 *
 * TCP, TLS on TCP, and WebSocket messages on either all look the same from above.
 * Sending always takes all the bytes; back-pressure is conn_is_writable(): a polite owner
 * sends at most SEND_MAX at a time and only while the conn is writable, and is told by
 * on_writable when it may go on. A conn that cannot send keeps only the unsent remainder.
 * An idle conn owns no buffer: reading and sealing use scratch space of the loop.
 *
 * conn_end() ends our side alone, as TCP does by FIN: what comes still comes.
 *
 *   opening --on_open--> open --on_end--> (peer sent FIN) --conn_close--> gone
 *      \________________________ on_closed (error or timeout) ____________/
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

struct conn;
struct loop;
struct pipe;

enum { CONN_SEND_MAX = 65536 + 16393 }; /* a gather limit of 64 KiB and one frame */

/*
 * What the owner is told; never from inside a conn_* function, never after
 * conn_close(). Each may close the conn.
 */
struct conn_events {
    /* Bytes came; they are lent for the call. */
    void (*on_bytes)(void *owner, struct slice bytes);
    /* The conn became writable again. May be NULL. */
    void (*on_writable)(void *owner);
    /*
     * The conn is over: 0 when the peer ended it in order, else -errno (-ETIMEDOUT,
     * -ECONNRESET, -EPROTO for a TLS or WebSocket fault). The owner still calls
     * conn_close().
     */
    void (*on_closed)(void *owner, int reason);
};

/*
 * Makes owner the one who is told. Bytes that arrived before wait for it. With events
 * NULL nobody is told: what comes is dropped, and after conn_finish() the conn closes
 * itself.
 */
void conn_set_owner(struct conn *conn, const struct conn_events *events, void *owner);

/* Sends all bytes: copied, or written at once. After conn_finish() they are dropped. */
void conn_send(struct conn *conn, struct slice bytes);

/* Sends from the head of the pipe what goes in one piece, CONN_SEND_MAX at most. */
void conn_send_from(struct conn *conn, struct pipe *from);

/* False while an unsent remainder waits. */
bool conn_is_writable(const struct conn *conn);

/* Stops or restarts reading: the peer feels it by TCP's window. */
void conn_pause(struct conn *conn, bool paused);

/* Gives bytes back that on_bytes lent: they come again, first, to the next owner, and
 * behind them the peer's orderly end if that was told. Copied. */
void conn_unread(struct conn *conn, struct slice bytes);

/* Sends what is left, then ends in order (close frame, close_notify, FIN), 5 s at most,
 * then on_closed. */
void conn_finish(struct conn *conn);

/*
 * Ends our side after what is left, without a limit of time; the peer's goes on. From
 * then on on_closed(0) says that both sides are over and everything was sent. Where the
 * layer has no half (WebSocket) it is conn_finish().
 */
void conn_end(struct conn *conn);

/* conn_close() that the peer of TCP sees as a reset: what was not sent is lost. */
void conn_abort(struct conn *conn);

/* Ends now and forgets the owner; idempotent; the memory goes by itself. */
void conn_close(struct conn *conn);

/* "h2", "http/1.1", or "" when nothing was negotiated (or no TLS). Lent. */
const char *conn_alpn(const struct conn *conn);
bool conn_is_tls(const struct conn *conn);

/* Was a TLS session of an earlier connection resumed? */
bool conn_is_resumed(const struct conn *conn);

/* "192.0.2.1:4711" or "[2001:db8::1]:4711", for logs. Lent. */
const char *conn_peer(const struct conn *conn);

/* The peer's address alone, IPv6 cut to its /64: the key for limits per client. Lent. */
const char *conn_peer_key(const struct conn *conn);

/* Our own address and port as the peer dialled it. Lent. */
const char *conn_local(const struct conn *conn);

struct loop *conn_loop(const struct conn *conn);
