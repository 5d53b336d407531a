#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alerts/rules/condition.h"
#include "base/metric.h"

static void print_duration(struct buf *out, uint64_t ms) {
    static const struct {
        const char *unit;
        uint64_t ms;
    } units[] = {
        { "d", 86400000 }, { "h", 3600000 }, { "m", 60000 }, { "s", 1000 }, { "ms", 1 },
    };

    if (ms == 0)
        buf_add_text(out, "0s");
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if (ms >= units[i].ms)
            buf_printf(out, "%llu%s", (unsigned long long)(ms / units[i].ms),
                       units[i].unit);
        ms %= units[i].ms;
    }
}

/* The fewest digits that are read as the same number. */
static void print_double(struct buf *out, double number) {
    char text[40];
    int digits = 1;

    if (number == round(number)) {
        buf_printf(out, "%.0f", number);
        return;
    }
    do
        snprintf(text, sizeof(text), "%.*g", digits, number);
    while (++digits <= 17 && strtod(text, NULL) != number);
    buf_add_text(out, text);
}

static void print_number(struct buf *out, const char *series, double number) {
    static const char *const words[] = { "TiB", "GiB", "MiB", "KiB" };
    const struct metric *metric = metric_find(series);
    double size = 1099511627776.0; /* of the word */

    if (!metric || strncmp(metric->unit, "By", 2) != 0 || fabs(number) < 1024) {
        print_double(out, number);
        return;
    }
    for (size_t i = 0; i < 4; i++) {
        if (fabs(number) >= size && fmod(number, size) == 0) {
            print_double(out, number / size);
            buf_printf(out, "%s%s", words[i], metric->unit + 2);
            return;
        }
        size /= 1024;
    }
    print_double(out, number);
}

static const char *operator_text(enum condition_operator op) {
    static const char *const texts[] = { ">", ">=", "<", "<=", "=", "!=" };
    return texts[op];
}

/* A name that the table does not have stands between quotes, or it would be refused. */
static void print_series(struct buf *out, const char *series) {
    bool is_plain = metric_find(series) && !series[strcspn(series, " \t()<>=!,\"")];
    const char *quote = is_plain ? "" : "\"";
    buf_printf(out, "%s%s%s", quote, series, quote);
}

static void print_target(struct buf *out, const char *target) {
    const char *quote = target[strcspn(target, " \t()")] ? "\"" : "";
    buf_printf(out, "%s%s%s", quote, target, quote);
}

static void print_probe(struct buf *out, const char *series) {
    size_t len = strcspn(series, " ");

    buf_printf(out, "probe(%.*s ", (int)len, series);
    print_target(out, series + len + 1);
    buf_add_text(out, ")");
}

static void print_what(const struct condition *condition, struct buf *out) {
    switch (condition->kind) {
    case CONDITION_LEVEL:
        print_series(out, condition->series);
        break;
    case CONDITION_RATE:
        buf_add_text(out, "rate(");
        print_series(out, condition->series);
        buf_add_text(out, ", ");
        print_duration(out, condition->span_ms);
        buf_add_text(out, ")");
        break;
    case CONDITION_ABSENT:
        buf_add_text(out, "absent(");
        print_series(out, condition->series);
        buf_add_text(out, ")");
        break;
    case CONDITION_FORECAST:
        buf_add_text(out, "forecast(");
        print_series(out, condition->series);
        buf_add_text(out, ", ");
        print_number(out, condition->series, condition->number);
        buf_add_text(out, ") < ");
        print_duration(out, condition->span_ms);
        break;
    case CONDITION_UNIT:
        buf_add_text(out, "unit(");
        print_target(out, condition->series);
        buf_add_text(out, ")");
        break;
    case CONDITION_CERTIFICATE:
        buf_add_text(out, "certificate(");
        print_target(out, condition->series);
        buf_add_text(out, ") < ");
        print_duration(out, condition->span_ms);
        break;
    case CONDITION_PROBE:
        print_probe(out, condition->series);
        break;
    default:
        buf_add_text(out, "offline");
    }
}

static void print_test(const struct condition *condition, struct buf *out) {
    bool is_level = condition->kind == CONDITION_LEVEL;

    print_what(condition, out);
    if (is_level || condition->kind == CONDITION_RATE) {
        buf_printf(out, " %s ", operator_text(condition->op));
        /* A rate's number is in units a second: no unit of the metric fits it. */
        if (is_level)
            print_number(out, condition->series, condition->number);
        else
            print_double(out, condition->number);
    }
    if (condition->for_ms > 0 || condition->kind == CONDITION_ABSENT) {
        buf_add_text(out, " for ");
        print_duration(out, condition->for_ms);
    }
    if (isnan(condition->clear))
        return;
    buf_add_text(out, " clear ");
    if (is_level)
        print_number(out, condition->series, condition->clear);
    else
        print_double(out, condition->clear);
}

static void print_some(const struct condition *condition, struct buf *out) {
    buf_printf(out, "%u of (", condition->some);
    for (size_t i = 0; i < condition->part_count; i++) {
        buf_add_text(out, i > 0 ? ", " : "");
        condition_print(condition->parts[i], out);
    }
    buf_add_text(out, ")");
}

static bool is_joined(const struct condition *condition) {
    return condition->kind == CONDITION_ALL || condition->kind == CONDITION_ANY;
}

void condition_print(const struct condition *condition, struct buf *out) {
    if (condition->kind == CONDITION_SOME) {
        print_some(condition, out);
        return;
    }
    if (!is_joined(condition)) {
        print_test(condition, out);
        return;
    }
    for (size_t i = 0; i < condition->part_count; i++) {
        const struct condition *part = condition->parts[i];
        bool is_inner = is_joined(part) && !(condition->kind == CONDITION_ANY &&
                                             part->kind == CONDITION_ALL);
        if (i > 0)
            buf_add_text(out, condition->kind == CONDITION_ALL ? " and " : " or ");
        buf_add_text(out, is_inner ? "(" : "");
        condition_print(part, out);
        buf_add_text(out, is_inner ? ")" : "");
    }
}
