/*
 * http1conn - the server side of an HTTP/1.1 connection
 *
 * One exchange at a time; the next request is read when the last one is answered, so
 * pipelining works and cannot pile up. Answers 400, 408 or 431 itself to what is no
 * request, and closes. A peer that ends its side behind a request still gets the answer;
 * one that is lost looks the same, so the answer has body_ms.
 *
 *   idle --first byte--> head --complete--> exchange --answered--> idle
 *     \________ timeouts, faults, Connection: close ________/--> closing
 */
#pragma once

#include <stdbool.h>

#include "base/slice.h"

struct conn;
struct exchange;
struct front_limits;
struct http1conn;

struct http1conn_events {
    /* A request's head is complete: the receiver becomes the exchange's owner. */
    void (*on_exchange)(void *owner, struct exchange *exchange);
    /* The connection is over, or was handed over by an upgrade; the owner calls
     * http1conn_free(). */
    void (*on_closed)(void *owner, struct http1conn *http1conn);
};

/* Takes the conn. limits are borrowed and outlive it. */
struct http1conn *http1conn_new(struct conn *conn,
                                const struct front_limits *limits,
                                const struct http1conn_events *events,
                                void *owner);

/* Ends after the exchange under way. */
void http1conn_drain(struct http1conn *http1conn);

/* Closes at once. Always returns NULL. */
struct http1conn *http1conn_free(struct http1conn *http1conn);

/* Lent; NULL after an upgrade. */
struct conn *http1conn_conn(const struct http1conn *http1conn);
