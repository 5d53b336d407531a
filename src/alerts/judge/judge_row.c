#include <math.h>
#include <string.h>

#include "alerts/judge/judge.h"
#include "base/mem.h"

/* Further back than this the clock was set; else the row was judged before. */
enum { CLOCK_BACK_MS = 600000 };

/* A row on its way through the tests of a node. */
struct pass {
    struct alerts *alerts;
    struct judge_node *node;
    const struct alerts_row *row;
    bool is_break;
};

static bool is_above(enum condition_operator op) {
    return op == CONDITION_MORE || op == CONDITION_MORE_EQUAL;
}

static bool is_beyond(enum condition_operator op, int64_t value, int64_t bound) {
    if (op == CONDITION_EQUAL || op == CONDITION_NOT_EQUAL)
        return (value == bound) == (op == CONDITION_EQUAL);
    return is_above(op) ? value > bound : value < bound;
}

static struct judge_look begin_look(const struct pass *pass, double value) {
    return (struct judge_look) {
        .value = value,
        .time_ms = pass->row->time_ms,
        .is_break = pass->is_break,
        .is_replay = pass->row->is_replay,
    };
}

/* Nobody can say how it is: what lasts waits a little, what holds for long. */
static void step_absent(const struct pass *pass, struct judge_active *active) {
    const struct alerts_row *row = pass->row;
    int64_t gap_ms = (int64_t)row->interval_ms * JUDGE_GAP_INTERVALS;

    if (active->absent_ms == 0) {
        active->absent_ms = row->time_ms;
        pass->node->is_dirty = true;
    }
    int64_t lasts_ms = row->time_ms - active->absent_ms;
    if (!judge_holds(active) && lasts_ms > gap_ms)
        judge_drop(pass->node, active);
    else if (judge_holds(active) && lasts_ms >= JUDGE_LOST_MS)
        judge_end(pass->alerts, pass->node, active, row->time_ms, row->is_replay,
                  "has no value any more");
}

static void step_level(const struct pass *pass,
                       struct judge_active *active,
                       const struct judge_entry *entry) {
    const struct condition *test = active->rule->leaves[active->leaf].test;
    const struct judge_plan *plan = pass->node->plan;
    int64_t value = pass->row->values[entry->metric];

    if (value == JUDGE_ABSENT) {
        step_absent(pass, active);
        return;
    }
    struct judge_look look =
        begin_look(pass, judge_plan_value(plan, entry->metric, value));
    look.is_true = look.is_still = is_beyond(test->op, value, entry->bound);
    if (!isnan(test->clear) && !look.is_true) {
        unsigned scale = plan->metrics[entry->metric].scale;
        look.is_still =
            is_beyond(test->op, value, judge_plan_bound(test->op, test->clear, scale));
    }
    if (active->absent_ms != 0)
        pass->node->is_dirty = true;
    active->absent_ms = 0;
    judge_step(pass->alerts, pass->node, active, &look);
}

static bool is_missing(const struct pass *pass, const struct judge_entry *entry) {
    return entry->metric == UINT16_MAX ||
           pass->row->values[entry->metric] == JUDGE_ABSENT;
}

static void step_missing(const struct pass *pass,
                         struct judge_active *active,
                         const struct judge_entry *entry) {
    struct judge_look look = begin_look(pass, 0);

    look.is_true = look.is_still = is_missing(pass, entry);
    judge_step(pass->alerts, pass->node, active, &look);
}

static void step(const struct pass *pass, struct judge_active *active) {
    const struct judge_plan *plan = pass->node->plan;

    if (active->entry == JUDGE_NOWHERE || active->entry >= plan->windows)
        return; /* findings, the link, and what its window looks after */
    const struct judge_entry *entry = &plan->entries[active->entry];
    if (active->entry >= plan->absents)
        step_missing(pass, active, entry);
    else
        step_level(pass, active, entry);
}

static struct judge_active *begin(const struct pass *pass, uint32_t at) {
    struct judge_node *node = pass->node;
    const struct judge_entry *entry = &node->plan->entries[at];
    uint64_t bit = UINT64_C(1) << at % 64;

    if (node->bits[at / 64] & bit)
        return NULL;
    const char *series = entry->metric == UINT16_MAX
                             ? entry->rule->leaves[entry->leaf].test->series
                             : node->plan->metrics[entry->metric].name;
    struct judge_active *active =
        judge_begin(node, entry->rule, entry->leaf, series, pass->row->time_ms);
    if (!active)
        return NULL;
    active->entry = at;
    node->bits[at / 64] |= bit;
    return active;
}

static void begin_and_step(const struct pass *pass, uint32_t at) {
    struct judge_active *active = begin(pass, at);

    if (active)
        step(pass, active);
}

/* The first entry from first to end whose bound is not below. */
static uint32_t seek(const struct judge_plan *plan,
                     uint32_t first,
                     uint32_t end,
                     int64_t bound) {
    while (first < end) {
        uint32_t middle = first + (end - first) / 2;
        if (plan->entries[middle].bound < bound)
            first = middle + 1;
        else
            end = middle;
    }
    return first;
}

/* Tests of equality that became true; there are few. */
static void look_equal(const struct pass *pass,
                       const struct judge_range *range,
                       int64_t before,
                       int64_t value) {
    const struct judge_plan *plan = pass->node->plan;

    for (uint32_t i = range->first[2]; i < range->first[3]; i++)
        if (plan->entries[i].bound == value)
            begin_and_step(pass, i);
    for (uint32_t i = range->first[3]; i < range->first[4]; i++)
        if (plan->entries[i].bound != value &&
            (before == JUDGE_ABSENT || before == plan->entries[i].bound))
            begin_and_step(pass, i);
}

/* The value moved: tests whose bound it passed became true. */
static void look_moved(const struct pass *pass,
                       const struct judge_range *range,
                       int64_t before,
                       int64_t value) {
    const struct judge_plan *plan = pass->node->plan;
    uint32_t at = range->first[0], end = range->first[1];

    if (before == JUDGE_ABSENT || value > before) {
        if (before != JUDGE_ABSENT)
            at = seek(plan, at, end, before);
        for (; at < end && plan->entries[at].bound < value; at++)
            begin_and_step(pass, at);
    }
    at = range->first[1];
    end = range->first[2];
    if (before == JUDGE_ABSENT || value < before) {
        at = value == INT64_MAX ? end : seek(plan, at, end, value + 1);
        for (; at < end && (before == JUDGE_ABSENT || plan->entries[at].bound <= before);
             at++)
            begin_and_step(pass, at);
    }
    if (range->first[2] < range->first[4])
        look_equal(pass, range, before, value);
}

static void look_levels(const struct pass *pass) {
    struct judge_node *node = pass->node;

    for (size_t i = 0; i < node->plan->range_count; i++) {
        const struct judge_range *range = &node->plan->ranges[i];
        int64_t before = node->last[range->metric];
        int64_t value = pass->row->values[range->metric];
        if (value == before)
            continue;
        node->last[range->metric] = value;
        if (value != JUDGE_ABSENT)
            look_moved(pass, range, before, value);
    }
}

static void look_missing(const struct pass *pass) {
    const struct judge_plan *plan = pass->node->plan;

    for (uint32_t i = plan->absents; i < plan->windows; i++)
        if (is_missing(pass, &plan->entries[i]))
            begin_and_step(pass, i);
}

static struct judge_active *find_entry(const struct judge_node *node, uint32_t at) {
    for (size_t i = 0; i < node->active_count; i++)
        if (node->actives[i]->entry == at)
            return node->actives[i];
    return NULL;
}

static void look_window(const struct pass *pass, struct judge_window *window) {
    struct judge_node *node = pass->node;
    const struct judge_entry *entry = &node->plan->entries[window->entry];
    struct judge_active *active = find_entry(node, window->entry);
    int64_t raw = pass->row->values[entry->metric];

    if (raw == JUDGE_ABSENT) {
        if (active)
            step_absent(pass, active);
        return;
    }
    double value = judge_plan_value(node->plan, entry->metric, raw);
    struct judge_look look = begin_look(pass, value);
    if (!judge_window_look(node, window, pass->row->time_ms, value, &look))
        return;
    if (!active && look.is_true)
        active = begin(pass, window->entry);
    if (!active)
        return;
    active->absent_ms = 0;
    judge_step(pass->alerts, node, active, &look);
}

/* What was judged of a metric that is no longer there is over. */
static void end_unmeasured(const struct pass *pass) {
    struct judge_node *node = pass->node;

    for (size_t i = node->active_count; i-- > 0;) {
        struct judge_active *active = node->actives[i];
        const struct judge_leaf *leaf = &active->rule->leaves[active->leaf];
        if (active->entry == JUDGE_NOWHERE && !leaf->target &&
            leaf->test->kind != CONDITION_OFFLINE)
            judge_end(pass->alerts, node, active, pass->row->time_ms,
                      pass->row->is_replay, "is no longer measured");
    }
}

static bool was_judged(const struct judge_node *node, const struct alerts_row *row) {
    if (row->epoch == node->epoch)
        return row->seq <= node->seq;
    return row->time_ms <= node->last_ms && node->last_ms - row->time_ms < CLOCK_BACK_MS;
}

/* Does the row not follow the last one? Then nothing has lasted between them. */
static bool breaks(const struct judge_node *node, const struct alerts_row *row) {
    int64_t step_ms = row->time_ms - node->last_ms;

    return node->last_ms != 0 &&
           (step_ms < 0 || step_ms > (int64_t)row->interval_ms * JUDGE_GAP_INTERVALS);
}

static void greet(struct judge_node *node, const struct alerts_row *row) {
    bool is_fresh =
        node->joined_ms == 0 || row->time_ms - node->joined_ms < JUDGE_FRESH_MS;

    if (node->last_ms == 0 && is_fresh && !row->is_replay)
        node->first_ms = row->time_ms;
    node->interval_ms = row->interval_ms;
}

static bool has_timed(const struct judge_node *node) {
    for (size_t i = 0; i < node->active_count; i++)
        if (node->actives[i]->state != JUDGE_HOLDING)
            return true;
    return false;
}

static void judge(const struct pass *pass) {
    struct judge_node *node = pass->node;

    for (size_t i = node->active_count; i-- > 0;)
        if (i < node->active_count)
            step(pass, node->actives[i]);
    look_levels(pass);
    look_missing(pass);
    for (size_t i = 0; i < node->window_count; i++)
        if (node->windows[i]->entry != JUDGE_NOWHERE)
            look_window(pass, node->windows[i]);
    judge_fire_settle(
        pass->alerts, node,
        &(struct judge_moment) { pass->row->time_ms, pass->row->is_replay, NULL });
    if (!pass->row->is_replay)
        judge_fire_held(pass->alerts, node, pass->row->time_ms);
}

void judge_row_take(struct alerts *alerts,
                    struct judge_node *node,
                    const struct alerts_row *row) {
    struct pass pass = { .alerts = alerts, .node = node, .row = row };
    int64_t before_ms = node->last_ms;

    if (was_judged(node, row))
        return;
    greet(node, row);
    pass.is_break = breaks(node, row);
    if (node->is_stale || !node->plan || node->catalogue != row->catalogue) {
        judge_plan_take(alerts, node, row);
        end_unmeasured(&pass);
        judge_window_attach(node);
    }
    judge(&pass);
    node->epoch = row->epoch;
    node->seq = row->seq;
    node->last_ms = row->time_ms;
    node->is_dirty |= has_timed(node);
    if (!row->is_replay && before_ms / JUDGE_VALUE_MS != row->time_ms / JUDGE_VALUE_MS)
        judge_fire_values(alerts, node, row->time_ms);
}
