#include "alerts/judge/judge.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/name.h"

static bool is_asked(const struct condition *test) {
    return test->kind == CONDITION_UNIT || test->kind == CONDITION_CERTIFICATE ||
           test->kind == CONDITION_PROBE;
}

static const char *asked_word(const struct condition *test) {
    return test->kind == CONDITION_UNIT    ? "unit"
           : test->kind == CONDITION_PROBE ? "probe"
                                           : "certificate";
}

static void add_leaves(struct judge_rule *rule, const struct condition *condition) {
    for (size_t i = 0; i < condition->part_count; i++)
        add_leaves(rule, condition->parts[i]);
    if (condition->part_count > 0 || rule->leaf_count == JUDGE_LEAVES_MAX)
        return;
    struct judge_leaf *leaf = &rule->leaves[rule->leaf_count++];
    bool is_finding = is_asked(condition);
    leaf->test = condition;
    leaf->is_glob = name_is_glob(condition->series);
    if (is_finding)
        leaf->target = mem_printf("%s %s", asked_word(condition), condition->series);
    rule->has_finding |= is_finding;
    rule->has_offline |= condition->kind == CONDITION_OFFLINE;
    rule->has_absent |= condition->kind == CONDITION_ABSENT;
}

struct judge_rule *judge_rule_new(struct alerts *alerts, struct rule *rule) {
    struct judge_rule *made = mem_new(sizeof(*made));

    made->rule = rule;
    made->number = ++alerts->last_number;
    add_leaves(made, rule->condition);
    return made;
}

static void free_leaves(struct judge_rule *rule) {
    for (size_t i = 0; i < rule->leaf_count; i++)
        free(rule->leaves[i].target);
    memset(rule->leaves, 0, sizeof(rule->leaves));
    rule->leaf_count = 0;
}

void judge_rule_replace(struct judge_rule *rule, struct rule *by) {
    free_leaves(rule);
    rule_free(rule->rule);
    rule->rule = by;
    add_leaves(rule, by->condition);
}

struct judge_rule *judge_rule_free(struct judge_rule *rule) {
    if (!rule)
        return NULL;
    free_leaves(rule);
    rule_free(rule->rule);
    free(rule);
    return NULL;
}

const char *judge_object(const char *series) {
    const char *colon = strchr(series, ':');
    return colon ? colon + 1 : NULL;
}

bool judge_holds(const struct judge_active *active) {
    return active->state != JUDGE_PENDING;
}

struct judge_active *judge_find(const struct judge_node *node,
                                const struct judge_rule *rule,
                                unsigned leaf,
                                const char *series) {
    for (size_t i = 0; i < node->active_count; i++) {
        struct judge_active *active = node->actives[i];
        if (active->rule == rule && active->leaf == leaf &&
            strcmp(active->series, series) == 0)
            return active;
    }
    return NULL;
}

/* Was it so when the node came? The first row tells, and what is asked soon after; of a
 * rule that was made later there was none then. */
static bool is_of_join(const struct judge_node *node,
                       const struct judge_rule *rule,
                       unsigned leaf,
                       int64_t since_ms) {
    int64_t within_ms = rule->leaves[leaf].target ? JUDGE_JOIN_MS : 1;

    return node->first_ms > 0 && rule->rule->changed_ms <= node->first_ms &&
           since_ms - node->first_ms < within_ms;
}

struct judge_active *judge_begin(struct judge_node *node,
                                 struct judge_rule *rule,
                                 unsigned leaf,
                                 const char *series,
                                 int64_t since_ms) {
    if (node->active_count >= JUDGE_ACTIVES_MAX)
        return NULL;
    if (node->active_count == node->active_cap) {
        node->active_cap = node->active_cap ? node->active_cap * 2 : 4;
        node->actives =
            mem_grow(node->actives, node->active_cap * sizeof(*node->actives));
    }
    struct judge_active *active = mem_new(sizeof(*active));
    active->rule = rule;
    active->leaf = leaf;
    active->entry = JUDGE_NOWHERE;
    active->series = mem_strdup(series);
    active->state = JUDGE_PENDING;
    active->since_ms = since_ms;
    active->is_of_join = is_of_join(node, rule, leaf, since_ms);
    node->actives[node->active_count++] = active;
    node->is_dirty = true;
    return active;
}

void judge_drop(struct judge_node *node, struct judge_active *active) {
    if (active->entry != JUDGE_NOWHERE)
        node->bits[active->entry / 64] &= ~(UINT64_C(1) << active->entry % 64);
    for (size_t i = 0; i < node->active_count; i++)
        if (node->actives[i] == active) {
            node->actives[i] = node->actives[--node->active_count];
            break;
        }
    node->is_dirty = true;
    free(active->series);
    free(active->text);
    free(active);
}

void judge_end(struct alerts *alerts,
               struct judge_node *node,
               struct judge_active *active,
               int64_t time_ms,
               bool is_replay,
               const char *why) {
    if (judge_holds(active)) {
        active->state = JUDGE_PENDING;
        judge_fire_look(alerts, node, active,
                        &(struct judge_moment) { time_ms, is_replay, why });
    }
    judge_drop(node, active);
}

static uint64_t clear_ms(const struct condition *test) {
    if (test->kind == CONDITION_OFFLINE)
        return 0; /* a link that is there is there */
    return test->for_ms < JUDGE_CLEAR_MS ? test->for_ms : JUDGE_CLEAR_MS;
}

static bool step_pending(struct alerts *alerts,
                         struct judge_node *node,
                         struct judge_active *active,
                         const struct judge_look *look) {
    const struct condition *test = active->rule->leaves[active->leaf].test;

    if (!look->is_true) {
        judge_drop(node, active);
        return false;
    }
    if (look->is_break)
        active->since_ms = look->time_ms;
    if (look->time_ms - active->since_ms < (int64_t)test->for_ms)
        return true;
    active->state = JUDGE_HOLDING;
    node->is_dirty = true;
    judge_fire_look(alerts, node, active,
                    &(struct judge_moment) { look->time_ms, look->is_replay, NULL });
    return true;
}

bool judge_step(struct alerts *alerts,
                struct judge_node *node,
                struct judge_active *active,
                const struct judge_look *look) {
    const struct condition *test = active->rule->leaves[active->leaf].test;

    active->value = look->value;
    if (active->state == JUDGE_PENDING)
        return step_pending(alerts, node, active, look);
    if (look->is_still) {
        node->is_dirty |= active->state == JUDGE_CLEARING;
        active->state = JUDGE_HOLDING;
        return true;
    }
    if (active->state == JUDGE_HOLDING || look->is_break) {
        active->state = JUDGE_CLEARING;
        active->clear_ms = look->time_ms;
        node->is_dirty = true;
    }
    if (look->time_ms - active->clear_ms < (int64_t)clear_ms(test))
        return true;
    judge_end(alerts, node, active, look->time_ms, look->is_replay, NULL);
    return false;
}
