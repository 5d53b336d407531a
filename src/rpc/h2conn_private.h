/*
 * h2conn_private - what the files of h2conn share
 *
 * h2conn.c owns socket, session and timers; h2conn_server.c and h2conn_client.c hold the
 * halves of calls that live on its streams; h2conn_tunnel.c those of tunnels;
 * h2conn_exchange.c the exchanges.
 */
#pragma once

#include "base/buf.h"
#include "loop/loop.h"
#include "loop/timer.h"
#include "rpc/h2conn.h"

/* What a stream belongs to: embedded first in each kind of half. */
struct h2half {
    struct list node;      /* in h2conn.halves */
    struct list blocked;   /* in h2conn.blocked while output waits for room */
    struct h2conn *h2conn; /* borrowed: outlives its halves */
    struct h2_stream
        *stream; /* owned until h2half_done(); NULL when it could not be opened */
    /* The stream has news, or room. May end the half. */
    void (*pump)(struct h2half *half);
    /* The connection is over: end the half. */
    void (*sever)(struct h2half *half);
};

struct h2conn {
    struct target target;
    struct h2conn_config config;
    char *authority;    /* owned: of requests */
    struct conn *conn;  /* owned */
    struct h2 *h2;      /* owned */
    struct list halves; /* of struct h2half */
    size_t count;       /* of halves */
    size_t held;        /* bytes that unfinished requests keep */
    struct task flush;
    struct task closed;
    struct timer quiet; /* liveness or idleness */
    struct timer leave; /* the peer has so long to hear that we leave */
    uint64_t heard_ms;  /* loop time of the last received bytes */
    bool probing;
    bool draining;
    bool peer_leaves; /* its GOAWAY has come */
    bool busy;        /* streams are being served: the end of the memory waits */
    bool doomed;      /* h2conn_free() came meanwhile */
    bool over;        /* on_closed is on its way or has come */
    int reason;
};

/* Joins the half to the connection and to its stream. */
void h2conn_add_half(struct h2conn *h2conn,
                     struct h2half *half,
                     struct h2_stream *stream);

/* Takes the half off the connection and releases its stream. */
void h2conn_remove_half(struct h2half *half);

/* A request that kept *held bytes keeps now_held: false when all together keep too much.
 */
bool h2conn_hold(struct h2conn *h2conn, size_t *held, size_t now_held);

/* Something waits in the session's drain. */
void h2conn_mark_dirty(struct h2conn *h2conn);

/* Lends header fields that travel end to end: no pseudo-headers, nothing of the hop. */
void h2conn_lend_fields(struct headers *to, const struct headers *from);

/* Moves them to an empty list; from is empty afterwards. */
void h2conn_take_fields(struct headers *to, struct headers *from);

/* What to do with a fresh request stream. */
void h2conn_server_accept(struct h2conn *h2conn, struct h2_stream *stream);
void h2conn_exchange_accept(struct h2conn *h2conn, struct h2_stream *stream);
void h2conn_tunnel_accept(struct h2conn *h2conn, struct h2_stream *stream);

/* Ends the call as the peer's trailers (or its only head) tell, which are taken. */
void h2conn_client_finish(struct call *call, struct headers *said, int http_status);

/* The connection takes no stream more: the call goes another way, or fails. */
void h2conn_client_refuse(struct call *call);

/* A call that is a tunnel, on a client connection. */
void h2conn_tunnel_start(struct h2conn *h2conn, struct call *call);

/* target.start of a client connection. */
void h2conn_client_start(struct target *target, struct call *call);
