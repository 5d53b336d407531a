#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "alerts/incidents/incident.h"
#include "alerts/incidents/incident_message.h"
#include "alerts/judge/alerts.h"
#include "alerts/rules/condition.h"
#include "alerts/rules/rule.h"
#include "alerts/rules/rule_message.h"
#include "alerts/rules/rules_built_in.h"
#include "base/buf.h"
#include "base/mem.h"
#include "hub/alerting/service_alerts_private.h"
#include "hub/nodes/node.h"
#include "hub/nodes/registry.h"
#include "hub/timekeeper.h"
#include "rpc/actor.h"
#include "store/history/history.h"
#include "wire/pb.h"

/*
 * What a rule would have done: the judge itself, a fresh one, is given the samples that
 * are kept. Of a long time it is given means, so that the answer comes soon.
 */
enum {
    TRIALS_MAX = 8,      /* at the same time */
    NODES_MAX = 100,     /* of one */
    METRICS_MAX = 64,    /* patterns of its condition */
    INCIDENTS_MAX = 500, /* that are told */
    MINUTE_MS = 60000,
    SCALE_MORE = 2, /* means have more decimals than samples */
};

static const int64_t usual_ms = INT64_C(86400000);
static const int64_t raw_ms = INT64_C(6) * 3600000; /* every sample of this long */
static const int64_t most_ms = INT64_C(366) * 86400000;

struct trial {
    struct list in_list;
    struct service_alerts *service;  /* borrowed: outlives us */
    struct invocation *invocation;   /* borrowed: until on_gone */
    struct history_request *request; /* owned; NULL once it has come */
    struct rule *rule;               /* owned */
    bool is_truncated;
};

static void on_gone(struct invocation *invocation, void *user) {
    struct trial *trial = user;

    list_remove(&trial->in_list);
    history_cancel(trial->request);
    rule_free(trial->rule);
    free(trial);
}

/* The series of the condition; how many. Lent by it. */
static size_t list_metrics(const struct condition *condition,
                           const char *metrics[static METRICS_MAX],
                           size_t count) {
    bool is_metric =
        condition->kind == CONDITION_LEVEL || condition->kind == CONDITION_RATE ||
        condition->kind == CONDITION_ABSENT || condition->kind == CONDITION_FORECAST;

    for (size_t i = 0; i < condition->part_count; i++)
        count = list_metrics(condition->parts[i], metrics, count);
    if (condition->part_count == 0 && is_metric && count < METRICS_MAX)
        metrics[count++] = condition->series;
    return count;
}

/* Series of one node, side by side in time. */
struct table {
    const struct history_answer *answer;
    const struct history_series *series; /* the node's first */
    size_t count;
    size_t *places; /* owned: the next value of each */
    struct alerts_metric *metrics;
    int64_t *values;
};

static int64_t time_of(const struct table *table, size_t series) {
    const struct history_series *of = &table->series[series];
    size_t at = table->places[series];
    size_t count = of->times_ms ? of->count : table->answer->points;

    if (at >= count)
        return INT64_MAX;
    return of->times_ms ? of->times_ms[at]
                        : table->answer->since_ms + (int64_t)at * table->answer->step_ms;
}

static int64_t scaled(double value, unsigned scale) {
    if (isnan(value))
        return INT64_MIN;
    while (scale-- > 0)
        value *= 10;
    return fabs(value) < 9e18 ? (int64_t)llround(value) : INT64_MIN;
}

/* Takes the row of the earliest time: false at the end. */
static bool take_row(struct table *table, int64_t *ret_time_ms) {
    int64_t time_ms = INT64_MAX;
    bool is_there = false;

    for (size_t i = 0; i < table->count; i++) {
        int64_t at_ms = time_of(table, i);
        time_ms = at_ms < time_ms ? at_ms : time_ms;
    }
    if (time_ms == INT64_MAX)
        return false;
    for (size_t i = 0; i < table->count; i++) {
        table->values[i] = INT64_MIN;
        if (time_of(table, i) != time_ms)
            continue;
        size_t at = table->places[i]++;
        table->values[i] = scaled(table->series[i].mean[at], table->metrics[i].scale);
        is_there |= table->values[i] != INT64_MIN;
    }
    /* Nothing was known of the node then: that is a gap and no row. */
    *ret_time_ms = is_there ? time_ms : INT64_MAX;
    return true;
}

static uint32_t interval_of(const struct table *table) {
    int64_t step_ms = table->answer->step_ms;
    uint32_t interval_ms = table->series[0].interval_ms;

    return step_ms > (int64_t)interval_ms ? (uint32_t)step_ms : interval_ms;
}

static void judge_node(struct alerts *alerts, struct table *table) {
    const struct alerts_node node = {
        .name = table->series[0].node,
        .is_online = true,
        .since_ms = 1,
        .joined_ms = 1,
        .why = "",
    };
    struct alerts_row row = {
        .node = node.name,
        .catalogue = 1,
        .metrics = table->metrics,
        .count = table->count,
        .epoch = 1,
        .interval_ms = interval_of(table),
        .values = table->values,
    };

    alerts_put_node(alerts, &node, 0);
    while (take_row(table, &row.time_ms)) {
        if (row.time_ms == INT64_MAX)
            continue;
        row.seq++;
        alerts_take_row(alerts, &row);
    }
}

static void judge_series(struct alerts *alerts,
                         const struct history_answer *answer,
                         size_t first,
                         size_t count) {
    struct table table = {
        .answer = answer,
        .series = &answer->series[first],
        .count = count,
        .places = mem_new_array(count, sizeof(size_t)),
        .metrics = mem_new_array(count, sizeof(struct alerts_metric)),
        .values = mem_new_array(count, sizeof(int64_t)),
    };

    for (size_t i = 0; i < count; i++)
        table.metrics[i] = (struct alerts_metric) {
            .name = table.series[i].metric,
            .unit = table.series[i].unit,
            .scale = table.series[i].scale + SCALE_MORE,
        };
    judge_node(alerts, &table);
    free(table.places);
    free(table.metrics);
    free(table.values);
}

static struct rule *copy_rule(const struct rule *rule) {
    struct buf bytes = { 0 };

    rule_write(rule, &bytes);
    struct rule *copy = rule_read(rule->name, buf_slice(&bytes));
    buf_done(&bytes);
    if (!copy)
        return NULL;
    incident_set(&copy->select, "*");
    incident_set(&copy->owner, "");
    copy->is_disabled = false;
    return copy;
}

static void answer_with(struct trial *trial,
                        const struct incidents *incidents,
                        size_t series) {
    Roost__V1__TestRuleResponse response = ROOST__V1__TEST_RULE_RESPONSE__INIT;
    struct incident_message *parts = mem_new_array(INCIDENTS_MAX, sizeof(*parts));
    struct buf reading = { 0 };

    response.incidents = mem_new_array(INCIDENTS_MAX, sizeof(*response.incidents));
    for (struct incident *at = incidents_next(incidents, NULL); at;
         at = incidents_next(incidents, at)) {
        if (response.n_incidents == INCIDENTS_MAX) {
            trial->is_truncated = true;
            break;
        }
        struct incident_message *part = &parts[response.n_incidents];
        incident_message_init(part, at);
        response.incidents[response.n_incidents++] = &part->incident;
    }
    condition_explain(trial->rule->condition, &reading);
    response.reading = pb_lend(buf_text(&reading));
    response.series = (uint32_t)series;
    response.truncated = trial->is_truncated;
    size_t count = response.n_incidents;
    invocation_reply(trial->invocation, &response.base);
    for (size_t i = 0; i < count; i++)
        incident_message_done(&parts[i]);
    free(response.incidents);
    free(parts);
    buf_done(&reading);
}

static void judge(struct trial *trial, const struct history_answer *answer) {
    struct incidents *incidents = incidents_new(&(struct incidents_config) { 0 });
    struct alerts_config config = { .incidents = incidents };
    size_t series = 0, firing;

    rules_built_in_defaults(&config.defaults);
    config.defaults.is_off = true;
    struct alerts *alerts = alerts_new(&config);
    struct rule *rule = copy_rule(trial->rule);
    auto_(mem_freep) char *name = mem_strdup(trial->rule->name);
    alerts_start(alerts);
    if (rule)
        alerts_put_rule(alerts, rule);
    for (size_t first = 0; first < answer->series_count;) {
        size_t count = 1;
        while (first + count < answer->series_count &&
               strcmp(answer->series[first + count].node, answer->series[first].node) ==
                   0)
            count++;
        judge_series(alerts, answer, first, count);
        first += count;
    }
    alerts_count_series(alerts, name, &series, &firing);
    answer_with(trial, incidents, series);
    alerts_free(alerts);
    incidents_free(incidents);
}

static void on_history(void *arg, int result, const struct history_answer *answer) {
    struct trial *trial = arg;

    trial->request = NULL;
    if (result == 0)
        judge(trial, answer);
    else if (result == HISTORY_E_MANY)
        invocation_finish(
            trial->invocation, GRPC_RESOURCE_EXHAUSTED,
            "these are too many series: name fewer nodes or a shorter time");
    else
        invocation_finish(trial->invocation, GRPC_UNAVAILABLE,
                          "the samples cannot be read just now");
}

/* Nodes that the rule means and the caller may see: an array to free. */
static const char **list_nodes(struct trial *trial,
                               const struct actor *actor,
                               size_t *ret_count) {
    const char **names = mem_new_array(NODES_MAX, sizeof(*names));
    const char *select = rule_is_for_all(trial->rule) ? "" : trial->rule->select;
    const struct node *node;
    size_t at = 0;

    *ret_count = 0;
    while ((node = registry_next(trial->service->config.registry, &at))) {
        if (!registry_is_meant(node, actor, select))
            continue;
        if (*ret_count == NODES_MAX) {
            trial->is_truncated = true;
            break;
        }
        names[(*ret_count)++] = node->name;
    }
    return names;
}

/* Samples as they came, or means of minutes, or of as much as it takes. */
static size_t points_of(int64_t last_ms) {
    int64_t points = last_ms / MINUTE_MS;

    if (last_ms <= raw_ms)
        return 0;
    return points > HISTORY_POINTS_MAX ? HISTORY_POINTS_MAX : (size_t)points;
}

static void ask(struct trial *trial, int64_t last_ms) {
    const char *metrics[METRICS_MAX];
    size_t node_count;
    const char **nodes =
        list_nodes(trial, service_alerts_actor(trial->invocation), &node_count);
    int64_t now_ms = timekeeper_now_ms(trial->service->config.timekeeper);
    const struct history_query query = {
        .nodes = nodes,
        .node_count = node_count,
        .metrics = metrics,
        .metric_count = list_metrics(trial->rule->condition, metrics, 0),
        .since_ms = now_ms - last_ms,
        .until_ms = now_ms,
        .points = points_of(last_ms),
    };
    const struct history_answer nothing = { 0 };

    if (node_count == 0)
        invocation_finish(trial->invocation, GRPC_NOT_FOUND,
                          "it means no node that you may see");
    else if (query.metric_count == 0)
        judge(trial, &nothing); /* only what is asked, and no sample, counts for it */
    else
        trial->request =
            history_ask(trial->service->config.history, &query, on_history, trial);
    free(nodes);
}

static size_t count_trials(const struct service_alerts *service) {
    size_t count = 0;

    list_for_each_safe(at, after, &service->trials) count++;
    return count;
}

void alert_trial_run(void *arg,
                     struct invocation *invocation,
                     const ProtobufCMessage *message) {
    const Roost__V1__TestRuleRequest *request =
        (const Roost__V1__TestRuleRequest *)message;
    struct service_alerts *service = arg;
    auto_(mem_freep) char *why = NULL;
    int64_t last_ms = request->last_ms == 0                  ? usual_ms
                      : request->last_ms > (uint64_t)most_ms ? most_ms
                                                             : (int64_t)request->last_ms;

    if (!request->rule) {
        invocation_finish(invocation, GRPC_INVALID_ARGUMENT, "which rule?");
        return;
    }
    if (count_trials(service) >= TRIALS_MAX) {
        invocation_finish(invocation, GRPC_RESOURCE_EXHAUSTED,
                          "others test rules just now; try again");
        return;
    }
    struct rule *rule = rule_message_read(request->rule, &why);
    if (!rule) {
        invocation_finish(invocation, GRPC_INVALID_ARGUMENT, "%s", why);
        return;
    }
    struct trial *trial = mem_new(sizeof(*trial));
    trial->service = service;
    trial->invocation = invocation;
    trial->rule = rule;
    list_add_tail(&service->trials, &trial->in_list);
    invocation_set_user(invocation, trial, on_gone);
    ask(trial, last_ms);
}

void alert_trial_end_all(struct service_alerts *service) {
    list_for_each_safe(at, after, &service->trials)
        invocation_finish(container_of(at, struct trial, in_list)->invocation,
                          GRPC_UNAVAILABLE, "the hub stops");
}
