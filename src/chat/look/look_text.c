#include "chat/look/look_text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "base/buf.h"
#include "base/metric.h"
#include "chat/turn/turn.h"
#include "wire/utf8.h"

enum { NUMBER_DIGITS_MAX = 18, JUST_NOW_MS = 5000 };

static const char *scaled(double value,
                          double step,
                          const char *const *units,
                          size_t unit_count,
                          char ret_text[static LOOK_TEXT_LEN]) {
    size_t unit = 0;

    if (!isfinite(value)) {
        snprintf(ret_text, LOOK_TEXT_LEN, "-");
        return ret_text;
    }
    /* What would be printed as a whole step is the next unit's. */
    while (unit + 1 < unit_count && fabs(value) >= step - 0.05) {
        value /= step;
        unit++;
    }
    snprintf(ret_text, LOOK_TEXT_LEN, "%.*f %s", unit == 0 ? 0 : 1, value, units[unit]);
    return ret_text;
}

const char *look_text_percent(double percent, char ret_text[static LOOK_TEXT_LEN]) {
    bool is_small = fabs(percent) < 9.95 && percent != 0;

    if (!isfinite(percent))
        snprintf(ret_text, LOOK_TEXT_LEN, "-");
    else
        snprintf(ret_text, LOOK_TEXT_LEN, "%.*f %%", is_small ? 1 : 0, percent);
    return ret_text;
}

const char *look_text_bytes(double bytes, char ret_text[static LOOK_TEXT_LEN]) {
    static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB" };
    return scaled(bytes, 1024, units, sizeof(units) / sizeof(units[0]), ret_text);
}

const char *look_text_bits(double bytes, char ret_text[static LOOK_TEXT_LEN]) {
    static const char *const units[] = { "bit/s",  "kbit/s", "Mbit/s",
                                         "Gbit/s", "Tbit/s", "Pbit/s" };
    return scaled(bytes * 8, 1000, units, sizeof(units) / sizeof(units[0]), ret_text);
}

static const char *byte_rate(double bytes, char ret_text[static LOOK_TEXT_LEN]) {
    static const char *const units[] = { "B/s", "kB/s", "MB/s", "GB/s", "TB/s" };
    return scaled(bytes, 1000, units, sizeof(units) / sizeof(units[0]), ret_text);
}

static const char *hertz(double value, char ret_text[static LOOK_TEXT_LEN]) {
    static const char *const units[] = { "Hz", "kHz", "MHz", "GHz" };
    return scaled(value, 1000, units, sizeof(units) / sizeof(units[0]), ret_text);
}

static bool is_network(const char *metric) {
    return strncmp(metric, "net.", 4) == 0;
}

/* A number of a unit that is not scaled. */
static const char *plain(double value,
                         const char *unit,
                         char ret_text[static LOOK_TEXT_LEN]) {
    bool is_bare = unit[0] == '\0' || strcmp(unit, "1") == 0;
    bool is_whole = fabs(value - round(value)) < 0.005 || fabs(value) >= 1000;
    int decimals = is_whole ? 0 : fabs(value) >= 10 ? 1 : 2;

    if (!isfinite(value))
        snprintf(ret_text, LOOK_TEXT_LEN, "-");
    else if (fabs(value) >= 1e15)
        snprintf(ret_text, LOOK_TEXT_LEN, "%.3g", value);
    else
        snprintf(ret_text, LOOK_TEXT_LEN, "%.*f%s%.20s", decimals, value,
                 is_bare ? "" : " ", is_bare ? "" : unit);
    return ret_text;
}

const char *look_text_value(const struct turn *turn,
                            const char *metric,
                            const char *unit,
                            double value,
                            char ret_text[static LOOK_TEXT_LEN]) {
    const struct metric *known = metric_find(metric);

    if (!unit)
        unit = known ? known->unit : "1";
    if (strcmp(unit, "%") == 0)
        return look_text_percent(value, ret_text);
    if (strcmp(unit, "By") == 0)
        return look_text_bytes(value, ret_text);
    if (strcmp(unit, "By/s") == 0)
        return is_network(metric) ? look_text_bits(value, ret_text)
                                  : byte_rate(value, ret_text);
    if (strcmp(unit, "Hz") == 0)
        return hertz(value, ret_text);
    if (strcmp(unit, "s") == 0 && value >= 0 && value < 1e15)
        return look_text_duration(turn, (int64_t)(value * 1000), ret_text);
    if (strcmp(unit, "Cel") == 0)
        return plain(value, "°C", ret_text);
    if (known && known->kind == METRIC_STATE) {
        snprintf(ret_text, LOOK_TEXT_LEN, "%s",
                 value != 0 ? turn_say(turn, "yes") : turn_say(turn, "no"));
        return ret_text;
    }
    return plain(value, unit, ret_text);
}

const char *look_text_duration(const struct turn *turn,
                               int64_t ms,
                               char ret_text[static LOOK_TEXT_LEN]) {
    return words_duration(turn_language(turn), ms > 0 ? (unsigned long long)ms : 0,
                          ret_text, LOOK_TEXT_LEN);
}

static int64_t now_of(const struct turn *turn) {
    const struct chat_host *host = turn_host(turn);
    return host->now_ms(host->arg);
}

const char *look_text_ago(const struct turn *turn,
                          int64_t then_ms,
                          char ret_text[static LOOK_TEXT_LEN]) {
    int64_t age_ms = now_of(turn) - then_ms;
    char length[LOOK_TEXT_LEN];

    if (then_ms == 0)
        snprintf(ret_text, LOOK_TEXT_LEN, "%s", turn_say(turn, "never"));
    else if (age_ms < JUST_NOW_MS)
        snprintf(ret_text, LOOK_TEXT_LEN, "%s", turn_say(turn, "just now"));
    else
        snprintf(ret_text, LOOK_TEXT_LEN, turn_say(turn, "%s ago"),
                 look_text_duration(turn, age_ms, length));
    return ret_text;
}

const char *look_text_clock(const struct turn *turn,
                            int64_t wall_ms,
                            char ret_text[static LOOK_TEXT_LEN]) {
    time_t then = (time_t)(wall_ms / 1000);
    time_t now = (time_t)(now_of(turn) / 1000);
    struct tm day;
    struct tm today;

    ret_text[0] = '\0';
    if (!localtime_r(&then, &day) || !localtime_r(&now, &today))
        return ret_text;
    bool is_today = day.tm_year == today.tm_year && day.tm_yday == today.tm_yday;
    if (is_today)
        strftime(ret_text, LOOK_TEXT_LEN, "%H:%M:%S", &day);
    else if (day.tm_year == today.tm_year)
        strftime(ret_text, LOOK_TEXT_LEN, "%d.%m. %H:%M", &day);
    else
        strftime(ret_text, LOOK_TEXT_LEN, "%d.%m.%Y %H:%M", &day);
    return ret_text;
}

const char *look_text_bar(double percent, char ret_text[static LOOK_TEXT_LEN]) {
    double share = isfinite(percent) ? percent / (100.0 / LOOK_TEXT_BAR_CELLS) : 0;
    long full = lround(share < 0 ? 0 : fmin(share, LOOK_TEXT_BAR_CELLS));
    size_t len = 0;

    for (long i = 0; i < LOOK_TEXT_BAR_CELLS; i++)
        len += (size_t)snprintf(ret_text + len, LOOK_TEXT_LEN - len, "%s",
                                i < full ? "█" : "░");
    return ret_text;
}

void look_text_add(struct buf *out, const char *text, size_t characters) {
    struct slice rest = slice_of_text(text);
    size_t kept = out->len; /* where the last but one character ends */
    size_t count = 0;

    while (rest.len > 0) {
        size_t len = utf8_char_len(rest);
        bool is_bad = len == 0 || rest.at[0] < 0x20 || rest.at[0] == 0x7f;
        if (count == characters) {
            out->len = kept;
            buf_add_text(out, "…");
            return;
        }
        kept = out->len;
        if (is_bad)
            buf_add_byte(out, ' ');
        else
            buf_add(out, rest.at, len);
        rest = slice_after(rest, len == 0 ? 1 : len);
        count++;
    }
}

char *look_text_cut(const char *text, size_t characters) {
    struct buf out = { 0 };

    look_text_add(&out, text ? text : "", characters);
    return buf_take_text(&out);
}

bool look_text_number(const char *word, uint64_t *ret_number) {
    size_t len = strspn(word, "0123456789");
    uint64_t number = 0;

    if (len == 0 || word[len] || len > NUMBER_DIGITS_MAX)
        return false;
    for (size_t i = 0; i < len; i++)
        number = number * 10 + (uint64_t)(word[i] - '0');
    *ret_number = number;
    return true;
}

bool look_text_has(const char *text, const char *word) {
    return text && strcasestr(text, word) != NULL;
}
