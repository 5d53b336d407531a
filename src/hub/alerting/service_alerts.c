#include "hub/alerting/service_alerts.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "alerts/incidents/incident.h"
#include "alerts/incidents/incident_message.h"
#include "alerts/judge/alerts.h"
#include "alerts/notifier/notifier.h"
#include "alerts/rules/rule.h"
#include "base/mem.h"
#include "hub/activity/activity.h"
#include "hub/alerting/alert_rights.h"
#include "hub/alerting/service_alerts_private.h"
#include "hub/nodes/node.h"
#include "hub/nodes/registry.h"
#include "hub/nodes/selection.h"
#include "hub/people/users.h"
#include "hub/timekeeper.h"
#include "rpc/actor.h"
#include "store/history/history.h"
#include "wire/timestamp.h"

enum { LIST_USUAL = 100, LIST_MAX = 1000 };

struct alerts_watch {
    struct incident_watcher watcher;
    struct service_alerts *service; /* borrowed: outlives us */
    struct invocation *invocation;  /* borrowed: until on_gone */
    char *select;                   /* owned */
};

static bool may_see(const struct service_alerts *service,
                    const struct invocation *invocation,
                    const struct incident *incident) {
    return alert_rights_see(service->config.registry, service->config.alerts,
                            service_alerts_actor(invocation), incident);
}

/* Names of nodes that the caller may not see are nobody's business; an array to free. */
static void filter_nodes(const struct service_alerts *service,
                         const struct invocation *invocation,
                         struct incident_message *message) {
    size_t kept = 0;
    size_t count = message->incident.n_nodes;
    char **all = message->incident.nodes;

    message->incident.nodes = NULL;
    if (count == 0)
        return;
    char **names = mem_new_array(count, sizeof(*names));
    for (size_t i = 0; i < count; i++) {
        const struct node *node = registry_find(service->config.registry, all[i]);
        if (node && node_role(node, service_alerts_actor(invocation)) >= ACTOR_VIEWER)
            names[kept++] = all[i];
    }
    message->incident.nodes = names;
    message->incident.n_nodes = kept;
    if (kept < count)
        message->incident.evidence = "";
}

static void message_init(const struct service_alerts *service,
                         const struct invocation *invocation,
                         struct incident_message *message,
                         const struct incident *incident) {
    incident_message_init(message, incident);
    filter_nodes(service, invocation, message);
}

static void message_done(struct incident_message *message) {
    free(message->incident.nodes);
    incident_message_done(message);
}

static bool is_meant(const struct service_alerts *service,
                     const struct invocation *invocation,
                     const char *select,
                     const struct incident *incident) {
    const struct registry *registry = service->config.registry;

    if (select[0] == '\0')
        return true;
    const struct node *node = registry_find(registry, incident->node);
    if (node)
        return registry_is_meant(node, service_alerts_actor(invocation), select);
    for (size_t i = 0; incident->nodes && incident->nodes[i]; i++) {
        node = registry_find(registry, incident->nodes[i]);
        if (node && registry_is_meant(node, service_alerts_actor(invocation), select))
            return true;
    }
    return false;
}

static bool is_asked(const Roost__V1__ListIncidentsRequest *request,
                     const struct incident *incident) {
    if (request->rule[0] != '\0' && strcmp(request->rule, incident->rule) != 0)
        return false;
    if (incident->state == INCIDENT_FIRING)
        return true;
    return request->all && incident->ended_ms >= timestamp_get(request->since);
}

/* A selection that means nothing is refused: the call is finished. */
static bool check_select(const struct service_alerts *service,
                         struct invocation *invocation,
                         const char *select) {
    struct node **nodes;
    size_t count;

    if (select[0] == '\0')
        return true;
    if (!selection_find(service->config.registry, invocation, select, &nodes, &count))
        return false;
    free(nodes);
    return true;
}

static void on_list(void *arg,
                    struct invocation *invocation,
                    const ProtobufCMessage *message) {
    const Roost__V1__ListIncidentsRequest *request =
        (const Roost__V1__ListIncidentsRequest *)message;
    const struct service_alerts *service = arg;
    Roost__V1__ListIncidentsResponse response = ROOST__V1__LIST_INCIDENTS_RESPONSE__INIT;
    size_t limit = request->limit == 0         ? LIST_USUAL
                   : request->limit > LIST_MAX ? LIST_MAX
                                               : request->limit;

    if (!check_select(service, invocation, request->select))
        return;
    struct incident_message *parts = mem_new_array(limit, sizeof(*parts));
    response.incidents = mem_new_array(limit, sizeof(*response.incidents));
    for (struct incident *at = incidents_next(service->config.incidents, NULL);
         at && response.n_incidents < limit;
         at = incidents_next(service->config.incidents, at)) {
        if (!is_asked(request, at) || !may_see(service, invocation, at) ||
            !is_meant(service, invocation, request->select, at))
            continue;
        struct incident_message *part = &parts[response.n_incidents];
        message_init(service, invocation, part, at);
        response.incidents[response.n_incidents++] = &part->incident;
    }
    size_t count = response.n_incidents;
    invocation_reply(invocation, &response.base);
    for (size_t i = 0; i < count; i++)
        message_done(&parts[i]);
    free(response.incidents);
    free(parts);
}

static void reply(const struct service_alerts *service,
                  struct invocation *invocation,
                  const struct incident *incident) {
    struct incident_message message;

    message_init(service, invocation, &message, incident);
    invocation_reply(invocation, &message.incident.base);
    message_done(&message);
}

/* The one that is meant; NULL: the call is finished. */
static struct incident *find(const struct service_alerts *service,
                             struct invocation *invocation,
                             uint64_t id) {
    struct incident *incident = incidents_by_id(service->config.incidents, id);

    if (incident && may_see(service, invocation, incident))
        return incident;
    invocation_finish(invocation, GRPC_NOT_FOUND, "there is no incident %llu",
                      (unsigned long long)id);
    return NULL;
}

static void on_get(void *arg,
                   struct invocation *invocation,
                   const ProtobufCMessage *message) {
    const Roost__V1__GetIncidentRequest *request =
        (const Roost__V1__GetIncidentRequest *)message;
    struct incident *incident = find(arg, invocation, request->id);

    if (incident)
        reply(arg, invocation, incident);
}

/* --- watching --- */

static void send_event(const struct alerts_watch *watch,
                       const struct incident *incident) {
    Roost__V1__IncidentEvent event = ROOST__V1__INCIDENT_EVENT__INIT;
    struct incident_message message;

    message_init(watch->service, watch->invocation, &message, incident);
    event.incident = &message.incident;
    invocation_send(watch->invocation, &event.base);
    message_done(&message);
}

static bool is_for(const struct alerts_watch *watch, const struct incident *incident) {
    return may_see(watch->service, watch->invocation, incident) &&
           is_meant(watch->service, watch->invocation, watch->select, incident);
}

static void on_change(struct incident_watcher *watcher,
                      struct incident *incident,
                      enum incident_change change) {
    struct alerts_watch *watch = container_of(watcher, struct alerts_watch, watcher);

    if (!is_for(watch, incident))
        return;
    if (invocation_waiting(watch->invocation) > ALERT_WATCH_WAITING_MAX)
        invocation_finish(watch->invocation, GRPC_RESOURCE_EXHAUSTED,
                          "the watcher is too slow; watch again");
    else
        send_event(watch, incident);
}

static void on_watch_gone(struct invocation *invocation, void *user) {
    struct alerts_watch *watch = user;

    incidents_unwatch(&watch->watcher);
    free(watch->select);
    free(watch);
}

static void on_watch(void *arg,
                     struct invocation *invocation,
                     const ProtobufCMessage *message) {
    const Roost__V1__WatchIncidentsRequest *request =
        (const Roost__V1__WatchIncidentsRequest *)message;
    struct service_alerts *service = arg;
    Roost__V1__IncidentEvent done = ROOST__V1__INCIDENT_EVENT__INIT;

    if (!check_select(service, invocation, request->select))
        return;
    struct alerts_watch *watch = mem_new(sizeof(*watch));
    *watch = (struct alerts_watch) {
        .watcher.on_change = on_change,
        .service = service,
        .invocation = invocation,
        .select = mem_strdup(request->select),
    };
    list_init(&watch->watcher.node);
    invocation_set_user(invocation, watch, on_watch_gone);
    invocation_begin(invocation);
    for (struct incident *at = incidents_next(service->config.incidents, NULL); at;
         at = incidents_next(service->config.incidents, at))
        if (at->state == INCIDENT_FIRING && is_for(watch, at))
            send_event(watch, at);
    done.initial_done = true;
    invocation_send(invocation, &done.base);
    incidents_watch(service->config.incidents, &watch->watcher);
}

/* --- looking after them --- */

static void acknowledge(const struct service_alerts *service,
                        const struct invocation *invocation,
                        const Roost__V1__AcknowledgeRequest *request,
                        struct incident *incident) {
    const char *who = service_alerts_actor(invocation)->name;
    int64_t now_ms = timekeeper_now_ms(service->config.timekeeper);
    struct incidents *incidents = service->config.incidents;

    if (request->sleeps && !request->undo)
        incident_sleep(incidents, incident, who, now_ms);
    if ((incident->acknowledged_ms != 0) == request->undo)
        incident_acknowledge(incidents, incident, request->undo ? NULL : who, now_ms);
}

/* Whoever sees it may look after what only he is told; else it takes an operator. */
static bool may_acknowledge(const struct service_alerts *service,
                            const struct invocation *invocation,
                            const struct incident *incident) {
    const struct rule *rule = alerts_find_rule(service->config.alerts, incident->rule);
    const struct actor *actor = service_alerts_actor(invocation);

    return may_see(service, invocation, incident) &&
           ((rule && strcmp(rule->owner, actor->name) == 0) ||
            alert_rights_on(service->config.registry, actor, incident) >= ACTOR_OPERATOR);
}

static void acknowledge_all(const struct service_alerts *service,
                            struct invocation *invocation,
                            const Roost__V1__AcknowledgeRequest *request) {
    struct incident *last = NULL;

    for (struct incident *at = incidents_next(service->config.incidents, NULL); at;
         at = incidents_next(service->config.incidents, at)) {
        if (at->state != INCIDENT_FIRING || !may_acknowledge(service, invocation, at))
            continue;
        acknowledge(service, invocation, request, at);
        last = at;
    }
    if (last)
        reply(service, invocation, last);
    else
        invocation_finish(invocation, GRPC_NOT_FOUND, "nothing goes on");
}

static void on_acknowledge(void *arg,
                           struct invocation *invocation,
                           const ProtobufCMessage *message) {
    const Roost__V1__AcknowledgeRequest *request =
        (const Roost__V1__AcknowledgeRequest *)message;
    const struct service_alerts *service = arg;

    if (request->id == 0) {
        acknowledge_all(service, invocation, request);
    } else {
        struct incident *incident = find(service, invocation, request->id);
        if (!incident)
            return;
        if (!may_acknowledge(service, invocation, incident)) {
            invocation_finish(invocation, GRPC_PERMISSION_DENIED,
                              "only who operates the node looks after what all are told");
            return;
        }
        if (request->sleeps && incident->node[0] == '\0') {
            invocation_finish(invocation, GRPC_FAILED_PRECONDITION,
                              "it is about several nodes: say of one that it sleeps");
            return;
        }
        acknowledge(service, invocation, request, incident);
        reply(service, invocation, incident);
    }
    notifier_review(service->config.notifier);
}

static const struct service_method methods[] = {
    { "List", SERVICE_UNARY, on_list },
    { "Get", SERVICE_UNARY, on_get },
    { "Watch", SERVICE_SERVER_STREAM, on_watch },
    { "Acknowledge", SERVICE_UNARY, on_acknowledge },
    { "ListRules", SERVICE_UNARY, alert_ruling_list },
    { "PutRule", SERVICE_UNARY, alert_ruling_put },
    { "RemoveRule", SERVICE_UNARY, alert_ruling_remove },
    { "TestRule", SERVICE_UNARY, alert_trial_run },
    { "ListSilences", SERVICE_UNARY, alert_notices_list_silences },
    { "PutSilence", SERVICE_UNARY, alert_notices_put_silence },
    { "RemoveSilence", SERVICE_UNARY, alert_notices_remove_silence },
    { "ListChannels", SERVICE_UNARY, alert_notices_list_channels },
    { "PutChannel", SERVICE_UNARY, alert_notices_put_channel },
    { "RemoveChannel", SERVICE_UNARY, alert_notices_remove_channel },
    { "TestChannel", SERVICE_UNARY, alert_notices_test_channel },
    { 0 },
};

/* A rule of one's own is judged only of nodes that one may see, and has only those probe
 * something that one operates. */
static bool may_user_see(void *arg, const struct rule *rule, const char *name) {
    const struct service_alerts *service = arg;
    const struct users_row *row = users_find(service->config.users, rule->owner);
    const struct node *node = registry_find(service->config.registry, name);

    enum actor_role role = rule_reaches_out(rule) ? ACTOR_OPERATOR : ACTOR_VIEWER;

    return row && node &&
           actor_rights_on(row->rights, node->name, node->tags,
                           timekeeper_now_ms(service->config.timekeeper)) >= role;
}

/* What one may no longer see is not judged for him, and what one may see now is. */
static void on_users(struct users_watcher *watcher) {
    const struct service_alerts *service =
        container_of(watcher, struct service_alerts, watcher);

    alerts_look_again(service->config.alerts,
                      timekeeper_now_ms(service->config.timekeeper));
}

struct service_alerts *service_alerts_new(const struct service_alerts_config *config) {
    struct service_alerts *service = mem_new(sizeof(*service));
    struct service table = {
        .descriptor = &roost__v1__alerts__descriptor,
        .methods = methods,
        .arg = service,
    };

    service->config = *config;
    service->watcher.on_change = on_users;
    list_init(&service->trials);
    alerts_set_sight(config->alerts, may_user_see, service);
    users_watch(config->users, &service->watcher);
    services_add(config->services, &table);
    return service;
}

struct service_alerts *service_alerts_free(struct service_alerts *service) {
    if (!service)
        return NULL;
    alert_trial_end_all(service);
    users_unwatch(&service->watcher);
    alerts_set_sight(service->config.alerts, NULL, NULL);
    free(service);
    return NULL;
}
