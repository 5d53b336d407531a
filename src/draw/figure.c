#include "draw/figure.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define KIB 1024.0
#define MIB (KIB * KIB)
#define GIB (MIB * KIB)
#define TIB (GIB * KIB)
#define PIB (TIB * KIB)

enum { SCALES_MAX = 7 };

/* The scales of each unit, rising; the first also serves what is smaller. */
static const struct figure_scale scales[FIGURE_UNIT_COUNT][SCALES_MAX] = {
    [FIGURE_NUMBER] = { { 1, "" },
                        { 1e3, "k" },
                        { 1e6, "M" },
                        { 1e9, "G" },
                        { 1e12, "T" } },
    [FIGURE_PERCENT] = { { 1, "%" } },
    [FIGURE_BYTES] = { { 1, "B" },
                       { KIB, "KiB" },
                       { MIB, "MiB" },
                       { GIB, "GiB" },
                       { TIB, "TiB" },
                       { PIB, "PiB" } },
    [FIGURE_BYTE_RATE] = { { 1, "B/s" },
                           { 1e3, "kB/s" },
                           { 1e6, "MB/s" },
                           { 1e9, "GB/s" },
                           { 1e12, "TB/s" } },
    [FIGURE_BIT_RATE] = { { 1 / 8.0, "bit/s" },
                          { 1e3 / 8, "kbit/s" },
                          { 1e6 / 8, "Mbit/s" },
                          { 1e9 / 8, "Gbit/s" },
                          { 1e12 / 8, "Tbit/s" },
                          { 1e15 / 8, "Pbit/s" } },
    [FIGURE_CELSIUS] = { { 1, "°C" } },
    [FIGURE_MS] = { { 1e-3, "µs" }, { 1, "ms" }, { 1e3, "s" } },
    [FIGURE_SECONDS] = { { 1, "s" }, { 60, "min" }, { 3600, "h" }, { 86400, "d" } },
    [FIGURE_HERTZ] = { { 1, "Hz" }, { 1e3, "kHz" }, { 1e6, "MHz" }, { 1e9, "GHz" } },
    [FIGURE_WATT] = { { 1, "W" }, { 1e3, "kW" }, { 1e6, "MW" } },
    [FIGURE_RATE] = { { 1, "/s" }, { 1e3, "k/s" }, { 1e6, "M/s" }, { 1e9, "G/s" } },
    [FIGURE_RPM] = { { 1, "rpm" } },
};

/* For sizes and for rates. */
static const struct figure_scale fixed_scales[FIGURE_FIXED_COUNT][2] = {
    [FIGURE_B] = { { 1, "B" }, { 1, "B/s" } },
    [FIGURE_KIB] = { { KIB, "KiB" }, { KIB, "KiB/s" } },
    [FIGURE_MIB] = { { MIB, "MiB" }, { MIB, "MiB/s" } },
    [FIGURE_GIB] = { { GIB, "GiB" }, { GIB, "GiB/s" } },
    [FIGURE_BIT] = { { 0, NULL }, { 1 / 8.0, "bit/s" } },
    [FIGURE_KBIT] = { { 0, NULL }, { 1e3 / 8, "kbit/s" } },
    [FIGURE_MBIT] = { { 0, NULL }, { 1e6 / 8, "Mbit/s" } },
    [FIGURE_GBIT] = { { 0, NULL }, { 1e9 / 8, "Gbit/s" } },
};

enum figure_unit figure_unit_of(const char *unit) {
    static const struct {
        const char *name;
        enum figure_unit unit;
    } names[] = {
        { "%", FIGURE_PERCENT },   { "By", FIGURE_BYTES }, { "By/s", FIGURE_BYTE_RATE },
        { "Cel", FIGURE_CELSIUS }, { "ms", FIGURE_MS },    { "s", FIGURE_SECONDS },
        { "Hz", FIGURE_HERTZ },    { "W", FIGURE_WATT },   { "/s", FIGURE_RATE },
        { "RPM", FIGURE_RPM },
    };

    for (size_t i = 0; unit && i < sizeof(names) / sizeof(names[0]); i++)
        if (strcmp(names[i].name, unit) == 0)
            return names[i].unit;
    return FIGURE_NUMBER;
}

static bool is_rate(enum figure_unit unit) {
    return unit == FIGURE_BYTE_RATE || unit == FIGURE_BIT_RATE;
}

bool figure_fits(enum figure_unit unit, enum figure_fixed fixed) {
    if (fixed == FIGURE_AUTO)
        return true;
    if (unit == FIGURE_BYTES)
        return fixed_scales[fixed][0].symbol != NULL;
    return is_rate(unit);
}

double figure_least_range(enum figure_unit unit) {
    return unit == FIGURE_BYTES || is_rate(unit) ? scales[unit][1].size : 1;
}

bool figure_is_from_zero(enum figure_unit unit) {
    return unit != FIGURE_NUMBER && unit != FIGURE_CELSIUS && unit != FIGURE_SECONDS &&
           unit != FIGURE_HERTZ && unit != FIGURE_RPM;
}

struct figure_scale figure_scale(enum figure_unit unit,
                                 enum figure_fixed fixed,
                                 double largest) {
    if (fixed != FIGURE_AUTO)
        return fixed_scales[fixed][is_rate(unit)];

    const struct figure_scale *scale = &scales[unit][0];
    for (size_t i = 1; i < SCALES_MAX && scales[unit][i].symbol; i++) {
        /* 999.6 kB would be written as 1000 kB. */
        double next = scales[unit][i].size;
        if (fabs(largest) < next && fabs(largest) / scale->size < 999.5)
            break;
        scale = &scales[unit][i];
    }
    return *scale;
}

/* Long numbers are read in groups of three, from 10 000 up. */
static void group_digits(const char *digits, char ret_text[static FIGURE_LEN]) {
    size_t whole = strspn(digits, "0123456789");
    size_t len = 0;

    if (digits[whole] == 'e' || whole < 5)
        whole = 0;
    for (size_t i = 0; digits[i] && len + 4 < FIGURE_LEN; i++) {
        if (i > 0 && i < whole && (whole - i) % 3 == 0) {
            strcpy(ret_text + len, "\u2009");
            len += strlen("\u2009");
        }
        ret_text[len++] = digits[i];
    }
    ret_text[len] = '\0';
}

void figure_print_shown(double shown, int decimals, char ret_text[static FIGURE_LEN]) {
    char digits[FIGURE_LEN];
    char grouped[FIGURE_LEN];
    double least = 0.5 * pow(10, -decimals);

    if (fabs(shown) < least)
        shown = 0; /* never "-0" */
    if (fabs(shown) < 1e15)
        snprintf(digits, sizeof(digits), "%.*f", decimals, fabs(shown));
    else
        snprintf(digits, sizeof(digits), "%.3g", fabs(shown));
    group_digits(digits, grouped);
    snprintf(ret_text, FIGURE_LEN, "%s%.40s", shown < 0 ? "\u2212" : "", grouped);
}

/* Three digits, but counts stay whole and percents and degrees have their tenth. */
static int decimals_of(double shown, enum figure_unit unit) {
    double size = fabs(shown);

    if (unit == FIGURE_PERCENT || unit == FIGURE_CELSIUS)
        return 1;
    if (size >= 99.95 || size == floor(size))
        return 0;
    if (size >= 9.995)
        return 1;
    return size < 0.01 ? 4 : 2;
}

void figure_print(double value,
                  enum figure_unit unit,
                  enum figure_fixed fixed,
                  char ret_text[static FIGURE_LEN]) {
    if (isnan(value)) {
        strcpy(ret_text, "\u2013");
        return;
    }
    struct figure_scale scale = figure_scale(unit, fixed, value);
    char number[FIGURE_LEN];
    double shown = value / scale.size;

    figure_print_shown(shown, decimals_of(shown, unit), number);
    snprintf(ret_text, FIGURE_LEN, "%.32s%s%s", number, *scale.symbol ? "\u2009" : "",
             scale.symbol);
}
