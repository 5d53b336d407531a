#include "alerts/rules/condition_unit.h"

#include <stddef.h>
#include <string.h>

/* Decimal and binary multiples of what is counted. */
static const struct condition_unit units[] = {
    { "%", "%", 1 },
    { "percent", "%", 1 },
    { "B", "By", 1 },
    { "By", "By", 1 },
    { "bytes", "By", 1 },
    { "kB", "By", 1e3 },
    { "KB", "By", 1e3 },
    { "MB", "By", 1e6 },
    { "GB", "By", 1e9 },
    { "TB", "By", 1e12 },
    { "KiB", "By", 1024 },
    { "MiB", "By", 1048576 },
    { "GiB", "By", 1073741824 },
    { "TiB", "By", 1099511627776 },
    { "B/s", "By/s", 1 },
    { "By/s", "By/s", 1 },
    { "kB/s", "By/s", 1e3 },
    { "KB/s", "By/s", 1e3 },
    { "MB/s", "By/s", 1e6 },
    { "GB/s", "By/s", 1e9 },
    { "KiB/s", "By/s", 1024 },
    { "MiB/s", "By/s", 1048576 },
    { "GiB/s", "By/s", 1073741824 },
    { "bit/s", "By/s", 0.125 },
    { "kbit/s", "By/s", 125 },
    { "Mbit/s", "By/s", 125e3 },
    { "Gbit/s", "By/s", 125e6 },
    { "/s", "/s", 1 },
    { "/min", "/s", 1.0 / 60 },
    { "C", "Cel", 1 },
    { "Cel", "Cel", 1 },
    { "\xc2\xb0"
      "C",
      "Cel", 1 },
    { "Hz", "Hz", 1 },
    { "kHz", "Hz", 1e3 },
    { "MHz", "Hz", 1e6 },
    { "GHz", "Hz", 1e9 },
    { "RPM", "RPM", 1 },
    { "rpm", "RPM", 1 },
    { "W", "W", 1 },
    { "mW", "W", 1e-3 },
    { "kW", "W", 1e3 },
    { "1", "1", 1 },
};

static const struct time_word {
    const char *word;
    uint64_t ms;
} times[] = {
    { "ms", 1 },        { "s", 1000 },         { "sec", 1000 },
    { "second", 1000 }, { "seconds", 1000 },   { "m", 60000 },
    { "min", 60000 },   { "minute", 60000 },   { "minutes", 60000 },
    { "h", 3600000 },   { "hour", 3600000 },   { "hours", 3600000 },
    { "d", 86400000 },  { "day", 86400000 },   { "days", 86400000 },
    { "w", 604800000 }, { "week", 604800000 }, { "weeks", 604800000 },
};

bool condition_unit_time(const char *word, uint64_t *ret_ms) {
    for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++)
        if (strcmp(times[i].word, word) == 0) {
            *ret_ms = times[i].ms;
            return true;
        }
    return false;
}

bool condition_unit_factor(const char *typed, const char *unit, double *ret_factor) {
    uint64_t ms;

    if (typed[0] == '\0' || !unit || strcmp(typed, unit) == 0) {
        *ret_factor = 1;
        return true;
    }
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
        if (strcmp(units[i].text, typed) == 0 && strcmp(units[i].unit, unit) == 0) {
            *ret_factor = units[i].factor;
            return true;
        }
    bool is_ms = strcmp(unit, "ms") == 0;
    if ((!is_ms && strcmp(unit, "s") != 0) || !condition_unit_time(typed, &ms))
        return false;
    *ret_factor = is_ms ? (double)ms : (double)ms / 1000;
    return true;
}

bool condition_unit_rate(const char *typed, const char *unit, double *ret_factor) {
    const char *slash = strrchr(typed, '/');
    char base[16];
    double factor;
    uint64_t ms;

    if (condition_unit_factor(typed, unit, ret_factor))
        return true;
    if (!slash || (size_t)(slash - typed) >= sizeof(base) ||
        !condition_unit_time(slash + 1, &ms))
        return false;
    memcpy(base, typed, (size_t)(slash - typed));
    base[slash - typed] = '\0';
    if (!condition_unit_factor(base, unit, &factor))
        return false;
    *ret_factor = factor / ((double)ms / 1000);
    return true;
}
