/*
 * exchange - one HTTP request and its response, on whatever version of HTTP
 *
 * The server connections (http1conn, h2conn) make exchanges and hand them to a handler;
 * the handler becomes the owner, reads the body from a pipe, and answers. Calls of gRPC
 * take the shorter road from h2conn to call.h; everything else goes through here.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/pipe.h"
#include "wire/headers.h"

struct conn;
struct exchange;
struct loop;

/* What a connection implements. */
struct exchange_ops {
    void (*respond)(struct exchange *exchange, const struct headers *head, bool has_body);
    size_t (*room)(const struct exchange *exchange);
    void (*write)(struct exchange *exchange, struct slice bytes);
    void (*end)(struct exchange *exchange);
    void (*taken)(struct exchange *exchange, size_t count);
    bool (*hold)(struct exchange *exchange, size_t total);
    struct conn *(*upgrade)(struct exchange *exchange, const struct headers *head);
    void (*release)(struct exchange *exchange);
};

/* Embedded in the connection's own struct. Fields are for reading. */
struct exchange {
    const struct exchange_ops *ops;
    struct conn *conn;          /* borrowed: for its addresses */
    const struct headers *head; /* borrowed: the connection; ":method", ":path", fields */
    struct pipe *body;          /* borrowed: the connection; bytes not yet taken */
    bool body_ended;
    bool gone;       /* the peer went away: only release is left */
    bool peer_ended; /* it ended its side behind the request: it waits, or it is gone */
    bool responded;
    bool ended; /* our response is complete */
    /* Set by the owner before on_exchange returns, unless it has released by then: body,
     * room or end changed, or the peer is gone; then it releases before it returns. Never
     * from inside an exchange_* call. */
    void (*on_wake)(struct exchange *exchange);
    void *user; /* borrowed: the owner */
};

/* The fields of the request line; "" when absent. authority is ":authority" or "host". */
const char *exchange_method(const struct exchange *exchange);
const char *exchange_path(const struct exchange *exchange);
const char *exchange_authority(const struct exchange *exchange);

/* Starts the response: head begins with ":status". Without a body it ends at once. To
 * HEAD a body is told by the head, and not sent. */
void exchange_respond(struct exchange *exchange,
                      const struct headers *head,
                      bool has_body);

/* A whole response of one piece: copies the body. content_type may be NULL for an empty
 * one. */
void exchange_answer(struct exchange *exchange,
                     unsigned status,
                     const char *content_type,
                     struct slice body);

size_t exchange_room(const struct exchange *exchange);
void exchange_write(struct exchange *exchange, struct slice bytes);
void exchange_end(struct exchange *exchange);

/* The owner dropped count bytes from the body pipe: the sender may go on. */
void exchange_taken(struct exchange *exchange, size_t count);

/* The owner keeps total bytes of the body: false when the connection's requests keep too
 * much, and this one is to be refused. */
bool exchange_hold(struct exchange *exchange, size_t total);

/*
 * Answers an HTTP/1.1 request with head (":status" 101 first) and hands the connection
 * over: the result is the caller's, who sets its owner at once; the exchange is gone.
 * NULL when the connection cannot (HTTP/2, a body that has not ended, a peer that is
 * gone); then nothing has changed.
 */
struct conn *exchange_upgrade(struct exchange *exchange, const struct headers *head);

/* The owner lets go; an unfinished response is cut off. The exchange is gone after it. */
void exchange_release(struct exchange *exchange);
