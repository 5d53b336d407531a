#include "cli/terminal/bars.h"

#include <math.h>

#include "cli/terminal/text.h"

void bars_history_add(struct bars_history *history, double value) {
    history->values[history->next] = isfinite(value) ? value : 0;
    history->next = (history->next + 1) % BARS_HISTORY;
    if (history->count < BARS_HISTORY)
        history->count++;
}

static double clamp(double share) {
    if (!(share > 0))
        return 0;
    return share > 1 ? 1 : share;
}

static void add_unicode(struct buf *out, size_t eighths, size_t columns) {
    static const char *const parts[] = { "",
                                         "\xe2\x96\x8f",
                                         "\xe2\x96\x8e",
                                         "\xe2\x96\x8d",
                                         "\xe2\x96\x8c",
                                         "\xe2\x96\x8b",
                                         "\xe2\x96\x8a",
                                         "\xe2\x96\x89" };
    size_t full = eighths / 8;
    size_t part = eighths % 8;

    for (size_t i = 0; i < full; i++)
        buf_add_text(out, "\xe2\x96\x88");
    buf_add_text(out, parts[part]);
    text_add_spaces(out, columns - full - (part > 0));
}

void bars_add(struct buf *out, double share, size_t columns, bool unicode) {
    if (unicode) {
        add_unicode(out, (size_t)lround(clamp(share) * (double)columns * 8), columns);
        return;
    }
    size_t full = (size_t)lround(clamp(share) * (double)columns);
    for (size_t i = 0; i < columns; i++)
        buf_add_byte(out, i < full ? '#' : '.');
}

static double value_at(const struct bars_history *history, size_t age) {
    return history->values[(history->next + BARS_HISTORY - 1 - age) % BARS_HISTORY];
}

void bars_add_spark(struct buf *out,
                    const struct bars_history *history,
                    double top,
                    size_t columns,
                    bool unicode) {
    static const char *const blocks[] = { "\xe2\x96\x81", "\xe2\x96\x82", "\xe2\x96\x83",
                                          "\xe2\x96\x84", "\xe2\x96\x85", "\xe2\x96\x86",
                                          "\xe2\x96\x87", "\xe2\x96\x88" };
    static const char *const digits[] = { "_", ".", "-", "=", "+", "*", "%", "#" };
    const char *const *steps = unicode ? blocks : digits;
    size_t shown = history->count < columns ? history->count : columns;

    for (size_t age = 0; top <= 0 && age < shown; age++)
        top = fmin(top, -value_at(history, age)); /* the largest, negated until found */
    top = fabs(top);
    text_add_spaces(out, columns - shown);
    for (size_t age = shown; age > 0; age--) {
        double share = top > 0 ? clamp(value_at(history, age - 1) / top) : 0;
        buf_add_text(out, steps[lround(share * 7)]);
    }
}
