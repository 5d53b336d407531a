#include "cli/scale.h"

#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

struct step {
    double divisor;
    const char *word;
};

static const struct step bytes[] = {
    { 1, "B" },
    { 1024.0, "KiB" },
    { 1048576.0, "MiB" },
    { 1073741824.0, "GiB" },
    { 1099511627776.0, "TiB" },
    { 1125899906842624.0, "PiB" },
    { 0, NULL },
};
static const struct step rates[] = {
    { 1, "B/s" }, { 1e3, "kB/s" }, { 1e6, "MB/s" }, { 1e9, "GB/s" }, { 0, NULL },
};
static const struct step hertz[] = {
    { 1, "Hz" }, { 1e3, "kHz" }, { 1e6, "MHz" }, { 1e9, "GHz" }, { 0, NULL },
};
static const struct step seconds[] = {
    { 1, "s" }, { 60, "min" }, { 3600, "h" }, { 86400, "d" }, { 0, NULL },
};

/* Units that have greater ones. */
static const struct step *steps_of(const char *unit) {
    if (strcmp(unit, "By") == 0)
        return bytes;
    if (strcmp(unit, "By/s") == 0)
        return rates;
    if (strcmp(unit, "Hz") == 0)
        return hertz;
    return strcmp(unit, "s") == 0 ? seconds : NULL;
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
static int decimals_for(double greatest, unsigned places, bool is_scaled) {
    int wanted = greatest >= 99.95 ? 0 : greatest >= 9.995 ? 1 : 2;
    int has = is_scaled ? 2 : places > 2 ? 2 : (int)places;
    return wanted < has ? wanted : has;
}

struct scale scale_of(const char *unit, unsigned places, double greatest, bool unicode) {
    const struct step *step = steps_of(unit);
    double size = isfinite(greatest) ? fabs(greatest) : 0;

    if (!step)
        return (struct scale) { 1, word_of(unit, unicode),
                                decimals_for(size, places, false) };
    while (step[1].word && size >= step[1].divisor)
        step++;
    return (struct scale) {
        .divisor = step->divisor,
        .word = step->word,
        .decimals = decimals_for(size / step->divisor, places, step->divisor > 1),
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
