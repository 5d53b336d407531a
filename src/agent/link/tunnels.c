#include "agent/link/tunnels.h"

#include <stdlib.h>
#include <string.h>

#include "agent/policy/policy.h"
#include "agent/policy/policy_refusal.h"
#include "base/address.h"
#include "base/log.h"
#include "base/mem.h"
#include "loop/conn.h"
#include "loop/dialler.h"
#include "loop/loop.h"
#include "rpc/call.h"
#include "rpc/target.h"
#include "rpc/tunnel.h"

enum { DIAL_MS = 10000 }; /* for the name and the connection */

struct tunnels {
    struct target target;
    struct loop *loop;     /* borrowed: outlives us */
    struct policy *policy; /* borrowed: outlives us */
    struct list list;      /* of struct tunnel */
    size_t count;
    size_t tunnels_max;
};

/* One of them: first it dials, then there is a splice. */
struct tunnel {
    struct list node;
    struct tunnels *tunnels; /* borrowed: outlives its tunnels */
    struct call *call;       /* reference while it dials: we are its callee */
    struct dial *dial;       /* owned; NULL when it is over */
    struct splice *splice;   /* owned; NULL before */
    struct address to;
    struct policy_refusal refusal; /* zeroed: the policy allows it */
};

static void forget(struct tunnel *tunnel) {
    list_remove(&tunnel->node);
    tunnel->tunnels->count--;
    policy_refusal_done(&tunnel->refusal);
    free(tunnel);
}

/* Stops what is not open yet. */
static void give_up(struct tunnel *tunnel) {
    struct call *call = TAKE(tunnel->call);

    tunnel->dial = dialler_cancel(tunnel->dial);
    forget(tunnel);
    call_detach_callee(call);
}

static void on_wake(struct call *call, void *user) {
    if (call->finished)
        give_up(user);
}

static void on_done(void *arg, struct splice *splice, const struct call *call) {
    log_debug("the tunnel to %s has ended: %s", call->tunnel,
              call->status == GRPC_OK ? "in order" : call->message);
    forget(arg);
}

static void deny(struct tunnel *tunnel) {
    struct call *call = tunnel->call;
    const char *user = headers_get(&call->metadata, "roost-user");
    struct headers trailers;

    headers_init(&trailers);
    policy_refusal_add(&tunnel->refusal, &trailers);
    policy_refusal_log(&tunnel->refusal, user ? user : "");
    call_finish(call, GRPC_PERMISSION_DENIED, tunnel->refusal.why, &trailers);
    headers_done(&trailers);
}

static void fail(struct tunnel *tunnel, enum dial_step step, const char *why) {
    bool late = strncmp(why, "timed out", 9) == 0;

    if (tunnel->refusal.why)
        deny(tunnel);
    else
        call_fail(tunnel->call, late ? GRPC_DEADLINE_EXCEEDED : GRPC_FAILED_PRECONDITION,
                  "%s: %s", tunnel->call->tunnel, why);
    give_up(tunnel);
}

static void on_dialled(void *arg,
                       struct conn *conn,
                       enum dial_step step,
                       const char *why) {
    struct tunnel *tunnel = arg;

    tunnel->dial = NULL;
    if (!conn) {
        fail(tunnel, step, why);
        return;
    }
    tunnel->splice = tunnel_answer(TAKE(tunnel->call), conn, on_done, tunnel);
}

static size_t keep(void *arg, struct sockaddr_storage *addresses, size_t count) {
    struct tunnel *tunnel = arg;
    const struct policy *policy = tunnel->tunnels->policy;
    const struct policy_rule *denied;
    char target[ADDRESS_TEXT_LEN];

    size_t kept = policy_keep_places(policy, POLICY_TCP, tunnel->to.host, tunnel->to.port,
                                     addresses, count, &denied);
    if (kept > 0)
        return kept;
    address_print(&tunnel->to, target);
    policy_refusal_done(&tunnel->refusal);
    policy_refusal_make(policy, POLICY_TCP, target, denied, &tunnel->refusal);
    return 0;
}

static void dial(struct tunnels *tunnels, struct call *call, const struct address *to) {
    struct tunnel *tunnel = mem_new(sizeof(*tunnel));
    struct call_half callee = { .on_wake = on_wake, .user = tunnel };
    struct dial_config config = {
        .host = tunnel->to.host,
        .port = to->port,
        .timeout_ms = DIAL_MS,
        .keep = keep,
        .on_done = on_dialled,
        .arg = tunnel,
    };

    tunnel->tunnels = tunnels;
    tunnel->call = call;
    tunnel->to = *to;
    list_add_tail(&tunnels->list, &tunnel->node);
    tunnels->count++;
    call_attach_callee(call, &callee);
    tunnel->dial = dialler_start(tunnels->loop, &config);
}

static void start(struct target *target, struct call *call) {
    struct tunnels *tunnels = container_of(target, struct tunnels, target);
    struct address to;

    policy_refresh(tunnels->policy, loop_now_ms(tunnels->loop));
    if (address_parse(slice_of_text(call->tunnel), &to) != 0)
        call_finish(call, GRPC_INVALID_ARGUMENT,
                    "a tunnel leads to HOST:PORT, an IPv6 address in brackets", NULL);
    else if (tunnels->count >= tunnels->tunnels_max)
        call_fail(call, GRPC_RESOURCE_EXHAUSTED,
                  "this node has %zu tunnels open and takes no more ([agent] tunnels)",
                  tunnels->count);
    else
        dial(tunnels, call, &to);
}

struct tunnels *tunnels_new(struct loop *loop,
                            struct policy *policy,
                            size_t tunnels_max) {
    struct tunnels *tunnels = mem_new(sizeof(*tunnels));

    *tunnels = (struct tunnels) {
        .target.start = start,
        .loop = loop,
        .policy = policy,
        .tunnels_max = tunnels_max,
    };
    list_init(&tunnels->list);
    return tunnels;
}

void tunnels_limit(struct tunnels *tunnels, size_t tunnels_max) {
    tunnels->tunnels_max = tunnels_max;
}

struct tunnels *tunnels_free(struct tunnels *tunnels) {
    if (!tunnels)
        return NULL;
    while (!list_is_empty(&tunnels->list)) {
        struct tunnel *tunnel = container_of(tunnels->list.next, struct tunnel, node);
        if (tunnel->splice) {
            tunnel_cut(tunnel->splice);
            forget(tunnel);
        } else {
            give_up(tunnel);
        }
    }
    free(tunnels);
    return NULL;
}

struct target *tunnels_target(struct tunnels *tunnels) {
    return &tunnels->target;
}

size_t tunnels_count(const struct tunnels *tunnels) {
    return tunnels->count;
}
