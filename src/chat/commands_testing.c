#include "chat/commands_testing.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "chat/turn/turn.h"
#include "roost/v1/processes.pb-c.h"

static void run_status(struct turn *turn) {
    struct view *view = view_new();

    commands_did.statuses++;
    view_title(view, "%s", turn_node(turn));
    view_button(view, VIEW_PLAIN, "Refresh", "status %s", turn_node(turn));
    view_button(view, VIEW_PLAIN, "Kill", "kill %s 1", turn_node(turn));
    turn_show(turn, view);
}

static void on_killed(struct turn *turn,
                      void *arg,
                      enum grpc_status status,
                      const char *message,
                      const ProtobufCMessage *reply) {
    struct view *view;

    if (status != GRPC_OK) {
        turn_fail(turn, status, message, "Killing");
        return;
    }
    view = view_new();
    view_text(view, "killed");
    turn_show(turn, view);
}

static void run_kill(struct turn *turn) {
    Roost__V1__SignalRequest request = ROOST__V1__SIGNAL_REQUEST__INIT;

    if (turn_count(turn) == 0) {
        turn_complain(turn, "Which process?");
        return;
    }
    if (!turn_is_confirmed(turn)) {
        turn_confirm(turn, "Kill it", "nodes", "Ends process %s on %s.",
                     turn_word(turn, 0), turn_node(turn));
        return;
    }
    commands_did.kills++;
    commands_did.was_again = turn_is_again(turn);
    snprintf(commands_did.last, sizeof(commands_did.last), "%s %s", turn_node(turn),
             turn_rest(turn, 0));
    snprintf(commands_did.operation, sizeof(commands_did.operation), "%s",
             turn_operation(turn, 0));
    request.operation_id = commands_did.operation;
    turn_call(turn, turn_node(turn), "/roost.v1.Processes/Signal", &request.base,
              on_killed, NULL);
}

static void say_line(struct turn *turn) {
    struct view *view = view_new();

    for (size_t i = 0; i < turn_count(turn); i++)
        view_text(view, "<%s>", turn_word(turn, i));
    view_note(view, "flag %s", turn_flag(turn, "name") ? turn_flag(turn, "name") : "-");
    turn_show(turn, view);
}

static void run_nodes(struct turn *turn) {
    struct view *view = view_new();

    view_text(view, "the nodes");
    view_button(view, VIEW_PLAIN, "nas", "status nas");
    turn_show(turn, view);
}

static void run_help(struct turn *turn) {
    struct view *view = view_new();

    view_text(view, "this is help");
    turn_show(turn, view);
}

static void run_rename(struct turn *turn) {
    struct view *view;

    if (turn_count(turn) == 0) {
        view = view_new();
        view_text(view, "Which name?");
        turn_ask(turn, view, "rename %s", turn_node(turn));
        return;
    }
    view = view_new();
    view_text(view, "%s is %s", turn_node(turn), turn_rest(turn, 0));
    turn_show(turn, view);
}

static void run_fresh(struct turn *turn) {
    struct view *view = view_new();

    view_text(view, "a picture");
    view->is_fresh = true;
    turn_show(turn, view);
}

static void finish(struct turn *turn, void *arg) {
    struct view *view = view_new();

    view_text(view, "finished");
    turn_show(turn, view);
}

static void tick(struct turn *turn, void *arg) {
    int *ticks = turn_state(turn, sizeof(*ticks), NULL);
    struct view *view;

    if (++*ticks == 20) {
        finish(turn, NULL);
        return;
    }
    view = view_new();
    view_text(view, "tick %d", *ticks);
    turn_progress(turn, view);
    turn_later(turn, 20, tick, NULL);
}

static void run_slow(struct turn *turn) {
    tick(turn, NULL);
}

const struct command commands_people[] = {
    { .name = "help",
      .grammar = "",
      .help = "Help",
      .is_for_all = true,
      .is_repeatable = true,
      .run = run_help },
    { .name = "secret",
      .grammar = "",
      .help = "Says a key",
      .place = COMMAND_PRIVATE,
      .is_repeatable = true,
      .run = run_help },
    { .name = "govern",
      .grammar = "",
      .help = "Governs",
      .is_for_admin = true,
      .is_repeatable = true,
      .run = run_help },
    { .name = "rename",
      .grammar = "[NODE] NAME",
      .help = "Names",
      .takes_node = true,
      .is_repeatable = true,
      .run = run_rename },
    { 0 },
};
const struct command commands_look[] = {
    { .name = "nodes",
      .aliases = "list",
      .grammar = "",
      .help = "Nodes",
      .role = ACTOR_VIEWER,
      .is_repeatable = true,
      .run = run_nodes },
    { .name = "status",
      .grammar = "[NODE]",
      .help = "Status",
      .role = ACTOR_VIEWER,
      .takes_node = true,
      .is_repeatable = true,
      .run = run_status },
    { .name = "echo",
      .grammar = "[WORD...]",
      .help = "Echoes",
      .role = ACTOR_VIEWER,
      .is_repeatable = true,
      .run = say_line },
    { .name = "fresh",
      .grammar = "",
      .help = "Fresh",
      .role = ACTOR_VIEWER,
      .is_repeatable = true,
      .run = run_fresh },
    { .name = "slow",
      .grammar = "",
      .help = "Slow",
      .role = ACTOR_VIEWER,
      .is_repeatable = true,
      .run = run_slow },
    { 0 },
};
const struct command commands_act[] = {
    { .name = "kill",
      .grammar = "[NODE] PID",
      .help = "Kills",
      .role = ACTOR_OPERATOR,
      .takes_node = true,
      .run = run_kill },
    { 0 },
};
const struct command commands_alert[] = {
    { 0 },
};
