/*
 * http1 - HTTP/1.1 messages without I/O (RFC 9112), strict
 *
 * Feed bytes; the reader fills `head`, appends to `body` and tells by its fields how far
 * it is. It stops at the end of each message, so pipelined requests stay in the caller's
 * hands (ret_taken says how many bytes were taken).
 *
 *     feed ... has_head ... body ... ended -- http1_next() --> feed ...
 *
 * Strict means: what two readers could cut differently is refused. CRLF alone ends a
 * line; a lone CR or LF, a folded field, a space before the colon, two lengths, a length
 * beside a transfer coding, any coding but `chunked`, and a 1.1 request without exactly
 * one Host are HTTP1_E_BAD. Targets are kept as they came (origin, absolute, authority or
 * asterisk form). HTTP/1.0 is read, without keep-alive, codings or upgrades.
 *
 * An upgrade changes nothing in how a message is read: it ends after its head, or after
 * its body if it declares one, and what follows is not taken. The owner who upgrades
 * gives that to the new protocol; who does not, goes on with http1_next().
 *
 * An interim response (100, 103) is a message like others; the final one comes after
 * http1_next(). Trailers are checked, limited and dropped.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/pipe.h"
#include "wire/headers.h"

struct http1;

enum http1_kind { HTTP1_REQUEST, HTTP1_RESPONSE };

/* What the reader answers besides 0. Both are for good. */
enum {
    HTTP1_E_BAD = 1,       /* not HTTP/1.x, or a forbidden form: answer 400 and close */
    HTTP1_E_HEAD_TOO_LONG, /* over head_max, or over 100 fields: answer 431 and close */
};

struct http1_message {
    struct headers head; /* a request begins with ":method", ":path" (the raw target); a
                            response with ":status" */
    struct pipe body;    /* bytes not yet taken by the owner, who limits body.len by not
                            feeding */
    bool has_head;
    bool ended;      /* the message is whole */
    bool is_1_0;     /* HTTP/1.0: its sender knows no codings */
    bool keep_alive; /* the connection may carry another message */
    bool upgrade;    /* Upgrade (101 or request with Connection: upgrade) or CONNECT: what
                        follows is not HTTP, if the owner agrees */
    bool expects_continue; /* a 1.1 request with a body that waits for 100 Continue */
};

/* Makes a reader that refuses heads, and sections of trailers, over head_max bytes. */
struct http1 *http1_new(enum http1_kind kind, size_t head_max);

/* Frees the reader and its message; NULL is fine. Always returns NULL. */
struct http1 *http1_free(struct http1 *http1);

/* The message being read; lent, valid until http1_free(). */
struct http1_message *http1_message(struct http1 *http1);

/*
 * Takes bytes until the message has ended: *ret_taken says how many, also on failure. 0
 * or HTTP1_E_*, which is for good.
 */
int http1_feed(struct http1 *http1, struct slice bytes, size_t *ret_taken);

/*
 * The peer sent FIN: ends a response without length. HTTP1_E_BAD when in the middle of a
 * message; 0 between messages, where has_head stays false.
 */
int http1_finish(struct http1 *http1);

/*
 * Makes ready for the next message on the connection: this one must have ended. Head and
 * what is left of the body are dropped.
 */
void http1_next(struct http1 *http1);

/*
 * For a response reader, before the head has come: the request was HEAD, or CONNECT, so
 * the response ends with its head. Holds until the final response has been read.
 */
void http1_no_body(struct http1 *http1);

/*
 * Appends a start line made of the pseudo-headers and the other fields, with the empty
 * line. ":authority" becomes Host when there is none. Bytes that a target must not have
 * are percent-encoded.
 */
void http1_write_head(struct buf *out, const struct headers *head);

/* Appends one chunk (RFC 9112, 7.1); an empty one is the last. */
void http1_write_chunk(struct buf *out, struct slice bytes);

/* "Not Found" for 404; "" for what we never send. */
const char *http1_reason(unsigned status);
