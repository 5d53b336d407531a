/*
 * ws - WebSocket without I/O (RFC 6455)
 *
 * Handshake headers for both sides, and a session of messages: feed bytes, take messages,
 * drain bytes. Fragments are joined, control frames are answered, texts are checked for
 * UTF-8 as they come; a message over the limit ends the session with 1009. Extensions are
 * neither offered nor taken.
 *
 *     open -- ws_close() --> ours sent -- the peer's comes --> closed
 *       \---- the peer's comes --> answered in the drain ----> closed
 *       \---- a broken rule: ws_feed() says -EPROTO; drained -> closed
 *
 * Memory: the message being joined (message_max), what was fed and not taken, and what
 * was sent and not drained. At most 16 pings are answered for each drain, and then the
 * latest of those that came since, which RFC 6455, 5.5.3 allows.
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
    WS_CLOSE_NO_CODE = 1005, /* never on the wire: the frame had none */
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

/* Adds a 101 answer (":status" and the rest) to initialised headers; protocol may be
 * NULL. The request passed ws_is_handshake(). */
void ws_accept(const struct headers *request,
               const char *protocol,
               struct headers *ret_response);

/* Adds a request's fields (":method", ":path", host and the rest) to initialised headers
 * and writes the key to check the answer with. protocol may be NULL. */
void ws_request(const char *path,
                const char *host,
                const char *protocol,
                struct headers *ret_request,
                char ret_key[static 25]);

/* Does the 101 answer fit the key and the protocol (or NULL: none was asked for)? */
bool ws_is_accepted(const struct headers *response,
                    const char key[static 25],
                    const char *protocol);

/* Makes a session that refuses messages over message_max. */
struct ws *ws_new(bool is_client, size_t message_max);

/* Frees the session; NULL is fine. Always returns NULL. */
struct ws *ws_free(struct ws *ws);

/*
 * Takes bytes: 0, or -EPROTO, now and ever after: the peer broke a rule, and the close
 * frame that says so waits in the drain. Messages from before can be taken. What comes
 * behind a close frame is ignored.
 */
int ws_feed(struct ws *ws, struct slice bytes);

/* Takes the next whole message; false when there is none, or ours is closed. */
bool ws_next(struct ws *ws, struct ws_message *ret_message);

/* Queues a message in one frame. Nothing is sent behind a close frame. */
void ws_send(struct ws *ws, enum ws_opcode opcode, struct slice bytes);

/* Queues a ping, and says how many pongs have come in all. */
void ws_ping(struct ws *ws);
uint64_t ws_pongs(const struct ws *ws);

/* Queues a close frame and drops what was not taken; only the first counts. The reason,
 * UTF-8, is cut at 123 bytes; WS_CLOSE_NO_CODE sends neither. */
void ws_close(struct ws *ws, unsigned code, const char *reason);

/* The code of the peer's close frame, 1005 when it had none; 0 while there is none. */
unsigned ws_close_code(const struct ws *ws);

/* Both close frames are done, or the peer broke a rule and ours is drained: the
 * connection may end. */
bool ws_is_closed(const struct ws *ws);

/* Appends what waits to be sent; always 0. The answer to the peer's close frame comes
 * once the messages before it have been taken, so that their answers go first. */
int ws_drain(struct ws *ws, struct buf *out);
bool ws_has_output(const struct ws *ws);
