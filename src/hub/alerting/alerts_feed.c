#include "hub/alerting/alerts_feed.h"

#include <stdlib.h>
#include <string.h>

#include "alerts/incidents/incident.h"
#include "alerts/judge/alerts.h"
#include "base/list.h"
#include "base/mem.h"
#include "hub/nodes/node.h"
#include "hub/nodes/registry.h"
#include "hub/timekeeper.h"
#include "loop/loop.h"
#include "loop/timer.h"
#include "roost/v1/processes.pb-c.h"
#include "rpc/client.h"
#include "store/history/history.h"

enum {
    TICK_MS = 1000,
    LOOK_MS = 500, /* between two looks at the processes */
    ASK_MS = 5000,
    ASKS_MAX = 50, /* at the same time; many nodes may fire at once */
};

struct alerts_feed {
    struct alerts_feed_config config;
    struct registry_watcher watcher;
    struct timer tick;
    struct list asks;
    size_t ask_count;
    bool is_stopped;
};

/* One question for processes. */
struct ask {
    struct list in_list;
    struct alerts_feed *feed; /* borrowed: owns us */
    struct client_call *call; /* owned */
    uint64_t incident;
};

static int64_t now_ms(const struct alerts_feed *feed) {
    return timekeeper_now_ms(feed->config.timekeeper);
}

/* Does the list of words have this one? */
static bool has_word(const char *words, const char *word) {
    size_t len = strlen(word);

    while (*words) {
        size_t part = strcspn(words, ",");
        if (part == len && memcmp(words, word, len) == 0)
            return true;
        words += part + (words[part] != '\0');
    }
    return false;
}

static void put_node(struct alerts_feed *feed, const struct node *node) {
    const struct alerts_node known = {
        .name = node->name,
        .tags = (const char *const *)node->tags,
        .tag_count = node_tag_count(node),
        .is_of_user = has_word(node->capabilities, "user"),
        .is_online = node->session != NULL,
        .is_leaving = node->leaving_ms > 0,
        .since_ms = node->session ? node->online_since_ms : node->last_seen_ms,
        .joined_ms = node->created_ms,
        .why = node->ended,
    };

    if (!node->anonymous)
        alerts_put_node(feed->config.alerts, &known, now_ms(feed));
}

static void on_change(struct registry_watcher *watcher, struct node *node, bool removed) {
    struct alerts_feed *feed = container_of(watcher, struct alerts_feed, watcher);

    if (removed)
        alerts_remove_node(feed->config.alerts, node->name, now_ms(feed));
    else
        put_node(feed, node);
}

static void on_values(struct registry_watcher *watcher, struct node *node) {
    /* Rows come by alerts_feed_take(). */
}

static void on_tick(struct timer *timer) {
    struct alerts_feed *feed = container_of(timer, struct alerts_feed, tick);

    alerts_tick(feed->config.alerts, now_ms(feed));
    timer_start(feed->config.loop, timer, TICK_MS);
}

void alerts_feed_take(struct alerts_feed *feed, const struct alerts_row *row) {
    if (feed && !feed->is_stopped)
        alerts_take_row(feed->config.alerts, row);
}

void alerts_feed_rename(struct alerts_feed *feed, const char *from, const char *to) {
    if (feed && !feed->is_stopped)
        alerts_rename_node(feed->config.alerts, from, to);
}

/* With each flush of samples. */

static void collect(void *arg, struct records *ret_records) {
    struct alerts_feed *feed = arg;

    alerts_collect(feed->config.alerts, ret_records);
    incidents_collect(feed->config.incidents, ret_records);
}

static void settle(void *arg) {
    struct alerts_feed *feed = arg;

    alerts_settle(feed->config.alerts, true);
    incidents_settle(feed->config.incidents, true);
}

/* Who does most, when something fires. */

static void ask_free(struct ask *ask) {
    ask->feed->ask_count--;
    list_remove(&ask->in_list);
    client_cancel(ask->call);
    free(ask);
}

/* Copies nothing: lent for incident_put_processes(). */
static struct incident_process process_of(const Roost__V1__Process *process) {
    return (struct incident_process) {
        .pid = (int)process->pid,
        .name = process->name,
        .user = process->user,
        .cpu = process->cpu_percent,
        .memory = process->rss_bytes,
    };
}

static void on_processes(void *user,
                         enum grpc_status status,
                         const char *message,
                         const ProtobufCMessage *reply) {
    const Roost__V1__ListProcessesResponse *response =
        (const Roost__V1__ListProcessesResponse *)reply;
    struct ask *ask = user;
    struct alerts_feed *feed = ask->feed;
    struct incident *incident = incidents_by_id(feed->config.incidents, ask->incident);

    ask->call = NULL;
    ask_free(ask);
    if (status != GRPC_OK || !incident || incident->process_count > 0)
        return;
    struct incident_process processes[INCIDENT_PROCESSES_MAX];
    size_t count = 0;
    for (size_t i = 0; i < response->n_processes && i < INCIDENT_PROCESSES_MAX; i++)
        processes[count++] = process_of(response->processes[i]);
    incident_put_processes(feed->config.incidents, incident, processes, count,
                           now_ms(feed));
}

void alerts_feed_on_fire(void *arg, const char *node, uint64_t incident) {
    struct alerts_feed *feed = *(struct alerts_feed **)arg;
    Roost__V1__ListProcessesRequest request = ROOST__V1__LIST_PROCESSES_REQUEST__INIT;
    struct headers metadata;

    if (!feed || feed->is_stopped || node[0] == '\0' || feed->ask_count >= ASKS_MAX)
        return;
    struct ask *ask = mem_new(sizeof(*ask));
    ask->feed = feed;
    ask->incident = incident;
    list_add_tail(&feed->asks, &ask->in_list);
    feed->ask_count++;
    headers_init(&metadata);
    headers_add(&metadata, "roost-node", node);
    const struct client_request call = {
        .method = "/roost.v1.Processes/List",
        .metadata = &metadata,
        .timeout_ms = ASK_MS,
        .actor = feed->config.actor,
    };
    request.sort = ROOST__V1__PROCESS_SORT__PROCESS_SORT_CPU;
    request.limit = INCIDENT_PROCESSES_MAX;
    request.look_ms = LOOK_MS;
    ask->call =
        client_unary(feed->config.loop, feed->config.gate, &call, &request.base,
                     &roost__v1__list_processes_response__descriptor, on_processes, ask);
    headers_done(&metadata);
}

struct alerts_feed *alerts_feed_new(const struct alerts_feed_config *config) {
    struct alerts_feed *feed = mem_new(sizeof(*feed));
    const struct history_company company = { collect, settle, feed };
    struct node *node;
    size_t at = 0;

    feed->config = *config;
    feed->watcher.on_change = on_change;
    feed->watcher.on_values = on_values;
    feed->tick.fire = on_tick;
    list_init(&feed->asks);
    while ((node = registry_next(config->registry, &at)))
        put_node(feed, node);
    alerts_start(config->alerts);
    registry_watch(config->registry, &feed->watcher);
    history_set_company(config->history, &company);
    timer_start(config->loop, &feed->tick, TICK_MS);
    return feed;
}

void alerts_feed_stop(struct alerts_feed *feed) {
    if (!feed || feed->is_stopped)
        return;
    feed->is_stopped = true;
    timer_stop(&feed->tick);
    registry_unwatch(&feed->watcher);
    list_for_each_safe(at, after, &feed->asks)
        ask_free(container_of(at, struct ask, in_list));
}

struct alerts_feed *alerts_feed_free(struct alerts_feed *feed) {
    alerts_feed_stop(feed);
    free(feed);
    return NULL;
}
