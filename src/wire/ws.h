/*
 * ws - WebSocket without I/O (RFC 6455)
 *
 * Handshake headers for both sides, and a session of messages: feed bytes, take messages,
 * drain bytes. Fragments are joined, control frames are answered, texts are checked for
 * UTF-8; a message over the limit ends the session with 1009.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "wire/headers.h"

struct ws;

enum ws_opcode { WS_TEXT = 1, WS_BINARY = 2 };

/* RFC 6455, 7.4.1. */
enum {
    WS_CLOSE_NORMAL = 1000,
    WS_CLOSE_GOING_AWAY = 1001,
    WS_CLOSE_PROTOCOL = 1002,
    WS_CLOSE_TYPE = 1003,
    WS_CLOSE_TEXT = 1007,
    WS_CLOSE_POLICY = 1008,
    WS_CLOSE_TOO_BIG = 1009,
    WS_CLOSE_INTERNAL = 1011
};

struct ws_message {
    enum ws_opcode opcode;
    struct slice bytes; /* lent until the next ws_feed() or ws_next() */
};

/* Is this HTTP/1.1 request a well-formed WebSocket handshake? False: answer 400 (426 for
 * another version). */
bool ws_is_handshake(const struct headers *request);

/* Fills a 101 answer (":status" and the rest); protocol may be NULL. */
void ws_accept(const struct headers *request,
               const char *protocol,
               struct headers *ret_response);

/* Fills a request's fields (":method", ":path", host and the rest) and the key to check
 * the answer with. */
void ws_request(const char *path,
                const char *host,
                const char *protocol,
                struct headers *ret_request,
                char ret_key[static 25]);

/* Does the 101 answer fit the key and the protocol (or NULL)? */
bool ws_is_accepted(const struct headers *response,
                    const char key[static 25],
                    const char *protocol);

struct ws *ws_new(bool is_client, size_t message_max);
struct ws *ws_free(struct ws *ws);

/* Takes bytes: 0, or -EPROTO; the close frame to send then waits in the drain. */
int ws_feed(struct ws *ws, struct slice bytes);

/* Takes the next whole message; false when there is none. */
bool ws_next(struct ws *ws, struct ws_message *ret_message);

void ws_send(struct ws *ws, enum ws_opcode opcode, struct slice bytes);
void ws_ping(struct ws *ws);
uint64_t ws_pongs(const struct ws *ws);

/* Queues a close frame; the reason is cut at 123 bytes. */
void ws_close(struct ws *ws, unsigned code, const char *reason);

/* The code of the peer's close frame, 1005 when it had none; 0 while there is none. */
unsigned ws_close_code(const struct ws *ws);

/* Both close frames are done: the connection may end. */
bool ws_is_closed(const struct ws *ws);

int ws_drain(struct ws *ws, struct buf *out);
bool ws_has_output(const struct ws *ws);
