#include <math.h>
#include <string.h>

#include "alerts/judge/judge.h"
#include "base/buf.h"
#include "base/metric.h"

static const char *unit_of(const char *series) {
    const struct metric *metric = metric_find(series);
    return metric ? metric->unit : "";
}

/* "10 min", "3 h", "2.5 d" */
static void say_time(struct buf *out, int64_t ms) {
    if (ms < 120000 && ms % 60000 != 0)
        buf_printf(out, "%lld s", (long long)(ms / 1000));
    else if (ms < 7200000)
        buf_printf(out, "%lld min", (long long)(ms / 60000));
    else if (ms < 2 * INT64_C(86400000))
        buf_printf(out, "%lld h", (long long)(ms / 3600000));
    else
        buf_printf(out, "%.3g d", (double)ms / 86400000);
}

static void say_for(struct buf *out, const struct condition *test) {
    if (test->for_ms == 0)
        return;
    buf_add_text(out, " for ");
    say_time(out, (int64_t)test->for_ms);
}

static void say_level(struct buf *out,
                      const struct condition *test,
                      const struct judge_active *active) {
    static const char *const words[] = { "more than ", "at least ", "less than ",
                                         "at most ",   "",          "not " };
    const char *unit = unit_of(active->series);

    buf_printf(out, "%s is ", active->series);
    condition_value(out, active->value, unit);
    if (test->op != CONDITION_EQUAL) {
        buf_printf(out, ", %s", words[test->op]);
        condition_value(out, test->number, unit);
    }
    say_for(out, test);
}

/* A change a second says little where it is slow. */
static void say_rate(struct buf *out,
                     const struct condition *test,
                     const struct judge_active *active) {
    const char *unit = unit_of(active->series);
    bool is_slow = fabs(active->value) < 1;

    buf_printf(out, "%s changes by ", active->series);
    condition_value(out, is_slow ? active->value * 3600 : active->value, unit);
    buf_printf(out, " a%s over ", is_slow ? "n hour" : " second");
    say_time(out, (int64_t)test->span_ms);
    say_for(out, test);
}

static void say_forecast(struct buf *out,
                         const struct condition *test,
                         const struct judge_active *active) {
    const char *unit = unit_of(active->series);

    buf_printf(out, "%s is ", active->series);
    condition_value(out, active->value, unit);
    buf_add_text(out, " and will come to ");
    condition_value(out, test->number, unit);
    buf_add_text(out, " in less than ");
    say_time(out, (int64_t)test->span_ms);
}

static void say_finding(struct buf *out,
                        const struct condition *test,
                        const struct judge_active *active) {
    if (test->kind == CONDITION_CERTIFICATE) {
        buf_printf(out, "the %s ", active->series);
        if (active->value > 0) {
            buf_add_text(out, "ends in ");
            say_time(out, (int64_t)active->value);
        } else {
            buf_add_text(out, "has ended");
        }
    } else {
        bool is_unit = test->kind == CONDITION_UNIT;
        buf_printf(out, "%s %s", active->series, is_unit ? "has failed" : "fails");
    }
    if (active->text && active->text[0])
        buf_printf(out, ": %s", active->text);
}

static void say_offline(struct buf *out, const struct judge_node *node, int64_t now_ms) {
    buf_add_text(out, "offline for ");
    say_time(out, now_ms - node->node_since_ms);
    if (node->is_leaving)
        buf_add_text(out, ": it said goodbye");
    else if (node->why[0])
        buf_printf(out, ": %s", node->why);
}

static void say_test(struct buf *out,
                     const struct judge_node *node,
                     const struct judge_active *active,
                     int64_t now_ms) {
    const struct condition *test = active->rule->leaves[active->leaf].test;

    switch (test->kind) {
    case CONDITION_LEVEL:
        say_level(out, test, active);
        break;
    case CONDITION_RATE:
        say_rate(out, test, active);
        break;
    case CONDITION_FORECAST:
        say_forecast(out, test, active);
        break;
    case CONDITION_ABSENT:
        buf_printf(out, "%s has no value", active->series);
        say_for(out, test);
        break;
    case CONDITION_OFFLINE:
        say_offline(out, node, now_ms);
        break;
    default:
        say_finding(out, test, active);
    }
}

void judge_text_of(const struct judge_node *node,
                   const struct judge_firing *firing,
                   int64_t now_ms,
                   struct buf *out) {
    bool is_first = true;

    for (unsigned i = 0; i < firing->rule->leaf_count; i++) {
        struct judge_active *active = judge_fire_leaf(node, firing, i);
        bool is_alone = firing->rule->leaf_count == 1;
        bool is_absent =
            firing->rule->leaves[i].test->kind == CONDITION_ABSENT && !is_alone;
        if (!active || is_absent) /* beside others it says only what is not measured */
            continue;
        buf_add_text(out, is_first ? "" : "; ");
        say_test(out, node, active, now_ms);
        is_first = false;
    }
    if (is_first)
        condition_explain(firing->rule->rule->condition, out);
}
