#include "rpc/front.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "loop/conn.h"
#include "loop/listener.h"
#include "loop/loop.h"
#include "loop/timer.h"
#include "rpc/call.h"
#include "rpc/exchange.h"
#include "rpc/h2conn.h"
#include "rpc/http1conn.h"

static const char PREFACE[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"; /* RFC 9113, 3.4 */

struct front {
    struct loop *loop; /* borrowed: outlives us */
    struct front_config config;
    struct list visitors;
    size_t count;
    bool draining;
};

/* One connection. Exactly one of h2conn and http1conn is set once the protocol is known.
 */
struct visitor {
    struct list node;
    struct front *front;         /* borrowed: outlives its visitors */
    struct conn *conn;           /* owned until the protocol is known */
    struct h2conn *h2conn;       /* owned */
    struct http1conn *http1conn; /* owned */
    struct buf start;            /* the first bytes of a plain connection */
    struct timer first;          /* until they are there */
    struct timer stranger;
};

static void forget(struct visitor *visitor) {
    list_remove(&visitor->node);
    visitor->front->count--;
    timer_stop(&visitor->first);
    timer_stop(&visitor->stranger);
    h2conn_free(visitor->h2conn);
    http1conn_free(visitor->http1conn);
    if (visitor->conn)
        conn_close(visitor->conn);
    buf_done(&visitor->start);
    free(visitor);
}

static void on_call(void *owner, struct h2conn *h2conn, struct call *call) {
    struct visitor *visitor = owner;
    struct front *front = visitor->front;
    front->config.on_call(front->config.arg, call, h2conn_conn(h2conn));
}

static void on_exchange(void *owner, struct exchange *exchange) {
    struct visitor *visitor = owner;
    struct front *front = visitor->front;
    front->config.on_exchange(front->config.arg, exchange);
}

static void on_h2_closed(void *owner, struct h2conn *h2conn, int reason) {
    forget(owner);
}

static void on_http1_closed(void *owner, struct http1conn *http1conn) {
    forget(owner);
}

static void serve_h2(struct visitor *visitor) {
    const struct front_limits *limits = &visitor->front->config.limits;
    struct h2conn_config config = {
        .role = H2_SERVER,
        .limits = {
            .streams_max = limits->streams_max,
            .window = CALL_PIPE_MAX,
            .windows = limits->windows,
            .header_bytes_max = (uint32_t)limits->header_bytes_max,
        },
        .idle_ms = limits->idle_ms,
        .held_max = limits->held_max,
        .on_call = on_call,
        .on_exchange = on_exchange,
        .on_closed = on_h2_closed,
        .owner = visitor,
    };
    visitor->h2conn = h2conn_new(TAKE(visitor->conn), &config);
    if (visitor->front->draining)
        h2conn_drain(visitor->h2conn);
}

static void serve_http1(struct visitor *visitor) {
    static const struct http1conn_events events = {
        .on_exchange = on_exchange,
        .on_closed = on_http1_closed,
    };
    visitor->http1conn = http1conn_new(TAKE(visitor->conn),
                                       &visitor->front->config.limits, &events, visitor);
    if (visitor->front->draining)
        http1conn_drain(visitor->http1conn);
}

/* The first bytes of a plain connection tell HTTP/2 with prior knowledge from HTTP/1.1.
 */
static void on_first_bytes(void *owner, struct slice bytes) {
    struct visitor *visitor = owner;
    struct conn *conn = visitor->conn;

    buf_add_slice(&visitor->start, bytes);
    size_t len = visitor->start.len;
    size_t known = len < sizeof(PREFACE) - 1 ? len : sizeof(PREFACE) - 1;
    bool is_h2 = memcmp(visitor->start.data, PREFACE, known) == 0;
    if (is_h2 && known < sizeof(PREFACE) - 1)
        return;

    timer_stop(&visitor->first);
    conn_unread(conn, buf_slice(&visitor->start));
    buf_done(&visitor->start);
    if (is_h2)
        serve_h2(visitor);
    else
        serve_http1(visitor);
}

static void on_first_closed(void *owner, int reason) {
    forget(owner);
}

static void on_first_late(struct timer *timer) {
    forget(container_of(timer, struct visitor, first));
}

/* Nobody vouched for the connection in time. */
static void on_stranger(struct timer *timer) {
    struct visitor *visitor = container_of(timer, struct visitor, stranger);
    struct conn *conn = visitor->conn     ? visitor->conn
                        : visitor->h2conn ? h2conn_conn(visitor->h2conn)
                                          : http1conn_conn(visitor->http1conn);

    if (conn && listener_is_vouched(conn))
        return;
    forget(visitor);
}

struct front *front_new(struct loop *loop, const struct front_config *config) {
    struct front *front = mem_new(sizeof(*front));

    *front = (struct front) { .loop = loop, .config = *config };
    list_init(&front->visitors);
    return front;
}

void front_serve(struct front *front, struct conn *conn) {
    static const struct conn_events first_events = {
        .on_bytes = on_first_bytes,
        .on_closed = on_first_closed,
    };
    struct visitor *visitor = mem_new(sizeof(*visitor));

    *visitor = (struct visitor) {
        .front = front,
        .conn = conn,
        .first.fire = on_first_late,
        .stranger.fire = on_stranger,
    };
    list_add_tail(&front->visitors, &visitor->node);
    front->count++;
    if (front->config.limits.stranger_ms > 0)
        timer_start(front->loop, &visitor->stranger, front->config.limits.stranger_ms);
    if (strcmp(conn_alpn(conn), "h2") == 0) {
        serve_h2(visitor);
    } else if (conn_is_tls(conn)) {
        serve_http1(visitor);
    } else {
        conn_set_owner(conn, &first_events, visitor);
        timer_start(front->loop, &visitor->first, front->config.limits.head_ms);
    }
}

void front_drain(struct front *front) {
    front->draining = true;
    list_for_each_safe(node, after, &front->visitors) {
        struct visitor *visitor = container_of(node, struct visitor, node);
        if (visitor->h2conn)
            h2conn_drain(visitor->h2conn);
        else if (visitor->http1conn)
            http1conn_drain(visitor->http1conn);
        else
            forget(visitor);
    }
}

bool front_has_left(const struct front *front) {
    for (struct list *at = front->visitors.next; at != &front->visitors; at = at->next) {
        const struct visitor *visitor = container_of(at, struct visitor, node);
        if (!visitor->h2conn || !h2conn_has_left(visitor->h2conn))
            return false;
    }
    return true;
}

void front_limit(struct front *front, const struct front_limits *limits) {
    front->config.limits = *limits;
}

size_t front_count(const struct front *front) {
    return front->count;
}

struct front *front_free(struct front *front) {
    if (!front)
        return NULL;
    while (!list_is_empty(&front->visitors))
        forget(container_of(front->visitors.next, struct visitor, node));
    free(front);
    return NULL;
}
