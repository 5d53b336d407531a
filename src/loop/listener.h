/*
 * listener - takes connections in
 *
 * One listener is one address; a program may have several. With TLS, ALPN offers "h2" and
 * "http/1.1". It counts the connections that nobody has vouched for yet (conn_vouch) and
 * refuses more than the limit; TLS handshakes have a time limit. When descriptors run out
 * it pauses accepting and goes on by itself.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct conn;
struct guests;
struct listener;
struct loop;
struct tls_server;

struct listener_limits {
    unsigned handshake_ms;        /* TLS must be done by then */
    unsigned unauthenticated_max; /* connections not vouched for, in all */
    unsigned per_client_max;      /* the same per conn_peer_key() */
};

struct listener_config {
    const char *address; /* "ADDR:PORT", "[V6]:PORT", ":PORT" or "PORT" (all addresses);
                            port 0: any */
    int inherited;       /* owned: a socket that listens there already; 0: none */
    struct tls_server *tls; /* borrowed: outlives the listener; NULL: plain */
    const struct listener_limits *limits; /* borrowed: outlives the listener */
    struct guests *guests; /* borrowed: outlives the listener; counts those of several
                              listeners together; NULL: of this one */
    /* A connection is open (after TLS); the receiver owns it and sets its owner at once.
     */
    void (*on_conn)(void *arg, struct conn *conn);
    void *arg;
};

/* Starts listening: 0 or -errno (-EINVAL: the address makes no sense). */
int listener_new(struct loop *loop,
                 const struct listener_config *config,
                 struct listener **ret_listener);

/* Takes no more connections; those whose handshake is under way still come. */
void listener_stop(struct listener *listener);

/* Stops listening; its connections live on. Always returns NULL. */
struct listener *listener_free(struct listener *listener);

/* The socket, to be inherited by another process; -1 after listener_stop(). Lent. */
int listener_fd(const struct listener *listener);

/* "127.0.0.1:8000": the address with the real port. Lent. */
const char *listener_address(const struct listener *listener);

/* The connection's peer has shown a credential: it no longer counts as unauthenticated.
 */
void listener_vouch(struct conn *conn);

/* Has somebody vouched for it? True for connections that we dialled. */
bool listener_is_vouched(const struct conn *conn);
