#include "rpc/h2conn.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "base/mem.h"
#include "loop/conn.h"
#include "loop/listener.h"
#include "rpc/h2conn_private.h"

enum { GATHER_MAX = 65536 }; /* bytes of one turn's write */

/* What is taken between two of these counts as taken at the earlier one. */
static void tick(struct h2conn *h2conn) {
    h2_tick(h2conn->h2, loop_clock_us());
}

void h2conn_mark_dirty(struct h2conn *h2conn) {
    loop_flush_later(conn_loop(h2conn->conn), &h2conn->flush);
}

static void on_output(void *arg) {
    h2conn_mark_dirty(arg);
}

void h2conn_add_half(struct h2conn *h2conn,
                     struct h2half *half,
                     struct h2_stream *stream) {
    half->h2conn = h2conn;
    half->stream = stream;
    stream->user = half;
    list_add_tail(&h2conn->halves, &half->node);
    h2conn->count++;
}

static void tell_room(struct h2conn *h2conn) {
    if (h2conn->config.on_room && !h2conn->over)
        h2conn->config.on_room(h2conn->config.owner, h2conn);
}

void h2conn_remove_half(struct h2half *half) {
    list_remove(&half->node);
    half->h2conn->count--;
    h2_stream_release(half->stream);
    half->stream = NULL;
    h2conn_mark_dirty(half->h2conn);
    tell_room(half->h2conn);
}

bool h2conn_hold(struct h2conn *h2conn, size_t *held, size_t now_held) {
    size_t max = h2conn->config.held_max;
    bool grows = now_held > *held;

    h2conn->held += now_held - *held;
    *held = now_held;
    if (!grows || max == 0)
        return true;
    if (max > H2CONN_HELD_STRANGER && !listener_is_vouched(h2conn->conn))
        max = H2CONN_HELD_STRANGER;
    return h2conn->held <= max;
}

static void run_closed(struct task *task) {
    struct h2conn *h2conn = container_of(task, struct h2conn, closed);
    h2conn->config.on_closed(h2conn->config.owner, h2conn, h2conn->reason);
}

/* The connection is over: every half learns it, then the owner does. A half's owner may
 * free the connection; so this runs within serve(). */
static void end(struct h2conn *h2conn, int reason) {
    assert(h2conn->busy);
    if (h2conn->over)
        return;
    h2conn->over = true;
    h2conn->reason = reason;
    timer_stop(&h2conn->quiet);
    timer_stop(&h2conn->leave);
    while (!list_is_empty(&h2conn->halves)) {
        struct h2half *half = container_of(h2conn->halves.next, struct h2half, node);
        half->sever(half);
    }
    loop_post(conn_loop(h2conn->conn), &h2conn->closed);
}

/* Whoever is told of a stream may end the connection, which is then freed by serve(). */
static void take_news(struct h2conn *h2conn) {
    struct h2_stream *stream;

    while (!h2conn->over && (stream = h2_next(h2conn->h2))) {
        struct h2half *half = stream->user;
        if (half)
            half->pump(half);
        else if (h2conn->config.role == H2_SERVER && stream->has_head && !stream->closed)
            h2conn_server_accept(h2conn, stream);
        else
            h2_stream_release(stream);
    }
}

static void destroy(struct h2conn *h2conn) {
    loop_cancel(&h2conn->closed);
    loop_cancel(&h2conn->flush);
    h2_free(h2conn->h2);
    if (h2conn->reason == -EPROTO) {
        conn_set_owner(h2conn->conn, NULL, NULL); /* the GOAWAY shall arrive */
        conn_finish(h2conn->conn);
    } else {
        conn_close(h2conn->conn);
    }
    free(h2conn->authority);
    free(h2conn);
}

/* Does work that calls out, and then what h2conn_free() put off. */
static void serve(struct h2conn *h2conn,
                  void (*work)(struct h2conn *h2conn, const void *arg),
                  const void *arg) {
    assert(!h2conn->busy);
    h2conn->busy = true;
    work(h2conn, arg);
    h2conn->busy = false;
    if (h2conn->doomed)
        destroy(h2conn);
}

/* Says why the connection ends, as far as the socket takes it. */
static void send_last(struct h2conn *h2conn, int reason) {
    struct buf out = { 0 };

    h2_drain(h2conn->h2, &out,
             SIZE_MAX); /* control frames, limited; GOAWAY is the last */
    conn_send(h2conn->conn, buf_slice(&out));
    buf_done(&out);
    end(h2conn, reason);
}

static void flush(struct h2conn *h2conn, const void *unused) {
    struct buf *out = loop_gather(conn_loop(h2conn->conn));

    tick(h2conn);

    while (!h2conn->over && conn_is_writable(h2conn->conn) && h2_has_output(h2conn->h2)) {
        buf_clear(out);
        int r = h2_drain(h2conn->h2, out, GATHER_MAX);
        bool any = out->len > 0;
        conn_send(h2conn->conn, buf_slice(out));
        take_news(h2conn);
        if (r < 0 && !h2conn->over)
            send_last(h2conn, r);
        if (!any)
            break;
    }
    if (!h2conn->over && !h2_is_alive(h2conn->h2) && h2conn->count == 0 &&
        !h2_has_output(h2conn->h2))
        conn_finish(h2conn->conn);
}

static void end_for(struct h2conn *h2conn, const void *arg) {
    const int *reason = arg;
    end(h2conn, *reason);
}

static void run_flush(struct task *task) {
    serve(container_of(task, struct h2conn, flush), flush, NULL);
}

static void watch(struct h2conn *h2conn) {
    unsigned delay_ms = h2conn->config.pings ? H2CONN_QUIET_MS : h2conn->config.idle_ms;
    if (delay_ms > 0)
        timer_start(conn_loop(h2conn->conn), &h2conn->quiet, delay_ms);
    else
        timer_stop(&h2conn->quiet); /* of a probe that was answered */
}

/* Nothing was received for a while. */
static void on_quiet(struct timer *timer) {
    struct h2conn *h2conn = container_of(timer, struct h2conn, quiet);

    if (h2conn->probing) {
        int reason = -ETIMEDOUT;
        serve(h2conn, end_for, &reason);
    } else if (h2conn->config.pings || h2conn->count > 0) {
        h2conn_probe(h2conn, H2CONN_PONG_MS);
    } else {
        h2conn_drain(h2conn);
        h2conn_probe(h2conn, H2CONN_PONG_MS);
    }
}

/* It has not answered: requests on their way to us may be lost. */
static void on_leave(struct timer *timer) {
    struct h2conn *h2conn = container_of(timer, struct h2conn, leave);

    h2_goaway(h2conn->h2, H2_NO_ERROR);
    h2conn_mark_dirty(h2conn);
}

void h2conn_probe(struct h2conn *h2conn, unsigned limit_ms) {
    if (h2conn->over)
        return;
    h2conn->probing = true;
    h2_ping(h2conn->h2);
    h2conn_mark_dirty(h2conn);
    timer_start(conn_loop(h2conn->conn), &h2conn->quiet, limit_ms);
}

bool h2conn_is_probing(const struct h2conn *h2conn) {
    return h2conn->probing;
}

/* What the owner does then may end the connection. */
static void tell_alive(struct h2conn *h2conn) {
    if (!h2conn->probing)
        return;
    h2conn->probing = false;
    if (h2conn->config.on_alive)
        h2conn->config.on_alive(h2conn->config.owner, h2conn);
}

static void tell_leaving(struct h2conn *h2conn) {
    if (h2conn->over || h2conn->peer_leaves || !h2_is_draining(h2conn->h2))
        return;
    h2conn->peer_leaves = true;
    if (h2conn->config.on_leaving)
        h2conn->config.on_leaving(h2conn->config.owner, h2conn);
}

static void feed(struct h2conn *h2conn, const void *arg) {
    const struct slice *bytes = arg;

    tell_alive(h2conn);
    if (h2conn->over)
        return;
    tick(h2conn);
    int r = h2_feed(h2conn->h2, *bytes);
    tell_leaving(h2conn); /* first: calls that it refused are led on */
    take_news(h2conn);
    if (h2conn->over)
        return;
    tell_room(h2conn);
    if (r < 0)
        send_last(h2conn, r);
    else
        h2conn_mark_dirty(h2conn);
}

static void on_bytes(void *owner, struct slice bytes) {
    struct h2conn *h2conn = owner;

    if (h2conn->over)
        return;
    h2conn->heard_ms = loop_now_ms(conn_loop(h2conn->conn));
    watch(h2conn);
    serve(h2conn, feed, &bytes);
}

static void on_writable(void *owner) {
    struct h2conn *h2conn = owner;
    h2conn_mark_dirty(h2conn);
}

static void on_conn_closed(void *owner, int reason) {
    serve(owner, end_for, &reason);
}

struct h2conn *h2conn_new(struct conn *conn, const struct h2conn_config *config) {
    static const struct conn_events events = {
        .on_bytes = on_bytes,
        .on_writable = on_writable,
        .on_closed = on_conn_closed,
    };
    struct h2conn *h2conn = mem_new(sizeof(*h2conn));

    *h2conn = (struct h2conn) {
        .target.start = h2conn_client_start,
        .config = *config,
        .authority = mem_strdup(config->authority ? config->authority : "roost"),
        .conn = conn,
        .h2 = h2_new(config->role, &config->limits),
        .flush.run = run_flush,
        .closed.run = run_closed,
        .quiet.fire = on_quiet,
        .leave.fire = on_leave,
    };
    list_init(&h2conn->halves);
    h2_on_output(h2conn->h2, on_output, h2conn);
    conn_set_owner(conn, &events, h2conn);
    h2conn->heard_ms = loop_now_ms(conn_loop(conn));
    watch(h2conn);
    h2conn_mark_dirty(h2conn);
    return h2conn;
}

struct h2conn *h2conn_free(struct h2conn *h2conn) {
    if (!h2conn)
        return NULL;
    int reason = -ECONNABORTED;
    h2conn->doomed = true;
    if (h2conn->busy)
        end(h2conn, reason);
    else
        serve(h2conn, end_for, &reason);
    return NULL;
}

struct target *h2conn_target(struct h2conn *h2conn) {
    return &h2conn->target;
}

bool h2conn_has_room(const struct h2conn *h2conn) {
    return !h2conn_is_leaving(h2conn) && h2_is_greeted(h2conn->h2) &&
           h2_can_request(h2conn->h2);
}

bool h2conn_is_spent(const struct h2conn *h2conn) {
    return h2_is_spent(h2conn->h2);
}

bool h2conn_is_leaving(const struct h2conn *h2conn) {
    return h2conn->over || h2conn->draining || h2_is_draining(h2conn->h2) ||
           h2_is_spent(h2conn->h2);
}

void h2conn_drain(struct h2conn *h2conn) {
    if (h2conn->draining || h2conn->over)
        return;
    h2conn->draining = true;
    h2_leave(h2conn->h2);
    timer_start(conn_loop(h2conn->conn), &h2conn->leave, H2CONN_LEAVE_MS);
    h2conn_mark_dirty(h2conn);
}

bool h2conn_has_left(const struct h2conn *h2conn) {
    return h2conn->over || h2_has_left(h2conn->h2);
}

struct conn *h2conn_conn(const struct h2conn *h2conn) {
    return h2conn->conn;
}

uint64_t h2conn_heard_ms(const struct h2conn *h2conn) {
    return h2conn->heard_ms;
}

size_t h2conn_count(const struct h2conn *h2conn) {
    return h2conn->count;
}

/* RFC 9110, 7.6.1, and what gRPC says anew on each hop. */
static bool is_end_to_end(const struct header *field) {
    const char *name = field->name;

    if (name[0] == ':')
        return false;
    switch (field->name_len) { /* most names need no look at their letters */
    case 2:
        return memcmp(name, "te", 2) != 0;
    case 4:
        return memcmp(name, "host", 4) != 0;
    case 7:
        return memcmp(name, "upgrade", 7) != 0;
    case 10:
        return memcmp(name, "connection", 10) != 0 && memcmp(name, "keep-alive", 10) != 0;
    case 12:
        return memcmp(name, "grpc-timeout", 12) != 0;
    case 14:
        return memcmp(name, "content-length", 14) != 0;
    case 16:
        return memcmp(name, "proxy-connection", 16) != 0;
    case 17:
        return memcmp(name, "transfer-encoding", 17) != 0;
    default:
        return true;
    }
}

void h2conn_lend_fields(struct headers *to, const struct headers *from) {
    for (size_t i = 0; i < from->count; i++) {
        const struct header *field = &from->fields[i];
        if (is_end_to_end(field))
            headers_lend(to, field);
    }
}

void h2conn_take_fields(struct headers *to, struct headers *from) {
    headers_move(to, from);
    headers_filter(to, is_end_to_end);
}
