/*
 * hubws - a server of the older hub, called through the WebSocket that it opened
 *
 * The server dials the hub, and serves gRPC inside: HTTP/2 without TLS, in streams of
 * yamux that the hub opens, in binary messages. A target: one stream carries many calls,
 * and another one is opened when the peer takes no more on it, or stops reading it. Its
 * original reads at most 512 bytes a message and takes silence of 60 s for the end, so we
 * cut and ping as it does.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct conn;
struct hubws;
struct target;

enum {
    HUBWS_MESSAGE_MAX = 512, /* what the original reads of one message */
    HUBWS_PING_MS = 54000,
    HUBWS_QUIET_MS = 60000,
};

struct hubws_config {
    size_t header_bytes_max; /* of an answer's head */
    /* The sign of life that hubws_probe() asked for has come. */
    void (*on_alive)(void *owner);
    /* It is over, for that reason (as in conn.h); the owner still calls hubws_free().
     * Later, never from inside a hubws_* function. */
    void (*on_closed)(void *owner, int reason);
    void *owner;
};

/* Takes the conn of an accepted WebSocket handshake. Copies the config. */
struct hubws *hubws_new(struct conn *conn, const struct hubws_config *config);

/* Calls under way end with UNAVAILABLE; the peer is told 1000 "closed". Always returns
 * NULL. */
struct hubws *hubws_free(struct hubws *hubws);

/* Where calls to the server go. Lent. */
struct target *hubws_target(struct hubws *hubws);

/* No new calls; on_closed comes when those under way have finished. */
void hubws_drain(struct hubws *hubws);

/* Asks for a sign of life: on_alive, or on_closed with -ETIMEDOUT. */
void hubws_probe(struct hubws *hubws, unsigned limit_ms);

/* Loop time of the last received bytes. */
uint64_t hubws_heard_ms(const struct hubws *hubws);

/* The peer's address. Lent. */
const char *hubws_peer(const struct hubws *hubws);

/* Takes the conn of an accepted handshake, and closes it with 1000 and the reason. */
void hubws_refuse(struct conn *conn, const char *reason);
