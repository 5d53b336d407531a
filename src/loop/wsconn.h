/*
 * wsconn - a conn made of binary WebSocket messages on another conn
 *
 * After the HTTP handshake (wire/ws.h makes and checks its headers) both sides wrap the
 * conn: what is sent goes out in binary messages, what comes in messages is delivered as
 * a stream of bytes. PING is answered, a text message or a protocol fault ends it with
 * the code of RFC 6455, 7.4.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct conn;

struct wsconn_config {
    bool is_client;    /* masks what is sent (RFC 6455, 5.3) */
    size_t slice_max;  /* what one message of ours holds; 0: 64 KiB */
    unsigned ping_ms;  /* how often the peer is asked for a sign of life; 0: never */
    unsigned quiet_ms; /* -ETIMEDOUT after so long without any bytes; 0: never */
};

/* Takes the lower conn. The result is a conn like any other. */
struct conn *wsconn_new(struct conn *lower, bool is_client);
struct conn *wsconn_new_with(struct conn *lower, const struct wsconn_config *config);

/* conn_finish() of a conn from above with this code and reason; the others say 1000 and
 * no reason. */
void wsconn_finish(struct conn *conn, unsigned code, const char *reason);
