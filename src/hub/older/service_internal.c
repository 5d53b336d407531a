#include "hub/older/service_internal.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"
#include "compat/hub.pb-c.h"
#include "hub/activity/traffic.h"
#include "hub/nodes/presence.h"
#include "hub/nodes/registry.h"
#include "hub/older/goformat.h"
#include "hub/older/older.h"
#include "rpc/actor.h"
#include "rpc/call.h"
#include "rpc/invocation.h"
#include "rpc/services.h"
#include "wire/pb.h"
#include "wire/timestamp.h"

/* Some seconds of a reader's sleep; more is left out, which nobody waits for. */
enum { FEED_WAITING_MAX = 256 * 1024 };

struct service_internal {
    struct service_internal_config config;
    struct list feeds;
};

/* One stream of events. */
struct feed {
    struct list node_in_list;
    struct service_internal *service; /* borrowed: outlives us */
    struct invocation *invocation;    /* borrowed: until on_gone */
    struct presence_watcher presence;
    struct traffic_watcher traffic;
    uint64_t dropped; /* since the last that was sent */
    bool is_typed;    /* of internal.Activity */
};

/* One client of a list, and the texts that it borrows. */
struct client_message {
    Internal__Client client;
    char connected[GOFORMAT_TIME_LEN];
    char uptime[GOFORMAT_DURATION_LEN];
};

static bool may_see(const struct invocation *invocation, const struct node *node) {
    const struct actor *actor = invocation_call(invocation)->actor;

    return actor ? node_role(node, actor) >= ACTOR_VIEWER : node->anonymous;
}

static void client_init(struct client_message *message,
                        const struct presence *presence,
                        const struct presence_row *row) {
    uint64_t start_ns = presence_start_ns(presence);

    internal__client__init(&message->client);
    goformat_time(row->wall_ns, (int64_t)(row->boot_ns - start_ns), message->connected);
    goformat_duration((int64_t)(clock_boot_ns() - row->boot_ns), message->uptime);
    message->client.name = pb_lend(older_name(row->node));
    message->client.connectiontime = message->connected;
    message->client.uptime = message->uptime;
}

static int by_name(const void *left, const void *right) {
    const Internal__Client *const *a = left, *const *b = right;
    return strcmp((*a)->name, (*b)->name);
}

static void on_list_clients(void *arg,
                            struct invocation *invocation,
                            const ProtobufCMessage *request) {
    const struct service_internal *service = arg;
    const struct presence *presence = service->config.presence;
    Internal__HubListClientsResponse response = INTERNAL__HUB_LIST_CLIENTS_RESPONSE__INIT;
    size_t max = presence_count(presence);
    struct client_message *messages = mem_new_array(max, sizeof(*messages));
    const struct presence_row *row;

    response.clients = mem_new_array(max, sizeof(*response.clients));
    for (size_t at = 0; (row = presence_next(presence, &at));) {
        if (!may_see(invocation, row->node))
            continue;
        struct client_message *message = &messages[response.n_clients];
        client_init(message, presence, row);
        response.clients[response.n_clients++] = &message->client;
    }
    response.count = (int64_t)response.n_clients;
    if (response.n_clients > 1)
        qsort(response.clients, response.n_clients, sizeof(*response.clients), by_name);
    invocation_reply(invocation, &response.base);
    free(response.clients);
    free(messages);
}

/* A reader that is too slow misses events, and holds nobody up. */
static void send_event(struct feed *feed, Internal__ActivityEvent *event) {
    Google__Protobuf__Timestamp time;

    if (invocation_waiting(feed->invocation) > FEED_WAITING_MAX) {
        feed->dropped++;
        return;
    }
    if (feed->is_typed) {
        event->time = timestamp_set(&time, clock_wall_ms());
        event->dropped = feed->dropped;
    } else {
        event->type = INTERNAL__ACTIVITY_EVENT__TYPE__UNKNOWN; /* the words say it */
        event->name = event->method = "";
    }
    feed->dropped = 0;
    invocation_send(feed->invocation, &event->base);
}

static void on_presence(struct presence_watcher *watcher,
                        const struct node *node,
                        bool online) {
    struct feed *feed = container_of(watcher, struct feed, presence);
    Internal__ActivityEvent event = INTERNAL__ACTIVITY_EVENT__INIT;

    if (!may_see(feed->invocation, node))
        return;
    auto_(mem_freep) char *text =
        mem_printf("%s client with name: %s", online ? "registered" : "unregistered",
                   older_name(node));
    event.message = text;
    event.type = online ? INTERNAL__ACTIVITY_EVENT__TYPE__CLIENT_REGISTERED
                        : INTERNAL__ACTIVITY_EVENT__TYPE__CLIENT_UNREGISTERED;
    event.name = pb_lend(older_name(node));
    send_event(feed, &event);
}

static void on_begun(struct traffic_watcher *watcher, const struct traffic_call *call) {
    struct feed *feed = container_of(watcher, struct feed, traffic);
    const struct node *node = registry_find(feed->service->config.registry, call->node);
    Internal__ActivityEvent event = INTERNAL__ACTIVITY_EVENT__INIT;

    if (!node || !may_see(feed->invocation, node))
        return;
    auto_(mem_freep) char *text =
        mem_printf("proxying gRPC request (%s) to: %s", call->method, older_name(node));
    event.message = text;
    event.type = INTERNAL__ACTIVITY_EVENT__TYPE__REQUEST_PROXIED;
    event.name = pb_lend(older_name(node));
    event.method = pb_lend(call->method);
    send_event(feed, &event);
}

static void on_feed_gone(struct invocation *invocation, void *user) {
    struct feed *feed = user;

    traffic_unwatch(&feed->traffic);
    presence_unwatch(&feed->presence);
    list_remove(&feed->node_in_list);
    free(feed);
}

static void begin_feed(struct service_internal *service,
                       struct invocation *invocation,
                       bool is_typed) {
    struct feed *feed = mem_new(sizeof(*feed));

    *feed = (struct feed) {
        .service = service,
        .invocation = invocation,
        .presence.on_change = on_presence,
        .traffic.on_begun = on_begun,
        .is_typed = is_typed,
    };
    list_add_tail(&service->feeds, &feed->node_in_list);
    presence_watch(service->config.presence, &feed->presence);
    traffic_watch(service->config.traffic, &feed->traffic);
    invocation_set_user(invocation, feed, on_feed_gone);
    invocation_begin(invocation);
}

static void on_stream_activity_feed(void *arg,
                                    struct invocation *invocation,
                                    const ProtobufCMessage *request) {
    begin_feed(arg, invocation, false);
}

static void on_connect(void *arg,
                       struct invocation *invocation,
                       const ProtobufCMessage *request) {
    begin_feed(arg, invocation, true);
}

static const struct service_method hub_methods[] = {
    { "ListClients", SERVICE_UNARY, on_list_clients },
    { "StreamActivityFeed", SERVICE_SERVER_STREAM, on_stream_activity_feed },
    { 0 },
};

static const struct service_method activity_methods[] = {
    { "Connect", SERVICE_SERVER_STREAM, on_connect },
    { 0 },
};

struct service_internal *service_internal_new(
    const struct service_internal_config *config) {
    struct service_internal *service = mem_new(sizeof(*service));
    struct service hub = {
        .descriptor = &internal__hub__descriptor,
        .methods = hub_methods,
        .arg = service,
    };
    struct service activity = {
        .descriptor = &internal__activity__descriptor,
        .methods = activity_methods,
        .arg = service,
    };

    service->config = *config;
    list_init(&service->feeds);
    services_add(config->services, &hub);
    services_add(config->services, &activity);
    return service;
}

void service_internal_stop(struct service_internal *service) {
    list_for_each_safe(at, after, &service->feeds) {
        struct feed *feed = container_of(at, struct feed, node_in_list);
        invocation_finish(feed->invocation, GRPC_OK, "%s", "");
    }
}

struct service_internal *service_internal_free(struct service_internal *service) {
    free(service);
    return NULL;
}
