#include "alerts/judge/alerts.h"

#include <stdlib.h>
#include <string.h>

#include "alerts/incidents/incident.h"
#include "alerts/judge/judge.h"
#include "alerts/rules/rules_built_in.h"
#include "base/buf.h"
#include "base/map.h"
#include "base/mem.h"
#include "store/records.h"

static const char rule_space[] = "alerts.rule";
static const char node_space[] = "alerts.node";

enum { TICK_MS = 1000 };

static void put_built_ins(struct alerts *alerts);

struct alerts *alerts_new(const struct alerts_config *config) {
    struct alerts *alerts = mem_new(sizeof(*alerts));

    alerts->config = *config;
    alerts->now_ms = config->start_ms;
    alerts->rules = map_new();
    alerts->nodes = map_new();
    alerts->plans = map_new();
    alerts->waiting = map_new();
    alerts->gone = map_new();
    alerts->gone_in_batch = map_new();
    put_built_ins(alerts);
    return alerts;
}

static void free_waiting(struct alerts *alerts) {
    char *text;
    size_t at = 0;

    while ((text = map_next(alerts->waiting, &at, NULL)))
        free(text);
    map_free(alerts->waiting);
    alerts->waiting = map_new();
}

struct alerts *alerts_free(struct alerts *alerts) {
    struct judge_node *node;
    struct judge_rule *rule;
    size_t at = 0;

    if (!alerts)
        return NULL;
    while ((node = map_next(alerts->nodes, &at, NULL)))
        judge_node_free(alerts, node);
    at = 0;
    while ((rule = map_next(alerts->rules, &at, NULL)))
        judge_rule_free(rule);
    free_waiting(alerts);
    map_free(alerts->waiting);
    free(alerts->touched);
    map_free(alerts->nodes);
    map_free(alerts->rules);
    map_free(alerts->plans);
    map_free(alerts->gone);
    map_free(alerts->gone_in_batch);
    free(alerts);
    return NULL;
}

/* ---- rules ---- */

static void forget_everywhere(struct alerts *alerts,
                              struct judge_rule *rule,
                              const char *why) {
    struct judge_node *node;
    size_t at = 0;

    while ((node = map_next(alerts->nodes, &at, NULL)))
        judge_node_forget_rule(alerts, node, rule, alerts->now_ms, why);
}

static void add_everywhere(struct alerts *alerts, struct judge_rule *rule) {
    struct judge_node *node;
    size_t at = 0;

    while ((node = map_next(alerts->nodes, &at, NULL)))
        if (node->is_put && judge_node_is_meant(alerts, node, rule->rule))
            judge_node_add_rule(node, rule);
}

/* Other nodes, or none: those that it meant before are let go. */
static void match_everywhere(struct alerts *alerts) {
    struct judge_node *node;
    size_t at = 0;

    while ((node = map_next(alerts->nodes, &at, NULL)))
        if (node->is_put)
            judge_node_match(alerts, node);
}

void alerts_look_again(struct alerts *alerts, int64_t now_ms) {
    alerts->now_ms = now_ms;
    match_everywhere(alerts);
}

/* The same condition: what is judged goes on. */
static void replace(struct alerts *alerts, struct judge_rule *old, struct rule *rule) {
    bool is_for_others = strcmp(old->rule->select, rule->select) != 0 ||
                         strcmp(old->rule->owner, rule->owner) != 0 ||
                         old->rule->is_disabled != rule->is_disabled;

    judge_rule_replace(old, rule);
    if (is_for_others)
        match_everywhere(alerts);
}

static struct judge_rule *put(struct alerts *alerts, struct rule *rule) {
    struct judge_rule *old = map_get(alerts->rules, rule->name);

    if (old && rule_is_same_condition(old->rule, rule)) {
        replace(alerts, old, rule);
        return old;
    }
    if (old)
        forget_everywhere(alerts, old, "the rule was changed");
    struct judge_rule *made = judge_rule_new(alerts, rule);
    map_put(alerts->rules, rule->name, made);
    judge_rule_free(old);
    add_everywhere(alerts, made);
    alerts->counted_ms = 0;
    return made;
}

/* Those that nobody has changed. */
static void put_built_ins(struct alerts *alerts) {
    struct rule *rule;

    for (size_t i = 0; (rule = rules_built_in(&alerts->config.defaults, i)); i++) {
        const struct judge_rule *old = map_get(alerts->rules, rule->name);
        if (old && old->rule->changed_ms != 0)
            rule_free(rule);
        else
            put(alerts, rule);
    }
}

void alerts_set_sight(struct alerts *alerts,
                      bool (*may_see)(void *arg,
                                      const struct rule *rule,
                                      const char *node),
                      void *arg) {
    alerts->may_see = may_see;
    alerts->may_see_arg = arg;
    if (may_see)
        match_everywhere(alerts);
}

void alerts_set_defaults(struct alerts *alerts, const struct alerts_defaults *defaults) {
    alerts->config.defaults = *defaults;
    put_built_ins(alerts);
}

void alerts_put_rule(struct alerts *alerts, struct rule *rule) {
    auto_(mem_freep) char *key = mem_printf("%s\t%s", rule_space, rule->name);

    rule->is_built_in = rules_built_in_has(rule->name);
    if (rule->changed_ms == 0)
        rule->changed_ms = alerts->now_ms > 0 ? alerts->now_ms : 1;
    put(alerts, rule)->is_dirty = true;
    map_remove(alerts->gone, key);
}

static void note_gone(struct alerts *alerts, const char *space, const char *name) {
    auto_(mem_freep) char *key = mem_printf("%s\t%s", space, name);
    map_put(alerts->gone, key, alerts);
}

bool alerts_remove_rule(struct alerts *alerts, const char *name, int64_t now_ms) {
    struct judge_rule *rule = map_get(alerts->rules, name);

    if (!rule)
        return false;
    alerts->now_ms = now_ms;
    note_gone(alerts, rule_space, name);
    if (rules_built_in_has(name)) {
        rule->rule->changed_ms = 0;
        rule->is_dirty = false;
        put_built_ins(alerts);
        return true;
    }
    forget_everywhere(alerts, rule, "the rule was removed");
    map_remove(alerts->rules, name);
    judge_rule_free(rule);
    alerts->counted_ms = 0;
    return true;
}

const struct rule *alerts_find_rule(const struct alerts *alerts, const char *name) {
    const struct judge_rule *rule = map_get(alerts->rules, name);
    return rule ? rule->rule : NULL;
}

const struct rule *alerts_next_rule(const struct alerts *alerts, size_t *at) {
    const struct judge_rule *rule = map_next(alerts->rules, at, NULL);
    return rule ? rule->rule : NULL;
}

bool alerts_is_meant(const struct alerts *alerts, const char *name, const char *of) {
    const struct judge_rule *rule = map_get(alerts->rules, name);
    const struct judge_node *node = map_get(alerts->nodes, of);

    return rule && node && judge_node_is_meant(alerts, node, rule->rule);
}

size_t alerts_rule_count(const struct alerts *alerts) {
    return map_count(alerts->rules);
}

static void count_node(const struct judge_node *node) {
    const struct judge_plan *plan = node->is_stale ? NULL : node->plan;

    for (size_t i = 0; plan && i < plan->entry_count; i++)
        plan->entries[i].rule->series++;
    for (size_t i = 0; i < node->rule_count; i++)
        node->rules[i]->series += node->rules[i]->has_offline;
    for (size_t i = 0; i < node->active_count; i++) {
        struct judge_rule *rule = node->actives[i]->rule;
        rule->series += rule->leaves[node->actives[i]->leaf].target != NULL;
    }
    for (size_t i = 0; i < node->firing_count; i++)
        node->firings[i]->rule->firing++;
}

/* All rules at once, and no more often than the clock is looked at. */
static void count_all(struct alerts *alerts) {
    struct judge_rule *rule;
    struct judge_node *node;
    size_t at = 0;

    while ((rule = map_next(alerts->rules, &at, NULL)))
        rule->series = rule->firing = 0;
    at = 0;
    while ((node = map_next(alerts->nodes, &at, NULL)))
        count_node(node);
    alerts->counted_ms = alerts->now_ms;
}

void alerts_count_series(struct alerts *alerts,
                         const char *name,
                         size_t *ret_series,
                         size_t *ret_firing) {
    const struct judge_rule *rule = map_get(alerts->rules, name);

    if (alerts->counted_ms == 0 || alerts->counted_ms != alerts->now_ms)
        count_all(alerts);
    *ret_series = rule ? rule->series : 0;
    *ret_firing = rule ? rule->firing : 0;
}

/* ---- nodes ---- */

static bool has_same_tags(const struct judge_node *node, const struct alerts_node *from) {
    if (rule_list_count(node->tags) != from->tag_count)
        return false;
    for (size_t i = 0; i < from->tag_count; i++)
        if (strcmp(node->tags[i], from->tags[i]) != 0)
            return false;
    return true;
}

void alerts_put_node(struct alerts *alerts,
                     const struct alerts_node *from,
                     int64_t now_ms) {
    struct judge_node *node = judge_node_get(alerts, from->name);
    bool is_other = !node->is_put || node->is_of_user != from->is_of_user ||
                    !has_same_tags(node, from);

    node->is_put = true;
    node->is_of_user = from->is_of_user;
    node->is_online = from->is_online;
    node->is_leaving = from->is_leaving;
    node->node_since_ms = from->since_ms;
    node->joined_ms = from->joined_ms;
    incident_set(&node->why, from->why ? from->why : "");
    if (is_other) {
        rule_list_free(node->tags);
        node->tags = rule_list_copy((char *const *)from->tags, from->tag_count);
        judge_node_match(alerts, node);
    }
    if (alerts->is_started)
        judge_clock_node(alerts, node, now_ms);
}

void alerts_rename_node(struct alerts *alerts, const char *from, const char *to) {
    struct judge_node *node = map_get(alerts->nodes, from);

    incidents_rename_node(alerts->config.incidents, from, to);
    if (!node || map_get(alerts->nodes, to))
        return;
    map_remove(alerts->nodes, from);
    map_put(alerts->nodes, to, node);
    incident_set(&node->name, to);
    node->is_dirty = true;
    note_gone(alerts, node_space, from);
    judge_node_match(alerts, node);
}

void alerts_remove_node(struct alerts *alerts, const char *name, int64_t now_ms) {
    struct judge_node *node = map_remove(alerts->nodes, name);

    incidents_forget_node(alerts->config.incidents, name, now_ms);
    judge_node_free(alerts, node);
    note_gone(alerts, node_space, name);
}

/* ---- what comes in ---- */

void alerts_take_row(struct alerts *alerts, const struct alerts_row *row) {
    struct judge_node *node = map_get(alerts->nodes, row->node);

    if (node && node->is_put && row->count < UINT16_MAX)
        judge_row_take(alerts, node, row);
}

void alerts_take_finding(struct alerts *alerts,
                         const struct alerts_finding *finding,
                         int64_t now_ms) {
    struct judge_node *node = map_get(alerts->nodes, finding->node);

    if (node)
        judge_clock_finding(alerts, node, finding, now_ms);
}

void alerts_each_finding(const struct alerts *alerts,
                         const char *name,
                         void (*visit)(void *arg, const char *series),
                         void *arg) {
    const struct judge_node *node = map_get(alerts->nodes, name);

    for (size_t i = 0; node && i < node->active_count; i++) {
        const struct judge_active *active = node->actives[i];
        if (active->rule->leaves[active->leaf].target)
            visit(arg, active->series);
    }
}

void alerts_each_question(const struct alerts *alerts,
                          const char *name,
                          void (*visit)(void *arg, const char *series),
                          void *arg) {
    const struct judge_node *node = map_get(alerts->nodes, name);

    for (size_t i = 0; node && i < node->rule_count; i++) {
        const struct judge_rule *rule = node->rules[i];
        for (size_t leaf = 0; rule->has_finding && leaf < rule->leaf_count; leaf++)
            if (rule->leaves[leaf].target)
                visit(arg, rule->leaves[leaf].target);
    }
}

int64_t alerts_tick(struct alerts *alerts, int64_t now_ms) {
    alerts->now_ms = now_ms;
    if (alerts->is_started)
        judge_clock_tick(alerts, now_ms);
    return now_ms + TICK_MS;
}

/* ---- what is kept ---- */

bool alerts_load(struct alerts *alerts,
                 const char *space,
                 const char *key,
                 struct slice value) {
    if (strcmp(space, node_space) == 0) {
        free(map_put(alerts->waiting, key, mem_dup(value.at, value.len)));
        return true;
    }
    if (strcmp(space, rule_space) != 0)
        return false;
    struct rule *rule = rule_read(key, value);
    if (!rule)
        return true;
    rule->is_built_in = rules_built_in_has(rule->name);
    if (rule->changed_ms == 0)
        rule->changed_ms = 1;
    put(alerts, rule);
    return true;
}

static bool has_firing(const struct judge_node *node, uint64_t incident) {
    for (size_t i = 0; node && i < node->firing_count; i++)
        if (node->firings[i]->incident == incident)
            return true;
    return false;
}

/* Incidents that nothing speaks for any more. */
static void end_orphans(struct alerts *alerts) {
    struct incidents *incidents = alerts->config.incidents;

    for (struct incident *at = incidents_next(incidents, NULL); at;
         at = incidents_next(incidents, at))
        if (at->state == INCIDENT_FIRING && at->node[0] != '\0' &&
            !has_firing(map_get(alerts->nodes, at->node), at->id))
            incident_end(incidents, at, alerts->now_ms, "is no longer judged");
}

void alerts_start(struct alerts *alerts) {
    const char *name;
    char *text;
    size_t at = 0;

    while ((text = map_next(alerts->waiting, &at, &name))) {
        struct judge_node *node = map_get(alerts->nodes, name);
        if (node)
            judge_state_read(alerts, node, text);
        else
            note_gone(alerts, node_space, name);
    }
    free_waiting(alerts);
    end_orphans(alerts);
    alerts->is_started = true;
}

static void collect_gone(struct alerts *alerts, struct records *records) {
    const char *key;
    size_t at = 0;

    while (map_next(alerts->gone, &at, &key)) {
        size_t len = strcspn(key, "\t");
        auto_(mem_freep) char *space = mem_dup(key, len);
        records_remove(records, space, key + len + 1);
        map_put(alerts->gone_in_batch, key, alerts);
    }
    map_free(alerts->gone);
    alerts->gone = map_new();
}

void alerts_collect(struct alerts *alerts, struct records *ret_records) {
    struct judge_rule *rule;
    struct judge_node *node;
    struct buf bytes = { 0 };
    size_t at = 0;

    collect_gone(alerts, ret_records);
    while ((rule = map_next(alerts->rules, &at, NULL))) {
        if (!rule->is_dirty)
            continue;
        rule_write(rule->rule, &bytes);
        records_put(ret_records, rule_space, rule->rule->name, buf_slice(&bytes));
        buf_clear(&bytes);
        rule->is_dirty = false;
        rule->is_in_batch = true;
    }
    at = 0;
    while ((node = map_next(alerts->nodes, &at, NULL))) {
        if (!node->is_dirty)
            continue;
        judge_state_write(node, &bytes);
        records_put(ret_records, node_space, node->name, buf_slice(&bytes));
        buf_clear(&bytes);
        node->is_dirty = false;
        node->is_in_batch = true;
    }
    buf_done(&bytes);
}

void alerts_settle(struct alerts *alerts, bool is_durable) {
    struct judge_rule *rule;
    struct judge_node *node;
    const char *key;
    size_t at = 0;

    while ((rule = map_next(alerts->rules, &at, NULL))) {
        rule->is_dirty |= rule->is_in_batch && !is_durable;
        rule->is_in_batch = false;
    }
    at = 0;
    while ((node = map_next(alerts->nodes, &at, NULL))) {
        node->is_dirty |= node->is_in_batch && !is_durable;
        node->is_in_batch = false;
    }
    at = 0;
    while (!is_durable && map_next(alerts->gone_in_batch, &at, &key))
        map_put(alerts->gone, key, alerts);
    map_free(alerts->gone_in_batch);
    alerts->gone_in_batch = map_new();
}
