#include "hub/metrics/service_metrics.h"

#include <stdlib.h>

#include "base/mem.h"
#include "base/name.h"
#include "hub/metrics/metrics_chart.h"
#include "hub/metrics/metrics_query.h"
#include "hub/nodes/registry.h"
#include "hub/nodes/selection.h"
#include "hub/samples/latest.h"
#include "roost/v1/metrics.pb-c.h"
#include "rpc/actor.h"
#include "rpc/call.h"
#include "rpc/invocation.h"
#include "rpc/services.h"
#include "wire/timestamp.h"

enum {
    WATCH_WAITING_MAX = 1 << 20, /* a watcher that is this far behind is dropped */
    WISHES_MAX = 256,
};

struct service_metrics {
    struct registry *registry; /* borrowed: outlives us */
    struct metrics_query_shared queries;
    struct metrics_chart_shared charts;
};

/* One Watch stream. */
struct metrics_watch {
    struct registry_watcher watcher;
    struct invocation *invocation; /* borrowed: until on_gone */
    char *select;                  /* owned */
    char **wishes;                 /* owned */
    size_t wish_count;
};

/* The newest values of one node as a message that borrows the node's strings. */
struct values_message {
    Roost__V1__NodeValues values;
    Google__Protobuf__Timestamp time;
    Roost__V1__NodeValues__ValuesEntry *entries; /* owned */
    Roost__V1__MetricInfo *infos;                /* owned */
};

static void fill_entries(struct values_message *message,
                         const struct latest *latest,
                         char *const *wishes,
                         size_t wish_count) {
    Roost__V1__NodeValues *out = &message->values;
    double value;

    message->entries = mem_new_array(latest->count, sizeof(*message->entries));
    message->infos = mem_new_array(latest->count, sizeof(*message->infos));
    out->values = mem_new_array(latest->count, sizeof(*out->values));
    out->info = mem_new_array(latest->count, sizeof(*out->info));
    for (size_t i = 0; i < latest->count; i++) {
        const struct history_metric *metric = &latest->metrics[i];
        if (!latest_is_wanted(metric->name, wishes, wish_count))
            continue;
        Roost__V1__MetricInfo *info = &message->infos[out->n_info];
        roost__v1__metric_info__init(info);
        info->name = (char *)(uintptr_t)metric->name;
        info->unit = (char *)(uintptr_t)metric->unit;
        info->scale = metric->scale;
        out->info[out->n_info++] = info;
        if (!latest_value(latest, i, &value))
            continue;
        Roost__V1__NodeValues__ValuesEntry *entry = &message->entries[out->n_values];
        roost__v1__node_values__values_entry__init(entry);
        entry->key = (char *)(uintptr_t)metric->name;
        entry->value = value;
        out->values[out->n_values++] = entry;
    }
}

static void values_init(struct values_message *message,
                        const struct node *node,
                        char *const *wishes,
                        size_t wish_count) {
    *message = (struct values_message) { 0 };
    roost__v1__node_values__init(&message->values);
    message->values.node = node->name;
    message->values.online = node->session != NULL;
    if (!node->latest)
        return;
    message->values.time = timestamp_set(&message->time, node->latest->time_ms);
    fill_entries(message, node->latest, wishes, wish_count);
}

static void values_done(struct values_message *message) {
    free(message->values.values);
    free(message->values.info);
    free(message->entries);
    free(message->infos);
}

static void on_latest(void *arg,
                      struct invocation *invocation,
                      const ProtobufCMessage *message) {
    struct service_metrics *service = arg;
    const Roost__V1__LatestRequest *request = (const Roost__V1__LatestRequest *)message;
    Roost__V1__LatestResponse response = ROOST__V1__LATEST_RESPONSE__INIT;
    struct node **nodes = NULL;
    size_t count = 0;

    if (!selection_find(service->registry, invocation, request->select, &nodes, &count))
        return;
    struct values_message *parts = mem_new_array(count, sizeof(*parts));
    response.nodes = mem_new_array(count, sizeof(*response.nodes));
    response.n_nodes = count;
    for (size_t i = 0; i < count; i++) {
        values_init(&parts[i], nodes[i], request->metrics, request->n_metrics);
        response.nodes[i] = &parts[i].values;
    }
    invocation_reply(invocation, &response.base);
    for (size_t i = 0; i < count; i++)
        values_done(&parts[i]);
    free(response.nodes);
    free(parts);
    free(nodes);
}

static bool is_watched(const struct metrics_watch *watch, const struct node *node) {
    return registry_is_meant(node, invocation_call(watch->invocation)->actor,
                             watch->select);
}

static void send_values(struct metrics_watch *watch, const struct node *node) {
    struct values_message part;

    values_init(&part, node, watch->wishes, watch->wish_count);
    invocation_send(watch->invocation, &part.values.base);
    values_done(&part);
}

static void on_values(struct registry_watcher *watcher, struct node *node) {
    struct metrics_watch *watch = container_of(watcher, struct metrics_watch, watcher);

    if (!is_watched(watch, node))
        return;
    if (invocation_waiting(watch->invocation) > WATCH_WAITING_MAX) {
        registry_unwatch(watcher);
        invocation_finish(watch->invocation, GRPC_RESOURCE_EXHAUSTED,
                          "the watcher is too slow; watch again");
        return;
    }
    send_values(watch, node);
}

/* A node that comes or goes is told at once, by its state. */
static void on_change(struct registry_watcher *watcher, struct node *node, bool removed) {
    if (!removed)
        on_values(watcher, node);
}

static void on_watch_gone(struct invocation *invocation, void *user) {
    struct metrics_watch *watch = user;

    registry_unwatch(&watch->watcher);
    for (size_t i = 0; i < watch->wish_count; i++)
        free(watch->wishes[i]);
    free(watch->wishes);
    free(watch->select);
    free(watch);
}

static void on_watch(void *arg,
                     struct invocation *invocation,
                     const ProtobufCMessage *message) {
    struct service_metrics *service = arg;
    const Roost__V1__WatchMetricsRequest *request =
        (const Roost__V1__WatchMetricsRequest *)message;
    struct node *node;
    size_t at = 0;

    if (request->n_metrics > WISHES_MAX) {
        invocation_finish(invocation, GRPC_INVALID_ARGUMENT, "at most %d metrics",
                          WISHES_MAX);
        return;
    }
    struct metrics_watch *watch = mem_new(sizeof(*watch));
    *watch = (struct metrics_watch) {
        .watcher = { .on_change = on_change, .on_values = on_values },
        .invocation = invocation,
        .select = mem_strdup(request->select),
        .wishes = mem_new_array(request->n_metrics, sizeof(*watch->wishes)),
        .wish_count = request->n_metrics,
    };
    for (size_t i = 0; i < request->n_metrics; i++)
        watch->wishes[i] = mem_strdup(request->metrics[i]);
    registry_watch(service->registry, &watch->watcher);
    invocation_set_user(invocation, watch, on_watch_gone);
    while ((node = registry_next(service->registry, &at)))
        if (is_watched(watch, node))
            send_values(watch, node);
}

static void on_query(void *arg,
                     struct invocation *invocation,
                     const ProtobufCMessage *message) {
    struct service_metrics *service = arg;
    metrics_query_start(&service->queries, invocation,
                        (const Roost__V1__QueryRequest *)message);
}

static void on_chart(void *arg,
                     struct invocation *invocation,
                     const ProtobufCMessage *message) {
    struct service_metrics *service = arg;
    metrics_chart_start(&service->charts, invocation,
                        (const Roost__V1__ChartRequest *)message);
}

static const struct service_method methods[] = {
    { "Latest", SERVICE_UNARY, on_latest },
    { "Watch", SERVICE_SERVER_STREAM, on_watch },
    { "Query", SERVICE_UNARY, on_query },
    { "Chart", SERVICE_UNARY, on_chart },
    { 0 },
};

struct service_metrics *service_metrics_new(const struct service_metrics_config *config) {
    struct service_metrics *service = mem_new(sizeof(*service));
    struct service table = {
        .descriptor = &roost__v1__metrics__descriptor,
        .methods = methods,
        .arg = service,
    };

    service->registry = config->registry;
    service->queries = (struct metrics_query_shared) {
        .registry = config->registry,
        .history = config->history,
        .timekeeper = config->timekeeper,
    };
    service->charts = (struct metrics_chart_shared) {
        .registry = config->registry,
        .history = config->history,
        .painters = config->painters,
        .timekeeper = config->timekeeper,
    };
    services_add(config->services, &table);
    return service;
}

struct service_metrics *service_metrics_free(struct service_metrics *service) {
    free(service);
    return NULL;
}
