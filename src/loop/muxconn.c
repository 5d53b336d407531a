#include "loop/muxconn.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "loop/conn_layer.h"
#include "loop/loop_uv.h"
#include "loop/timer.h"
#include "wire/yamux.h"

enum {
    FRAME_MAX = 16384,  /* of one stream, before others have their turn */
    GATHER_MAX = 65536, /* bytes of one write */
    PING_MS = 30000,    /* as hashicorp's library asks */
    PONG_MS = 10000,    /* its limit for a write, and for an answer */
    FINISH_MS = 5000,   /* what the peer gets to end its side, as for TCP */
};

struct muxconn {
    struct conn *lower;                  /* owned; NULL once it was unwrapped or freed */
    struct yamux *yamux;                 /* owned */
    const struct muxconn_events *events; /* borrowed: the owner; NULL once it is freed */
    void *owner;                         /* borrowed: itself */
    struct list streams;                 /* of struct muxstream */
    struct list untold;                  /* those that are to hear that they may write */
    struct list ready;                   /* those with bytes and window, in turn */
    struct timer ping;
    struct timer pong;
    struct task closed;
    struct task grave;
    uint64_t heard_ms;
    int reason;
    bool probing;
    bool over;
};

/* A stream: a lowest layer, for what is below belongs to all of them. */
struct muxstream {
    struct conn_base base;
    struct list node;            /* in muxconn.streams */
    struct list turn;            /* in muxconn.ready */
    struct muxconn *mux;         /* borrowed: NULL once that has ended */
    struct yamux_stream *stream; /* borrowed: the yamux; NULL likewise, or once reset */
    struct pipe out;             /* bytes without window, or behind a full conn below */
    uint64_t received;
    uint64_t credited; /* of received */
    struct task credit;
    struct timer finish;
    struct task grave;
};

static struct muxstream *stream_of(const struct conn *conn) {
    return container_of(conn, struct muxstream, base.conn);
}

/* -- going out ----------------------------------------------------------------------- */

static void queue(struct muxstream *stream) {
    bool can_go = stream->stream && stream->out.len > 0 && yamux_room(stream->stream) > 0;

    if (can_go && !list_is_linked(&stream->turn))
        list_add_tail(&stream->mux->ready, &stream->turn);
}

/* Everything went out that the owner gave: its end may follow. */
static void end_if_done(struct muxstream *stream) {
    if (!stream->base.conn.finishing || stream->out.len > 0 || !stream->stream)
        return;
    yamux_end(stream->stream);
    if (stream->base.conn.ended)
        conn_hand_end(&stream->base.conn, 0);
}

/* One frame of the stream whose turn it is. */
static void take_turn(struct muxconn *mux) {
    struct list *turn = list_pop(&mux->ready);
    struct muxstream *stream = container_of(turn, struct muxstream, turn);
    struct slice bytes = pipe_peek(&stream->out);
    size_t room = yamux_room(stream->stream);
    size_t n = bytes.len < FRAME_MAX ? bytes.len : FRAME_MAX;

    n = n < room ? n : room;
    yamux_write(stream->stream, slice_of(bytes.at, n));
    pipe_drop(&stream->out, n);
    end_if_done(stream);
    queue(stream);
}

static void pump(struct muxconn *mux) {
    struct buf out = { 0 };

    while (!mux->over && conn_is_writable(mux->lower)) {
        buf_clear(&out);
        yamux_drain(mux->yamux, &out);
        while (out.len < GATHER_MAX && !list_is_empty(&mux->ready)) {
            take_turn(mux);
            yamux_drain(mux->yamux, &out);
        }
        if (out.len == 0)
            break;
        conn_send(mux->lower, buf_slice(&out));
    }
    buf_done(&out);
}

/* -- a stream as a conn ---------------------------------------------------------------
 */

static void stream_send(struct conn *conn, struct slice bytes) {
    struct muxstream *stream = stream_of(conn);

    if (!stream->stream)
        return;
    pipe_add(&stream->out, bytes);
    queue(stream);
    pump(stream->mux);
}

static bool stream_is_writable(const struct conn *conn) {
    const struct muxstream *stream = stream_of(conn);
    return stream->stream && stream->out.len == 0 && yamux_room(stream->stream) > 0 &&
           conn_is_writable(stream->mux->lower);
}

/* What the owner took goes back to the peer as window. */
static void give_credit(struct muxstream *stream) {
    uint64_t taken = stream->received - stream->base.conn.waiting.len;

    if (!stream->stream || taken <= stream->credited)
        return;
    yamux_taken(stream->stream, (size_t)(taken - stream->credited));
    stream->credited = taken;
}

/* What waited is delivered by a task of its own; only after that it was taken. */
static void run_credit(struct task *task) {
    struct muxstream *stream = container_of(task, struct muxstream, credit);

    give_credit(stream);
    if (stream->base.conn.waiting.len > 0 && conn_is_wanted(&stream->base.conn))
        loop_post(stream->base.conn.loop, task);
    else if (stream->mux)
        pump(stream->mux);
}

static void stream_read(struct conn *conn, bool wanted) {
    if (wanted)
        loop_post(conn->loop, &stream_of(conn)->credit);
}

static void on_finish_late(struct timer *timer) {
    conn_hand_end(&container_of(timer, struct muxstream, finish)->base.conn, -ETIMEDOUT);
}

static void stream_finish(struct conn *conn) {
    struct muxstream *stream = stream_of(conn);

    if (!stream->stream) {
        conn_hand_end(conn, 0);
        return;
    }
    timer_start(conn->loop, &stream->finish, FINISH_MS);
    end_if_done(stream);
    pump(stream->mux);
}

static void run_stream_grave(struct task *task) {
    free(container_of(task, struct muxstream, grave));
}

static void stream_close(struct conn *conn) {
    struct muxstream *stream = stream_of(conn);

    timer_stop(&stream->finish);
    loop_cancel(&stream->credit);
    list_remove(&stream->node);
    list_remove(&stream->turn);
    yamux_release(TAKE(stream->stream));
    if (stream->mux)
        pump(stream->mux);
    stream->mux = NULL;
    pipe_done(&stream->out);
    loop_bury(conn->loop, &stream->grave);
}

/* The addresses are those of the conn below; what it is made of is not seen. */
static void copy_addresses(struct conn_base *to, const struct conn_base *from) {
    memcpy(to->peer, from->peer, sizeof(to->peer));
    memcpy(to->local, from->local, sizeof(to->local));
    memcpy(to->peer_key, from->peer_key, sizeof(to->peer_key));
}

bool muxconn_is_stalled(const struct conn *conn) {
    const struct muxstream *stream = stream_of(conn);
    return stream->stream && stream->out.len > 0 && yamux_room(stream->stream) == 0;
}

bool muxconn_can_open(const struct muxconn *mux) {
    return !mux->over && yamux_can_open(mux->yamux);
}

struct conn *muxconn_open(struct muxconn *mux) {
    static const struct conn_ops ops = {
        .send = stream_send,
        .read = stream_read,
        .is_writable = stream_is_writable,
        .finish = stream_finish,
        .close = stream_close,
    };

    if (!muxconn_can_open(mux))
        return NULL;
    struct muxstream *stream = mem_new(sizeof(*stream));
    conn_init(&stream->base.conn, &ops, conn_loop(mux->lower), NULL);
    copy_addresses(&stream->base, conn_base(mux->lower));
    stream->mux = mux;
    stream->credit.run = run_credit;
    stream->finish.fire = on_finish_late;
    stream->grave.run = run_stream_grave;
    pipe_init(&stream->out);
    list_add_tail(&mux->streams, &stream->node);
    stream->stream = yamux_open(mux->yamux, stream);
    pump(mux);
    return &stream->base.conn;
}

/* -- the end --------------------------------------------------------------------------
 */

/* The stream is over, whatever it still had to say. */
static void sever(struct muxstream *stream, int reason) {
    list_remove(&stream->turn);
    pipe_done(&stream->out);
    stream->stream = NULL;
    conn_hand_end(&stream->base.conn, reason);
}

static void stop(struct muxconn *mux, int reason) {
    mux->over = true;
    timer_stop(&mux->ping);
    timer_stop(&mux->pong);
    list_splice(&mux->streams, &mux->untold);
    while (!list_is_empty(&mux->streams)) {
        struct list *node = list_pop(&mux->streams);
        struct muxstream *stream = container_of(node, struct muxstream, node);
        sever(stream, reason < 0 ? reason : -ECONNRESET);
        stream->mux = NULL;
    }
}

static void run_closed(struct task *task) {
    struct muxconn *mux = container_of(task, struct muxconn, closed);
    mux->events->on_closed(mux->owner, mux->reason);
}

static void end(struct muxconn *mux, int reason) {
    if (mux->over)
        return;
    stop(mux, reason);
    mux->reason = reason;
    loop_post(conn_loop(mux->lower), &mux->closed);
}

static void run_grave(struct task *task) {
    struct muxconn *mux = container_of(task, struct muxconn, grave);

    yamux_free(mux->yamux);
    free(mux);
}

struct conn *muxconn_unwrap(struct muxconn *mux) {
    struct conn *lower = TAKE(mux->lower);

    loop_cancel(&mux->closed);
    if (!mux->over)
        stop(mux, -ECONNABORTED);
    mux->events = NULL;
    conn_set_owner(lower, NULL, NULL);
    loop_bury(conn_loop(lower), &mux->grave);
    return lower;
}

struct muxconn *muxconn_free(struct muxconn *mux) {
    if (mux)
        conn_close(muxconn_unwrap(mux));
    return NULL;
}

/* -- coming in -------------------------------------------------------------------------
 */

static void take_stream_event(struct muxstream *stream, const struct yamux_event *event) {
    switch (event->kind) {
    case YAMUX_DATA:
        stream->received += event->bytes.len;
        conn_hand_bytes(&stream->base.conn, event->bytes);
        give_credit(stream);
        break;
    case YAMUX_WRITABLE:
        queue(stream);
        pump(stream->mux);
        if (stream_is_writable(&stream->base.conn))
            conn_hand_writable(&stream->base.conn);
        break;
    case YAMUX_ENDED:
        conn_hand_end(&stream->base.conn, 0);
        break;
    case YAMUX_RESET:
        yamux_release(stream->stream);
        sever(stream, -ECONNRESET);
        break;
    case YAMUX_AWAY: /* of no stream */
        break;
    }
}

static void take_event(struct muxconn *mux, const struct yamux_event *event) {
    if (event->stream)
        take_stream_event(yamux_user(event->stream), event);
    else if (event->code != YAMUX_NORMAL)
        end(mux, -EPROTO);
}

static void hear(struct muxconn *mux) {
    bool was_asked = mux->probing;

    mux->heard_ms = loop_now_ms(conn_loop(mux->lower));
    mux->probing = false;
    timer_stop(&mux->pong);
    if (was_asked)
        mux->events->on_alive(mux->owner);
}

static void on_lower_bytes(void *owner, struct slice bytes) {
    struct muxconn *mux = owner;
    struct yamux_event event;
    int r = 0;

    hear(mux);
    if (mux->over)
        return;
    yamux_feed(mux->yamux, bytes);
    while (!mux->over && r == 0) {
        r = yamux_next(mux->yamux, &event);
        if (r == 0)
            take_event(mux, &event);
    }
    pump(mux);
    if (r < 0)
        end(mux, r);
}

static void on_lower_writable(void *owner) {
    struct muxconn *mux = owner;

    pump(mux);
    list_splice(&mux->untold, &mux->streams);
    while (!list_is_empty(&mux->untold)) { /* each may close any other, or the mux */
        struct list *node = list_pop(&mux->untold);
        struct muxstream *stream = container_of(node, struct muxstream, node);
        list_add_tail(&mux->streams, node);
        if (stream_is_writable(&stream->base.conn))
            conn_hand_writable(&stream->base.conn);
    }
}

static void on_lower_closed(void *owner, int reason) {
    end(owner, reason);
}

static void on_pong_late(struct timer *timer) {
    end(container_of(timer, struct muxconn, pong), -ETIMEDOUT);
}

static void on_ping(struct timer *timer) {
    struct muxconn *mux = container_of(timer, struct muxconn, ping);
    struct loop *loop = conn_loop(mux->lower);

    yamux_ping(mux->yamux);
    pump(mux);
    if (!timer_is_running(&mux->pong))
        timer_start(loop, &mux->pong, PONG_MS);
    timer_start(loop, timer, PING_MS);
}

void muxconn_probe(struct muxconn *mux, unsigned limit_ms) {
    if (mux->over)
        return;
    mux->probing = true;
    yamux_ping(mux->yamux);
    pump(mux);
    timer_start(conn_loop(mux->lower), &mux->pong, limit_ms);
}

void muxconn_go_away(struct muxconn *mux) {
    if (mux->over)
        return;
    yamux_go_away(mux->yamux, YAMUX_NORMAL);
    pump(mux);
}

struct muxconn *muxconn_new(struct conn *lower,
                            const struct muxconn_events *events,
                            void *owner) {
    static const struct conn_events lower_events = {
        .on_bytes = on_lower_bytes,
        .on_writable = on_lower_writable,
        .on_closed = on_lower_closed,
    };
    struct muxconn *mux = mem_new(sizeof(*mux));

    *mux = (struct muxconn) {
        .lower = lower,
        .yamux = yamux_new(),
        .events = events,
        .owner = owner,
        .ping.fire = on_ping,
        .pong.fire = on_pong_late,
        .closed.run = run_closed,
        .grave.run = run_grave,
        .heard_ms = loop_now_ms(conn_loop(lower)),
    };
    list_init(&mux->streams);
    list_init(&mux->untold);
    list_init(&mux->ready);
    timer_start(conn_loop(lower), &mux->ping, PING_MS);
    conn_set_owner(lower, &lower_events, mux);
    return mux;
}

uint64_t muxconn_heard_ms(const struct muxconn *mux) {
    return mux->heard_ms;
}

const struct conn *muxconn_conn(const struct muxconn *mux) {
    return mux->lower;
}
