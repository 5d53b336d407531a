#include "cli/charts/scale.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "draw/figure.h"

/* Only numbers of these get long; draw/ knows their greater units. */
static bool is_scaled(enum figure_unit unit) {
    return unit == FIGURE_BYTES || unit == FIGURE_BYTE_RATE || unit == FIGURE_HERTZ ||
           unit == FIGURE_SECONDS;
}

static const char *word_of(const char *unit, bool unicode) {
    if (strcmp(unit, "1") == 0)
        return "";
    if (strcmp(unit, "Cel") == 0)
        return unicode ? "\xc2\xb0"
                         "C"
                       : "C";
    return unit;
}

/* Three digits say enough, and no more of them than the metric has. */
static int decimals_for(double greatest, unsigned places, bool is_divided) {
    int wanted = greatest >= 99.95 ? 0 : greatest >= 9.995 ? 1 : 2;
    int has = is_divided ? 2 : places > 2 ? 2 : (int)places;
    return wanted < has ? wanted : has;
}

struct scale scale_of(const char *unit, unsigned places, double greatest, bool unicode) {
    enum figure_unit kind = figure_unit_of(unit);
    double size = isfinite(greatest) ? fabs(greatest) : 0;

    if (!is_scaled(kind))
        return (struct scale) { 1, word_of(unit, unicode),
                                decimals_for(size, places, false) };
    struct figure_scale scale = figure_scale(kind, FIGURE_AUTO, size);
    return (struct scale) {
        .divisor = scale.size,
        .word = scale.symbol ? scale.symbol : "",
        .decimals = decimals_for(size / scale.size, places, scale.size > 1),
    };
}

void scale_print(const struct scale *scale,
                 double value,
                 char ret_text[static SCALE_NUMBER_LEN]) {
    if (!isfinite(value))
        snprintf(ret_text, SCALE_NUMBER_LEN, "-");
    else if (fabs(value / scale->divisor) >= 1e15)
        snprintf(ret_text, SCALE_NUMBER_LEN, "%.4g", value / scale->divisor);
    else
        snprintf(ret_text, SCALE_NUMBER_LEN, "%.*f", scale->decimals,
                 value / scale->divisor);
}
