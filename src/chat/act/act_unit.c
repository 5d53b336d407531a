#include "chat/act/act_unit.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "chat/act/act_call.h"
#include "chat/act/act_text.h"
#include "chat/act/act_units.h"
#include "roost/v1/units.pb-c.h"
#include "wire/pb.h"
#include "wire/timestamp.h"

enum { LOG_LINES = 8, LOG_LINE_MAX = 200, NAME_MAX_LEN = 256, TEXT_MAX = 300 };

static const struct verb {
    const char *name;
    const char *method;
    const char *label;  /* English */
    const char *effect; /* of the second screen; NULL: it is not asked */
    const char *doing;
    const char *done;
} verbs[] = {
    { "start", "/roost.v1.Units/Start", "▶ start", NULL, "It is started.",
      "It was started." },
    { "stop", "/roost.v1.Units/Stop", "■ stop",
      "It stops, and whoever uses it loses it, until it is started again.",
      "It is stopped.", "It was stopped." },
    { "restart", "/roost.v1.Units/Restart", "↻ restart",
      "It stops and starts again; what it has open is lost.", "It is restarted.",
      "It was restarted." },
    { "reload", "/roost.v1.Units/Reload", "reload", NULL, "It reads its settings anew.",
      "It has read its settings anew." },
    { "enable", "/roost.v1.Units/Enable", "enable", NULL,
      "It is made to start with the host.", "From now on it starts with the host." },
    { "disable", "/roost.v1.Units/Disable", "disable",
      "It no longer starts with the host; what runs now goes on.",
      "It is made not to start with the host.",
      "From now on it does not start with the host." },
};

struct servicing {
    struct act_state act;
    char *name;   /* owned: "nginx.service", or as it was typed */
    char *quoted; /* owned */
    char *note;   /* owned: what was done, of the view that follows it; or NULL */
    Roost__V1__Unit *unit; /* owned; NULL: not known yet */
    struct buf log;
    size_t lines;
    const struct verb *verb; /* NULL: show */
    bool log_failed;
};

static void end_servicing(void *state) {
    struct servicing *servicing = state;

    act_call_done(&servicing->act);
    free(servicing->name);
    free(servicing->quoted);
    free(servicing->note);
    pb_free((ProtobufCMessage *)servicing->unit);
    buf_done(&servicing->log);
}

const char *act_unit_mark(const char *active_state) {
    if (strcmp(active_state, "active") == 0)
        return "🟢";
    if (strcmp(active_state, "failed") == 0)
        return "🔴";
    return strcmp(active_state, "inactive") == 0 ? "⚪" : "🟡";
}

/* --- the view --- */

static const char *state_text(const struct turn *turn, const char *state) {
    static const char *const states[] = { "active",     "failed",    "inactive",
                                          "activating", "reloading", "deactivating" };

    for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++)
        if (strcmp(state, states[i]) == 0)
            return turn_say(turn, states[i]);
    return state;
}

static void add_result(struct turn *turn,
                       struct view *view,
                       const Roost__V1__Unit *unit) {
    if (unit->result[0] && strcmp(unit->result, "success") != 0) {
        if (unit->exit_code_known_case && unit->exit_code != 0)
            view_field(view, turn_say(turn, "Last result"), "%s (%d)", unit->result,
                       unit->exit_code);
        else
            view_field(view, turn_say(turn, "Last result"), "%s", unit->result);
    }
    if (unit->restarts > 0)
        view_field(view, turn_say(turn, "Restarts"), "%u", unit->restarts);
}

static void add_figures(struct turn *turn,
                        struct view *view,
                        const Roost__V1__Unit *unit) {
    char text[ACT_TEXT_LEN];

    if (unit->memory_bytes_known_case) {
        act_text_bytes(unit->memory_bytes, text);
        view_field(view, turn_say(turn, "Memory"), "%s", text);
    }
    if (unit->main_pid > 0)
        view_field(view, turn_say(turn, "Main process"), "%u", unit->main_pid);
    if (unit->tasks_known_case)
        view_field(view, turn_say(turn, "Tasks"), "%llu",
                   (unsigned long long)unit->tasks);
    if (unit->next) {
        act_text_time(timestamp_get(unit->next), text);
        view_field(view, turn_say(turn, "Next"), "%s", text);
    }
    if (unit->triggers[0])
        view_field(view, turn_say(turn, "Starts"), "%s", unit->triggers);
    for (size_t i = 0; i < unit->n_listens && i < 4; i++)
        view_field(view, turn_say(turn, "Listens"), "%s", unit->listens[i]);
}

static void add_unit(struct turn *turn, struct view *view, const Roost__V1__Unit *unit) {
    char since[ACT_TEXT_LEN];

    view_title(view, "%s %s · %s", act_unit_mark(unit->active_state), unit->name,
               turn_node(turn));
    if (unit->description[0]) {
        auto_(mem_freep) char *description = act_text_cut(unit->description, TEXT_MAX);
        view_text(view, "%s", description);
    }
    act_text_since(turn, timestamp_get(unit->since), since);
    if (since[0])
        view_field(view, turn_say(turn, "State"), turn_say(turn, "%s (%s), for %s"),
                   state_text(turn, unit->active_state), unit->sub_state, since);
    else
        view_field(view, turn_say(turn, "State"), "%s (%s)",
                   state_text(turn, unit->active_state), unit->sub_state);
    if (strcmp(unit->load_state, "loaded") != 0 && unit->load_state[0])
        view_field(view, turn_say(turn, "File"), "%s", unit->load_state);
    if (unit->file_state[0])
        view_field(view, turn_say(turn, "With the host"), "%s", unit->file_state);
    add_result(turn, view, unit);
    add_figures(turn, view, unit);
    if (unit->is_own)
        view_note(view, "%s",
                  turn_say(turn, "This is the agent itself: without it the host is not "
                                 "reached."));
}

static bool is_offered(const struct verb *verb, const Roost__V1__Unit *unit) {
    bool is_active = strcmp(unit->active_state, "active") == 0 ||
                     strcmp(unit->active_state, "activating") == 0 ||
                     strcmp(unit->active_state, "reloading") == 0;
    bool is_enabled = strncmp(unit->file_state, "enabled", 7) == 0;

    if (strcmp(verb->name, "start") == 0)
        return !is_active;
    if (strcmp(verb->name, "stop") == 0 || strcmp(verb->name, "restart") == 0)
        return is_active;
    if (strcmp(verb->name, "reload") == 0)
        return is_active && unit->can_reload;
    if (strcmp(verb->name, "enable") == 0)
        return strcmp(unit->file_state, "disabled") == 0;
    return is_enabled;
}

static void add_buttons(struct turn *turn,
                        struct view *view,
                        const struct servicing *servicing) {
    const Roost__V1__Unit *unit = servicing->unit;
    size_t count = 0;

    for (size_t i = 0; act_call_may(turn) && i < sizeof(verbs) / sizeof(verbs[0]); i++) {
        if (!is_offered(&verbs[i], unit))
            continue;
        if (count++ % 3 == 0)
            view_row(view);
        view_button(view, VIEW_PLAIN, turn_say(turn, verbs[i].label), "service %s %s %s",
                    turn_node(turn), servicing->quoted, verbs[i].name);
    }
    view_row(view);
    if (act_call_may(turn))
        view_button(view, VIEW_PLAIN, turn_say(turn, "logs"), "logs %s %s",
                    turn_node(turn), servicing->quoted);
    view_button(view, VIEW_PLAIN, turn_say(turn, "refresh"), "service %s %s",
                turn_node(turn), servicing->quoted);
    if (unit->main_pid > 0 && act_call_may(turn))
        view_button(view, VIEW_PLAIN, turn_say(turn, "process…"), "kill %s %u",
                    turn_node(turn), unit->main_pid);
    auto_(mem_freep) char *back = mem_printf("units %s", turn_node(turn));
    act_call_back(turn, view, back);
}

static void show_unit(struct turn *turn, struct servicing *servicing) {
    struct view *view = view_new();

    add_unit(turn, view, servicing->unit);
    if (servicing->note)
        view_text(view, "%s", servicing->note);
    if (servicing->log.len > 0)
        view_code(view, buf_text(&servicing->log));
    add_buttons(turn, view, servicing);
    turn_show(turn, view);
}

/* --- its last lines --- */

static bool on_line(struct turn *turn, void *arg, const ProtobufCMessage *message) {
    const Roost__V1__LogLine *line = (const Roost__V1__LogLine *)message;
    struct servicing *servicing = arg;
    char when[ACT_TEXT_LEN];

    if (servicing->lines++ >= LOG_LINES)
        return false;
    act_text_time(timestamp_get(line->time), when);
    auto_(mem_freep) char *text = act_text_cut(line->message, LOG_LINE_MAX);
    buf_printf(&servicing->log, "%s%s %s", servicing->log.len > 0 ? "\n" : "",
               strlen(when) > 8 ? when + 8 : when, text); /* the time of day */
    return true;
}

static void on_lines_end(struct turn *turn,
                         void *arg,
                         enum grpc_status status,
                         const char *message) {
    struct servicing *servicing = arg;

    servicing->log_failed = status != GRPC_OK; /* lines are an extra */
    show_unit(turn, servicing);
}

static void ask_log(struct turn *turn, struct servicing *servicing) {
    static const struct turn_stream_events events = {
        .on_message = on_line,
        .on_end = on_lines_end,
    };
    Roost__V1__LogsRequest request = ROOST__V1__LOGS_REQUEST__INIT;

    request.unit = servicing->unit->name;
    request.lines = LOG_LINES;
    turn_stream(turn, turn_node(turn), "/roost.v1.Units/Logs", &request.base, &events,
                servicing);
}

/* --- looking --- */

/* Keeps a copy. */
static void keep_unit(struct servicing *servicing, const Roost__V1__Unit *unit) {
    ProtobufCMessage *copied = act_call_copy(&unit->base);

    pb_free((ProtobufCMessage *)servicing->unit);
    servicing->unit = (Roost__V1__Unit *)copied;
    free(servicing->quoted);
    servicing->quoted = act_text_quote(unit->name);
}

static void confirm(struct turn *turn, const struct servicing *servicing);

static void on_unit(struct turn *turn,
                    void *arg,
                    enum grpc_status status,
                    const char *message,
                    const ProtobufCMessage *reply) {
    struct servicing *servicing = arg;

    if (status != GRPC_OK) {
        auto_(mem_freep) char *back = mem_printf("units %s", turn_node(turn));
        auto_(mem_freep) char *what =
            mem_printf("%s: %s", turn_node(turn), servicing->name);
        if (status == GRPC_UNIMPLEMENTED)
            message = turn_say(turn, "This host has no systemd.");
        act_call_fail(turn, status, message, what, NULL, back);
        return;
    }
    keep_unit(servicing, (const Roost__V1__Unit *)reply);
    if (servicing->verb)
        confirm(turn, servicing);
    else if (act_call_may(turn))
        ask_log(turn, servicing);
    else
        show_unit(turn, servicing);
}

static void ask_unit(struct turn *turn, struct servicing *servicing) {
    Roost__V1__GetUnitRequest request = ROOST__V1__GET_UNIT_REQUEST__INIT;

    request.name = servicing->name;
    turn_call(turn, turn_node(turn), "/roost.v1.Units/Get", &request.base, on_unit,
              servicing);
}

/* --- acting --- */

static void confirm(struct turn *turn, const struct servicing *servicing) {
    const Roost__V1__Unit *unit = servicing->unit;
    auto_(mem_freep) char *back =
        mem_printf("service %s %s", turn_node(turn), servicing->quoted);
    struct view *view = view_new();

    view_title(view, "⚠️ %s: %s?", unit->name,
               turn_say(turn, servicing->verb->label));
    view_field(view, turn_say(turn, "Host"), "%s", turn_node(turn));
    view_field(view, turn_say(turn, "State"), "%s %s (%s)",
               act_unit_mark(unit->active_state), state_text(turn, unit->active_state),
               unit->sub_state);
    view_text(view, "%s", turn_say(turn, servicing->verb->effect));
    if (unit->is_own)
        view_text(view, "%s",
                  turn_say(turn, "This is the agent itself: without it the host is not "
                                 "reached."));
    view_confirm(view, VIEW_DANGER,
                 unit->is_own ? turn_say(turn, "yes, in spite of that")
                              : turn_say(turn, "yes, do it"),
                 "service %s %s %s%s", turn_node(turn), servicing->quoted,
                 servicing->verb->name, unit->is_own ? " --force" : "");
    act_call_back(turn, view, back);
    turn_show(turn, view);
}

static void take_lines(struct servicing *servicing, const Roost__V1__UnitResult *result) {
    for (size_t i = 0; i < result->n_log && i < LOG_LINES; i++) {
        auto_(mem_freep) char *text = act_text_cut(result->log[i]->message, LOG_LINE_MAX);
        buf_printf(&servicing->log, "%s%s", i > 0 ? "\n" : "", text);
    }
}

static char *note_of(const struct turn *turn,
                     const struct verb *verb,
                     const Roost__V1__UnitResult *result) {
    const char *job = result->job_result;

    if (strcmp(job, "done") == 0 || job[0] == '\0')
        return mem_printf("✅ %s", turn_say(turn, verb->done));
    if (strcmp(job, "unchanged") == 0)
        return mem_printf("✅ %s", turn_say(turn, "It was so already."));
    if (strcmp(job, "running") == 0)
        return mem_printf("⏳ %s", turn_say(turn, "It is not over yet; it goes on."));
    if (result->reason[0])
        return mem_printf(turn_say(turn, "⛔ It failed: %s"), result->reason);
    return mem_printf(turn_say(turn, "⛔ It failed: %s"), job);
}

static void on_done(struct turn *turn,
                    void *arg,
                    enum grpc_status status,
                    const char *message,
                    const ProtobufCMessage *reply) {
    const Roost__V1__UnitResult *result = (const Roost__V1__UnitResult *)reply;
    struct servicing *servicing = arg;

    free(servicing->note);
    servicing->note = note_of(turn, servicing->verb, result);
    servicing->verb = NULL; /* from here on it is shown */
    take_lines(servicing, result);
    if (!result->unit) {
        ask_unit(turn, servicing);
        return;
    }
    keep_unit(servicing, result->unit);
    if (servicing->log.len > 0)
        show_unit(turn, servicing);
    else
        ask_log(turn, servicing);
}

static void act(struct turn *turn, struct servicing *servicing) {
    Roost__V1__UnitRequest request = ROOST__V1__UNIT_REQUEST__INIT;
    auto_(mem_freep) char *back =
        mem_printf("service %s %s", turn_node(turn), servicing->quoted);
    auto_(mem_freep) char *what =
        mem_printf("%s: %s: %s", turn_node(turn), servicing->name, servicing->verb->name);
    struct view *view = view_new();

    request.name = servicing->name;
    request.force = turn_flag(turn, "force") != NULL;
    request.now = turn_flag(turn, "now") != NULL;
    request.operation_id = pb_lend(turn_operation(turn, 0));
    view_title(view, "⏳ %s · %s", servicing->name, turn_node(turn));
    view_text(view, "%s", turn_say(turn, servicing->verb->doing));
    turn_progress(turn, view);
    act_call_run(turn, &servicing->act,
                 &(const struct act_call) {
                     .node = turn_node(turn),
                     .method = servicing->verb->method,
                     .request = &request.base,
                     .what = what,
                     .back = back,
                     .on_reply = on_done,
                     .arg = servicing,
                 });
}

static const struct verb *find_verb(const char *word) {
    for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
        if (strcasecmp(word, verbs[i].name) == 0)
            return &verbs[i];
    return NULL;
}

void act_unit_run(struct turn *turn) {
    const char *first = turn_word(turn, 0);
    const char *second = turn_word(turn, 1);

    if (!first) {
        act_units_list(turn);
        return;
    }
    /* "service nas nginx restart", and "service nas restart nginx" as people type it. */
    const struct verb *verb = second ? find_verb(second) : NULL;
    const char *name = first;
    if (second && !verb) {
        verb = find_verb(first);
        name = second;
    }
    if (second && !verb) {
        turn_complain(turn, turn_say(turn, "\"%s\" is nothing that is done to a service"),
                      second);
        return;
    }
    if (strlen(name) > NAME_MAX_LEN) {
        turn_complain(turn, "%s", turn_say(turn, "No service has such a long name"));
        return;
    }
    struct servicing *servicing = turn_state(turn, sizeof(*servicing), end_servicing);
    servicing->name = mem_strdup(name);
    servicing->quoted = act_text_quote(name);
    servicing->verb = verb;
    if (verb && (!verb->effect || turn_is_confirmed(turn)))
        act(turn, servicing);
    else
        ask_unit(turn, servicing);
}
