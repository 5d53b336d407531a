#include <stdlib.h>
#include <string.h>

#include "alerts/incidents/incident.h"
#include "alerts/judge/grouping.h"
#include "alerts/judge/judge.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/name.h"

static bool is_kind(const struct judge_active *active, enum condition_kind kind) {
    return active->rule->leaves[active->leaf].test->kind == kind;
}

/* After a start links and rows have some time to come again. */
static bool is_waiting(const struct alerts *alerts, int64_t now_ms) {
    return now_ms - alerts->config.start_ms < ALERTS_START_MS;
}

/* Begins it when it is true, and lets time go on for it. */
static void look(struct alerts *alerts,
                 struct judge_node *node,
                 struct judge_rule *rule,
                 unsigned leaf,
                 const char *series,
                 int64_t since_ms,
                 int64_t now_ms) {
    struct judge_look look = { .is_true = true, .is_still = true, .time_ms = now_ms };
    struct judge_active *active = judge_find(node, rule, leaf, series);

    if (!active)
        active = judge_begin(node, rule, leaf, series, since_ms);
    if (active)
        judge_step(alerts, node, active, &look);
}

static void look_offline(struct alerts *alerts, struct judge_node *node, int64_t now_ms) {
    for (size_t i = 0; i < node->rule_count; i++) {
        struct judge_rule *rule = node->rules[i];
        for (unsigned leaf = 0; rule->has_offline && leaf < rule->leaf_count; leaf++)
            if (rule->leaves[leaf].test->kind == CONDITION_OFFLINE)
                look(alerts, node, rule, leaf, "offline", node->node_since_ms, now_ms);
    }
}

static void end_kind(struct alerts *alerts,
                     struct judge_node *node,
                     enum condition_kind kind,
                     int64_t now_ms) {
    for (size_t i = node->active_count; i-- > 0;)
        if (i < node->active_count && is_kind(node->actives[i], kind))
            judge_end(alerts, node, node->actives[i], now_ms, false, NULL);
}

/* Somebody said of the incident that the node sleeps. */
static void learn_sleep(struct alerts *alerts, struct judge_node *node) {
    for (size_t i = 0; i < node->firing_count; i++) {
        const struct judge_firing *firing = node->firings[i];
        struct incident *incident =
            firing->rule->has_offline
                ? incidents_by_id(alerts->config.incidents, firing->incident)
                : NULL;
        if (!incident || !incident->sleeps || node->sleeps)
            continue;
        node->sleeps = true;
        node->is_dirty = true;
    }
}

/* Online, and yet nothing comes: what is absent is absent. */
static void look_stalled(struct alerts *alerts, struct judge_node *node, int64_t now_ms) {
    int64_t most_ms = (int64_t)node->interval_ms * JUDGE_GAP_INTERVALS;

    if (now_ms - node->node_since_ms < JUDGE_STALL_MS ||
        now_ms - node->last_ms < (most_ms > JUDGE_STALL_MS ? most_ms : JUDGE_STALL_MS))
        return;
    int64_t since_ms =
        node->last_ms > node->node_since_ms ? node->last_ms : node->node_since_ms;
    for (size_t i = 0; i < node->rule_count; i++) {
        struct judge_rule *rule = node->rules[i];
        for (unsigned leaf = 0; rule->has_absent && leaf < rule->leaf_count; leaf++)
            if (rule->leaves[leaf].test->kind == CONDITION_ABSENT)
                look(alerts, node, rule, leaf, rule->leaves[leaf].test->series, since_ms,
                     now_ms);
    }
}

/* What was found goes on until something else is found. */
static void step_findings(struct alerts *alerts,
                          struct judge_node *node,
                          int64_t now_ms) {
    for (size_t i = node->active_count; i-- > 0;) {
        struct judge_active *active = i < node->active_count ? node->actives[i] : NULL;
        if (!active || !active->rule->leaves[active->leaf].target ||
            active->state == JUDGE_HOLDING)
            continue;
        struct judge_look look = {
            .is_true = active->is_true,
            .is_still = active->is_true,
            .value = active->value,
            .time_ms = now_ms,
        };
        judge_step(alerts, node, active, &look);
    }
}

static void step_node(struct alerts *alerts, struct judge_node *node, int64_t now_ms) {
    if (node->is_online) {
        if (node->sleeps)
            node->is_dirty = true;
        node->sleeps = false;
        end_kind(alerts, node, CONDITION_OFFLINE, now_ms);
        step_findings(alerts, node, now_ms);
        if (!is_waiting(alerts, now_ms))
            look_stalled(alerts, node, now_ms);
        return;
    }
    learn_sleep(alerts, node);
    if (!node->sleeps && node->node_since_ms != 0 && !is_waiting(alerts, now_ms))
        look_offline(alerts, node, now_ms);
}

void judge_clock_node(struct alerts *alerts, struct judge_node *node, int64_t now_ms) {
    step_node(alerts, node, now_ms);
    judge_fire_settle(alerts, node, &(struct judge_moment) { .time_ms = now_ms });
}

void judge_clock_tick(struct alerts *alerts, int64_t now_ms) {
    struct judge_node *node;
    size_t at = 0;

    while ((node = map_next(alerts->nodes, &at, NULL)))
        judge_clock_node(alerts, node, now_ms);
    grouping_tick(alerts, now_ms);
}

static void put_finding(struct alerts *alerts,
                        struct judge_node *node,
                        struct judge_rule *rule,
                        unsigned leaf,
                        const struct alerts_finding *finding,
                        int64_t now_ms) {
    const struct condition *test = rule->leaves[leaf].test;
    struct judge_active *active = judge_find(node, rule, leaf, finding->series);
    bool is_true = test->kind == CONDITION_CERTIFICATE
                       ? finding->value < (double)test->span_ms
                       : finding->is_bad;

    if (!active && is_true)
        active = judge_begin(node, rule, leaf, finding->series, now_ms);
    if (!active)
        return;
    struct judge_look look = {
        .is_true = is_true,
        .is_still = is_true,
        .value = finding->value,
        .time_ms = now_ms,
    };
    active->is_true = is_true;
    free(active->text);
    active->text = mem_strdup(finding->text);
    judge_step(alerts, node, active, &look);
}

void judge_clock_finding(struct alerts *alerts,
                         struct judge_node *node,
                         const struct alerts_finding *finding,
                         int64_t now_ms) {
    for (size_t i = 0; i < node->rule_count; i++) {
        struct judge_rule *rule = node->rules[i];
        for (unsigned leaf = 0; rule->has_finding && leaf < rule->leaf_count; leaf++)
            if (rule->leaves[leaf].target &&
                name_match_glob(rule->leaves[leaf].target, finding->series))
                put_finding(alerts, node, rule, leaf, finding, now_ms);
    }
    judge_fire_settle(alerts, node, &(struct judge_moment) { .time_ms = now_ms });
}
