#include "alerts/notifier/telling.h"

#include <string.h>

#include "alerts/incidents/incident.h"
#include "alerts/notifier/decision.h"
#include "base/mem.h"
#include "draw/zone.h"
#include "wire/html.h"

enum { MINUTE_MS = 60000, HOUR_MS = 60 * MINUTE_MS, DAY_MS = 24 * HOUR_MS };

enum telling_language telling_language_of(const char *code) {
    return code && strncmp(code, "ru", 2) == 0 ? TELLING_RUSSIAN : TELLING_ENGLISH;
}

const char *telling_word(enum telling_language language,
                         const char *english,
                         const char *russian) {
    return language == TELLING_RUSSIAN ? russian : english;
}

static const char *word(const struct telling *telling,
                        const char *english,
                        const char *russian) {
    return telling_word(telling->language, english, russian);
}

static const char *severity(const struct telling *telling) {
    switch (telling->incident->severity) {
    case INCIDENT_CRITICAL:
        return word(telling, "Critical", "Критично");
    case INCIDENT_WARNING:
        return word(telling, "Warning", "Внимание");
    case INCIDENT_INFO:
        break;
    }
    return word(telling, "Note", "К сведению");
}

static const char *state(const struct telling *telling) {
    if (telling->incident->state == INCIDENT_RESOLVED)
        return word(telling, "Over", "Прошло");
    if (telling->stage == TELLING_ESCALATION)
        return word(telling, "Nobody looks after it", "Никто не занялся");
    if (telling->stage == TELLING_REPEAT)
        return word(telling, "Still", "Всё ещё");
    return severity(telling);
}

void telling_subject(const struct telling *telling, struct buf *out) {
    const struct incident *incident = telling->incident;
    size_t count = 0;

    while (incident->nodes && incident->nodes[count])
        count++;
    if (incident->node[0])
        buf_add_text(out, incident->node);
    else
        buf_printf(out, "%s: %zu", word(telling, "Nodes", "Узлов"), count);
    if (incident->series[0])
        buf_printf(out, ", %s", incident->series);
}

void telling_title(const struct telling *telling, struct buf *out) {
    buf_printf(out, "%s: ", state(telling));
    telling_subject(telling, out);
}

void telling_span(enum telling_language language, int64_t span_ms, struct buf *out) {
    const char *day = telling_word(language, "d", "д");
    const char *hour = telling_word(language, "h", "ч");
    const char *minute = telling_word(language, "min", "мин");

    if (span_ms >= DAY_MS)
        buf_printf(out, "%lld %s %lld %s", (long long)(span_ms / DAY_MS), day,
                   (long long)(span_ms % DAY_MS / HOUR_MS), hour);
    else if (span_ms >= HOUR_MS)
        buf_printf(out, "%lld %s %lld %s", (long long)(span_ms / HOUR_MS), hour,
                   (long long)(span_ms % HOUR_MS / MINUTE_MS), minute);
    else if (span_ms >= MINUTE_MS)
        buf_printf(out, "%lld %s", (long long)(span_ms / MINUTE_MS), minute);
    else
        buf_printf(out, "%lld %s", (long long)(span_ms / 1000),
                   telling_word(language, "s", "с"));
}

void telling_time(const struct telling *telling, int64_t time_ms, struct buf *out) {
    auto_(zone_freep) struct zone *zone = NULL;
    struct zone_time time;

    if (zone_open(telling->zone, &zone) != 0 && zone_open(NULL, &zone) != 0)
        return;
    zone_split(zone, time_ms / 1000, &time);
    if (telling->language == TELLING_RUSSIAN)
        buf_printf(out, "%02d.%02d %02d:%02d", time.day, time.month, time.hour,
                   time.minute);
    else
        buf_printf(out, "%d %s %02d:%02d", time.day, zone_month_name(time.month),
                   time.hour, time.minute);
}

static void add_when(const struct telling *telling, struct buf *out) {
    const struct incident *incident = telling->incident;
    bool is_over = incident->state == INCIDENT_RESOLVED && incident->ended_ms > 0;
    int64_t end_ms = is_over ? incident->ended_ms : telling->now_ms;

    buf_printf(out, "%s ", word(telling, "Since", "С"));
    telling_time(telling, incident->started_ms, out);
    if (is_over) {
        buf_printf(out, " %s ", word(telling, "until", "до"));
        telling_time(telling, incident->ended_ms, out);
    }
    if (end_ms - incident->started_ms >= 1000) {
        buf_add_text(out, " (");
        telling_span(telling->language, end_ms - incident->started_ms, out);
        buf_add_byte(out, ')');
    }
    buf_add_byte(out, '\n');
}

static void add_processes(const struct telling *telling, struct buf *out) {
    const struct incident *incident = telling->incident;

    for (size_t i = 0; i < incident->process_count; i++) {
        const struct incident_process *process = &incident->processes[i];
        if (i == 0)
            buf_printf(out, "%s\n", word(telling, "At that moment:", "В тот момент:"));
        buf_printf(out, "  %s (%d, %s): %.0f %% CPU, %.0f MiB\n", process->name,
                   process->pid, process->user, process->cpu,
                   (double)process->memory / (1 << 20));
    }
}

void telling_text(const struct telling *telling, struct buf *out) {
    const struct incident *incident = telling->incident;

    buf_printf(out, "%s\n", incident->text);
    add_when(telling, out);
    for (size_t i = 0; incident->nodes && incident->nodes[i]; i++)
        buf_printf(out, "%s%s%s", i > 0 ? ", " : "", incident->nodes[i],
                   incident->nodes[i + 1] ? "" : "\n");
    if (incident->evidence[0])
        buf_printf(out, "%s\n", incident->evidence);
    if (incident->acknowledged_by[0])
        buf_printf(out, "%s %s\n", word(telling, "Looked after by", "Занимается"),
                   incident->acknowledged_by);
    if (telling->note && telling->note[0])
        buf_printf(out, "%s\n", telling->note);
    add_processes(telling, out);
}

void telling_line(const struct telling *telling, struct buf *out) {
    const struct incident *incident = telling->incident;

    buf_printf(out, "• %s, %s: %s", severity(telling),
               incident->node[0] ? incident->node : "-", incident->text);
    if (incident->state == INCIDENT_RESOLVED)
        buf_printf(out, " (%s)", word(telling, "over", "прошло"));
    buf_add_byte(out, '\n');
}

void telling_digest_title(enum telling_language language,
                          int gather,
                          size_t count,
                          struct buf *out) {
    const char *name = gather == DECISION_QUIET
                           ? telling_word(language, "In the quiet hours", "За тихие часы")
                           : telling_word(language, "Many at once", "Много сразу");
    buf_printf(out, "%s (%zu)", name, count);
}

/* --- HTML --- */

void telling_page(const char *title,
                  const char *text,
                  const char *const *images,
                  size_t image_count,
                  struct buf *out) {
    buf_add_text(out, "<!DOCTYPE html>\n<html><head><meta charset=\"utf-8\"></head>"
                      "<body style=\"font-family: sans-serif\">\n<h3>");
    html_add_text(out, slice_of_text(title), HTML_LINES_BREAK);
    buf_add_text(out, "</h3>\n<p>");
    html_add_text(out, slice_of_text(text), HTML_LINES_BREAK);
    buf_add_text(out, "</p>\n");
    for (size_t i = 0; i < image_count; i++)
        buf_printf(out, "<p><img src=\"%s\" style=\"max-width: 100%%\" alt=\"\"></p>\n",
                   images[i]);
    buf_add_text(out, "</body></html>\n");
}
