#include "hub/gate/waiting.h"

#include <stdlib.h>
#include <string.h>

#include "base/list.h"
#include "base/mem.h"
#include "hub/nodes/registry.h"
#include "loop/loop.h"
#include "loop/timer.h"
#include "rpc/call.h"

struct waiting {
    struct waiting_config config;
    struct registry_watcher watcher;
    struct list calls; /* of struct parked, the oldest first */
    size_t count;
    uint64_t started_ms;
};

/* One call that waits: we are its callee meanwhile. */
struct parked {
    struct list node;
    struct waiting *waiting; /* borrowed: outlives it */
    struct call *call;       /* reference */
    char *name;              /* owned: the node's */
    struct timer late;
    struct task resume;
};

/* Forgets it; the reference is the caller's now. */
static struct call *unpark(struct parked *parked) {
    struct call *call = parked->call;

    list_remove(&parked->node);
    parked->waiting->count--;
    timer_stop(&parked->late);
    loop_cancel(&parked->resume);
    free(parked->name);
    free(parked);
    return call;
}

static void on_wake(struct call *call, void *user) {
    if (call->finished)
        call_detach_callee(unpark(user));
}

static void on_late(struct timer *timer) {
    struct parked *parked = container_of(timer, struct parked, late);
    const struct waiting_config *config = &parked->waiting->config;

    config->give_up(config->arg, parked->call, parked->name);
    call_detach_callee(unpark(parked));
}

static void run_resume(struct task *task) {
    struct parked *parked = container_of(task, struct parked, resume);
    struct target *again = parked->waiting->config.again;

    call_pass_on(unpark(parked), again);
}

/* Calls are led on later in the turn, when the session is complete. */
static void on_change(struct registry_watcher *watcher, struct node *node, bool removed) {
    struct waiting *waiting = container_of(watcher, struct waiting, watcher);

    if (waiting->count == 0 || (!removed && !waiting_is_reachable(node)))
        return;
    list_for_each_safe(at, after, &waiting->calls) {
        struct parked *parked = container_of(at, struct parked, node);
        if (strcmp(parked->name, node->name) == 0)
            loop_post(waiting->config.loop, &parked->resume);
    }
}

/* Who was heard as late as the last of all was there until the end. */
static void mark_online(const struct registry *registry) {
    int64_t newest_ms = 0;
    struct node *node;
    size_t at = 0;

    while ((node = registry_next(registry, &at)))
        if (node->last_seen_ms > newest_ms)
            newest_ms = node->last_seen_ms;
    at = 0;
    while ((node = registry_next(registry, &at)))
        node->was_online =
            node->last_seen_ms > 0 && newest_ms - node->last_seen_ms <= WAITING_ONLINE_MS;
}

struct waiting *waiting_new(const struct waiting_config *config) {
    struct waiting *waiting = mem_new(sizeof(*waiting));

    *waiting = (struct waiting) {
        .config = *config,
        .watcher.on_change = on_change,
        .started_ms = loop_now_ms(config->loop),
    };
    list_init(&waiting->calls);
    mark_online(config->registry);
    registry_watch(config->registry, &waiting->watcher);
    return waiting;
}

struct waiting *waiting_free(struct waiting *waiting) {
    if (!waiting)
        return NULL;
    list_for_each_safe(at, after, &waiting->calls) {
        struct parked *parked = container_of(at, struct parked, node);
        call_finish(parked->call, GRPC_UNAVAILABLE, "the hub stops", NULL);
        call_detach_callee(unpark(parked));
    }
    registry_unwatch(&waiting->watcher);
    free(waiting);
    return NULL;
}

bool waiting_is_reachable(const struct node *node) {
    return node->session && node->leaving_ms == 0;
}

/* Is there a reason to believe that it comes back at once? */
static bool is_expected(const struct waiting *waiting, const struct node *node) {
    uint64_t now_ms = loop_now_ms(waiting->config.loop);

    if (node->leaving_ms > 0)
        return now_ms - node->leaving_ms < WAITING_MS;
    return !node->session && node->was_online &&
           now_ms - waiting->started_ms < WAITING_START_MS;
}

bool waiting_add(struct waiting *waiting, struct call *call, const struct node *node) {
    if (waiting->count == WAITING_CALLS_MAX || !is_expected(waiting, node))
        return false;
    struct parked *parked = mem_new(sizeof(*parked));
    struct call_half callee = { .on_wake = on_wake, .user = parked };

    *parked = (struct parked) {
        .waiting = waiting,
        .call = call,
        .name = mem_strdup(node->name),
        .late.fire = on_late,
        .resume.run = run_resume,
    };
    list_add_tail(&waiting->calls, &parked->node);
    waiting->count++;
    call_attach_callee(call, &callee);
    timer_start(waiting->config.loop, &parked->late, WAITING_MS);
    return true;
}

size_t waiting_count(const struct waiting *waiting) {
    return waiting->count;
}
