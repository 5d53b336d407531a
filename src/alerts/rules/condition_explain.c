#include <math.h>
#include <string.h>

#include "alerts/rules/condition.h"
#include "base/metric.h"
#include "base/name.h"

static void say_duration(struct buf *out, uint64_t ms) {
    static const struct {
        const char *word;
        uint64_t ms;
    } units[] = {
        { "day", 86400000 },
        { "hour", 3600000 },
        { "minute", 60000 },
        { "second", 1000 },
    };
    bool is_first = true;

    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        uint64_t count = ms / units[i].ms;
        ms %= units[i].ms;
        if (count == 0)
            continue;
        buf_printf(out, "%s%llu %s%s", is_first ? "" : " ", (unsigned long long)count,
                   units[i].word, count == 1 ? "" : "s");
        is_first = false;
    }
    if (is_first)
        buf_printf(out, "%llu ms", (unsigned long long)ms);
}

static const char *unit_of(const char *series) {
    const struct metric *metric = metric_find(series);
    return metric ? metric->unit : "";
}

/* "each disk:...", "disk:/home" */
static void say_series(struct buf *out, const char *series) {
    size_t base = strcspn(series, ":");

    if (strcmp(series + base, ":*") == 0)
        buf_printf(out, "any %.*s", (int)base, series);
    else
        buf_add_text(out, series);
}

static void say_compared(const struct condition *condition, struct buf *out) {
    static const char *const words[] = { "more than", "at least", "less than",
                                         "at most",   "",         "not" };
    const char *word = words[condition->op];

    buf_printf(out, "%s%s", word, word[0] ? " " : "");
    condition_value(out, condition->number, unit_of(condition->series));
}

static void say_what(const struct condition *condition, struct buf *out) {
    switch (condition->kind) {
    case CONDITION_LEVEL:
        say_series(out, condition->series);
        buf_add_text(out, " is ");
        say_compared(condition, out);
        break;
    case CONDITION_RATE:
        say_series(out, condition->series);
        buf_add_text(out, " changes by ");
        say_compared(condition, out);
        buf_add_text(out, " a second over ");
        say_duration(out, condition->span_ms);
        break;
    case CONDITION_ABSENT:
        say_series(out, condition->series);
        buf_add_text(out, " has no value");
        break;
    case CONDITION_FORECAST:
        say_series(out, condition->series);
        buf_add_text(out, " will come to ");
        condition_value(out, condition->number, unit_of(condition->series));
        buf_add_text(out, " in less than ");
        say_duration(out, condition->span_ms);
        break;
    case CONDITION_UNIT:
        if (name_is_glob(condition->series))
            buf_add_text(out, strcmp(condition->series, "*") == 0
                                  ? "any systemd unit"
                                  : "any systemd unit of ");
        if (strcmp(condition->series, "*") != 0)
            buf_add_text(out, condition->series);
        buf_add_text(out, " has failed");
        break;
    case CONDITION_CERTIFICATE:
        buf_printf(out, "the certificate of %s ends in less than ", condition->series);
        say_duration(out, condition->span_ms);
        break;
    case CONDITION_PROBE:
        buf_printf(out, "%s does not answer, asked from the node", condition->series);
        break;
    default:
        buf_add_text(out, "the node is offline");
    }
}

static void say_test(const struct condition *condition, struct buf *out) {
    say_what(condition, out);
    if (condition->for_ms > 0) {
        buf_add_text(out, " for ");
        say_duration(out, condition->for_ms);
    }
    if (isnan(condition->clear))
        return;
    buf_add_text(out, ", until ");
    condition_value(out, condition->clear, unit_of(condition->series));
}

void condition_explain(const struct condition *condition, struct buf *out) {
    bool is_some = condition->kind == CONDITION_SOME;

    if (condition->part_count == 0) {
        say_test(condition, out);
        return;
    }
    if (is_some)
        buf_printf(out, "at least %u of: ", condition->some);
    for (size_t i = 0; i < condition->part_count; i++) {
        const struct condition *part = condition->parts[i];
        bool is_inner = part->part_count > 0;
        if (i > 0)
            buf_add_text(out, is_some                            ? "; "
                              : condition->kind == CONDITION_ALL ? " and "
                                                                 : " or ");
        buf_add_text(out, is_inner ? "(" : "");
        condition_explain(part, out);
        buf_add_text(out, is_inner ? ")" : "");
    }
}
