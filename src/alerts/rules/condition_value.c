#include <math.h>
#include <string.h>

#include "alerts/rules/condition.h"

/* The largest step that the value reaches, and the value in it. */
static const char *scale_down(double *value,
                              double step,
                              const char *const *words,
                              size_t count) {
    size_t i = 0;

    while (i + 1 < count && fabs(*value) >= step) {
        *value /= step;
        i++;
    }
    return words[i];
}

static void print_bytes(struct buf *out, double value, const char *behind) {
    static const char *const words[] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB" };
    const char *word = scale_down(&value, 1024, words, 6);

    buf_printf(out, "%.*f %s%s", word[1] ? 1 : 0, value, word, behind);
}

static void print_decimal(struct buf *out, double value, const char *unit) {
    static const char *const words[] = { "", "k", "M", "G", "T" };
    const char *word = scale_down(&value, 1000, words, 5);

    buf_printf(out, "%.*f %s%s", word[0] ? 1 : 0, value, word, unit);
}

static void print_time(struct buf *out, double ms) {
    static const struct {
        const char *unit;
        double ms;
    } units[] = {
        { "d", 86400e3 },
        { "h", 3600e3 },
        { "min", 60e3 },
        { "s", 1e3 },
    };

    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
        if (fabs(ms) >= units[i].ms * (i < 3 ? 2 : 1)) {
            buf_printf(out, "%.1f %s", ms / units[i].ms, units[i].unit);
            return;
        }
    buf_printf(out, "%.1f ms", ms);
}

/* Up to two decimals, and none that say nothing. */
static void print_plain(struct buf *out, double value, const char *unit) {
    double rounded = round(value * 100) / 100;
    int decimals = rounded == round(rounded)                         ? 0
                   : fabs(rounded * 10 - round(rounded * 10)) < 1e-6 ? 1
                                                                     : 2;
    buf_printf(out, "%.*f%s%s", decimals, rounded == 0 ? 0.0 : rounded,
               unit[0] ? " " : "", unit);
}

void condition_value(struct buf *out, double value, const char *unit) {
    if (!isfinite(value))
        buf_add_text(out, "unknown");
    else if (strcmp(unit, "By") == 0)
        print_bytes(out, value, "");
    else if (strcmp(unit, "By/s") == 0)
        print_bytes(out, value, "/s");
    else if (strcmp(unit, "Hz") == 0)
        print_decimal(out, value, unit);
    else if (strcmp(unit, "ms") == 0)
        print_time(out, value);
    else if (strcmp(unit, "s") == 0)
        print_time(out, value * 1000);
    else if (strcmp(unit, "%") == 0)
        buf_printf(out, "%.1f %%", value);
    else if (strcmp(unit, "Cel") == 0)
        print_plain(out, value,
                    "\xc2\xb0"
                    "C");
    else
        print_plain(out, value, strcmp(unit, "1") == 0 ? "" : unit);
}
