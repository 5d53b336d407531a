#include "rpc/http1conn.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/mem.h"
#include "loop/conn.h"
#include "loop/loop.h"
#include "loop/timer.h"
#include "rpc/exchange.h"
#include "rpc/front.h"
#include "wire/http1.h"

enum {
    BODY_PIPE_MAX = 65536, /* what waits for a slow owner before reading stops */
    AHEAD_MAX =
        65536 * 2,     /* bytes of later requests; reading stops, so this is one read */
    SEND_ROOM = 65536, /* bytes that an owner may write at once */
};

struct http1conn {
    struct conn *conn;                     /* owned; NULL after an upgrade */
    const struct front_limits *limits;     /* borrowed: the front */
    const struct http1conn_events *events; /* borrowed: the front */
    void *owner;                           /* borrowed: the front */
    struct http1 *http1;                   /* owned */
    struct pipe ahead;                     /* bytes behind the current message */
    struct timer timer;
    struct task wake;
    struct task closed;
    struct exchange exchange;
    bool has_exchange;
    bool chunked;
    bool closing; /* no further request is read */
    bool over;
    bool draining;
    bool idle; /* between requests */
};

static void end_connection(struct http1conn *it) {
    if (it->over)
        return;
    it->over = true;
    timer_stop(&it->timer);
    loop_post(conn_loop(it->conn), &it->closed);
}

static void refuse(struct http1conn *it, unsigned status) {
    struct buf out = { 0 };
    buf_printf(&out, "HTTP/1.1 %u %s\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
               status, http1_reason(status));
    conn_send(it->conn, buf_slice(&out));
    buf_done(&out);
    it->closing = true;
    timer_stop(&it->timer);
    conn_finish(it->conn);
}

static void on_timer(struct timer *timer) {
    struct http1conn *it = container_of(timer, struct http1conn, timer);

    if (it->has_exchange && it->exchange.responded)
        end_connection(it);
    else if (it->has_exchange)
        exchange_answer(&it->exchange, 408, NULL, slice_of(NULL, 0)), end_connection(it);
    else if (it->idle)
        conn_finish(it->conn);
    else
        refuse(it, 408);
}

static void wait_for_head(struct http1conn *it) {
    timer_start(conn_loop(it->conn), &it->timer, it->limits->head_ms);
}

/* Reading stops while the owner is slow or a later request waits. */
static void balance(struct http1conn *it) {
    bool full = it->ahead.len > 0 || http1_message(it->http1)->body.len >= BODY_PIPE_MAX;
    conn_pause(it->conn, full);
}

static void run_wake(struct task *task) {
    struct http1conn *it = container_of(task, struct http1conn, wake);
    if (it->has_exchange && it->exchange.on_wake)
        it->exchange.on_wake(&it->exchange);
}

static void wake_owner(struct http1conn *it) {
    if (it->has_exchange)
        loop_post(conn_loop(it->conn), &it->wake);
}

static const struct exchange_ops ops;

static void start_exchange(struct http1conn *it) {
    struct http1_message *message = http1_message(it->http1);

    it->has_exchange = true;
    it->exchange = (struct exchange) {
        .ops = &ops,
        .conn = it->conn,
        .head = &message->head,
        .body = &message->body,
        .body_ended = message->ended || message->upgrade,
    };
    if (message->ended || message->upgrade)
        timer_stop(&it->timer);
    else
        timer_start(conn_loop(it->conn), &it->timer, it->limits->body_ms);
    if (message->expects_continue && !message->ended)
        conn_send(it->conn, slice_of_text("HTTP/1.1 100 Continue\r\n\r\n"));
    it->events->on_exchange(it->owner, &it->exchange);
}

static void take_progress(struct http1conn *it) {
    const struct http1_message *message = http1_message(it->http1);

    if (message->has_head && !it->has_exchange) {
        start_exchange(it);
    } else if (it->has_exchange) {
        it->exchange.body_ended = message->ended || message->upgrade;
        if (message->ended)
            timer_stop(&it->timer);
        wake_owner(it);
    }
}

static void feed(struct http1conn *it, struct slice bytes) {
    if (it->over || it->closing)
        return;
    const struct http1_message *message = http1_message(it->http1);
    if (it->has_exchange && (message->ended || message->upgrade)) {
        if (it->ahead.len + bytes.len > AHEAD_MAX) {
            end_connection(it);
            return;
        }
        pipe_add(&it->ahead, bytes);
        balance(it);
        return;
    }
    if (it->idle) {
        it->idle = false;
        wait_for_head(it);
    }

    size_t taken = 0;
    int r = http1_feed(it->http1, bytes, &taken);
    if (r != 0) {
        if (it->has_exchange)
            end_connection(it);
        else
            refuse(it, r == HTTP1_E_HEAD_TOO_LONG ? 431 : 400);
        return;
    }
    if (taken < bytes.len)
        pipe_add(&it->ahead, slice_after(bytes, taken));
    balance(it);
    take_progress(it);
}

/* The answer is complete: goes on with the next request, or ends. */
static void next_request(struct http1conn *it) {
    const struct http1_message *message = http1_message(it->http1);

    it->has_exchange = false;
    loop_cancel(&it->wake);
    if (!message->ended || !message->keep_alive || it->draining || it->closing) {
        it->closing = true;
        timer_stop(&it->timer);
        conn_finish(it->conn);
        return;
    }
    http1_next(it->http1);
    it->idle = true;
    timer_start(conn_loop(it->conn), &it->timer, it->limits->idle_ms);

    struct pipe waiting;
    pipe_init(&waiting);
    pipe_move(&waiting, &it->ahead, SIZE_MAX);
    while (waiting.len > 0) {
        struct slice part = pipe_peek(&waiting);
        feed(it, part);
        pipe_drop(&waiting, part.len);
    }
    balance(it);
}

static struct http1conn *of(struct exchange *exchange) {
    return container_of(exchange, struct http1conn, exchange);
}

static bool has_no_body(const char *status) {
    return status[0] == '1' || strcmp(status, "204") == 0 || strcmp(status, "304") == 0;
}

static void respond(struct exchange *exchange,
                    const struct headers *head,
                    bool has_body) {
    struct http1conn *it = of(exchange);
    const struct http1_message *message = http1_message(it->http1);
    const char *status = headers_get(head, ":status");
    bool keep = message->keep_alive && message->ended && !it->draining;
    struct buf out = { 0 };
    struct headers full;

    headers_init(&full);
    headers_add_all(&full, head);
    it->chunked = has_body && !headers_get(head, "content-length");
    if (it->chunked)
        headers_add(&full, "transfer-encoding", "chunked");
    else if (!has_body && !headers_get(head, "content-length") && !has_no_body(status))
        headers_add(&full, "content-length", "0");
    if (!keep)
        headers_add(&full, "connection", "close");
    if (!keep)
        it->closing = true;
    http1_write_head(&out, &full);
    conn_send(it->conn, buf_slice(&out));
    buf_done(&out);
    headers_done(&full);
}

static size_t room(const struct exchange *exchange) {
    const struct http1conn *it = container_of(exchange, struct http1conn, exchange);
    return conn_is_writable(it->conn) ? SEND_ROOM : 0;
}

static void write_body(struct exchange *exchange, struct slice bytes) {
    struct http1conn *it = of(exchange);

    if (!it->chunked) {
        conn_send(it->conn, bytes);
        return;
    }
    struct buf out = { 0 };
    http1_write_chunk(&out, bytes);
    conn_send(it->conn, buf_slice(&out));
    buf_done(&out);
}

static void end(struct exchange *exchange) {
    struct http1conn *it = of(exchange);
    struct buf out = { 0 };

    if (!it->chunked)
        return;
    http1_write_chunk(&out, slice_of(NULL, 0));
    conn_send(it->conn, buf_slice(&out));
    buf_done(&out);
}

static void taken_body(struct exchange *exchange, size_t count) {
    balance(of(exchange));
}

/* The connection leaves: bytes that came behind the request belong to its new owner. */
static struct conn *upgrade(struct exchange *exchange, const struct headers *head) {
    struct http1conn *it = of(exchange);
    struct conn *conn = it->conn;
    struct buf out = { 0 };

    http1_write_head(&out, head);
    conn_send(conn, buf_slice(&out));
    buf_done(&out);
    conn_pause(conn, false);
    while (it->ahead.len > 0) {
        struct slice part = pipe_peek(&it->ahead);
        conn_unread(conn, part);
        pipe_drop(&it->ahead, part.len);
    }
    timer_stop(&it->timer);
    it->has_exchange = false;
    it->over = true;
    loop_post(conn_loop(conn), &it->closed);
    it->conn = NULL;
    return conn;
}

static void release(struct exchange *exchange) {
    struct http1conn *it = of(exchange);
    bool cut = !exchange->gone && !exchange->ended;

    it->has_exchange = false;
    loop_cancel(&it->wake);
    if (it->over)
        return;
    if (cut)
        end_connection(it);
    else
        next_request(it);
}

static const struct exchange_ops ops = {
    .respond = respond,
    .room = room,
    .write = write_body,
    .end = end,
    .taken = taken_body,
    .upgrade = upgrade,
    .release = release,
};

static void on_bytes(void *owner, struct slice bytes) {
    feed(owner, bytes);
}

static void on_writable(void *owner) {
    wake_owner(owner);
}

static void on_conn_closed(void *owner, int reason) {
    end_connection(owner);
}

static void run_closed(struct task *task) {
    struct http1conn *it = container_of(task, struct http1conn, closed);

    if (it->has_exchange) {
        it->exchange.gone = true;
        if (it->exchange.on_wake)
            it->exchange.on_wake(&it->exchange);
    }
    it->events->on_closed(it->owner, it);
}

struct http1conn *http1conn_new(struct conn *conn,
                                const struct front_limits *limits,
                                const struct http1conn_events *events,
                                void *owner) {
    static const struct conn_events conn_events = {
        .on_bytes = on_bytes,
        .on_writable = on_writable,
        .on_closed = on_conn_closed,
    };
    struct http1conn *it = mem_new(sizeof(*it));

    *it = (struct http1conn) {
        .conn = conn,
        .limits = limits,
        .events = events,
        .owner = owner,
        .http1 = http1_new(HTTP1_REQUEST, limits->header_bytes_max),
        .timer.fire = on_timer,
        .wake.run = run_wake,
        .closed.run = run_closed,
    };
    pipe_init(&it->ahead);
    conn_set_owner(conn, &conn_events, it);
    wait_for_head(it);
    return it;
}

void http1conn_drain(struct http1conn *it) {
    it->draining = true;
    if (!it->has_exchange && !it->over && !it->closing) {
        it->closing = true;
        conn_finish(it->conn);
    }
}

struct http1conn *http1conn_free(struct http1conn *it) {
    if (!it)
        return NULL;
    if (it->has_exchange) {
        it->over = true;
        it->exchange.gone = true;
        if (it->exchange.on_wake)
            it->exchange.on_wake(&it->exchange);
    }
    timer_stop(&it->timer);
    loop_cancel(&it->wake);
    loop_cancel(&it->closed);
    if (it->conn)
        conn_close(it->conn);
    pipe_done(&it->ahead);
    http1_free(it->http1);
    free(it);
    return NULL;
}

struct conn *http1conn_conn(const struct http1conn *it) {
    return it->conn;
}
