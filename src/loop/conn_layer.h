/*
 * conn_layer - what the layers of connections share
 *
 * A layer (tcp, tls, websocket) embeds struct conn and fills a table of operations. The
 * upper one owns the lower one and is its owner in the sense of conn.h. This base keeps
 * the promises of conn.h for all of them: bytes wait for an owner who has paused, nobody
 * is told anything after conn_close(), and the end is told after the last bytes.
 */
#pragma once

#include "base/pipe.h"
#include "loop/conn.h"
#include "loop/loop.h"

enum { CONN_RUNS_MAX = 8 }; /* that one system call takes: 64 KiB and some small ones */

struct conn_ops {
    void (*send)(struct conn *conn, struct slice bytes);
    /* Sends runs whose bytes are the first of the pipe, and drops them. NULL: send. */
    void (*send_runs)(struct conn *conn,
                      struct pipe *from,
                      const struct slice *runs,
                      size_t count);
    /* Begins or stops reading; called when the answer of conn_is_wanted() changes. */
    void (*read)(struct conn *conn, bool wanted);
    bool (*is_writable)(const struct conn *conn);
    /* Drain, then end; conn_hand_end() follows. Called once. */
    void (*finish)(struct conn *conn);
    /* Drain, then end our side alone. Called once; finish may follow. NULL: finish. */
    void (*end)(struct conn *conn);
    /* Tear down; free the memory after this turn (loop_bury). Called once. */
    void (*close)(struct conn *conn);
};

/* Told when the connection is closed by its owner; it may stand in the lowest layer. */
struct conn_watch {
    void (*on_close)(struct conn_watch *watch);
};

struct conn {
    const struct conn_ops *ops;
    struct loop *loop;                /* borrowed: outlives its connections */
    struct conn *lower;               /* owned; NULL for TCP */
    const struct conn_events *events; /* borrowed: the owner */
    void *owner;                      /* borrowed: itself */
    struct conn_watch *watch;         /* borrowed: the listener; NULL when none */
    struct list orphan;               /* in the loop's list while disowned */
    struct pipe waiting;              /* bytes that the owner has not seen yet */
    struct task deliver;
    int reason; /* of the end */
    bool ended; /* there is an end to tell */
    bool told;  /* ... and it was told */
    bool paused;
    bool disowned; /* the owner left it to end by itself */
    bool ending;   /* our side alone */
    bool finishing;
    bool closed;
    bool wanted; /* what ops->read was told last */
};

/* What the lowest layer embeds: what is known once for all layers. */
struct conn_base {
    struct conn conn;
    char peer[56]; /* "[" address "]:" port */
    char local[56];
    char peer_key[46];
    char alpn[10]; /* filled by TLS above it */
    bool is_tls;
    bool is_resumed;
};

/* Makes the base of a layer; a lower conn is taken. */
void conn_init(struct conn *conn,
               const struct conn_ops *ops,
               struct loop *loop,
               struct conn *lower);

/* Does the owner want bytes now? */
bool conn_is_wanted(const struct conn *conn);

/* Closes the conns that nobody owns; for loop_free(). */
void conn_close_orphans(struct loop *loop);

/* The lowest layer. */
struct conn_base *conn_base(const struct conn *conn);

/*
 * The three things that a layer tells; only from callbacks of the loop, but for
 * conn_hand_end(), which tells later. After each the conn may be closed: look at
 * conn->closed.
 */
void conn_hand_bytes(struct conn *conn, struct slice bytes);
void conn_hand_writable(struct conn *conn);

/*
 * The end, with a reason as in conn_events. A failure is final; after an orderly end of
 * the peer our own end, or a failure of it, may follow.
 */
void conn_hand_end(struct conn *conn, int reason);
