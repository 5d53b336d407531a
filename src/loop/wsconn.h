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

struct conn;

/* Takes the lower conn. is_client masks what is sent (RFC 6455, 5.3). The result is a
 * conn like any other. */
struct conn *wsconn_new(struct conn *lower, bool is_client);
