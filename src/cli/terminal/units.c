#include "cli/terminal/units.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const double exact_max = 9007199254740992.0; /* 2^53 */

static void scaled(double number,
                   double base,
                   const char *const *names,
                   size_t count,
                   char ret_text[static UNITS_LEN]) {
    size_t i = 0;

    /* 999.95 would print as 1000.0: it belongs to the next unit already. */
    while (i + 1 < count && fabs(number) >= (base == 1000 ? 999.5 : 1023.5)) {
        number /= base;
        i++;
    }
    if (i == 0 || fabs(number) >= 99.95)
        snprintf(ret_text, UNITS_LEN, "%.0f %s", number, names[i]);
    else
        snprintf(ret_text, UNITS_LEN, "%.1f %s", number, names[i]);
}

void units_bytes(double bytes, char ret_text[static UNITS_LEN]) {
    static const char *const names[] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
    scaled(bytes, 1024, names, sizeof(names) / sizeof(names[0]), ret_text);
}

void units_rate(double bytes, char ret_text[static UNITS_LEN]) {
    static const char *const names[] = { "B/s", "kB/s", "MB/s", "GB/s", "TB/s" };
    scaled(bytes, 1000, names, sizeof(names) / sizeof(names[0]), ret_text);
}

void units_duration(double seconds, char ret_text[static UNITS_LEN]) {
    static const struct {
        double seconds;
        const char *name;
    } units[] = { { 86400, "d" }, { 3600, "h" }, { 60, "min" }, { 1, "s" } };
    size_t i = 0;

    if (!(seconds >= 0) || seconds > 1e12) {
        snprintf(ret_text, UNITS_LEN, "-");
        return;
    }
    if (seconds < 1) {
        snprintf(ret_text, UNITS_LEN, seconds > 0 ? "%.0f ms" : "%.0f s", seconds * 1000);
        return;
    }
    while (i < 3 && seconds < units[i].seconds)
        i++;
    double whole = floor(seconds / units[i].seconds);
    double rest =
        i < 3 ? floor(fmod(seconds, units[i].seconds) / units[i + 1].seconds) : 0;
    if (rest > 0)
        snprintf(ret_text, UNITS_LEN, "%.0f %s %.0f %s", whole, units[i].name, rest,
                 units[i + 1].name);
    else
        snprintf(ret_text, UNITS_LEN, "%.0f %s", whole, units[i].name);
}

void units_ago(int64_t then_ms, int64_t now_ms, char ret_text[static UNITS_LEN]) {
    double seconds = (double)(now_ms - then_ms) / 1000;
    static const struct {
        double below;
        double seconds;
        const char *name;
    } units[] = {
        { 90, 1, "s" }, { 5400, 60, "min" }, { 129600, 3600, "h" }, { 1e12, 86400, "d" }
    };

    if (fabs(seconds) < 2) {
        snprintf(ret_text, UNITS_LEN, "just now");
        return;
    }
    size_t i = 0;
    while (i < 3 && fabs(seconds) >= units[i].below)
        i++;
    snprintf(ret_text, UNITS_LEN, seconds < 0 ? "in %.0f %s" : "%.0f %s ago",
             fabs(seconds) / units[i].seconds, units[i].name);
}

void units_number(double number, char ret_text[static UNITS_LEN]) {
    double size = fabs(number);
    int decimals = number == floor(number) || size >= 99.95 ? 0 : size >= 9.995 ? 1 : 2;

    snprintf(ret_text, UNITS_LEN, "%.*f", decimals, number);
}

void units_latency(uint64_t us, char ret_text[static UNITS_LEN]) {
    double ms = (double)us / 1000;

    if (ms >= 60000)
        units_duration(ms / 1000, ret_text);
    else if (ms >= 999.5)
        snprintf(ret_text, UNITS_LEN, "%.*f s", ms < 9950 ? 1 : 0, ms / 1000);
    else
        snprintf(ret_text, UNITS_LEN, "%.*f ms", ms < 0.995 ? 2 : ms < 9.95 ? 1 : 0, ms);
}

static void with_unit(double value, const char *unit, char ret_text[static UNITS_LEN]) {
    char number[UNITS_LEN];

    units_number(value, number);
    if (unit[0] == '/')
        snprintf(ret_text, UNITS_LEN, "%.20s%.10s", number, unit);
    else
        snprintf(ret_text, UNITS_LEN, "%.20s %.10s", number, unit);
}

static void hertz(double value, char ret_text[static UNITS_LEN]) {
    static const char *const names[] = { "Hz", "kHz", "MHz", "GHz" };
    scaled(value, 1000, names, sizeof(names) / sizeof(names[0]), ret_text);
}

void units_value(double value,
                 const char *unit,
                 bool unicode,
                 char ret_text[static UNITS_LEN]) {
    if (!isfinite(value))
        snprintf(ret_text, UNITS_LEN, "-");
    else if (!unit || *unit == '\0' || strcmp(unit, "1") == 0)
        units_number(value, ret_text);
    else if (strcmp(unit, "%") == 0)
        snprintf(ret_text, UNITS_LEN, fabs(value) < 9.95 ? "%.1f %%" : "%.0f %%", value);
    else if (strcmp(unit, "By") == 0)
        units_bytes(value, ret_text);
    else if (strcmp(unit, "By/s") == 0)
        units_rate(value, ret_text);
    else if (strcmp(unit, "Cel") == 0)
        snprintf(ret_text, UNITS_LEN, "%.0f %s", value,
                 unicode ? "\xc2\xb0"
                           "C"
                         : "C");
    else if (strcmp(unit, "s") == 0)
        units_duration(value, ret_text);
    else if (strcmp(unit, "Hz") == 0)
        hertz(value, ret_text);
    else
        with_unit(value, unit, ret_text);
}

void units_json(double value, unsigned scale, char ret_text[static UNITS_LEN]) {
    if (!isfinite(value)) {
        snprintf(ret_text, UNITS_LEN, "null");
        return;
    }
    if (fabs(value) >= exact_max) {
        snprintf(ret_text, UNITS_LEN, "%.17g", value);
        return;
    }
    snprintf(ret_text, UNITS_LEN, "%.*f", scale > 15 ? 15 : (int)scale, value);
    if (!strchr(ret_text, '.'))
        return;
    char *end = ret_text + strlen(ret_text);
    while (end[-1] == '0')
        *--end = '\0';
    if (end[-1] == '.')
        *--end = '\0';
    if (strcmp(ret_text, "-0") == 0)
        memcpy(ret_text, "0", 2);
}
