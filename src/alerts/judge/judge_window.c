#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "alerts/judge/forecast.h"
#include "alerts/judge/judge.h"
#include "base/mem.h"

enum {
    MINUTE_MS = 60000,
    RATE_POINTS = 32,          /* in the span of a rate */
    FORECAST_STEP_MS = 300000, /* a forecast changes slowly and costs some time */
};

static const double forget_rate_span = 1.5; /* points older than so many spans go */

struct judge_window *judge_window_free(struct judge_window *window) {
    if (!window)
        return NULL;
    free(window->series);
    free(window->times_ms);
    free(window->values);
    free(window);
    return NULL;
}

static struct judge_window *find(const struct judge_node *node,
                                 const struct judge_rule *rule,
                                 unsigned leaf,
                                 const char *series) {
    for (size_t i = 0; i < node->window_count; i++) {
        struct judge_window *window = node->windows[i];
        if (window->rule == rule && window->leaf == leaf &&
            strcmp(window->series, series) == 0)
            return window;
    }
    return NULL;
}

struct judge_window *judge_window_get(struct judge_node *node,
                                      struct judge_rule *rule,
                                      unsigned leaf,
                                      const char *series) {
    struct judge_window *window = find(node, rule, leaf, series);

    if (window)
        return window;
    if (node->window_count == node->window_cap) {
        node->window_cap = node->window_cap ? node->window_cap * 2 : 4;
        node->windows =
            mem_grow(node->windows, node->window_cap * sizeof(*node->windows));
    }
    window = mem_new(sizeof(*window));
    window->rule = rule;
    window->leaf = leaf;
    window->entry = JUDGE_NOWHERE;
    window->series = mem_strdup(series);
    node->windows[node->window_count++] = window;
    return window;
}

static void drop_at(struct judge_node *node, size_t at) {
    judge_window_free(node->windows[at]);
    node->windows[at] = node->windows[--node->window_count];
    node->is_dirty = true;
}

void judge_window_forget_rule(struct judge_node *node, const struct judge_rule *rule) {
    for (size_t i = node->window_count; i-- > 0;)
        if (node->windows[i]->rule == rule)
            drop_at(node, i);
}

void judge_window_attach(struct judge_node *node) {
    const struct judge_plan *plan = node->plan;

    for (size_t i = 0; i < node->window_count; i++)
        node->windows[i]->entry = JUDGE_NOWHERE;
    for (uint32_t at = plan->windows; at < plan->entry_count; at++) {
        const struct judge_entry *entry = &plan->entries[at];
        judge_window_get(node, entry->rule, entry->leaf,
                         plan->metrics[entry->metric].name)
            ->entry = at;
    }
    for (size_t i = node->window_count; i-- > 0;)
        if (node->windows[i]->entry == JUDGE_NOWHERE)
            drop_at(node, i);
}

static void drop_first(struct judge_window *window, size_t count) {
    window->count -= count;
    memmove(window->times_ms, window->times_ms + count,
            window->count * sizeof(*window->times_ms));
    memmove(window->values, window->values + count,
            window->count * sizeof(*window->values));
}

void judge_window_add(struct judge_window *window, int64_t time_ms, double value) {
    if (window->count == window->cap) {
        window->cap = window->cap ? window->cap * 2 : 16;
        window->times_ms =
            mem_grow(window->times_ms, window->cap * sizeof(*window->times_ms));
        window->values = mem_grow(window->values, window->cap * sizeof(*window->values));
    }
    window->times_ms[window->count] = time_ms;
    window->values[window->count++] = value;
    if (window->count > JUDGE_POINTS_MAX)
        drop_first(window, 1);
}

/* The last look, when there is one: of the sample that is kept for this step. */
static bool is_due(const struct judge_window *window, int64_t time_ms, int64_t step_ms) {
    return window->count == 0 ||
           time_ms / step_ms != window->times_ms[window->count - 1] / step_ms;
}

/* What the clock set back makes of the past is no past. */
static void forget_future(struct judge_window *window, int64_t time_ms) {
    if (window->count > 0 && window->times_ms[window->count - 1] > time_ms)
        window->count = 0;
}

static bool compare(enum condition_operator op, double value, double number) {
    switch (op) {
    case CONDITION_MORE:
        return value > number;
    case CONDITION_MORE_EQUAL:
        return value >= number;
    case CONDITION_LESS:
        return value < number;
    case CONDITION_LESS_EQUAL:
        return value <= number;
    case CONDITION_EQUAL:
        return value == number;
    default:
        return value != number;
    }
}

/* The newest point that is a span old. */
static bool find_old(const struct judge_window *window,
                     int64_t before_ms,
                     size_t *ret_at) {
    bool is_found = false;

    for (size_t i = 0; i < window->count && window->times_ms[i] <= before_ms; i++) {
        *ret_at = i;
        is_found = true;
    }
    return is_found;
}

static bool look_rate(struct judge_node *node,
                      struct judge_window *window,
                      const struct condition *test,
                      int64_t time_ms,
                      double value,
                      struct judge_look *ret_look) {
    int64_t span_ms = (int64_t)test->span_ms;
    int64_t step_ms = span_ms / RATE_POINTS > 0 ? span_ms / RATE_POINTS : 1;
    size_t at = 0;
    bool is_old = find_old(window, time_ms - span_ms, &at);

    if (is_old &&
        (double)(time_ms - window->times_ms[at]) > forget_rate_span * (double)span_ms)
        is_old = false; /* a gap lies between */
    if (is_old) {
        double seconds = (double)(time_ms - window->times_ms[at]) / 1000;
        ret_look->value = (value - window->values[at]) / seconds;
        ret_look->is_true = compare(test->op, ret_look->value, test->number);
        ret_look->is_still =
            ret_look->is_true ||
            (!isnan(test->clear) && compare(test->op, ret_look->value, test->clear));
    }
    if (is_due(window, time_ms, step_ms)) {
        if (at > 0)
            drop_first(window, at);
        judge_window_add(window, time_ms, value);
        node->is_dirty = true;
    }
    return is_old;
}

static bool look_forecast(struct judge_node *node,
                          struct judge_window *window,
                          const struct condition *test,
                          int64_t time_ms,
                          double value,
                          struct judge_look *ret_look) {
    struct forecast forecast;

    if (!is_due(window, time_ms, MINUTE_MS))
        return false;
    bool is_time = is_due(window, time_ms, FORECAST_STEP_MS);
    judge_window_add(window, time_ms, value);
    node->is_dirty = true;
    if (!is_time ||
        !forecast_make(window->times_ms, window->values, window->count, &forecast))
        return false;
    double left_ms = forecast_reach(&forecast, test->number);
    ret_look->is_true = left_ms < (double)test->span_ms;
    /* It goes on while the end is not much further away. */
    ret_look->is_still = left_ms < (double)test->span_ms * 1.25;
    ret_look->value = value;
    return true;
}

bool judge_window_look(struct judge_node *node,
                       struct judge_window *window,
                       int64_t time_ms,
                       double value,
                       struct judge_look *ret_look) {
    const struct condition *test = window->rule->leaves[window->leaf].test;

    forget_future(window, time_ms);
    if (test->kind == CONDITION_RATE)
        return look_rate(node, window, test, time_ms, value, ret_look);
    return look_forecast(node, window, test, time_ms, value, ret_look);
}
