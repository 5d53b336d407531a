/* Exchanges on HTTP/2 streams: everything that is not gRPC. */
#include <stdlib.h>

#include "base/mem.h"
#include "loop/conn.h"
#include "rpc/exchange.h"
#include "rpc/h2conn_private.h"

enum { LINGER_BODY_MAX = 32768 }; /* fits in a stream's first window */

struct h2_exchange {
    struct h2half half;
    struct exchange exchange;
    struct headers head; /* copies, so that they outlive the stream */
    struct pipe nothing; /* the body once the stream is lost */
    size_t held;         /* bytes of the body that the owner keeps */
    bool lingers; /* released: the rest of a small body is waited for and dropped */
};

static struct h2_exchange *of(struct exchange *exchange) {
    return container_of(exchange, struct h2_exchange, exchange);
}

static void wake(struct h2_exchange *it) {
    if (it->exchange.on_wake)
        it->exchange.on_wake(&it->exchange); /* may be gone here */
}

static void respond(struct exchange *exchange,
                    const struct headers *head,
                    bool has_body) {
    struct h2_exchange *it = of(exchange);
    h2_respond(it->half.stream, head, has_body);
    h2conn_mark_dirty(it->half.h2conn);
}

static size_t room(const struct exchange *exchange) {
    struct h2_exchange *it = container_of(exchange, struct h2_exchange, exchange);
    return h2_stream_room(it->half.stream);
}

static void write_body(struct exchange *exchange, struct slice bytes) {
    struct h2_exchange *it = of(exchange);
    h2_stream_write(it->half.stream, bytes);
    h2conn_mark_dirty(it->half.h2conn);
}

/* Is the rest of the body on its way anyway? Clients are known (curl 7.88) that drop an
 * answer when RST_STREAM tells them to send no more. */
static bool is_small(const struct h2_exchange *it) {
    const char *length = headers_get(&it->head, "content-length");
    char *rest = NULL;

    return length && strtoull(length, &rest, 10) <= LINGER_BODY_MAX && *rest == '\0';
}

static void end(struct exchange *exchange) {
    struct h2_exchange *it = of(exchange);
    h2_stream_end(it->half.stream, NULL);
    if (!it->half.stream->in_ended && !is_small(it))
        h2_stream_stop_reading(it->half.stream);
    h2conn_mark_dirty(it->half.h2conn);
}

static void taken(struct exchange *exchange, size_t count) {
    struct h2_exchange *it = of(exchange);
    h2_stream_consume(it->half.stream, count);
    h2conn_mark_dirty(it->half.h2conn);
}

static bool hold(struct exchange *exchange, size_t total) {
    struct h2_exchange *it = of(exchange);
    return h2conn_hold(it->half.h2conn, &it->held, total);
}

static struct conn *upgrade(struct exchange *exchange, const struct headers *head) {
    return NULL;
}

static void destroy(struct h2_exchange *it) {
    headers_done(&it->head);
    free(it);
}

static void linger(struct h2_exchange *it) {
    struct h2_stream *stream = it->half.stream;

    pipe_drop(&stream->in, stream->in.len);
    if (!stream->in_ended && !stream->closed)
        return;
    h2conn_remove_half(&it->half);
    destroy(it);
}

static void release(struct exchange *exchange) {
    struct h2_exchange *it = of(exchange);

    if (!exchange->gone)
        h2conn_hold(it->half.h2conn, &it->held, 0);
    if (!exchange->gone && exchange->ended && is_small(it)) {
        it->lingers = true;
        linger(it);
        return;
    }
    if (!exchange->gone) {
        if (!exchange->ended)
            h2_stream_reset(it->half.stream, H2_CANCEL);
        h2conn_remove_half(&it->half);
    }
    destroy(it);
}

static void pump(struct h2half *half) {
    struct h2_exchange *it = container_of(half, struct h2_exchange, half);

    if (it->lingers) {
        linger(it);
        return;
    }
    it->exchange.body_ended = half->stream->in_ended;
    if (half->stream->closed && !(it->exchange.ended && half->stream->in_ended)) {
        half->sever(half);
        return;
    }
    wake(it);
}

/* The stream is lost; the struct stays until its owner releases it. */
static void sever(struct h2half *half) {
    struct h2_exchange *it = container_of(half, struct h2_exchange, half);

    h2conn_hold(half->h2conn, &it->held, 0);
    h2conn_remove_half(half);
    if (it->lingers) {
        destroy(it);
        return;
    }
    it->exchange.gone = true;
    it->exchange.body = &it->nothing;
    wake(it);
}

static const struct exchange_ops ops = {
    .respond = respond,
    .room = room,
    .write = write_body,
    .end = end,
    .taken = taken,
    .hold = hold,
    .upgrade = upgrade,
    .release = release,
};

void h2conn_exchange_accept(struct h2conn *h2conn, struct h2_stream *stream) {
    struct h2_exchange *it = mem_new(sizeof(*it));

    *it = (struct h2_exchange) {
        .half = { .pump = pump, .sever = sever },
        .exchange = {
            .ops = &ops,
            .conn = h2conn->conn,
            .head = &it->head,
            .body = &stream->in,
            .body_ended = stream->in_ended,
        },
    };
    headers_init(&it->head);
    headers_add_all(&it->head, &stream->head);
    pipe_init(&it->nothing);
    h2conn_add_half(h2conn, &it->half, stream);
    h2conn->config.on_exchange(h2conn->config.owner, &it->exchange);
}
