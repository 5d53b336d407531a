#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "alerts/judge/judge.h"
#include "base/buf.h"
#include "base/checksum.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/name.h"

enum kind { ABOVE, BELOW, EQUAL, UNEQUAL, MISSING, WINDOW };

/* An entry on its way into its place. */
struct draft {
    struct judge_entry entry;
    enum kind kind;
};

struct drafts {
    struct draft *rows;
    size_t count, cap;
};

static double power(unsigned scale) {
    double power = 1;

    while (scale-- > 0)
        power *= 10;
    return power;
}

double judge_plan_value(const struct judge_plan *plan, unsigned metric, int64_t value) {
    return (double)value / power(plan->metrics[metric].scale);
}

int64_t judge_plan_bound(enum condition_operator op, double number, unsigned scale) {
    double exact = number * power(scale);
    double near = nearbyint(exact);
    bool is_whole = fabs(exact - near) <= 1e-9 * fabs(near);

    if (fabs(exact) > 9e18)
        return exact > 0 ? INT64_MAX : INT64_MIN + 1;
    switch (op) {
    case CONDITION_MORE:
        return (int64_t)(is_whole ? near : floor(exact));
    case CONDITION_MORE_EQUAL:
        return (int64_t)(is_whole ? near : ceil(exact)) - 1;
    case CONDITION_LESS:
        return (int64_t)(is_whole ? near : ceil(exact));
    case CONDITION_LESS_EQUAL:
        return (int64_t)(is_whole ? near : floor(exact)) + 1;
    default:
        return is_whole ? (int64_t)near : INT64_MIN + 1; /* no value is that */
    }
}

static void add_draft(struct drafts *drafts, const struct draft *draft) {
    if (drafts->count == drafts->cap) {
        drafts->cap = drafts->cap ? drafts->cap * 2 : 64;
        drafts->rows = mem_grow(drafts->rows, drafts->cap * sizeof(*drafts->rows));
    }
    drafts->rows[drafts->count++] = *draft;
}

static enum kind kind_of(const struct condition *test) {
    static const enum kind kinds[] = { ABOVE, ABOVE, BELOW, BELOW, EQUAL, UNEQUAL };

    if (test->kind == CONDITION_ABSENT)
        return MISSING;
    return test->kind == CONDITION_LEVEL ? kinds[test->op] : WINDOW;
}

static void draft_metric(struct drafts *drafts,
                         const struct judge_plan *plan,
                         struct judge_rule *rule,
                         unsigned leaf,
                         size_t metric) {
    const struct condition *test = rule->leaves[leaf].test;
    unsigned scale = metric == UINT16_MAX ? 0 : plan->metrics[metric].scale;
    struct draft draft = {
        .entry = {
            .rule = rule,
            .leaf = (uint16_t)leaf,
            .metric = (uint16_t)metric,
            .bound = judge_plan_bound(test->op, test->number, scale),
        },
        .kind = kind_of(test),
    };

    add_draft(drafts, &draft);
}

static void draft_leaf(struct drafts *drafts,
                       const struct judge_plan *plan,
                       const struct map *places,
                       struct judge_rule *rule,
                       unsigned leaf) {
    const struct condition *test = rule->leaves[leaf].test;

    if (rule->leaves[leaf].target || test->kind == CONDITION_OFFLINE)
        return;
    for (size_t i = 0; rule->leaves[leaf].is_glob && i < plan->metric_count; i++)
        if (name_match_glob(test->series, plan->metrics[i].name))
            draft_metric(drafts, plan, rule, leaf, i);
    if (rule->leaves[leaf].is_glob)
        return;
    const struct alerts_metric *metric = map_get(places, test->series);
    if (metric)
        draft_metric(drafts, plan, rule, leaf, (size_t)(metric - plan->metrics));
    else if (test->kind == CONDITION_ABSENT)
        draft_metric(drafts, plan, rule, leaf, UINT16_MAX);
}

/* Tests of levels by metric, then kind, then bound; then what is missing, then windows.
 */
static int in_order(const void *a, const void *b) {
    const struct draft *left = a, *right = b;
    int left_part = left->kind < MISSING ? 0 : (int)left->kind;
    int right_part = right->kind < MISSING ? 0 : (int)right->kind;

    if (left_part != right_part)
        return left_part - right_part;
    if (left->entry.metric != right->entry.metric)
        return (int)left->entry.metric - (int)right->entry.metric;
    if (left->kind != right->kind)
        return (int)left->kind - (int)right->kind;
    if (left->entry.bound != right->entry.bound)
        return left->entry.bound < right->entry.bound ? -1 : 1;
    return left->entry.rule->number < right->entry.rule->number ? -1 : 1;
}

static struct judge_range *range_of(struct judge_plan *plan, uint16_t metric) {
    struct judge_range *last =
        plan->range_count > 0 ? &plan->ranges[plan->range_count - 1] : NULL;

    if (last && last->metric == metric)
        return last;
    plan->ranges =
        mem_grow(plan->ranges, (plan->range_count + 1) * sizeof(*plan->ranges));
    last = &plan->ranges[plan->range_count++];
    *last = (struct judge_range) { .metric = metric };
    return last;
}

static void place_entries(struct judge_plan *plan, struct drafts *drafts) {
    if (drafts->count > 0)
        qsort(drafts->rows, drafts->count, sizeof(*drafts->rows), in_order);
    plan->entries = mem_new_array(drafts->count + 1, sizeof(*plan->entries));
    plan->entry_count = drafts->count;
    for (uint32_t i = 0; i < drafts->count; i++) {
        plan->entries[i] = drafts->rows[i].entry;
        plan->absents += drafts->rows[i].kind < MISSING;
        plan->windows += drafts->rows[i].kind < WINDOW;
    }
    for (uint32_t i = 0; drafts->rows && i < plan->absents; i++) {
        struct judge_range *range = range_of(plan, drafts->rows[i].entry.metric);
        if (range->first[4] == 0)
            for (int part = 0; part < 5; part++)
                range->first[part] = i;
        for (int part = (int)drafts->rows[i].kind + 1; part < 5; part++)
            range->first[part] = i + 1;
    }
}

static void copy_metrics(struct judge_plan *plan, const struct alerts_row *row) {
    plan->metrics = mem_new_array(row->count + 1, sizeof(*plan->metrics));
    plan->metric_count = row->count < UINT16_MAX ? row->count : UINT16_MAX - 1;
    for (size_t i = 0; i < plan->metric_count; i++)
        plan->metrics[i] = (struct alerts_metric) {
            .name = mem_strdup(row->metrics[i].name),
            .unit = mem_strdup(row->metrics[i].unit),
            .scale = row->metrics[i].scale,
        };
}

static struct judge_plan *make(struct alerts *alerts,
                               const struct judge_node *node,
                               const struct alerts_row *row,
                               const char *key) {
    struct judge_plan *plan = mem_new(sizeof(*plan));
    struct map *places = map_new();
    struct drafts drafts = { 0 };

    plan->key = mem_strdup(key);
    copy_metrics(plan, row);
    for (size_t i = 0; i < plan->metric_count; i++)
        map_put(places, plan->metrics[i].name, &plan->metrics[i]);
    for (size_t i = 0; i < node->rule_count; i++)
        for (unsigned leaf = 0; leaf < node->rules[i]->leaf_count; leaf++)
            draft_leaf(&drafts, plan, places, node->rules[i], leaf);
    place_entries(plan, &drafts);
    free(drafts.rows);
    map_free(places);
    map_put(alerts->plans, key, plan);
    return plan;
}

static int by_number(const void *a, const void *b) {
    const uint64_t *left = a, *right = b;
    return *left < *right ? -1 : *left > *right;
}

/* Nodes with the same metrics and the same rules have one plan. */
static char *name_plan(const struct judge_node *node, const struct alerts_row *row) {
    uint64_t *numbers = mem_new_array(node->rule_count + 1, sizeof(*numbers));
    struct buf text = { 0 };

    for (size_t i = 0; i < node->rule_count; i++)
        numbers[i] = node->rules[i]->number;
    qsort(numbers, node->rule_count, sizeof(*numbers), by_number);
    for (size_t i = 0; i < row->count; i++)
        buf_printf(&text, "%s\t%s\t%u\n", row->metrics[i].name, row->metrics[i].unit,
                   row->metrics[i].scale);
    uint64_t metrics = checksum_xxh64(buf_slice(&text));
    uint64_t more = text.len;
    buf_add(&text, "salt", 4); /* of names that are chosen: two sums are harder to meet */
    uint64_t again = checksum_xxh64(buf_slice(&text));
    uint64_t rules =
        checksum_xxh64(slice_of(numbers, node->rule_count * sizeof(*numbers)));
    buf_done(&text);
    free(numbers);
    return mem_printf("%llx.%llx.%llx.%zu.%zu", (unsigned long long)metrics,
                      (unsigned long long)again, (unsigned long long)rules, (size_t)more,
                      node->rule_count);
}

void judge_plan_release(struct alerts *alerts, struct judge_plan *plan) {
    if (!plan || --plan->refs > 0)
        return;
    if (map_get(alerts->plans, plan->key) == plan)
        map_remove(alerts->plans, plan->key);
    for (size_t i = 0; i < plan->metric_count; i++) {
        free((char *)(uintptr_t)plan->metrics[i].name);
        free((char *)(uintptr_t)plan->metrics[i].unit);
    }
    free(plan->metrics);
    free(plan->entries);
    free(plan->ranges);
    free(plan->key);
    free(plan);
}

uint32_t judge_plan_find(const struct judge_plan *plan,
                         const struct judge_rule *rule,
                         unsigned leaf,
                         const char *series) {
    for (uint32_t i = 0; i < plan->entry_count; i++) {
        const struct judge_entry *entry = &plan->entries[i];
        if (entry->rule != rule || entry->leaf != leaf)
            continue;
        if (entry->metric == UINT16_MAX ||
            strcmp(plan->metrics[entry->metric].name, series) == 0)
            return i;
    }
    return JUDGE_NOWHERE;
}

void judge_plan_take(struct alerts *alerts,
                     struct judge_node *node,
                     const struct alerts_row *row) {
    auto_(mem_freep) char *key = name_plan(node, row);
    struct judge_plan *plan = map_get(alerts->plans, key);

    if (!plan)
        plan = make(alerts, node, row, key);
    plan->refs++;
    judge_plan_release(alerts, node->plan);
    node->plan = plan;
    node->catalogue = row->catalogue;
    node->is_stale = false;
    free(node->last);
    free(node->bits);
    node->last = mem_new_array(plan->metric_count + 1, sizeof(*node->last));
    node->bits = mem_new_array(plan->entry_count / 64 + 1, sizeof(*node->bits));
    for (size_t i = 0; i < plan->metric_count; i++)
        node->last[i] = JUDGE_ABSENT;
    for (size_t i = 0; i < node->active_count; i++) {
        struct judge_active *active = node->actives[i];
        active->entry = judge_plan_find(plan, active->rule, active->leaf, active->series);
        if (active->entry != JUDGE_NOWHERE)
            node->bits[active->entry / 64] |= UINT64_C(1) << active->entry % 64;
    }
}
