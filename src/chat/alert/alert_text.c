#include "chat/alert/alert_text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/metric.h"
#include "chat/act/act_text.h"
#include "wire/timestamp.h"

const char *alert_text_severity_mark(Roost__V1__Severity severity) {
    switch (severity) {
    case ROOST__V1__SEVERITY__CRITICAL:
        return "🔴";
    case ROOST__V1__SEVERITY__WARNING:
        return "🟡";
    default:
        return "🔵";
    }
}

const char *alert_text_mark(const Roost__V1__Incident *incident) {
    return incident->state == ROOST__V1__INCIDENT_STATE__RESOLVED
               ? "✅"
               : alert_text_severity_mark(incident->severity);
}

const char *alert_text_severity(enum words_language language,
                                Roost__V1__Severity severity) {
    switch (severity) {
    case ROOST__V1__SEVERITY__CRITICAL:
        return words_in(language, "critical");
    case ROOST__V1__SEVERITY__WARNING:
        return words_in(language, "warning");
    default:
        return words_in(language, "for information");
    }
}

/* What follows the word and a blank in the series; NULL: it does not begin so. */
static const char *behind(const Roost__V1__Incident *incident, const char *word) {
    size_t len = strlen(word);

    return strncmp(incident->series, word, len) == 0 && incident->series[len] == ' '
               ? incident->series + len + 1
               : NULL;
}

const char *alert_text_unit(const Roost__V1__Incident *incident) {
    return behind(incident, "unit");
}

bool alert_text_has_chart(const Roost__V1__Incident *incident) {
    return incident->node[0] && metric_find(incident->series) != NULL;
}

static void add_what(enum words_language language,
                     const Roost__V1__Incident *incident,
                     struct buf *out) {
    const char *unit = alert_text_unit(incident);
    const char *probe = behind(incident, "probe");
    const char *certificate = behind(incident, "certificate");

    if (unit)
        buf_printf(out, words_in(language, "%s has failed"), unit);
    else if (probe)
        buf_printf(out, words_in(language, "%s does not answer"), probe);
    else if (certificate)
        buf_printf(out, words_in(language, "the certificate of %s ends"), certificate);
    else if (strcmp(incident->series, "offline") == 0)
        buf_add_text(out, words_in(language, "not online"));
    else
        buf_add_text(out, incident->series[0] ? incident->series : incident->rule);
}

void alert_text_subject(enum words_language language,
                        const Roost__V1__Incident *incident,
                        struct buf *out) {
    char form[ALERT_TEXT_LEN];

    if (incident->node[0])
        buf_printf(out, "%s: ", incident->node);
    else if (incident->n_nodes > 0)
        buf_printf(out, "%zu %s: ", incident->n_nodes,
                   words_plural(language, incident->n_nodes,
                                words_in(language, "host|hosts"), form, sizeof(form)));
    add_what(language, incident, out);
}

/* --- values --- */

static void add_scaled(struct buf *out,
                       double value,
                       double step,
                       const char *const *words,
                       size_t count,
                       const char *end) {
    size_t at = 0;

    while (at + 1 < count && fabs(value) >= step) {
        value /= step;
        at++;
    }
    buf_printf(out, "%.*f %s%s", at > 0 ? 1 : 0, value, words[at], end);
}

/* Up to two decimals, and none that say nothing. */
static void add_plain(struct buf *out, double value, const char *unit) {
    char text[ALERT_TEXT_LEN];
    int len = snprintf(text, sizeof(text), "%.2f", value);

    while (len > 0 && len < ALERT_TEXT_LEN && strchr(text, '.') &&
           (text[len - 1] == '0' || text[len - 1] == '.')) {
        bool is_dot = text[len - 1] == '.';
        text[--len] = '\0';
        if (is_dot)
            break;
    }
    buf_printf(out, "%s%s%s", text, unit[0] ? " " : "", unit);
}

static void add_time(struct buf *out, double ms) {
    char text[ALERT_TEXT_LEN];

    if (fabs(ms) < 1000) {
        buf_printf(out, "%.1f ms", ms);
        return;
    }
    words_duration(WORDS_ENGLISH, (unsigned long long)fabs(ms), text, sizeof(text));
    buf_printf(out, "%s%s", ms < 0 ? "-" : "", text);
}

void alert_text_value(struct buf *out, double value, const char *unit) {
    static const char *const bytes[] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB" };
    static const char *const thousands[] = { "", "k", "M", "G", "T" };

    if (!isfinite(value))
        buf_add_text(out, "?");
    else if (strcmp(unit, "By") == 0)
        add_scaled(out, value, 1024, bytes, 6, "");
    else if (strcmp(unit, "By/s") == 0)
        add_scaled(out, value, 1024, bytes, 6, "/s");
    else if (strcmp(unit, "Hz") == 0)
        add_scaled(out, value, 1000, thousands, 5, "Hz");
    else if (strcmp(unit, "ms") == 0)
        add_time(out, value);
    else if (strcmp(unit, "s") == 0)
        add_time(out, value * 1000);
    else if (strcmp(unit, "%") == 0)
        buf_printf(out, "%.1f %%", value);
    else if (strcmp(unit, "Cel") == 0)
        add_plain(out, value, "°C");
    else
        add_plain(out, value, strcmp(unit, "1") == 0 ? "" : unit);
}

/* --- times --- */

void alert_text_length(enum words_language language,
                       const Roost__V1__Incident *incident,
                       int64_t now_ms,
                       char ret_text[static ALERT_TEXT_LEN]) {
    int64_t end_ms = timestamp_get(incident->ended);
    int64_t length_ms = (end_ms ? end_ms : now_ms) - timestamp_get(incident->started);

    words_duration(language, length_ms > 0 ? (unsigned long long)length_ms : 0, ret_text,
                   ALERT_TEXT_LEN);
}

static const struct time_unit {
    const char *word; /* in both languages; the shortest */
    uint64_t ms;
} time_units[] = {
    { "s", 1000 },         { "sec", 1000 },        { "с", 1000 },
    { "сек", 1000 },       { "m", 60000 },         { "min", 60000 },
    { "мин", 60000 },      { "м", 60000 },         { "h", 3600000 },
    { "hour", 3600000 },   { "hours", 3600000 },   { "ч", 3600000 },
    { "час", 3600000 },    { "часа", 3600000 },    { "часов", 3600000 },
    { "d", 86400000 },     { "day", 86400000 },    { "days", 86400000 },
    { "д", 86400000 },     { "дн", 86400000 },     { "день", 86400000 },
    { "дня", 86400000 },   { "дней", 86400000 },   { "w", 604800000 },
    { "week", 604800000 }, { "weeks", 604800000 }, { "нед", 604800000 },
};

bool alert_text_parse_length(const char *text, uint64_t max_ms, uint64_t *ret_ms) {
    size_t digits = strspn(text, "0123456789");
    uint64_t ms;

    if (digits > 0 && digits < 8) {
        for (size_t i = 0; i < sizeof(time_units) / sizeof(time_units[0]); i++) {
            if (strcmp(text + digits, time_units[i].word) != 0)
                continue;
            ms = strtoull(text, NULL, 10) * time_units[i].ms;
            if (ms == 0 || ms > max_ms)
                return false;
            *ret_ms = ms;
            return true;
        }
    }
    if (clock_parse_duration(text, &ms) != 0 || ms < 1000 || ms > max_ms)
        return false;
    *ret_ms = ms;
    return true;
}

/* "8:00", "22:30", "8": hours and minutes; false else. */
static bool parse_clock(const char *text, int *ret_hour, int *ret_minute) {
    size_t hour_len = strspn(text, "0123456789");
    size_t minute_len = 0;

    if (hour_len < 1 || hour_len > 2)
        return false;
    if (text[hour_len] == ':')
        minute_len = strspn(text + hour_len + 1, "0123456789");
    if (text[hour_len] != ':' || minute_len != 2 || text[hour_len + 3] != '\0')
        return false;
    *ret_hour = (int)strtol(text, NULL, 10);
    *ret_minute = (int)strtol(text + hour_len + 1, NULL, 10);
    return *ret_hour < 24 && *ret_minute < 60;
}

int64_t alert_text_parse_time(const char *text, int64_t now_ms) {
    time_t now = (time_t)(now_ms / 1000);
    struct tm parts;
    int hour, minute;

    if (!parse_clock(text, &hour, &minute) || !localtime_r(&now, &parts))
        return 0;
    parts.tm_hour = hour;
    parts.tm_min = minute;
    parts.tm_sec = 0;
    parts.tm_isdst = -1;
    struct tm next = parts;
    time_t then = mktime(&parts);
    if (then <= now) {
        next.tm_mday++;
        then = mktime(&next);
    }
    return then == (time_t)-1 ? 0 : (int64_t)then * 1000;
}
