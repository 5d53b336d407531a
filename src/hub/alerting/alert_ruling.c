#include <stdlib.h>
#include <string.h>

#include "alerts/judge/alerts.h"
#include "alerts/rules/rule.h"
#include "alerts/rules/rule_message.h"
#include "base/mem.h"
#include "hub/activity/activity.h"
#include "hub/alerting/alert_rights.h"
#include "hub/alerting/service_alerts_private.h"
#include "hub/nodes/node.h"
#include "hub/nodes/registry.h"
#include "hub/nodes/selection.h"
#include "hub/timekeeper.h"
#include "rpc/actor.h"
#include "store/history/history.h"

enum { OWN_MAX = 200 }; /* rules of one person */

/* What names incidents that are of no rule. */
static const char *const reserved[] = { "found-at-join", "uplink" };

static int by_name(const void *a, const void *b) {
    const struct rule *const *left = a, *const *right = b;
    return strcmp((*left)->name, (*right)->name);
}

/* Does it mean one of the nodes? */
static bool means_one(const struct service_alerts *service,
                      const struct rule *rule,
                      struct node *const *nodes,
                      size_t count) {
    for (size_t i = 0; i < count; i++)
        if (alerts_is_meant(service->config.alerts, rule->name, nodes[i]->name))
            return true;
    return false;
}

/* Those that the caller may see, by name: an array to free. */
static const struct rule **list_rules(const struct service_alerts *service,
                                      const struct actor *actor,
                                      size_t *ret_count) {
    struct alerts *alerts = service->config.alerts;
    const struct rule **rules =
        mem_new_array(alerts_rule_count(alerts) + 1, sizeof(*rules));
    const struct rule *rule;
    size_t at = 0;

    *ret_count = 0;
    while ((rule = alerts_next_rule(alerts, &at)))
        if (alert_rights_see_rule(actor, rule))
            rules[(*ret_count)++] = rule;
    qsort(rules, *ret_count, sizeof(*rules), by_name);
    return rules;
}

static void say(const struct service_alerts *service,
                struct rule_message *message,
                const struct rule *rule) {
    size_t series, firing;

    rule_message_init(message, rule);
    alerts_count_series(service->config.alerts, rule->name, &series, &firing);
    message->rule.series = (uint32_t)series;
    message->rule.firing = (uint32_t)firing;
}

void alert_ruling_list(void *arg,
                       struct invocation *invocation,
                       const ProtobufCMessage *message) {
    const Roost__V1__ListRulesRequest *request =
        (const Roost__V1__ListRulesRequest *)message;
    const struct service_alerts *service = arg;
    Roost__V1__ListRulesResponse response = ROOST__V1__LIST_RULES_RESPONSE__INIT;
    struct node **nodes = NULL;
    size_t node_count = 0, count;

    if (request->select[0] != '\0' &&
        !selection_find(service->config.registry, invocation, request->select, &nodes,
                        &node_count))
        return;
    const struct rule **rules =
        list_rules(service, service_alerts_actor(invocation), &count);
    struct rule_message *parts = mem_new_array(count + 1, sizeof(*parts));
    response.rules = mem_new_array(count + 1, sizeof(*response.rules));
    for (size_t i = 0; i < count; i++) {
        if (nodes && !means_one(service, rules[i], nodes, node_count))
            continue;
        say(service, &parts[response.n_rules], rules[i]);
        response.rules[response.n_rules] = &parts[response.n_rules].rule;
        response.n_rules++;
    }
    invocation_reply(invocation, &response.base);
    free(response.rules);
    free(parts);
    free(rules);
    free(nodes);
}

static size_t count_own(const struct alerts *alerts, const char *owner) {
    const struct rule *rule;
    size_t count = 0;
    size_t at = 0;

    while ((rule = alerts_next_rule(alerts, &at)))
        count += strcmp(rule->owner, owner) == 0;
    return count;
}

static bool is_reserved(const char *name) {
    for (size_t i = 0; i < sizeof(reserved) / sizeof(reserved[0]); i++)
        if (strcmp(reserved[i], name) == 0)
            return true;
    return false;
}

/* May there be one more? False: the call is finished. */
static bool check_room(const struct service_alerts *service,
                       struct invocation *invocation,
                       const struct rule *rule) {
    const struct alerts *alerts = service->config.alerts;

    if (alerts_rule_count(alerts) >= RULES_MAX ||
        (rule->owner[0] != '\0' && count_own(alerts, rule->owner) >= OWN_MAX)) {
        invocation_finish(invocation, GRPC_RESOURCE_EXHAUSTED,
                          "there are too many rules");
        return false;
    }
    return true;
}

/* False: the call is finished. */
static bool check_put(const struct service_alerts *service,
                      struct invocation *invocation,
                      const struct rule *rule,
                      bool is_new) {
    const struct rule *before = alerts_find_rule(service->config.alerts, rule->name);
    const struct actor *actor = service_alerts_actor(invocation);
    const struct registry *registry = service->config.registry;

    if (is_reserved(rule->name)) {
        invocation_finish(invocation, GRPC_INVALID_ARGUMENT,
                          "the name is taken by Roost itself");
        return false;
    }
    if (before && (is_new || !alert_rights_see_rule(actor, before))) {
        invocation_finish(invocation, GRPC_ALREADY_EXISTS,
                          "there is a rule of that name already");
        return false;
    }
    const char *why = before ? alert_rights_rule(registry, actor, before) : NULL;
    if (!why)
        why = alert_rights_rule(registry, actor, rule);
    if (why) {
        invocation_finish(invocation, GRPC_PERMISSION_DENIED, "%s", why);
        return false;
    }
    return before || check_room(service, invocation, rule);
}

void alert_ruling_put(void *arg,
                      struct invocation *invocation,
                      const ProtobufCMessage *message) {
    const Roost__V1__PutRuleRequest *request = (const Roost__V1__PutRuleRequest *)message;
    const struct service_alerts *service = arg;
    auto_(mem_freep) char *why = NULL;
    struct rule_message answer;

    if (!request->rule) {
        invocation_finish(invocation, GRPC_INVALID_ARGUMENT, "which rule?");
        return;
    }
    struct rule *rule = rule_message_read(request->rule, &why);
    if (!rule) {
        invocation_finish(invocation, GRPC_INVALID_ARGUMENT, "%s", why);
        return;
    }
    const struct rule *before = alerts_find_rule(service->config.alerts, rule->name);
    rule->is_built_in = before && before->is_built_in;
    if (!check_put(service, invocation, rule, request->is_new)) {
        rule_free(rule);
        return;
    }
    auto_(mem_freep) char *name = mem_strdup(rule->name);
    const char *who = service_alerts_actor(invocation)->name;
    incident_set(&rule->changed_by, who);
    rule->changed_ms = timekeeper_now_ms(service->config.timekeeper);
    activity_add(service->config.activity, before ? "rule.changed" : "rule.added", "",
                 who, "%s: %s", rule->name, rule->text);
    alerts_put_rule(service->config.alerts, rule);
    history_sync(service->config.history);
    say(service, &answer, alerts_find_rule(service->config.alerts, name));
    invocation_reply(invocation, &answer.rule.base);
}

void alert_ruling_remove(void *arg,
                         struct invocation *invocation,
                         const ProtobufCMessage *message) {
    const Roost__V1__RemoveRuleRequest *request =
        (const Roost__V1__RemoveRuleRequest *)message;
    const struct service_alerts *service = arg;
    Roost__V1__RemoveRuleResponse response = ROOST__V1__REMOVE_RULE_RESPONSE__INIT;
    const struct actor *actor = service_alerts_actor(invocation);
    const struct rule *rule = alerts_find_rule(service->config.alerts, request->name);

    if (!rule || !alert_rights_see_rule(actor, rule)) {
        invocation_finish(invocation, GRPC_NOT_FOUND, "there is no rule \"%s\"",
                          request->name);
        return;
    }
    const char *why = alert_rights_rule(service->config.registry, actor, rule);
    bool is_lost = rule->owner[0] != '\0' && strcmp(rule->owner, actor->name) == 0;
    if (why && !is_lost) { /* one's own can be removed also when its nodes are gone */
        invocation_finish(invocation, GRPC_PERMISSION_DENIED, "%s", why);
        return;
    }
    activity_add(service->config.activity, "rule.removed", "", actor->name, "%s",
                 request->name);
    alerts_remove_rule(service->config.alerts, request->name,
                       timekeeper_now_ms(service->config.timekeeper));
    history_sync(service->config.history);
    invocation_reply(invocation, &response.base);
}
