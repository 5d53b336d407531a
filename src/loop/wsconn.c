#include "loop/wsconn.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/mem.h"
#include "loop/conn_layer.h"
#include "loop/loop_uv.h"
#include "loop/timer.h"
#include "wire/ws.h"

enum {
    MESSAGE_MAX = 1 << 20, /* what one message of the peer may hold */
    SLICE_MAX = 65536, /* what one message of ours holds: the peer delivers it whole */
};

struct wsconn {
    struct conn conn;
    struct ws *ws; /* owned */
    struct wsconn_config config;
    struct timer ping;
    struct timer quiet;
    struct task grave;
    bool over; /* close frames are exchanged, or the peer broke the rules */
};

static struct wsconn *wsconn_of(const struct conn *conn) {
    return container_of(conn, struct wsconn, conn);
}

static void send_out(struct wsconn *wsconn) {
    struct buf out = { 0 };

    if (ws_has_output(wsconn->ws) && ws_drain(wsconn->ws, &out) == 0)
        conn_send(wsconn->conn.lower, buf_slice(&out));
    buf_done(&out);
}

/* The peer broke the rules: it is told why, and the lower conn ends in order. */
static void fail(struct wsconn *wsconn) {
    if (wsconn->over)
        return;
    wsconn->over = true;
    send_out(wsconn);
    conn_hand_end(&wsconn->conn, -EPROTO);
}

static void take_messages(struct wsconn *wsconn) {
    struct ws_message message;

    while (!wsconn->conn.closed && !wsconn->over && ws_next(wsconn->ws, &message)) {
        if (message.opcode == WS_BINARY) {
            conn_hand_bytes(&wsconn->conn, message.bytes);
        } else {
            ws_close(wsconn->ws, WS_CLOSE_TYPE, "binary messages only");
            fail(wsconn);
        }
    }
}

/* The peer's close frame: its bytes are all here. */
static void take_close(struct wsconn *wsconn) {
    if (wsconn->over || ws_close_code(wsconn->ws) == 0)
        return;
    wsconn->over = true;
    if (wsconn->conn.finishing)
        conn_finish(wsconn->conn.lower);
    else
        conn_hand_end(&wsconn->conn, 0);
}

/* The silence begins anew: the peer was heard, or we read again. */
static void hear(struct wsconn *wsconn) {
    if (wsconn->config.quiet_ms > 0)
        timer_start(wsconn->conn.loop, &wsconn->quiet, wsconn->config.quiet_ms);
}

static void on_quiet(struct timer *timer) {
    struct wsconn *wsconn = container_of(timer, struct wsconn, quiet);

    if (wsconn->over)
        return;
    wsconn->over = true;
    conn_hand_end(&wsconn->conn, -ETIMEDOUT);
}

/* A ping behind bytes that do not go out would ask nothing. */
static void on_ping(struct timer *timer) {
    struct wsconn *wsconn = container_of(timer, struct wsconn, ping);

    if (!wsconn->over && conn_is_writable(wsconn->conn.lower)) {
        ws_ping(wsconn->ws);
        send_out(wsconn);
    }
    timer_start(wsconn->conn.loop, timer, wsconn->config.ping_ms);
}

static void on_lower_bytes(void *owner, struct slice bytes) {
    struct wsconn *wsconn = owner;

    if (wsconn->over)
        return;
    hear(wsconn);
    int r = ws_feed(wsconn->ws, bytes);
    take_messages(wsconn);
    if (wsconn->conn.closed)
        return;
    /* Pongs for a peer that does not read them wait where they are few. */
    if (conn_is_writable(wsconn->conn.lower) || ws_close_code(wsconn->ws) != 0)
        send_out(wsconn);
    if (r < 0)
        fail(wsconn);
    else
        take_close(wsconn);
}

static void on_lower_writable(void *owner) {
    struct wsconn *wsconn = owner;

    send_out(wsconn);
    conn_hand_writable(&wsconn->conn);
}

static void on_lower_closed(void *owner, int reason) {
    struct wsconn *wsconn = owner;
    bool in_order = wsconn->over || wsconn->conn.finishing;

    if (reason < 0 || !in_order)
        conn_hand_end(&wsconn->conn, reason ? reason : -ECONNRESET);
    else if (wsconn->conn.finishing)
        conn_hand_end(&wsconn->conn, 0);
}

static void ws_layer_send(struct conn *conn, struct slice bytes) {
    struct wsconn *wsconn = wsconn_of(conn);
    size_t max = wsconn->config.slice_max;

    while (!wsconn->over && bytes.len > 0) {
        size_t n = bytes.len < max ? bytes.len : max;
        ws_send(wsconn->ws, WS_BINARY, slice_of(bytes.at, n));
        bytes = slice_after(bytes, n);
    }
    send_out(wsconn);
}

static bool ws_layer_is_writable(const struct conn *conn) {
    return !wsconn_of(conn)->over && conn_is_writable(conn->lower);
}

static void ws_layer_read(struct conn *conn, bool wanted) {
    struct wsconn *wsconn = wsconn_of(conn);

    if (wanted)
        hear(wsconn);
    else
        timer_stop(&wsconn->quiet);
    conn_pause(conn->lower, !wanted);
}

/* Our close frame; the lower conn ends when the peer's has come, or after its 5 s. */
static void ws_layer_finish(struct conn *conn) {
    struct wsconn *wsconn = wsconn_of(conn);

    if (!wsconn->over)
        ws_close(wsconn->ws, WS_CLOSE_NORMAL, "");
    send_out(wsconn);
    conn_finish(conn->lower);
}

static void run_grave(struct task *task) {
    struct wsconn *wsconn = container_of(task, struct wsconn, grave);

    ws_free(wsconn->ws);
    free(wsconn);
}

static void ws_layer_close(struct conn *conn) {
    timer_stop(&wsconn_of(conn)->ping);
    timer_stop(&wsconn_of(conn)->quiet);
    conn_close(conn->lower);
    loop_bury(conn->loop, &wsconn_of(conn)->grave);
}

static const struct conn_ops ops = {
    .send = ws_layer_send,
    .read = ws_layer_read,
    .is_writable = ws_layer_is_writable,
    .finish = ws_layer_finish,
    .close = ws_layer_close,
};

struct conn *wsconn_new(struct conn *lower, bool is_client) {
    struct wsconn_config config = { .is_client = is_client };
    return wsconn_new_with(lower, &config);
}

struct conn *wsconn_new_with(struct conn *lower, const struct wsconn_config *config) {
    static const struct conn_events lower_events = {
        .on_bytes = on_lower_bytes,
        .on_writable = on_lower_writable,
        .on_closed = on_lower_closed,
    };
    struct wsconn *wsconn = mem_new(sizeof(*wsconn));

    conn_init(&wsconn->conn, &ops, conn_loop(lower), lower);
    wsconn->config = *config;
    if (config->slice_max == 0)
        wsconn->config.slice_max = SLICE_MAX;
    wsconn->ws = ws_new(config->is_client, MESSAGE_MAX);
    wsconn->grave.run = run_grave;
    wsconn->quiet.fire = on_quiet;
    wsconn->ping.fire = on_ping;
    if (config->ping_ms > 0)
        timer_start(wsconn->conn.loop, &wsconn->ping, config->ping_ms);
    conn_pause(lower, true); /* until the new conn has an owner */
    conn_set_owner(lower, &lower_events, wsconn);
    return &wsconn->conn;
}

void wsconn_finish(struct conn *conn, unsigned code, const char *reason) {
    struct wsconn *wsconn = wsconn_of(conn);

    assert(conn->ops == &ops);
    if (conn->closed || conn->finishing)
        return;
    if (!wsconn->over)
        ws_close(wsconn->ws, code, reason);
    conn_finish(conn);
}
