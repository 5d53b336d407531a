#include "hub/activity/service_activity.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/name.h"
#include "hub/activity/activity.h"
#include "hub/activity/traffic.h"
#include "hub/activity/traffic_query.h"
#include "hub/nodes/registry.h"
#include "roost/v1/activity.pb-c.h"
#include "rpc/actor.h"
#include "rpc/call.h"
#include "rpc/invocation.h"
#include "rpc/services.h"
#include "store/store.h"
#include "wire/pb.h"
#include "wire/timestamp.h"

enum {
    LIST_MAX = 1000,
    LIST_USUAL = 100,
    LIST_PAGES_MAX = 50,         /* of events that the caller may mostly not see */
    REPLAY_MAX = 1000,           /* events that a watch from an old id starts with */
    WATCH_WAITING_MAX = 1 << 20, /* a watcher that is this far behind is dropped */
    CALLS_WAITING_MAX = 1 << 18, /* ... and that far behind misses calls */
};

struct service_activity {
    struct service_activity_config config;
    struct traffic_query_shared queries;
};

/* A List that waits for the store: what the caller may not see is passed over, and older
 * events are asked for until there are as many as he wants. */
struct listing {
    struct service_activity *service; /* borrowed: outlives us */
    struct invocation *invocation; /* borrowed: until on_gone; NULL when nobody waits */
    struct store_event_query query;
    char *texts[3]; /* owned: the query's */
    size_t wanted;
    size_t pages;      /* asked for */
    struct list found; /* of struct found_event, owned, the newest first */
    size_t count;
};

struct found_event {
    struct list in_list;
    struct store_event event; /* its texts are behind it */
};

/* One Watch stream. */
struct activity_watch {
    struct service_activity *service; /* borrowed: outlives us */
    struct activity_watcher watcher;
    struct traffic_watcher calls;
    struct invocation *invocation; /* borrowed: until on_gone; NULL when it has gone */
    char *node;                    /* owned */
    char *actor;                   /* owned */
    char *method;                  /* owned: a pattern; "" is any, and other events too */
    uint64_t dropped;              /* calls that are not told yet */
    char *kind;                    /* owned; "" is any */
    uint64_t last_id;              /* replayed so far */
    bool loading;                  /* the store still answers; then it frees us */
    bool missed;                   /* something happened meanwhile: ask again */
};

/* Events of nodes are for those who may see the node, others for administrators. */
static bool may_see(const struct service_activity *service,
                    const struct invocation *invocation,
                    const char *name) {
    const struct actor *actor = invocation_call(invocation)->actor;
    const struct node *node = registry_find(service->config.registry, name);

    if (actor_is_admin(actor) || name[0] == '\0')
        return actor_is_admin(actor);
    return (node ? node_role(node, actor) : actor_role_on(actor, name, NULL)) >=
           ACTOR_VIEWER;
}

/* Is the kind the wanted one ("": any), or of the wanted first part ("act.")? */
static bool is_kind(const char *wanted, const char *kind) {
    size_t len = strlen(wanted);

    return len == 0 || strcmp(wanted, kind) == 0 ||
           (wanted[len - 1] == '.' && strncmp(wanted, kind, len) == 0);
}

static void event_init(Roost__V1__ActivityEvent *message,
                       Google__Protobuf__Timestamp *time,
                       Roost__V1__ActedCall *act,
                       const struct store_event *event) {
    roost__v1__activity_event__init(message);
    message->id = event->id;
    message->time = timestamp_set(time, event->time_ms);
    message->kind = (char *)event->kind;
    message->node = (char *)(event->node ? event->node : "");
    message->actor = (char *)(event->actor ? event->actor : "");
    message->text = (char *)(event->text ? event->text : "");
    if (!event->method || event->method[0] == '\0')
        return;
    roost__v1__acted_call__init(act);
    act->method = pb_lend(event->method);
    act->arguments = pb_lend(event->arguments);
    act->status = event->status;
    act->duration_us = event->duration_us;
    act->unclear = strcmp(event->kind, "act.unclear") == 0;
    message->act = act;
}

static void free_listing(struct listing *listing) {
    struct list *at;

    while ((at = list_pop(&listing->found)))
        free(container_of(at, struct found_event, in_list));
    for (size_t i = 0; i < 3; i++)
        free(listing->texts[i]);
    free(listing);
}

/* A copy of the event with all that it points to behind it. */
static void keep_event(struct listing *listing, const struct store_event *event) {
    const char *texts[] = { event->kind, event->node,   event->actor,
                            event->text, event->method, event->arguments };
    enum { TEXTS = sizeof(texts) / sizeof(texts[0]) };
    size_t lens[TEXTS], len = 0;

    for (size_t i = 0; i < TEXTS; i++)
        len += lens[i] = texts[i] ? strlen(texts[i]) + 1 : 1;
    struct found_event *found = mem_new(sizeof(*found) + len);
    char *at = (char *)(found + 1);
    for (size_t i = 0; i < TEXTS; i++) {
        memcpy(at, texts[i] ? texts[i] : "", lens[i]);
        texts[i] = at;
        at += lens[i];
    }
    found->event = *event;
    found->event.kind = texts[0];
    found->event.node = texts[1];
    found->event.actor = texts[2];
    found->event.text = texts[3];
    found->event.method = texts[4];
    found->event.arguments = texts[5];
    list_add_tail(&listing->found, &found->in_list);
    listing->count++;
}

static void reply_events(struct listing *listing) {
    Roost__V1__ListActivityResponse response = ROOST__V1__LIST_ACTIVITY_RESPONSE__INIT;
    size_t count = listing->count + 1;
    Roost__V1__ActivityEvent *parts = mem_new_array(count, sizeof(*parts));
    Google__Protobuf__Timestamp *times = mem_new_array(count, sizeof(*times));
    Roost__V1__ActedCall *acts = mem_new_array(count, sizeof(*acts));

    response.events = mem_new_array(count, sizeof(*response.events));
    list_for_each_safe(at, after, &listing->found) {
        const struct found_event *found = container_of(at, struct found_event, in_list);
        size_t i = response.n_events++;
        event_init(&parts[i], &times[i], &acts[i], &found->event);
        response.events[i] = &parts[i];
    }
    invocation_reply(listing->invocation, &response.base);
    free(response.events);
    free(acts);
    free(times);
    free(parts);
}

static void on_listing_gone(struct invocation *invocation, void *user) {
    struct listing *listing = user;
    listing->invocation = NULL;
}

static void on_listed(void *arg,
                      int result,
                      const struct store_event *events,
                      size_t count);

static bool ask_page(struct listing *listing) {
    listing->pages++;
    return store_list_events(listing->service->config.store, &listing->query, on_listed,
                             listing) == 0;
}

/* The list is as long as it gets: answers and frees it. */
static void end_listing(struct listing *listing, const char *why) {
    struct invocation *invocation = listing->invocation;

    if (invocation) {
        invocation_set_user(invocation, NULL, NULL);
        if (why)
            invocation_finish(invocation, GRPC_UNAVAILABLE, "%s", why);
        else
            reply_events(listing);
    }
    free_listing(listing);
}

static void on_listed(void *arg,
                      int result,
                      const struct store_event *events,
                      size_t count) {
    struct listing *listing = arg;

    if (!listing->invocation || result != 0) {
        end_listing(listing, "the hub's store cannot be read");
        return;
    }
    for (size_t i = 0; i < count && listing->count < listing->wanted; i++)
        if (may_see(listing->service, listing->invocation,
                    events[i].node ? events[i].node : ""))
            keep_event(listing, &events[i]);
    bool was_last = count < listing->query.limit || listing->pages >= LIST_PAGES_MAX;
    if (count > 0)
        listing->query.before_id = events[count - 1].id;
    listing->query.limit = LIST_MAX;
    if (was_last || listing->count >= listing->wanted || !ask_page(listing))
        end_listing(listing, NULL);
}

static void on_list(void *arg,
                    struct invocation *invocation,
                    const ProtobufCMessage *message) {
    const Roost__V1__ListActivityRequest *request =
        (const Roost__V1__ListActivityRequest *)message;
    struct listing *listing = mem_new(sizeof(*listing));

    *listing = (struct listing) {
        .service = arg,
        .invocation = invocation,
        .texts = { mem_strdup(request->node), mem_strdup(request->actor),
                   mem_strdup(request->kind) },
        .wanted = request->limit == 0         ? LIST_USUAL
                  : request->limit > LIST_MAX ? LIST_MAX
                                              : request->limit,
    };
    listing->query = (struct store_event_query) {
        .node = listing->texts[0],
        .actor = listing->texts[1],
        .kind = listing->texts[2],
        .since_ms = timestamp_get(request->since),
        .until_ms = timestamp_get(request->until),
        .before_id = request->before_id,
        .limit = listing->wanted,
    };
    list_init(&listing->found);
    invocation_set_user(invocation, listing, on_listing_gone);
    if (ask_page(listing))
        return;
    invocation_set_user(invocation, NULL, NULL);
    free_listing(listing);
    invocation_finish(invocation, GRPC_RESOURCE_EXHAUSTED,
                      "the hub's store is busy; try again");
}

static void watch_free(struct activity_watch *watch) {
    activity_unwatch(&watch->watcher);
    traffic_unwatch(&watch->calls);
    free(watch->node);
    free(watch->actor);
    free(watch->method);
    free(watch->kind);
    free(watch);
}

static void on_watch_gone(struct invocation *invocation, void *user) {
    struct activity_watch *watch = user;

    watch->invocation = NULL;
    activity_unwatch(&watch->watcher);
    traffic_unwatch(&watch->calls);
    if (!watch->loading)
        watch_free(watch);
}

static bool is_wanted(const struct activity_watch *watch,
                      const char *node,
                      const char *actor) {
    return (watch->node[0] == '\0' || strcmp(watch->node, node) == 0) &&
           (watch->actor[0] == '\0' || strcmp(watch->actor, actor) == 0) &&
           may_see(watch->service, watch->invocation, node);
}

static void send_event(struct activity_watch *watch, const struct store_event *event) {
    Roost__V1__ActivityEvent message;
    Google__Protobuf__Timestamp time;
    Roost__V1__ActedCall act;

    event_init(&message, &time, &act, event);
    invocation_send(watch->invocation, &message.base);
}

static void on_event(struct activity_watcher *watcher,
                     const struct activity_event *event) {
    struct activity_watch *watch = container_of(watcher, struct activity_watch, watcher);
    struct store_event row = {
        .id = event->id,
        .time_ms = event->time_ms,
        .kind = event->kind,
        .node = event->node,
        .actor = event->actor,
        .text = event->text,
        .method = event->method,
        .arguments = event->arguments,
        .status = event->status,
        .duration_us = event->duration_us,
    };

    if (watch->loading) {
        watch->missed = true;
        return;
    }
    if (!is_wanted(watch, event->node, event->actor) ||
        !is_kind(watch->kind, event->kind))
        return;
    if (invocation_waiting(watch->invocation) > WATCH_WAITING_MAX) {
        activity_unwatch(watcher);
        traffic_unwatch(&watch->calls);
        invocation_finish(watch->invocation, GRPC_RESOURCE_EXHAUSTED,
                          "the watcher is too slow; watch again");
        return;
    }
    send_event(watch, &row);
}

/* Tells how many calls were left out, now that there is room. */
static void send_dropped(struct activity_watch *watch) {
    uint64_t dropped = watch->dropped;
    Roost__V1__ActivityEvent message = ROOST__V1__ACTIVITY_EVENT__INIT;
    Google__Protobuf__Timestamp time;

    if (dropped == 0)
        return;
    watch->dropped = 0;
    auto_(mem_freep) char *text = mem_printf(
        "%llu calls were left out: the watcher is too slow", (unsigned long long)dropped);
    message.time = timestamp_set(&time, clock_wall_ms());
    message.kind = "dropped";
    message.text = text;
    message.dropped = dropped;
    invocation_send(watch->invocation, &message.base);
}

static void on_drained(struct invocation *invocation, void *user) {
    send_dropped(user);
}

static void send_call(struct activity_watch *watch, const struct traffic_call *call) {
    Roost__V1__ProxiedCall details = ROOST__V1__PROXIED_CALL__INIT;
    Roost__V1__ActivityEvent message;
    Google__Protobuf__Timestamp time;
    const struct store_event event = {
        .time_ms = call->time_ms,
        .kind = "call",
        .node = call->node,
        .actor = call->caller,
        .text = call->method,
    };

    event_init(&message, &time, NULL, &event);
    details.method = pb_lend(call->method);
    details.status = call->status;
    details.duration_us = call->duration_us;
    details.request_bytes = call->request_bytes;
    details.reply_bytes = call->reply_bytes;
    message.call = &details;
    invocation_send(watch->invocation, &message.base);
}

static void on_ended(struct traffic_watcher *watcher, const struct traffic_call *call) {
    struct activity_watch *watch = container_of(watcher, struct activity_watch, calls);

    if (!is_wanted(watch, call->node, call->caller) ||
        (watch->method[0] != '\0' && !name_match_glob(watch->method, call->method)))
        return;
    if (invocation_waiting(watch->invocation) > CALLS_WAITING_MAX) {
        watch->dropped++;
        return;
    }
    send_dropped(watch);
    send_call(watch, call);
}

static void on_replayed(void *arg,
                        int result,
                        const struct store_event *events,
                        size_t count);

/* Asks for what happened after last_id; what happens meanwhile is asked for again. */
static void replay(struct activity_watch *watch) {
    struct store_event_query query = {
        .node = watch->node[0] ? watch->node : NULL,
        .actor = watch->actor[0] ? watch->actor : NULL,
        .kind = watch->kind,
        .after_id = watch->last_id,
        .oldest_first = true,
        .limit = REPLAY_MAX,
    };

    watch->missed = false;
    watch->loading =
        store_list_events(watch->service->config.store, &query, on_replayed, watch) == 0;
}

static void on_replayed(void *arg,
                        int result,
                        const struct store_event *events,
                        size_t count) {
    struct activity_watch *watch = arg;

    watch->loading = false;
    if (!watch->invocation) {
        watch_free(watch);
        return;
    }
    for (size_t i = 0; result == 0 && i < count; i++) {
        watch->last_id = events[i].id;
        if (may_see(watch->service, watch->invocation,
                    events[i].node ? events[i].node : ""))
            send_event(watch, &events[i]);
    }
    if (watch->missed)
        replay(watch);
}

static void on_watch(void *arg,
                     struct invocation *invocation,
                     const ProtobufCMessage *message) {
    struct service_activity *service = arg;
    const Roost__V1__WatchActivityRequest *request =
        (const Roost__V1__WatchActivityRequest *)message;
    struct activity_watch *watch = mem_new(sizeof(*watch));

    *watch = (struct activity_watch) {
        .watcher.on_event = on_event,
        .calls.on_ended = on_ended,
        .invocation = invocation,
        .node = mem_strdup(request->node),
        .actor = mem_strdup(request->actor),
        .method = mem_strdup(request->method),
        .kind = mem_strdup(request->kind),
        .service = service,
        .last_id = request->after_id,
    };
    invocation_set_user(invocation, watch, on_watch_gone);
    invocation_on_drained(invocation, on_drained);
    invocation_begin(invocation);
    if (request->calls)
        traffic_watch(service->config.traffic, &watch->calls);
    if (request->method[0] != '\0')
        return;
    activity_watch(service->config.activity, &watch->watcher);
    if (watch->last_id > 0)
        replay(watch);
}

static void on_traffic(void *arg,
                       struct invocation *invocation,
                       const ProtobufCMessage *message) {
    struct service_activity *service = arg;
    traffic_query_run(&service->queries, invocation, message);
}

static const struct service_method methods[] = {
    { "List", SERVICE_UNARY, on_list },
    { "Watch", SERVICE_SERVER_STREAM, on_watch },
    { "Traffic", SERVICE_UNARY, on_traffic },
    { 0 },
};

struct service_activity *service_activity_new(
    const struct service_activity_config *config) {
    struct service_activity *service = mem_new(sizeof(*service));
    struct service table = {
        .descriptor = &roost__v1__activity__descriptor,
        .methods = methods,
        .arg = service,
    };

    service->config = *config;
    service->queries = (struct traffic_query_shared) { config->traffic, config->store,
                                                       config->registry };
    services_add(config->services, &table);
    return service;
}

struct service_activity *service_activity_free(struct service_activity *service) {
    free(service);
    return NULL;
}
