/*
 * muxconn - conns that are streams of yamux on one conn
 *
 * We are the client of wire/yamux.h: muxconn_open() makes a conn like any other on a new
 * stream. A stream whose peer gives it no window holds up no other; those that have
 * something to send take turns of 16 KiB. Liveness: a ping every 30 s, dead when nothing
 * has come 10 s after one.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct conn;
struct muxconn;

struct muxconn_events {
    /* The sign of life that muxconn_probe() asked for has come. */
    void (*on_alive)(void *owner);
    /* The connection is over, and so are its streams; reason as in conn.h. The owner
     * still calls muxconn_free(). Comes later, never from inside a muxconn_* function. */
    void (*on_closed)(void *owner, int reason);
};

/* Takes the conn. */
struct muxconn *muxconn_new(struct conn *lower,
                            const struct muxconn_events *events,
                            void *owner);

/* Ends everything at once: the owners of its streams are told -ECONNABORTED. From any
 * callback too. Always returns NULL. */
struct muxconn *muxconn_free(struct muxconn *mux);

/* The same, but the conn below is handed back, for who wants to say goodbye on it; its
 * owner is nobody. */
struct conn *muxconn_unwrap(struct muxconn *mux);

/* A new stream; NULL while muxconn_can_open() is false. The caller owns it. */
struct conn *muxconn_open(struct muxconn *mux);

/* Neither side went away, and the peer has acknowledged most of what was opened. */
bool muxconn_can_open(const struct muxconn *mux);

/* Has the stream bytes for which its peer gives no window? Those of others go on. */
bool muxconn_is_stalled(const struct conn *stream);

/* Says that we open and take no more streams; those that run go on. */
void muxconn_go_away(struct muxconn *mux);

/* Asks for a sign of life: on_alive comes with the first byte, on_closed with -ETIMEDOUT
 * when none does in time. */
void muxconn_probe(struct muxconn *mux, unsigned limit_ms);

/* Loop time of the last received bytes. */
uint64_t muxconn_heard_ms(const struct muxconn *mux);

/* What it is made on. Lent. */
const struct conn *muxconn_conn(const struct muxconn *mux);
