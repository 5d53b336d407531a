/*
 * front - what a connection that somebody opened to us leads to
 *
 * Chooses the protocol (ALPN, or the HTTP/2 preface on plain connections), runs the
 * server side of HTTP/1.1 or HTTP/2, and hands over gRPC calls and other exchanges. Knows
 * every connection that it serves, so that a shutdown can drain them. A connection that
 * nobody vouches for (listener_vouch) is closed after stranger_ms, however busy it is.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct call;
struct conn;
struct exchange;
struct front;
struct h2_window_budget;
struct loop;

struct front_limits {
    size_t header_bytes_max; /* of one request's head */
    uint32_t streams_max;    /* concurrent requests of one HTTP/2 connection */
    size_t held_max; /* of unfinished requests of one connection, as in h2conn.h */
    struct h2_window_budget *windows; /* borrowed: outlives the front; as in h2.h */
    unsigned head_ms;                 /* a request's head must be complete by then */
    unsigned body_ms;     /* an HTTP/1.1 request body must be complete by then */
    unsigned idle_ms;     /* a connection without requests lives so long */
    unsigned stranger_ms; /* a connection that showed no credential lives so long */
};

struct front_config {
    struct front_limits limits;
    /* A gRPC request: the receiver routes it (call_start or call_finish). Lent. */
    void (*on_call)(void *arg, struct call *call, struct conn *conn);
    /* Any other request: the receiver becomes its owner. */
    void (*on_exchange)(void *arg, struct exchange *exchange);
    void *arg;
};

/* Copies the config. */
struct front *front_new(struct loop *loop, const struct front_config *config);

/* Other limits, for connections to come. */
void front_limit(struct front *front, const struct front_limits *limits);

/* Takes the connection (fresh from a listener). */
void front_serve(struct front *front, struct conn *conn);

/* Tells every connection, and each to come, that no new request is welcome (GOAWAY,
 * Connection: close). */
void front_drain(struct front *front);

/* May no request come any more? What is under way is still answered. */
bool front_has_left(const struct front *front);

/* Connections alive. */
size_t front_count(const struct front *front);

/* Closes every connection and frees the front. Always returns NULL. */
struct front *front_free(struct front *front);
