#include <stdlib.h>
#include <string.h>

#include "alerts/judge/judge.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/name.h"

struct judge_node *judge_node_get(struct alerts *alerts, const char *name) {
    struct judge_node *node = map_get(alerts->nodes, name);

    if (node)
        return node;
    node = mem_new(sizeof(*node));
    node->name = mem_strdup(name);
    node->why = mem_strdup("");
    node->is_stale = true;
    map_put(alerts->nodes, name, node);
    return node;
}

struct judge_node *judge_node_free(struct alerts *alerts, struct judge_node *node) {
    if (!node)
        return NULL;
    while (node->active_count > 0)
        judge_drop(node, node->actives[0]);
    for (size_t i = 0; i < node->firing_count; i++)
        judge_fire_free(node->firings[i]);
    for (size_t i = 0; i < node->window_count; i++)
        judge_window_free(node->windows[i]);
    judge_plan_release(alerts, node->plan);
    rule_list_free(node->tags);
    free(node->actives);
    free(node->firings);
    free(node->windows);
    free(node->rules);
    free(node->last);
    free(node->bits);
    free(node->name);
    free(node->why);
    free(node);
    return NULL;
}

bool judge_node_is_meant(const struct alerts *alerts,
                         const struct judge_node *node,
                         const struct rule *rule) {
    struct name_subject subject = {
        .name = node->name,
        .tags = (const char *const *)node->tags,
        .tag_count = rule_list_count(node->tags),
    };
    bool is_picked = false;

    if (rule->is_disabled)
        return false;
    if (rule->owner[0] != '\0' && alerts->may_see &&
        !alerts->may_see(alerts->may_see_arg, rule, node->name))
        return false;
    if (rule_is_for_all(rule))
        return !node->is_of_user; /* one user's agent says nothing of the whole host */
    name_select(rule->select, &subject, 1, &is_picked, NULL);
    return is_picked;
}

void judge_node_add_rule(struct judge_node *node, struct judge_rule *rule) {
    if (node->rule_count == node->rule_cap) {
        node->rule_cap = node->rule_cap ? node->rule_cap * 2 : 8;
        node->rules = mem_grow(node->rules, node->rule_cap * sizeof(struct judge_rule *));
    }
    node->rules[node->rule_count++] = rule;
    node->is_stale = true;
}

static void forget_actives(struct judge_node *node, const struct judge_rule *rule) {
    for (size_t i = node->active_count; i-- > 0;)
        if (node->actives[i]->rule == rule)
            judge_drop(node, node->actives[i]);
}

void judge_node_forget_rule(struct alerts *alerts,
                            struct judge_node *node,
                            struct judge_rule *rule,
                            int64_t now_ms,
                            const char *why) {
    for (size_t i = 0; i < node->rule_count; i++)
        if (node->rules[i] == rule) {
            node->rules[i] = node->rules[--node->rule_count];
            node->is_stale = true;
            break;
        }
    for (size_t i = node->firing_count; i-- > 0;)
        if (node->firings[i]->rule == rule)
            judge_fire_end(alerts, node, node->firings[i], now_ms, why);
    forget_actives(node, rule);
    judge_window_forget_rule(node, rule);
}

void judge_node_match(struct alerts *alerts, struct judge_node *node) {
    struct judge_rule *rule;
    size_t at = 0;

    alerts->mark++;
    for (size_t i = 0; i < node->rule_count; i++)
        node->rules[i]->mark = alerts->mark;
    while ((rule = map_next(alerts->rules, &at, NULL))) {
        bool is_meant = judge_node_is_meant(alerts, node, rule->rule);
        bool is_there = rule->mark == alerts->mark;
        if (is_meant && !is_there)
            judge_node_add_rule(node, rule);
        else if (!is_meant && is_there)
            judge_node_forget_rule(alerts, node, rule, alerts->now_ms,
                                   "the rule no longer means the node");
    }
}
