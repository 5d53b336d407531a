#include "rpc/http1conn.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "loop/conn.h"
#include "loop/listener.h"
#include "loop/loop.h"
#include "loop/timer.h"
#include "rpc/exchange.h"
#include "rpc/front.h"
#include "rpc/h2conn.h"
#include "wire/http1.h"

enum {
    BODY_PIPE_MAX = 65536, /* what waits for a slow owner before reading stops */
    SEND_ROOM = 65536,     /* bytes that an owner may write at once */
};

struct http1conn {
    struct conn *conn;                     /* owned; NULL after an upgrade */
    const struct front_limits *limits;     /* borrowed: the front */
    const struct http1conn_events *events; /* borrowed: the front */
    void *owner;                           /* borrowed: the front */
    struct http1 *http1;                   /* owned */
    struct pipe ahead;  /* bytes behind a request that waits for its answer */
    struct timer timer; /* of the head, the body, or idleness */
    struct task wake;
    struct task resume; /* reads what is ahead */
    struct task closed;
    struct exchange exchange;
    bool has_exchange;
    bool chunked;  /* the response's body */
    bool last;     /* the response said that the connection closes */
    bool draining; /* no request after this one */
    bool idle;     /* between requests */
    bool closing;  /* all is said; what comes is dropped until the peer ends too */
    bool in_order; /* the peer ended it by FIN */
    bool waits;    /* ... after its request: it shall have the answer */
    bool over;     /* on_closed is on its way or has come */
};

static void end_connection(struct http1conn *it) {
    if (it->over)
        return;
    it->over = true;
    timer_stop(&it->timer);
    loop_post(conn_loop(it->conn), &it->closed);
}

/* All is said: the peer gets the rest, and ends too, for which we must read. */
static void finish(struct http1conn *it) {
    it->closing = true;
    timer_stop(&it->timer);
    pipe_done(&it->ahead);
    conn_pause(it->conn, false);
    conn_finish(it->conn);
}

static void refuse(struct http1conn *it, unsigned status) {
    struct buf out = { 0 };
    buf_printf(&out, "HTTP/1.1 %u %s\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
               status, http1_reason(status));
    conn_send(it->conn, buf_slice(&out));
    buf_done(&out);
    finish(it);
}

/* No whole request comes: says so if nothing was said yet, and ends. */
static void give_up(struct http1conn *it, unsigned status) {
    if (it->has_exchange && it->exchange.responded) {
        end_connection(it);
        return;
    }
    refuse(it, status);
    if (it->has_exchange) {
        it->exchange.gone = true;
        loop_post(conn_loop(it->conn), &it->wake);
    }
}

static void on_timer(struct timer *timer) {
    struct http1conn *it = container_of(timer, struct http1conn, timer);

    if (it->waits)
        end_connection(it);
    else if (it->idle)
        finish(it);
    else
        give_up(it, 408);
}

static void wait_for_request(struct http1conn *it, unsigned limit_ms) {
    it->idle = true;
    timer_start(conn_loop(it->conn), &it->timer, limit_ms);
}

/* May the reader have bytes? Not while a whole request waits for its answer. */
static bool can_read(const struct http1conn *it) {
    return !it->over && !it->closing &&
           !(it->has_exchange && http1_message(it->http1)->ended);
}

/* Reading stops while the owner is slow or a later request waits. */
static void balance(struct http1conn *it) {
    if (!it->over && !it->closing)
        conn_pause(it->conn, it->ahead.len > 0 ||
                                 http1_message(it->http1)->body.len >= BODY_PIPE_MAX);
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
    it->last = false;
    it->exchange = (struct exchange) {
        .ops = &ops,
        .conn = it->conn,
        .head = &message->head,
        .body = &message->body,
        .body_ended = message->ended,
    };
    if (message->ended)
        timer_stop(&it->timer);
    else
        timer_start(conn_loop(it->conn), &it->timer, it->limits->body_ms);
    if (message->expects_continue && !message->ended)
        conn_send(it->conn, slice_of_text("HTTP/1.1 100 Continue\r\n\r\n"));
    it->events->on_exchange(it->owner, &it->exchange);
    assert(!it->has_exchange || it->exchange.on_wake);
}

static void take_progress(struct http1conn *it) {
    const struct http1_message *message = http1_message(it->http1);

    if (message->has_head && !it->has_exchange) {
        start_exchange(it);
    } else if (it->has_exchange) {
        it->exchange.body_ended = message->ended;
        if (message->ended)
            timer_stop(&it->timer);
        wake_owner(it);
    }
}

/* Gives bytes to the reader; returns how many it took. A fault ends the connection. */
static size_t feed(struct http1conn *it, struct slice bytes, int *ret_fault) {
    size_t taken = 0;

    if (it->idle) {
        it->idle = false;
        timer_start(conn_loop(it->conn), &it->timer, it->limits->head_ms);
    }
    *ret_fault = http1_feed(it->http1, bytes, &taken);
    return taken;
}

static void act(struct http1conn *it, int fault) {
    if (fault == 0)
        take_progress(it);
    else
        give_up(it, fault == HTTP1_E_HEAD_TOO_LONG ? 431 : 400);
}

/* Reads what is ahead, for as long as requests are answered on the spot. */
static void read_on(struct http1conn *it) {
    while (can_read(it) && it->ahead.len > 0) {
        int fault;
        size_t taken = feed(it, pipe_peek(&it->ahead), &fault);
        pipe_drop(&it->ahead, taken);
        act(it, fault);
    }
    balance(it);
}

static void run_resume(struct task *task) {
    read_on(container_of(task, struct http1conn, resume));
}

static void on_bytes(void *owner, struct slice bytes) {
    struct http1conn *it = owner;

    if (it->over || it->closing)
        return;
    if (it->ahead.len > 0 || !can_read(it)) {
        pipe_add(&it->ahead, bytes);
    } else {
        int fault;
        size_t taken = feed(it, bytes, &fault);
        pipe_add(&it->ahead,
                 slice_after(bytes, taken)); /* an upgrade looks for it there */
        act(it, fault);
    }
    read_on(it);
}

/* The answer is complete: goes on with the next request, or ends. */
static void next_request(struct http1conn *it) {
    if (!http1_message(it->http1)->ended || it->last || it->draining || it->waits) {
        finish(it);
        return;
    }
    http1_next(it->http1);
    wait_for_request(it, it->limits->idle_ms);
    loop_post(conn_loop(it->conn), &it->resume);
}

static struct http1conn *of(struct exchange *exchange) {
    return container_of(exchange, struct http1conn, exchange);
}

/* Of a response without a body: may it say that its length is 0? */
static bool has_length(const struct exchange *exchange, const char *status) {
    return strcmp(exchange_method(exchange), "HEAD") != 0 && status[0] != '1' &&
           strcmp(status, "204") != 0 && strcmp(status, "304") != 0;
}

static void respond(struct exchange *exchange,
                    const struct headers *head,
                    bool has_body) {
    struct http1conn *it = of(exchange);
    const struct http1_message *message = http1_message(it->http1);
    bool knows_length = headers_get(head, "content-length") != NULL;
    struct buf out = { 0 };
    struct headers full;

    headers_init(&full);
    headers_add_all(&full, head);
    it->chunked = has_body && !knows_length && !message->is_1_0;
    it->last = !message->keep_alive || !message->ended || it->draining || it->waits;
    if (it->chunked)
        headers_add(&full, "transfer-encoding", "chunked");
    else if (!has_body && !knows_length &&
             has_length(exchange, headers_get(head, ":status")))
        headers_add(&full, "content-length", "0");
    if (it->last)
        headers_add(&full, "connection", "close");
    http1_write_head(&out, &full);
    conn_send(it->conn, buf_slice(&out));
    buf_done(&out);
    headers_done(&full);
}

static size_t room(const struct exchange *exchange) {
    const struct http1conn *it = container_of(exchange, struct http1conn, exchange);
    return conn_is_writable(it->conn) ? SEND_ROOM : 0;
}

static void send_chunk(struct http1conn *it, struct slice bytes) {
    struct buf out = { 0 };

    http1_write_chunk(&out, bytes);
    conn_send(it->conn, buf_slice(&out));
    buf_done(&out);
}

static void write_body(struct exchange *exchange, struct slice bytes) {
    struct http1conn *it = of(exchange);

    if (it->chunked)
        send_chunk(it, bytes);
    else
        conn_send(it->conn, bytes);
}

static void end(struct exchange *exchange) {
    struct http1conn *it = of(exchange);

    if (it->chunked)
        send_chunk(it, slice_of(NULL, 0));
}

static void taken_body(struct exchange *exchange, size_t count) {
    balance(of(exchange));
}

static bool hold(struct exchange *exchange, size_t total) {
    const struct http1conn *it = of(exchange);
    size_t max = it->limits->held_max;

    if (max > H2CONN_HELD_STRANGER && !listener_is_vouched(it->conn))
        max = H2CONN_HELD_STRANGER;
    return max == 0 || total <= max;
}

/* Bytes that came behind the request belong to the connection's new owner. */
static void give_back_ahead(struct http1conn *it) {
    struct buf bytes = { 0 };
    size_t len = it->ahead.len;

    if (len == 0)
        return;
    pipe_copy(&it->ahead, buf_room(&bytes, len), len);
    buf_added(&bytes, len);
    pipe_done(&it->ahead);
    conn_unread(it->conn, buf_slice(&bytes));
    buf_done(&bytes);
}

static struct conn *upgrade(struct exchange *exchange, const struct headers *head) {
    struct http1conn *it = of(exchange);
    struct buf out = { 0 };

    if (!http1_message(it->http1)->ended || it->waits)
        return NULL;
    http1_write_head(&out, head);
    conn_send(it->conn, buf_slice(&out));
    buf_done(&out);
    conn_pause(it->conn, false);
    give_back_ahead(it);
    timer_stop(&it->timer);
    loop_cancel(&it->wake);
    it->has_exchange = false;
    it->over = true;
    loop_post(conn_loop(it->conn), &it->closed);
    return TAKE(it->conn);
}

static void release(struct exchange *exchange) {
    struct http1conn *it = of(exchange);

    it->has_exchange = false;
    loop_cancel(&it->wake);
    if (it->over || it->closing)
        return;
    if (exchange->ended)
        next_request(it);
    else
        end_connection(it);
}

static const struct exchange_ops ops = {
    .respond = respond,
    .room = room,
    .write = write_body,
    .end = end,
    .taken = taken_body,
    .hold = hold,
    .upgrade = upgrade,
    .release = release,
};

static void on_writable(void *owner) {
    wake_owner(owner);
}

static bool owes_answer(const struct http1conn *it) {
    return !it->over && !it->closing && it->has_exchange &&
           http1_message(it->http1)->ended;
}

/* A FIN may mean "no more requests" or "nobody is here": the answer has body_ms. */
static void on_conn_closed(void *owner, int reason) {
    struct http1conn *it = owner;

    it->in_order = reason == 0;
    it->waits = it->in_order && owes_answer(it);
    if (!it->waits) {
        end_connection(it);
        return;
    }
    timer_start(conn_loop(it->conn), &it->timer, it->limits->body_ms);
    it->exchange.peer_ended = true;
    wake_owner(it);
}

/* The owner of the exchange learns that its peer is gone, and releases it. */
static void lose_exchange(struct http1conn *it) {
    if (!it->has_exchange)
        return;
    it->exchange.gone = true;
    it->exchange.on_wake(&it->exchange);
    assert(!it->has_exchange);
}

static void run_closed(struct task *task) {
    struct http1conn *it = container_of(task, struct http1conn, closed);

    lose_exchange(it);
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
        .resume.run = run_resume,
        .closed.run = run_closed,
    };
    pipe_init(&it->ahead);
    conn_set_owner(conn, &conn_events, it);
    wait_for_request(it, limits->head_ms);
    return it;
}

void http1conn_drain(struct http1conn *it) {
    it->draining = true;
    if (!it->has_exchange && !it->over && !it->closing)
        finish(it);
}

/* What was sent last shall arrive when the peer ended its side in order. */
static void let_go(struct http1conn *it) {
    struct conn *conn = TAKE(it->conn);

    if (!conn)
        return;
    if (it->in_order && !it->closing) {
        conn_set_owner(conn, NULL, NULL);
        conn_finish(conn);
    } else {
        conn_close(conn);
    }
}

struct http1conn *http1conn_free(struct http1conn *it) {
    if (!it)
        return NULL;
    it->over = true;
    lose_exchange(it);
    timer_stop(&it->timer);
    loop_cancel(&it->wake);
    loop_cancel(&it->resume);
    loop_cancel(&it->closed);
    let_go(it);
    pipe_done(&it->ahead);
    http1_free(it->http1);
    free(it);
    return NULL;
}

struct conn *http1conn_conn(const struct http1conn *it) {
    return it->conn;
}
