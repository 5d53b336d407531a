#include "chat/act/act_power.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/mem.h"
#include "chat/act/act_call.h"
#include "chat/act/act_text.h"
#include "roost/v1/power.pb-c.h"
#include "wire/pb.h"
#include "wire/timestamp.h"

enum { DELAY_MAX_MS = 7 * 24 * 3600 * 1000 };

static const struct ending {
    const char *name;
    const char *method;
    const char *effect;
    const char *red;
} endings[] = {
    { "reboot", "/roost.v1.Power/Reboot",
      "All that runs there ends; it is back within minutes, if all is well.",
      "yes, restart it" },
    { "shutdown", "/roost.v1.Power/Shutdown",
      "All that runs there ends, and it stays off until somebody turns it on.",
      "yes, turn it off" },
};

static char *back_of(const struct turn *turn) {
    return mem_printf("power %s", turn_node(turn));
}

/* --- the screen --- */

static void add_ways(struct turn *turn, struct view *view, bool is_planned) {
    const char *node = turn_node(turn);

    if (act_call_may(turn)) {
        view_row(view);
        if (is_planned)
            view_button(view, VIEW_PRIMARY, turn_say(turn, "cancel what is planned"),
                        "reboot %s cancel", node);
        view_row(view);
        view_button(view, VIEW_PLAIN, turn_say(turn, "↻ restart…"), "reboot %s", node);
        view_button(view, VIEW_PLAIN, turn_say(turn, "in 5 min…"), "reboot %s in 5m",
                    node);
        view_row(view);
        view_button(view, VIEW_PLAIN, turn_say(turn, "⏻ shut down…"), "shutdown %s",
                    node);
        view_button(view, VIEW_PLAIN, turn_say(turn, "in 5 min…"), "shutdown %s in 5m",
                    node);
    }
    auto_(mem_freep) char *back = mem_printf("node %s", node);
    act_call_back(turn, view, back);
}

static void add_plan(struct turn *turn,
                     struct view *view,
                     const Roost__V1__PowerResponse *response) {
    char when[ACT_TEXT_LEN];

    act_text_time(timestamp_get(response->at), when);
    if (strcmp(response->planned, "reboot") == 0)
        view_text(view, turn_say(turn, "It restarts on %s."), when);
    else if (response->planned[0])
        view_text(view, turn_say(turn, "It shuts down on %s."), when);
    else
        view_text(view, "%s", turn_say(turn, "Nothing is planned."));
    for (size_t i = 0; i < response->n_inhibitors && i < 5; i++)
        view_field(view, turn_say(turn, "Would hold it up"), "%s",
                   response->inhibitors[i]);
}

/* An offline host: it may be woken. */
static void show_offline(struct turn *turn, const char *message) {
    struct view *view = view_new();

    view_title(view, turn_say(turn, "%s: power"), turn_node(turn));
    view_text(view, "%s", turn_say(turn, "The host is not online."));
    view_note(view, "%s", message);
    if (act_call_may(turn))
        view_button(view, VIEW_PRIMARY, turn_say(turn, "☀ wake it"), "wake %s",
                    turn_node(turn));
    auto_(mem_freep) char *back = mem_printf("node %s", turn_node(turn));
    act_call_back(turn, view, back);
    turn_show(turn, view);
}

static void on_status(struct turn *turn,
                      void *arg,
                      enum grpc_status status,
                      const char *message,
                      const ProtobufCMessage *reply) {
    const Roost__V1__PowerResponse *response = (const Roost__V1__PowerResponse *)reply;

    if (status == GRPC_UNAVAILABLE) {
        show_offline(turn, message);
        return;
    }
    struct view *view = view_new();
    view_title(view, turn_say(turn, "%s: power"), turn_node(turn));
    if (status == GRPC_OK)
        add_plan(turn, view, response);
    else
        act_call_reason(turn, view, message);
    add_ways(turn, view, status == GRPC_OK && response->planned[0]);
    turn_show(turn, view);
}

void act_power_screen(struct turn *turn) {
    Roost__V1__PowerStatusRequest request = ROOST__V1__POWER_STATUS_REQUEST__INIT;

    turn_call(turn, turn_node(turn), "/roost.v1.Power/Status", &request.base, on_status,
              NULL);
}

/* --- acting --- */

static void on_cancelled(struct turn *turn,
                         void *arg,
                         enum grpc_status status,
                         const char *message,
                         const ProtobufCMessage *reply) {
    struct view *view = view_new();

    view_title(view, "✅ %s", turn_node(turn));
    view_text(view, "%s", turn_say(turn, "Nothing is planned any more."));
    auto_(mem_freep) char *back = back_of(turn);
    act_call_back(turn, view, back);
    turn_show(turn, view);
}

static void cancel(struct turn *turn) {
    Roost__V1__CancelPowerRequest request = ROOST__V1__CANCEL_POWER_REQUEST__INIT;
    auto_(mem_freep) char *back = back_of(turn);
    auto_(mem_freep) char *what =
        mem_printf(turn_say(turn, "%s: take the plan back"), turn_node(turn));
    struct act_state *state = act_call_state(turn);

    request.operation_id = pb_lend(turn_operation(turn, 0));
    act_call_run(turn, state,
                 &(const struct act_call) {
                     .node = turn_node(turn),
                     .method = "/roost.v1.Power/Cancel",
                     .request = &request.base,
                     .what = what,
                     .back = back,
                     .on_reply = on_cancelled,
                     .arg = state,
                 });
}

static void on_ending(struct turn *turn,
                      void *arg,
                      enum grpc_status status,
                      const char *message,
                      const ProtobufCMessage *reply) {
    const Roost__V1__PowerResponse *response = (const Roost__V1__PowerResponse *)reply;
    bool is_reboot = strcmp(response->planned, "poweroff") != 0;
    struct view *view = view_new();
    int64_t at_ms = timestamp_get(response->at);

    view_title(view, "✅ %s", turn_node(turn));
    if (at_ms > act_text_now_ms(turn) + 30000) {
        add_plan(turn, view, response);
        view_button(view, VIEW_PLAIN, turn_say(turn, "cancel what is planned"),
                    "%s %s cancel", is_reboot ? "reboot" : "shutdown", turn_node(turn));
    } else if (is_reboot) {
        view_text(view, "%s", turn_say(turn, "It restarts now."));
        view_button(view, VIEW_PLAIN, turn_say(turn, "is it back?"), "status %s",
                    turn_node(turn));
    } else {
        view_text(view, "%s", turn_say(turn, "It shuts down now."));
    }
    auto_(mem_freep) char *back = back_of(turn);
    act_call_back(turn, view, back);
    turn_show(turn, view);
}

static void end_host(struct turn *turn, const struct ending *ending, uint64_t delay_ms) {
    Roost__V1__PowerRequest request = ROOST__V1__POWER_REQUEST__INIT;
    const char *reason = turn_flag(turn, "message");
    auto_(mem_freep) char *back = back_of(turn);
    auto_(mem_freep) char *what = mem_printf("%s: %s", turn_node(turn), ending->name);
    struct act_state *state = act_call_state(turn);

    request.delay_s = (uint32_t)(delay_ms / 1000);
    request.message = pb_lend(reason);
    request.force = turn_flag(turn, "force") != NULL;
    request.operation_id = pb_lend(turn_operation(turn, 0));
    act_call_run(turn, state,
                 &(const struct act_call) {
                     .node = turn_node(turn),
                     .method = ending->method,
                     .request = &request.base,
                     .what = what,
                     .back = back,
                     .on_reply = on_ending,
                     .arg = state,
                 });
}

static void confirm(struct turn *turn, const struct ending *ending, uint64_t delay_ms) {
    auto_(mem_freep) char *back = back_of(turn);
    struct view *view = view_new();
    char delay[ACT_TEXT_LEN];

    auto_(mem_freep) char *question =
        mem_printf(ending == &endings[0] ? turn_say(turn, "Restart %s?")
                                         : turn_say(turn, "Turn %s off?"),
                   turn_node(turn));
    view_title(view, "⚠️ %s", question);
    if (delay_ms > 0) {
        words_duration(turn_language(turn), delay_ms, delay, sizeof(delay));
        view_field(view, turn_say(turn, "In"), "%s", delay);
    }
    view_text(view, "%s", turn_say(turn, ending->effect));
    view_confirm(view, VIEW_DANGER, turn_say(turn, ending->red), "%s %s in %llus%s",
                 ending->name, turn_node(turn), (unsigned long long)delay_ms / 1000,
                 turn_flag(turn, "force") ? " --force" : "");
    act_call_back(turn, view, back);
    turn_show(turn, view);
}

static void run(struct turn *turn, const struct ending *ending) {
    const char *word = turn_word(turn, 0);
    uint64_t delay_ms = 0;

    if (word && strcasecmp(word, "cancel") == 0) {
        cancel(turn);
        return;
    }
    if (word && (strcasecmp(word, "in") == 0 || strcasecmp(word, "now") == 0))
        word = strcasecmp(word, "in") == 0 ? turn_word(turn, 1) : NULL;
    if (word && (clock_parse_duration(word, &delay_ms) != 0 || delay_ms > DELAY_MAX_MS)) {
        turn_complain(turn, turn_say(turn, "\"%s\" is no length of time up to a week"),
                      word);
        return;
    }
    if (turn_is_confirmed(turn))
        end_host(turn, ending, delay_ms);
    else
        confirm(turn, ending, delay_ms);
}

void act_power_reboot(struct turn *turn) {
    run(turn, &endings[0]);
}

void act_power_shutdown(struct turn *turn) {
    run(turn, &endings[1]);
}
