/*
 * http1 - HTTP/1.1 messages without I/O (RFC 9112), strict
 *
 * Feed bytes; the reader fills `head`, appends to `body` and tells by its state how far
 * it is. It stops at the end of each message, so pipelined requests stay in the caller's
 * hands (the return value says how many bytes were taken). After an upgrade everything
 * that follows is the caller's.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/pipe.h"
#include "wire/headers.h"

struct http1;

enum http1_kind { HTTP1_REQUEST, HTTP1_RESPONSE };

enum {
    HTTP1_E_BAD =
        1, /* not HTTP/1.1, or one of the forbidden forms: answer 400 and close */
    HTTP1_E_HEAD_TOO_LONG, /* answer 431 and close */
};

struct http1_message {
    struct headers head; /* a request begins with ":method", ":path" (the raw target); a
                            response with ":status" */
    struct pipe body;    /* bytes not yet taken by the owner */
    bool has_head;
    bool ended;      /* the message is whole */
    bool keep_alive; /* the connection may carry another message */
    bool upgrade;    /* Upgrade (101 or request with Connection: upgrade) or CONNECT: what
                        follows is not HTTP */
    bool expects_continue;
};

struct http1 *http1_new(enum http1_kind kind, size_t head_max);
struct http1 *http1_free(struct http1 *http1);

/* The message being read; lent, valid until http1_free(). */
struct http1_message *http1_message(struct http1 *http1);

/*
 * Takes bytes until the message has ended: *ret_taken says how many. 0 or HTTP1_E_*,
 * which is for good.
 */
int http1_feed(struct http1 *http1, struct slice bytes, size_t *ret_taken);

/* The peer sent FIN: completes a response without length; HTTP1_E_BAD when in the middle.
 */
int http1_finish(struct http1 *http1);

/* Makes ready for the next message on the connection. */
void http1_next(struct http1 *http1);

/* For a response reader: the request was HEAD, so there is no body. */
void http1_no_body(struct http1 *http1);

/* Appends a start line made of the pseudo-headers and the other fields, with the empty
 * line. */
void http1_write_head(struct buf *out, const struct headers *head);

/* Appends one chunk (RFC 9112, 7.1); an empty one is the last. */
void http1_write_chunk(struct buf *out, struct slice bytes);

/* "Not Found" for 404; "" for what we never send. */
const char *http1_reason(unsigned status);
