#include "loop/conn.h"

#include <string.h>

#include "loop/conn_layer.h"
#include "loop/conn_tcp.h"
#include "loop/loop_uv.h"

static void run_deliver(struct task *task);

void conn_init(struct conn *conn,
               const struct conn_ops *ops,
               struct loop *loop,
               struct conn *lower) {
    *conn = (struct conn) {
        .ops = ops,
        .loop = loop,
        .lower = lower,
        .deliver.run = run_deliver,
    };
    pipe_init(&conn->waiting);
}

bool conn_is_wanted(const struct conn *conn) {
    return (conn->events && !conn->paused) || conn->disowned;
}

static void want(struct conn *conn) {
    bool wanted = conn_is_wanted(conn) && !conn->closed;
    if (wanted == conn->wanted)
        return;
    conn->wanted = wanted;
    conn->ops->read(conn, wanted);
}

static bool has_news(const struct conn *conn) {
    return conn->events && (conn->waiting.len > 0 || (conn->ended && !conn->told));
}

/* Has a conn that was left alone nothing more to do? An orderly end of the peer that came
 * before does not end what is being finished. */
static bool is_done(const struct conn *conn) {
    bool is_over = !conn->told || conn->reason < 0 || !conn->finishing;
    return conn->disowned && conn->ended && is_over;
}

static void deliver_later(struct conn *conn) {
    if (!conn->closed && (has_news(conn) || is_done(conn)))
        loop_post(conn->loop, &conn->deliver);
}

/* Gives the owner what has waited. It may pause, close, unread or leave in each call. */
static void give_waiting(struct conn *conn) {
    while (conn->waiting.len > 0 && conn->events && !conn->paused) {
        struct pipe part;
        pipe_init(&part);
        pipe_move(&part, &conn->waiting, pipe_peek(&conn->waiting).len);
        conn->events->on_bytes(conn->owner, pipe_peek(&part));
        pipe_done(&part);
    }
}

static void give_end(struct conn *conn) {
    bool is_due = conn->waiting.len == 0 || (conn->reason < 0 && conn->paused);

    if (!conn->ended || conn->told || !is_due || !conn->events)
        return;
    if (conn->reason == 0 && conn->paused)
        return;
    conn->told = true;
    conn->events->on_closed(conn->owner, conn->reason);
}

static void run_deliver(struct task *task) {
    struct conn *conn = container_of(task, struct conn, deliver);

    give_waiting(conn);
    if (conn->closed)
        return;
    if (is_done(conn))
        conn_close(conn);
    else
        give_end(conn);
}

void conn_hand_bytes(struct conn *conn, struct slice bytes) {
    if (conn->closed || conn->disowned || bytes.len == 0)
        return;
    if (conn->events && !conn->paused && conn->waiting.len == 0) {
        conn->events->on_bytes(conn->owner, bytes);
        return;
    }
    pipe_add(&conn->waiting, bytes);
    deliver_later(conn);
}

void conn_hand_writable(struct conn *conn) {
    bool is_over = conn->closed || conn->finishing || conn->ending ||
                   (conn->ended && conn->reason < 0);
    if (!is_over && conn->events && conn->events->on_writable)
        conn->events->on_writable(conn->owner);
}

void conn_hand_end(struct conn *conn, int reason) {
    if (conn->closed || (conn->ended && conn->reason < 0))
        return;
    conn->ended = true;
    conn->told = false;
    conn->reason = reason;
    deliver_later(conn);
}

void conn_set_owner(struct conn *conn, const struct conn_events *events, void *owner) {
    if (conn->closed)
        return;
    conn->events = events;
    conn->owner = owner;
    conn->disowned = !events;
    list_remove(&conn->orphan);
    if (conn->disowned) {
        conn->told = conn->ended; /* there is nobody to tell */
        pipe_done(&conn->waiting);
        list_add_tail(&conn->loop->orphans, &conn->orphan);
    }
    want(conn);
    deliver_later(conn);
}

void conn_send(struct conn *conn, struct slice bytes) {
    bool is_broken = conn->ended && conn->reason < 0;
    if (!conn->closed && !conn->finishing && !conn->ending && !is_broken && bytes.len > 0)
        conn->ops->send(conn, bytes);
}

void conn_send_from(struct conn *conn, struct pipe *from) {
    struct slice runs[CONN_RUNS_MAX];
    size_t count = pipe_peek_runs(from, runs, CONN_RUNS_MAX);
    size_t len = 0;

    if (count > 1 && conn->ops->send_runs && conn_is_writable(conn)) {
        conn->ops->send_runs(conn, from, runs, count);
        return;
    }
    for (size_t i = 0; i < count && len + runs[i].len <= CONN_SEND_MAX; i++) {
        conn_send(conn, runs[i]);
        len += runs[i].len;
    }
    pipe_drop(from, len);
}

bool conn_is_writable(const struct conn *conn) {
    return !conn->closed && !conn->finishing && !conn->ending &&
           conn->ops->is_writable(conn);
}

void conn_pause(struct conn *conn, bool paused) {
    if (conn->closed || conn->paused == paused)
        return;
    conn->paused = paused;
    want(conn);
    deliver_later(conn);
}

void conn_unread(struct conn *conn, struct slice bytes) {
    if (conn->closed)
        return;
    if (conn->ended && conn->reason == 0)
        conn->told = false;
    struct pipe whole;
    pipe_init(&whole);
    pipe_add(&whole, bytes);
    pipe_move(&whole, &conn->waiting, conn->waiting.len);
    pipe_move(&conn->waiting, &whole, whole.len);
    deliver_later(conn);
}

void conn_finish(struct conn *conn) {
    if (conn->closed || conn->finishing)
        return;
    conn->finishing = true;
    if (!conn->ended || conn->reason == 0) {
        conn->ops->finish(conn);
    } else { /* it broke before: there is nothing to send, and its end is told again */
        conn->told = false;
        deliver_later(conn);
    }
}

void conn_end(struct conn *conn) {
    bool is_broken = conn->ended && conn->reason < 0;

    if (!conn->ops->end)
        conn_finish(conn);
    if (conn->closed || conn->finishing || conn->ending || is_broken)
        return;
    conn->ending = true;
    conn->ops->end(conn);
}

void conn_abort(struct conn *conn) {
    if (!conn->closed)
        conn_tcp_linger(conn_base(conn));
    conn_close(conn);
}

void conn_close(struct conn *conn) {
    if (conn->closed)
        return;
    conn->closed = true;
    conn->events = NULL;
    conn->disowned = false;
    pipe_done(&conn->waiting);
    list_remove(&conn->orphan);
    loop_cancel(&conn->deliver);
    if (conn->watch)
        conn->watch->on_close(conn->watch);
    conn->ops->close(conn);
}

void conn_close_orphans(struct loop *loop) {
    struct list *node;
    while ((node = list_pop(&loop->orphans)))
        conn_close(container_of(node, struct conn, orphan));
}

struct conn_base *conn_base(const struct conn *conn) {
    while (conn->lower)
        conn = conn->lower;
    return container_of(conn, struct conn_base, conn);
}

const char *conn_peer(const struct conn *conn) {
    return conn_base(conn)->peer;
}

const char *conn_peer_key(const struct conn *conn) {
    return conn_base(conn)->peer_key;
}

const char *conn_local(const struct conn *conn) {
    return conn_base(conn)->local;
}

struct loop *conn_loop(const struct conn *conn) {
    return conn->loop;
}

const char *conn_alpn(const struct conn *conn) {
    return conn_base(conn)->alpn;
}

bool conn_is_tls(const struct conn *conn) {
    return conn_base(conn)->is_tls;
}

bool conn_is_resumed(const struct conn *conn) {
    return conn_base(conn)->is_resumed;
}
