#include "dialect/hubws.h"

#include <errno.h>
#include <stdlib.h>

#include "base/list.h"
#include "base/mem.h"
#include "loop/conn.h"
#include "loop/loop.h"
#include "loop/muxconn.h"
#include "loop/timer.h"
#include "loop/wsconn.h"
#include "rpc/call.h"
#include "rpc/h2conn.h"
#include "rpc/target.h"
#include "wire/ws.h"

enum {
    LANES_MAX = 256,     /* as many as the peer's library lets wait for it */
    STALLED_MAX = 8,     /* lanes that nobody reads, before calls go on such ones too */
    GREETING_MS = 10000, /* a server says its SETTINGS first */
    IDLE_MS = 360000,    /* gRPC servers take a PING each 5 minutes for an attack */
};

/* One stream with an HTTP/2 connection in it. */
struct lane {
    struct list node;
    struct hubws *hubws;   /* borrowed: it owns us */
    struct h2conn *h2conn; /* owned */
    struct timer greeting; /* its SETTINGS are late */
    bool greeted;
};

/* A call that waits for a lane. */
struct waiter {
    struct list node;
    struct call *call; /* reference: we are its callee */
};

struct hubws {
    struct target target;
    struct hubws_config config;
    struct loop *loop;   /* borrowed: the conn's */
    struct muxconn *mux; /* owned */
    struct list lanes;   /* owned: of struct lane */
    size_t lane_count;
    struct list waiters; /* owned: of struct waiter */
    struct task serve;
    struct task closed;
    int reason;
    bool draining;
    bool over;
};

static const char CLOSED[] = "closed"; /* what the original says */

/* -- calls that wait ----------------------------------------------------------------- */

static void drop_waiter(struct waiter *waiter) {
    list_remove(&waiter->node);
    free(waiter);
}

static void fail_call(struct call *call, const char *why) {
    call_finish(call, GRPC_UNAVAILABLE, call->lost_text ? call->lost_text : why, NULL);
}

static void fail_waiters(struct hubws *hubws, const char *why) {
    list_for_each_safe(at, after, &hubws->waiters) {
        struct waiter *waiter = container_of(at, struct waiter, node);
        struct call *call = waiter->call;
        drop_waiter(waiter);
        fail_call(call, why);
        call_detach_callee(call);
    }
}

static void on_wake(struct call *call, void *user) {
    if (!call->finished)
        return;
    drop_waiter(user);
    call_detach_callee(call);
}

static void add_waiter(struct hubws *hubws, struct call *call) {
    struct waiter *waiter = mem_new(sizeof(*waiter));
    struct call_half callee = { .on_wake = on_wake, .user = waiter };

    waiter->call = call;
    list_add_tail(&hubws->waiters, &waiter->node);
    call_attach_callee(call, &callee);
}

/* -- lanes ----------------------------------------------------------------------------
 */

static void free_lane(struct lane *lane) {
    list_remove(&lane->node);
    lane->hubws->lane_count--;
    timer_stop(&lane->greeting);
    h2conn_free(lane->h2conn);
    free(lane);
}

static void serve_later(struct hubws *hubws) {
    if (!hubws->over)
        loop_post(hubws->loop, &hubws->serve);
}

static void on_room(void *owner, struct h2conn *h2conn) {
    struct lane *lane = owner;
    serve_later(lane->hubws);
}

static bool is_ready(const struct lane *lane) {
    return lane->greeted && !h2conn_is_leaving(lane->h2conn);
}

static size_t count_lanes(const struct hubws *hubws,
                          bool (*is)(const struct lane *lane)) {
    size_t count = 0;

    list_for_each_safe(at, after, &hubws->lanes) {
        if (is(container_of(at, struct lane, node)))
            count++;
    }
    return count;
}

static bool is_opening(const struct lane *lane) {
    return !lane->greeted;
}

static bool is_stalled(const struct lane *lane) {
    return is_ready(lane) && muxconn_is_stalled(h2conn_conn(lane->h2conn));
}

/* The lane came to nothing: if it was the only hope, nobody waits for another. */
static void fail_lane(struct lane *lane, const char *why) {
    struct hubws *hubws = lane->hubws;

    free_lane(lane);
    if (count_lanes(hubws, is_ready) + count_lanes(hubws, is_opening) == 0)
        fail_waiters(hubws, why);
    serve_later(hubws);
}

static void on_lane_closed(void *owner, struct h2conn *h2conn, int reason) {
    struct lane *lane = owner;

    if (lane->greeted) {
        struct hubws *hubws = lane->hubws;
        free_lane(lane);
        serve_later(hubws);
    } else {
        fail_lane(lane, "the server refused the stream, or does not speak HTTP/2 in it");
    }
}

static void on_greeting_late(struct timer *timer) {
    fail_lane(container_of(timer, struct lane, greeting),
              "the server does not answer in HTTP/2");
}

static bool can_open(const struct hubws *hubws) {
    return hubws->lane_count < LANES_MAX && muxconn_can_open(hubws->mux);
}

static void open_lane(struct hubws *hubws) {
    if (!can_open(hubws))
        return;
    struct lane *lane = mem_new(sizeof(*lane));
    struct h2conn_config config = {
        .role = H2_CLIENT,
        .limits = {
            .window = CALL_PIPE_MAX,
            .header_bytes_max = (uint32_t)hubws->config.header_bytes_max,
        },
        .idle_ms = IDLE_MS,
        .on_room = on_room,
        .on_closed = on_lane_closed,
        .owner = lane,
    };

    *lane = (struct lane) { .hubws = hubws, .greeting.fire = on_greeting_late };
    list_add_tail(&hubws->lanes, &lane->node);
    hubws->lane_count++;
    lane->h2conn = h2conn_new(muxconn_open(hubws->mux), &config);
    timer_start(hubws->loop, &lane->greeting, GREETING_MS);
}

/* The first lane with room that its peer reads; or one that it does not, when there are
 * many of those, or no more lanes to be had. */
static struct lane *find_room(const struct hubws *hubws) {
    bool any = !can_open(hubws) || count_lanes(hubws, is_stalled) >= STALLED_MAX;

    list_for_each_safe(at, after, &hubws->lanes) {
        struct lane *lane = container_of(at, struct lane, node);
        if (lane->greeted && h2conn_has_room(lane->h2conn) && (any || !is_stalled(lane)))
            return lane;
    }
    return NULL;
}

static void greet_lanes(struct hubws *hubws) {
    list_for_each_safe(at, after, &hubws->lanes) {
        struct lane *lane = container_of(at, struct lane, node);
        if (lane->greeted || !h2conn_has_room(lane->h2conn))
            continue;
        lane->greeted = true;
        timer_stop(&lane->greeting);
    }
}

/* -- the end --------------------------------------------------------------------------
 */

static void free_lanes(struct hubws *hubws) {
    list_for_each_safe(at, after, &hubws->lanes)
        free_lane(container_of(at, struct lane, node));
}

static void run_closed(struct task *task) {
    struct hubws *hubws = container_of(task, struct hubws, closed);
    hubws->config.on_closed(hubws->config.owner, hubws->reason);
}

static void end(struct hubws *hubws, int reason) {
    if (hubws->over)
        return;
    hubws->over = true;
    hubws->reason = reason;
    loop_cancel(&hubws->serve);
    fail_waiters(hubws, "the connection was lost");
    loop_post(hubws->loop, &hubws->closed);
}

static bool is_busy(const struct hubws *hubws) {
    bool busy = !list_is_empty(&hubws->waiters);

    list_for_each_safe(at, after, &hubws->lanes) busy |=
        h2conn_count(container_of(at, struct lane, node)->h2conn) > 0;
    return busy;
}

/* -- serving --------------------------------------------------------------------------
 */

static void run_serve(struct task *task) {
    struct hubws *hubws = container_of(task, struct hubws, serve);
    struct lane *lane;

    greet_lanes(hubws);
    while (!list_is_empty(&hubws->waiters) && (lane = find_room(hubws))) {
        struct waiter *waiter = container_of(hubws->waiters.next, struct waiter, node);
        struct call *call = waiter->call;
        drop_waiter(waiter);
        call_pass_on(call, h2conn_target(lane->h2conn));
    }
    if (hubws->draining && !is_busy(hubws))
        end(hubws, 0);
    if (list_is_empty(&hubws->waiters) || count_lanes(hubws, is_opening) > 0)
        return;
    open_lane(hubws);
    if (count_lanes(hubws, is_ready) + count_lanes(hubws, is_opening) == 0)
        fail_waiters(hubws, "the server takes no new streams");
}

static void start(struct target *target, struct call *call) {
    struct hubws *hubws = container_of(target, struct hubws, target);

    if (call->tunnel) {
        call_finish(call, GRPC_UNIMPLEMENTED,
                    "this node is a server of the older hub: it opens no tunnels", NULL);
        return;
    }
    if (hubws->over || hubws->draining) {
        fail_call(call, "the connection takes no more calls");
        return;
    }
    struct lane *lane = list_is_empty(&hubws->waiters) ? find_room(hubws) : NULL;
    if (lane) {
        call_start(call, h2conn_target(lane->h2conn));
        return;
    }
    add_waiter(hubws, call);
    serve_later(hubws);
}

static void on_mux_alive(void *owner) {
    struct hubws *hubws = owner;
    hubws->config.on_alive(hubws->config.owner);
}

static void on_mux_closed(void *owner, int reason) {
    end(owner, reason);
}

static struct conn *unwrap_message_stream(struct conn *conn) {
    struct wsconn_config config = {
        .slice_max = HUBWS_MESSAGE_MAX,
        .ping_ms = HUBWS_PING_MS,
        .quiet_ms = HUBWS_QUIET_MS,
    };
    return wsconn_new_with(conn, &config);
}

struct hubws *hubws_new(struct conn *conn, const struct hubws_config *config) {
    static const struct muxconn_events events = {
        .on_alive = on_mux_alive,
        .on_closed = on_mux_closed,
    };
    struct hubws *hubws = mem_new(sizeof(*hubws));

    *hubws = (struct hubws) {
        .target.start = start,
        .config = *config,
        .loop = conn_loop(conn),
        .serve.run = run_serve,
        .closed.run = run_closed,
    };
    list_init(&hubws->lanes);
    list_init(&hubws->waiters);
    hubws->mux = muxconn_new(unwrap_message_stream(conn), &events, hubws);
    return hubws;
}

struct hubws *hubws_free(struct hubws *hubws) {
    if (!hubws)
        return NULL;
    hubws->over = true;
    fail_waiters(hubws, "the connection was lost");
    free_lanes(hubws);
    loop_cancel(&hubws->serve);
    loop_cancel(&hubws->closed);
    wsconn_finish(muxconn_unwrap(hubws->mux), WS_CLOSE_NORMAL, CLOSED);
    free(hubws);
    return NULL;
}

struct target *hubws_target(struct hubws *hubws) {
    return &hubws->target;
}

void hubws_drain(struct hubws *hubws) {
    if (hubws->draining || hubws->over)
        return;
    hubws->draining = true;
    serve_later(hubws);
}

void hubws_probe(struct hubws *hubws, unsigned limit_ms) {
    if (!hubws->over)
        muxconn_probe(hubws->mux, limit_ms);
}

uint64_t hubws_heard_ms(const struct hubws *hubws) {
    return muxconn_heard_ms(hubws->mux);
}

const char *hubws_peer(const struct hubws *hubws) {
    return conn_peer(muxconn_conn(hubws->mux));
}

void hubws_refuse(struct conn *conn, const char *reason) {
    struct conn *ws = unwrap_message_stream(conn);

    conn_set_owner(ws, NULL, NULL);
    wsconn_finish(ws, WS_CLOSE_NORMAL, reason);
}
