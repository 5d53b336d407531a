#include "chat/alert/alert_card.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/metric.h"
#include "chat/act/act_text.h"
#include "chat/alert/alert_text.h"
#include "wire/timestamp.h"

enum { STEPS_SHOWN = 20, STEP_MAX = 200, NODES_SHOWN = 20, PROCESSES_SHOWN = 5 };

struct card {
    const Roost__V1__Incident *incident; /* borrowed: the caller's */
    struct view *view;                   /* the caller's in the end */
    enum words_language language;
    bool is_firing;
    bool may_act;
};

static const char *say(const struct card *card, const char *english)
    __attribute__((format_arg(2)));
static const char *say(const struct card *card, const char *english) {
    return words_in(card->language, english);
}

static bool has_number(const Roost__V1__Incident *incident) {
    return incident->unit[0] && isfinite(incident->value);
}

static char *value_text(double value, const char *unit) {
    struct buf out = { 0 };

    alert_text_value(&out, value, unit);
    return buf_take_text(&out);
}

static void add_title(const struct card *card) {
    const Roost__V1__Incident *incident = card->incident;
    struct buf subject = { 0 };

    alert_text_subject(card->language, incident, &subject);
    if (has_number(incident) && card->is_firing) {
        auto_(mem_freep) char *value = value_text(incident->value, incident->unit);
        view_title(card->view, "%s %s: %s", alert_text_mark(incident), buf_text(&subject),
                   value);
    } else {
        view_title(card->view, "%s %s", alert_text_mark(incident), buf_text(&subject));
    }
    buf_done(&subject);
}

/* The line of the judge is English; in another language the figures say the same. */
static void add_text(const struct card *card) {
    const Roost__V1__Incident *incident = card->incident;

    if (card->language == WORDS_ENGLISH && incident->text[0])
        view_text(card->view, "%s", incident->text);
    if (incident->found_at_join)
        view_note(card->view, "%s", say(card, "It was so already when the host joined."));
    if (!has_number(incident))
        return;
    auto_(mem_freep) char *value = value_text(incident->value, incident->unit);
    view_field(card->view, card->is_firing ? say(card, "Value") : say(card, "Last value"),
               "%s", value);
    if (!isfinite(incident->threshold))
        return;
    auto_(mem_freep) char *threshold = value_text(incident->threshold, incident->unit);
    view_field(card->view, say(card, "Threshold"), "%s", threshold);
}

static void add_times(const struct card *card) {
    const Roost__V1__Incident *incident = card->incident;
    char started[ACT_TEXT_LEN], ended[ACT_TEXT_LEN], length[ALERT_TEXT_LEN];

    act_text_time(timestamp_get(incident->started), started);
    if (card->is_firing) {
        if (started[0])
            view_field(card->view, say(card, "Since"), "%s", started);
        return;
    }
    act_text_time(timestamp_get(incident->ended), ended);
    alert_text_length(card->language, incident, 0, length);
    view_field(card->view, say(card, "Was so"), say(card, "%s to %s, for %s"), started,
               ended, length);
}

static void add_nodes(const struct card *card) {
    const Roost__V1__Incident *incident = card->incident;
    struct buf names = { 0 };

    for (size_t i = 0; i < incident->n_nodes && i < NODES_SHOWN; i++)
        buf_printf(&names, "%s%s", i > 0 ? ", " : "", incident->nodes[i]);
    if (incident->n_nodes > NODES_SHOWN)
        buf_add_text(&names, ", …");
    if (names.len > 0)
        view_field(card->view, say(card, "Hosts"), "%s", buf_text(&names));
    buf_done(&names);
    if (incident->evidence[0])
        view_note(card->view, "%s", incident->evidence);
}

static void add_people(const struct card *card) {
    const Roost__V1__Incident *incident = card->incident;
    char until[ACT_TEXT_LEN];

    if (incident->acknowledged_by[0])
        view_text(card->view, say(card, "👤 %s looks after it."),
                  incident->acknowledged_by);
    if (incident->sleeps)
        view_text(card->view, "%s", say(card, "💤 It sleeps; nobody is told of it."));
    if (!card->is_firing || !incident->silenced_until)
        return;
    act_text_time(timestamp_get(incident->silenced_until), until);
    view_text(card->view, say(card, "🔕 Silent until %s."), until);
}

static void add_processes(const struct card *card) {
    const Roost__V1__Incident *incident = card->incident;

    if (incident->n_processes == 0)
        return;
    view_table(card->view, say(card, "process"), "PID", "CPU", say(card, "memory"),
               (char *)NULL);
    for (size_t i = 0; i < incident->n_processes && i < PROCESSES_SHOWN; i++) {
        const Roost__V1__IncidentProcess *process = incident->processes[i];
        auto_(mem_freep) char *name = act_text_cut(process->name, 32);
        auto_(mem_freep) char *pid = mem_printf("%d", process->pid);
        auto_(mem_freep) char *cpu = mem_printf("%.0f %%", process->cpu);
        char memory[ACT_TEXT_LEN];
        act_text_bytes(process->memory, memory);
        view_cells(card->view, (const char *const[]) { name, pid, cpu, memory });
    }
}

/* --- buttons --- */

static void add_fitting(const struct card *card) {
    const Roost__V1__Incident *incident = card->incident;
    const char *unit = alert_text_unit(incident);
    bool is_offline = strcmp(incident->series, "offline") == 0;

    view_row(card->view);
    if (unit && incident->node[0]) {
        auto_(mem_freep) char *quoted = act_text_quote(unit);
        view_button(card->view, VIEW_PLAIN, say(card, "↻ restart the service…"),
                    "service %s %s restart", incident->node, quoted);
    }
    if (is_offline && !incident->sleeps)
        view_button(card->view, VIEW_PLAIN, say(card, "💤 this one sleeps"),
                    "ack %llu --sleeps", (unsigned long long)incident->id);
    if (is_offline && incident->node[0])
        view_button(card->view, VIEW_PLAIN, say(card, "☀ wake it"), "wake %s",
                    incident->node);
}

static void add_buttons(const struct card *card, bool has_details) {
    const Roost__V1__Incident *incident = card->incident;
    unsigned long long id = incident->id;

    view_row(card->view);
    if (card->is_firing && card->may_act) {
        if (!incident->acknowledged_by[0])
            view_button(card->view, VIEW_SUCCESS, say(card, "👤 acknowledge"), "ack %llu",
                        id);
        view_button(card->view, VIEW_PLAIN, say(card, "🔕 1 h"), "silence %llu 1h", id);
    }
    if (!has_details)
        view_button(card->view, VIEW_PLAIN, say(card, "details"), "alert %llu --new", id);
    if (card->is_firing && card->may_act)
        add_fitting(card);
}

static void add_more_buttons(const struct card *card) {
    const Roost__V1__Incident *incident = card->incident;
    unsigned long long id = incident->id;

    if (card->is_firing && card->may_act) {
        view_row(card->view);
        view_button(card->view, VIEW_PLAIN, say(card, "🔕 8 h"), "silence %llu 8h", id);
        view_button(card->view, VIEW_PLAIN, say(card, "🔕 till 8:00"),
                    "silence %llu till 8:00", id);
        if (incident->silenced_until)
            view_button(card->view, VIEW_PLAIN, say(card, "🔔 not silent"),
                        "unsilence %llu", id);
        if (incident->acknowledged_by[0])
            view_button(card->view, VIEW_PLAIN, say(card, "not acknowledged"),
                        "ack %llu --undo", id);
    }
    view_row(card->view);
    if (alert_text_has_chart(incident)) {
        auto_(mem_freep) char *series = act_text_quote(incident->series);
        view_button(card->view, VIEW_PLAIN, say(card, "chart"), "plot %s %s 6h",
                    incident->node, series);
    }
    if (incident->node[0]) {
        view_button(card->view, VIEW_PLAIN, say(card, "processes"), "ps %s",
                    incident->node);
        view_button(card->view, VIEW_PLAIN, say(card, "host"), "node %s", incident->node);
    }
    if (incident->rule[0]) {
        auto_(mem_freep) char *rule = act_text_quote(incident->rule);
        view_button(card->view, VIEW_PLAIN, say(card, "rule"), "rule %s", rule);
    }
    view_row(card->view);
    view_button(card->view, VIEW_PLAIN, say(card, "refresh"), "alert %llu", id);
    view_button(card->view, VIEW_PLAIN, say(card, "‹ alerts"), "alerts");
}

/* --- the card --- */

/* Steps are told in English; those that people make are said in their language. */
static char *step_text(const struct card *card, const char *text) {
    static const char acknowledged[] = "acknowledged by ";
    static const char silenced[] = "silenced by ";
    static const char told[] = "told ";

    if (strncmp(text, acknowledged, strlen(acknowledged)) == 0)
        return mem_printf(say(card, "acknowledged by %s"), text + strlen(acknowledged));
    if (strncmp(text, silenced, strlen(silenced)) == 0)
        return mem_printf(say(card, "silenced by %s"), text + strlen(silenced));
    if (strncmp(text, told, strlen(told)) == 0)
        return mem_printf(say(card, "told %s"), text + strlen(told));
    return mem_strdup(words_in(card->language, text));
}

static void add_timeline(const struct card *card) {
    const Roost__V1__Incident *incident = card->incident;
    struct buf lines = { 0 };
    size_t first =
        incident->n_timeline > STEPS_SHOWN ? incident->n_timeline - STEPS_SHOWN : 0;

    for (size_t i = first; i < incident->n_timeline; i++) {
        auto_(mem_freep) char *step = step_text(card, incident->timeline[i]->text);
        auto_(mem_freep) char *text = act_text_cut(step, STEP_MAX);
        char when[ACT_TEXT_LEN];
        act_text_time(timestamp_get(incident->timeline[i]->time), when);
        buf_printf(&lines, "%s%s  %s", i > first ? "\n" : "", when, text);
    }
    if (lines.len > 0)
        view_code(card->view, buf_text(&lines));
    buf_done(&lines);
}

static struct card begin(enum words_language language,
                         const Roost__V1__Incident *incident,
                         struct slice png,
                         bool may_act) {
    bool is_firing = incident->state != ROOST__V1__INCIDENT_STATE__RESOLVED;
    struct card card = {
        .incident = incident,
        .view = view_new(),
        .language = language,
        .is_firing = is_firing,
        .may_act = may_act,
    };
    bool is_quiet = incident->acknowledged_by[0] || incident->silenced_until ||
                    incident->sleeps || incident->severity == ROOST__V1__SEVERITY__INFO;

    card.view->is_quiet = !is_firing || is_quiet;
    card.view->is_urgent =
        is_firing && incident->severity == ROOST__V1__SEVERITY__CRITICAL;
    if (png.len > 0)
        view_picture(card.view, png, incident->series);
    add_title(&card);
    add_text(&card);
    add_times(&card);
    add_nodes(&card);
    add_people(&card);
    add_processes(&card);
    return card;
}

struct view *alert_card_view(enum words_language language,
                             const Roost__V1__Incident *incident,
                             struct slice png,
                             bool may_act) {
    struct card card = begin(language, incident, png, may_act);

    add_buttons(&card, false);
    return card.view;
}

struct view *alert_card_details(enum words_language language,
                                const Roost__V1__Incident *incident,
                                struct slice png,
                                bool may_act) {
    struct card card = begin(language, incident, png, may_act);

    view_note(card.view, words_in(language, "No. %llu, rule %s, %s"),
              (unsigned long long)incident->id, incident->rule,
              alert_text_severity(language, incident->severity));
    add_timeline(&card);
    add_buttons(&card, true);
    add_more_buttons(&card);
    return card.view;
}
