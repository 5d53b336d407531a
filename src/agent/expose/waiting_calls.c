#include "agent/expose/waiting_calls.h"

#include <stdlib.h>

#include "base/mem.h"
#include "loop/timer.h"
#include "rpc/call.h"

enum { WAIT_MS = 5000 };

struct waiter {
    struct list node;
    struct waiting_calls *waiting; /* borrowed: owns this */
    struct call *call;             /* reference: we are its callee */
    struct timer limit;
};

static void drop(struct waiter *waiter) {
    list_remove(&waiter->node);
    timer_stop(&waiter->limit);
    free(waiter);
}

static void fail(struct waiter *waiter) {
    struct waiting_calls *waiting = waiter->waiting;
    struct call *call = waiter->call;

    waiting->fail(waiting->arg, call);
    drop(waiter);
    call_detach_callee(call);
}

static void on_limit(struct timer *timer) {
    struct waiter *waiter = container_of(timer, struct waiter, limit);
    const struct waiting_calls *waiting = waiter->waiting;

    if (waiting->may_wait_on(waiting->arg))
        timer_start(waiting->loop, &waiter->limit, WAIT_MS);
    else
        fail(waiter);
}

static void on_wake(struct call *call, void *user) {
    if (!call->finished)
        return;
    drop(user);
    call_detach_callee(call);
}

bool waiting_calls_is_empty(const struct waiting_calls *waiting) {
    return list_is_empty(&waiting->calls);
}

void waiting_calls_add(struct waiting_calls *waiting, struct call *call) {
    struct waiter *waiter = mem_new(sizeof(*waiter));
    struct call_half callee = { .on_wake = on_wake, .user = waiter };

    *waiter = (struct waiter) {
        .waiting = waiting,
        .call = call,
        .limit.fire = on_limit,
    };
    list_add_tail(&waiting->calls, &waiter->node);
    timer_start(waiting->loop, &waiter->limit, WAIT_MS);
    call_attach_callee(call, &callee);
}

struct call *waiting_calls_take(struct waiting_calls *waiting) {
    struct waiter *waiter = container_of(waiting->calls.next, struct waiter, node);
    struct call *call = waiter->call;

    drop(waiter);
    return call;
}

void waiting_calls_fail(struct waiting_calls *waiting) {
    list_for_each_safe(at, after, &waiting->calls)
        fail(container_of(at, struct waiter, node));
}
