/*
 * conn_tls - TLS on another conn
 *
 * OpenSSL reads from the bytes that the lower layer lends and writes into scratch space
 * of the loop, which goes down in one piece after each step. An idle conn owns nothing
 * but OpenSSL's state.
 *
 *   shaking --on_ready(0)--> open --close_notify, fault--> over
 *      \______ on_ready(-errno) ______/
 */
#pragma once

struct conn;
struct conn_scratch;
struct tls_client;
struct tls_server;

/*
 * How the handshake ended: 0, or -errno with a text for a person (lent). Not called from
 * inside the functions below, nor after conn_close(). On failure the conn is still to be
 * closed.
 */
typedef void conn_tls_ready(void *arg, int result, const char *why);

/* Who the client wants to meet. */
struct conn_tls_target {
    const char *name; /* for SNI and the check of names; a name or an address */
    unsigned port;    /* sessions are remembered by name and port */
    const char *alpn; /* what to ask for; NULL: nothing */
};

/* Takes the lower conn and waits for a client's handshake. */
struct conn *conn_tls_accept(struct conn *lower,
                             struct tls_server *server,
                             conn_tls_ready *on_ready,
                             void *arg);

/* Takes the lower conn and begins a handshake; client outlives the conn. */
struct conn *conn_tls_connect(struct conn *lower,
                              struct tls_client *client,
                              const struct conn_tls_target *target,
                              conn_tls_ready *on_ready,
                              void *arg);

/* "TLSv1.3". Lent; only for a conn of this layer that is open. */
const char *conn_tls_version(const struct conn *conn);

/* Frees what TLS worked in; for loop_free(). NULL is fine. */
void conn_tls_scratch_free(struct conn_scratch *scratch);
