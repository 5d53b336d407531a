#include "cli/nodes/watching.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "cli/cli.h"
#include "cli/hub/session.h"
#include "cli/nodes/node_cells.h"
#include "roost/v1/metrics.pb-c.h"
#include "rpc/client.h"
#include "wire/headers.h"

struct watching {
    struct cli *cli;                      /* borrowed: the caller */
    const struct watching_events *events; /* borrowed: the maker */
    void *user;                           /* borrowed: the maker */
    char *selection;                      /* owned */
    struct watched **items;               /* owned, and so is each; sorted by name */
    size_t count;
    struct client_call *nodes_call;   /* owned; NULL when not under way */
    struct client_call *metrics_call; /* owned; NULL when not under way */
    bool complete;
};

static void free_node(struct watched *node) {
    values_done(&node->values);
    free(node->name);
    free(node->title);
    free(node->address);
    free(node->version);
    free(node);
}

struct watching *watching_new(struct cli *cli,
                              const char *selection,
                              const struct watching_events *events,
                              void *user) {
    struct watching *watching = mem_new(sizeof(*watching));
    *watching = (struct watching) {
        .cli = cli,
        .events = events,
        .user = user,
        .selection = mem_strdup(selection),
    };
    return watching;
}

static void forget_all(struct watching *watching) {
    for (size_t i = 0; i < watching->count; i++)
        free_node(watching->items[i]);
    watching->count = 0;
}

struct watching *watching_free(struct watching *watching) {
    if (!watching)
        return NULL;
    watching_stop(watching);
    forget_all(watching);
    free(watching->items);
    free(watching->selection);
    free(watching);
    return NULL;
}

/* Where the name is, or belongs. */
static size_t place_of(const struct watching *watching, const char *name) {
    size_t place = 0;

    while (place < watching->count && strcmp(watching->items[place]->name, name) < 0)
        place++;
    return place;
}

static struct watched *find(const struct watching *watching, const char *name) {
    size_t place = place_of(watching, name);

    if (place < watching->count && strcmp(watching->items[place]->name, name) == 0)
        return watching->items[place];
    return NULL;
}

static struct watched *put(struct watching *watching, const char *name) {
    struct watched *node = find(watching, name);

    if (node)
        return node;
    size_t place = place_of(watching, name);
    watching->items =
        mem_grow(watching->items, (watching->count + 1) * sizeof(struct watched *));
    memmove(watching->items + place + 1, watching->items + place,
            (watching->count - place) * sizeof(struct watched *));
    watching->count++;
    node = mem_new(sizeof(*node));
    node->name = mem_strdup(name);
    node->since_ms = -1;
    node->values.time_ms = -1;
    watching->items[place] = node;
    return node;
}

static void forget(struct watching *watching, const char *name) {
    size_t place = place_of(watching, name);
    struct watched *node = find(watching, name);

    if (!node)
        return;
    watching->count--;
    memmove(watching->items + place, watching->items + place + 1,
            (watching->count - place) * sizeof(struct watched *));
    free_node(node);
}

static void set_text(char **field, const char *text) {
    free(*field);
    *field = mem_strdup(text);
}

static void take_node(struct watching *watching, const Roost__V1__Node *from) {
    struct watched *node = put(watching, from->name);

    set_text(&node->title, from->title);
    set_text(&node->address, from->address);
    set_text(&node->version, from->version);
    node->online = from->state == ROOST__V1__NODE_STATE__ONLINE;
    node->since_ms =
        node_cells_time_ms(node->online ? from->online_since : from->last_seen);
}

static void on_node_message(void *user, struct slice bytes) {
    struct watching *watching = user;
    ProtobufCMessage *message;

    if (pb_unpack(&roost__v1__node_event__descriptor, bytes, &message) != 0)
        return;
    const Roost__V1__NodeEvent *event = (const Roost__V1__NodeEvent *)message;
    if (event->initial_done)
        watching->complete = true;
    if (event->node && event->removed)
        forget(watching, event->node->name);
    else if (event->node)
        take_node(watching, event->node);
    pb_free(message);
    watching->events->on_change(watching->user);
}

static void on_values_message(void *user, struct slice bytes) {
    struct watching *watching = user;
    ProtobufCMessage *message;

    if (pb_unpack(&roost__v1__node_values__descriptor, bytes, &message) != 0)
        return;
    const Roost__V1__NodeValues *from = (const Roost__V1__NodeValues *)message;
    struct watched *node = put(watching, from->node);
    int64_t before_ms = node->values.time_ms;
    if (from->online || from->n_values > 0)
        values_take(&node->values, from);
    else
        node->values.online = false; /* a hub that forgot them does not take them away */
    bool is_new = from->online && node->values.time_ms != before_ms;
    if (is_new)
        panel_remember(&node->history, &node->values);
    pb_free(message);
    watching->events->on_values(watching->user, node);
    watching->events->on_change(watching->user);
}

static void on_nodes_done(void *user,
                          enum grpc_status status,
                          const char *message,
                          const struct headers *trailers) {
    struct watching *watching = user;

    (void)trailers;
    watching->nodes_call = NULL;
    watching->events->on_end(watching->user, status, message);
}

static void on_metrics_done(void *user,
                            enum grpc_status status,
                            const char *message,
                            const struct headers *trailers) {
    struct watching *watching = user;

    (void)trailers;
    watching->metrics_call = NULL;
    watching->events->on_end(watching->user, status, message);
}

static struct client_call *start(struct watching *watching,
                                 const char *method,
                                 const struct client_events *events,
                                 const ProtobufCMessage *message) {
    struct session *session = watching->cli->session;
    struct headers metadata;

    session_metadata(session, NULL, &metadata);
    struct client_request request = { .method = method, .metadata = &metadata };
    struct client_call *client = client_start(
        session_loop(session), session_target(session), &request, events, watching);
    client_send(client, message);
    client_end(client);
    headers_done(&metadata);
    return client;
}

void watching_start(struct watching *watching) {
    static const struct client_events node_events = {
        .on_message = on_node_message,
        .on_done = on_nodes_done,
    };
    static const struct client_events metric_events = {
        .on_message = on_values_message,
        .on_done = on_metrics_done,
    };
    Roost__V1__WatchNodesRequest nodes = ROOST__V1__WATCH_NODES_REQUEST__INIT;
    Roost__V1__WatchMetricsRequest metrics = ROOST__V1__WATCH_METRICS_REQUEST__INIT;

    watching_stop(watching);
    watching->complete = false;
    nodes.select = watching->selection;
    metrics.select = watching->selection;
    watching->nodes_call =
        start(watching, "/roost.v1.Nodes/Watch", &node_events, &nodes.base);
    watching->metrics_call =
        start(watching, "/roost.v1.Metrics/Watch", &metric_events, &metrics.base);
}

void watching_stop(struct watching *watching) {
    watching->nodes_call = client_cancel(watching->nodes_call);
    watching->metrics_call = client_cancel(watching->metrics_call);
}

bool watching_is_complete(const struct watching *watching) {
    return watching->complete;
}

size_t watching_count(const struct watching *watching) {
    return watching->count;
}

const struct watched *watching_at(const struct watching *watching, size_t i) {
    return watching->items[i];
}
