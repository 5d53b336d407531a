/*
 * act_call - one act on a node, and what a person is told of it
 *
 * Asked with the operation id of the turn, and asked again with the same one when the
 * link breaks before the answer, so that it is done once. Refusals are shown with their
 * reason and what would allow it; an act that waits for somebody's word is shown as
 * waiting, with whose word it waits for, until it is decided.
 *
 *   struct my_state *state = turn_state(turn, sizeof(*state), my_end);
 *   act_call_run(turn, &state->act, &call);      (my_end calls act_call_done())
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "chat/turn/turn.h"

/* Zeroed by turn_state(); the first of a command's own state. */
struct act_state {
    char *what;   /* owned: "nas: restart nginx.service" */
    char *back;   /* owned: the action of the button that leads back */
    char *node;   /* owned */
    char *method; /* owned */
    char *held;   /* owned: the id of the approval that it waits for; or NULL */
    ProtobufCMessage *request; /* owned */
    turn_reply_fn *on_reply;
    void *arg; /* borrowed: the command */
    unsigned looks;
    unsigned tries;
    bool is_over;
    bool is_broken; /* the link broke after it was asked */
};

struct act_call {
    const char *node;
    const char *method;
    const ProtobufCMessage *request; /* copied; with its operation id, if it has one */
    const char *what;
    const char *back;
    turn_reply_fn *on_reply; /* of success only: all else is shown here */
    void *arg;
};

/* Asks. The turn ends here when it fails. */
void act_call_run(struct turn *turn,
                  struct act_state *state,
                  const struct act_call *call);

/* Frees what the state owns, not the state itself. */
void act_call_done(struct act_state *state);

/* turn_state() of a command without a state of its own. */
struct act_state *act_call_state(struct turn *turn);

/*
 * The view of a refusal or failure: title, reason, the command that would allow it, a
 * button for another try (NULL: none), one back (NULL: none). Ends the turn.
 */
void act_call_fail(struct turn *turn,
                   enum grpc_status status,
                   const char *message,
                   const char *what,
                   const char *again,
                   const char *back);

/* Adds "on the host: COMMAND" as text, letters of one width and a button to copy, when
 * the message ends with such a remedy, and the text before it; else the text. */
void act_call_reason(struct turn *turn, struct view *view, const char *message);

/* A copy of the message: pb_free() it. */
ProtobufCMessage *act_call_copy(const ProtobufCMessage *message);

/* May the person act there: an operator or above? */
bool act_call_may(const struct turn *turn);

/* A button "back" in a row of its own. */
void act_call_back(struct turn *turn, struct view *view, const char *action);
