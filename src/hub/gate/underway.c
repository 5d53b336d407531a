#include "hub/gate/underway.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "hub/nodes/registry.h"
#include "hub/people/users.h"
#include "loop/loop.h"
#include "loop/timer.h"
#include "rpc/call.h"

enum { EXPIRY_MS = 1000 }; /* how late something may expire: the wall clock may be set */

struct underway {
    struct loop *loop; /* borrowed: outlives it */
    struct registry_watcher nodes;
    struct users_watcher users;
    struct list calls; /* of struct underway_call */
    size_t count;
    struct timer expiry; /* runs while some call's rights expire */
    void (*on_end)(void *arg, struct underway_call *entry);
    void *arg; /* borrowed: outlives it */
};

static void end(struct underway_call *entry, enum grpc_status status, const char *why) {
    entry->call->cancelled = true; /* what was said for him already is not for him now */
    call_finish(entry->call, status, why, NULL);
}

/* May free the entry. */
static void review(struct underway_call *entry, int64_t now_ms) {
    const struct actor *actor = entry->call->actor;

    if (actor_has_ended(actor, now_ms))
        end(entry, GRPC_UNAUTHENTICATED, "the credential is not good any more");
    else if (entry->node && node_role(entry->node, actor) < entry->needed)
        end(entry, GRPC_PERMISSION_DENIED, "the right to make this call was withdrawn");
}

void underway_review(struct underway *underway) {
    int64_t now_ms = clock_wall_ms();

    list_for_each_safe(at, after, &underway->calls)
        review(container_of(at, struct underway_call, in_list), now_ms);
}

static void watch_expiry(struct underway *underway, const struct actor *actor) {
    if (!timer_is_running(&underway->expiry) && actor_expires(actor))
        timer_start(underway->loop, &underway->expiry, EXPIRY_MS);
}

static void watch_expiries(struct underway *underway) {
    list_for_each_safe(at, after, &underway->calls) {
        struct underway_call *entry = container_of(at, struct underway_call, in_list);
        watch_expiry(underway, entry->call->actor);
    }
}

static void on_expiry(struct timer *timer) {
    struct underway *underway = container_of(timer, struct underway, expiry);

    underway_review(underway);
    watch_expiries(underway);
}

static void on_users(struct users_watcher *watcher) {
    struct underway *underway = container_of(watcher, struct underway, users);

    underway_review(underway);
    watch_expiries(underway);
}

/* A node that gets another name leaves and comes back. */
static void follow(struct underway_call *entry, struct node *node, bool removed) {
    if (removed && entry->node == node) {
        entry->gone = TAKE(entry->node);
    } else if (!removed && entry->gone == node) {
        entry->gone = NULL;
        entry->node = node;
    }
}

static void on_node(struct registry_watcher *watcher, struct node *node, bool removed) {
    struct underway *underway = container_of(watcher, struct underway, nodes);
    int64_t now_ms = clock_wall_ms();

    list_for_each_safe(at, after, &underway->calls) {
        struct underway_call *entry = container_of(at, struct underway_call, in_list);
        follow(entry, node, removed);
        if (entry->node == node)
            review(entry, now_ms);
    }
}

struct underway *underway_new(struct loop *loop,
                              struct registry *registry,
                              struct users *users) {
    struct underway *underway = mem_new(sizeof(*underway));

    *underway = (struct underway) {
        .loop = loop,
        .nodes.on_change = on_node,
        .users.on_change = on_users,
        .expiry.fire = on_expiry,
    };
    list_init(&underway->calls);
    registry_watch(registry, &underway->nodes);
    users_watch(users, &underway->users);
    return underway;
}

static void forget(struct underway_call *entry) {
    list_remove(&entry->in_list);
    entry->underway->count--;
    entry->call->warden = (struct call_observer) { 0 };
    free(entry);
}

struct underway *underway_free(struct underway *underway) {
    if (!underway)
        return NULL;
    list_for_each_safe(at, after, &underway->calls)
        forget(container_of(at, struct underway_call, in_list));
    timer_stop(&underway->expiry);
    registry_unwatch(&underway->nodes);
    users_unwatch(&underway->users);
    free(underway);
    return NULL;
}

static void on_finished(struct call *call) {
    struct underway_call *entry = call->warden.user;
    struct underway *underway = entry->underway;

    if (underway->on_end)
        underway->on_end(underway->arg, entry);
    forget(entry);
}

void underway_begin(struct underway *underway, struct call *call) {
    struct underway_call *entry = mem_new(sizeof(*entry));

    entry->underway = underway;
    entry->call = call;
    list_add_tail(&underway->calls, &entry->in_list);
    underway->count++;
    call->warden = (struct call_observer) { .on_finished = on_finished, .user = entry };
    watch_expiry(underway, call->actor);
}

struct underway_call *underway_of(const struct call *call) {
    return call->warden.on_finished == on_finished ? call->warden.user : NULL;
}

void underway_lead(struct call *call, struct node *node, enum actor_role needed) {
    struct underway_call *entry = underway_of(call);

    if (!entry)
        return;
    entry->node = node;
    entry->needed = needed;
}

void underway_on_end(struct underway *underway,
                     void (*on_end)(void *arg, struct underway_call *entry),
                     void *arg) {
    underway->on_end = on_end;
    underway->arg = arg;
}

size_t underway_count(const struct underway *underway) {
    return underway->count;
}
