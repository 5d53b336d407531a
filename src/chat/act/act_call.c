#include "chat/act/act_call.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "roost/v1/users.pb-c.h"

enum {
    HELD_FIRST_MS = 700,  /* whoever is asked is known at once */
    HELD_AGAIN_MS = 4000, /* or when the node has said that it wants a signature */
    HELD_LOOKS = 3,
    AGAIN_MS = 2000, /* a link is back within seconds, or not soon */
    AGAIN_MOST = 8,
};

void act_call_done(struct act_state *state) {
    free(state->what);
    free(state->back);
    free(state->node);
    free(state->method);
    free(state->held);
    pb_free(state->request);
}

static void end_state(void *state) {
    act_call_done(state);
}

struct act_state *act_call_state(struct turn *turn) {
    return turn_state(turn, sizeof(struct act_state), end_state);
}

bool act_call_may(const struct turn *turn) {
    return turn_role(turn) >= ACTOR_OPERATOR;
}

void act_call_back(struct turn *turn, struct view *view, const char *action) {
    if (!action)
        return;
    view_row(view);
    view_button(view, VIEW_PLAIN, turn_say(turn, "‹ back"), "%s", action);
}

/* --- refusals --- */

/* What is to be done on the host, in a refusal's text; NULL. */
static const char *remedy_of(const char *message) {
    static const char mark[] = ": on the host, ";
    const char *at = strstr(message, mark);
    return at ? at + strlen(mark) : NULL;
}

static const char *drop_as_root(const char *remedy) {
    static const char as_root[] = "as root, ";
    return strncmp(remedy, as_root, strlen(as_root)) == 0 ? remedy + strlen(as_root)
                                                          : remedy;
}

void act_call_reason(struct turn *turn, struct view *view, const char *message) {
    const char *remedy = remedy_of(message);

    if (!remedy) {
        view_text(view, "%s", message);
        return;
    }
    const char *command = drop_as_root(remedy);
    auto_(mem_freep) char *reason =
        mem_dup(message, (size_t)(remedy - message) - strlen(": on the host, "));
    static const char unallowed[] = "the policy of this host does not allow ";
    if (strncmp(reason, unallowed, strlen(unallowed)) == 0)
        view_text(view, turn_say(turn, "The policy of this host does not allow \"%s\"."),
                  reason + strlen(unallowed));
    else
        view_text(view, "%s", reason);
    view_text(view, "%s",
              command != remedy
                  ? turn_say(turn, "Whoever may, runs on the host, as root:")
                  : turn_say(turn, "Its owner can allow it, on the host:"));
    view_code(view, command);
    view_row(view);
    view_copy(view, turn_say(turn, "copy the command"), command);
}

/* Is it certain that nothing was done? */
static bool is_offline_text(const char *message) {
    return strstr(message, "is offline") || strstr(message, "never been online") ||
           strstr(message, "takes no new calls");
}

static const char *headline(const struct turn *turn, enum grpc_status status) {
    switch (status) {
    case GRPC_PERMISSION_DENIED:
    case GRPC_UNAUTHENTICATED:
        return turn_say(turn, "refused");
    case GRPC_UNAVAILABLE:
        return turn_say(turn, "not reached");
    case GRPC_UNKNOWN:
    case GRPC_DEADLINE_EXCEEDED:
        return turn_say(turn, "the outcome is not known");
    default:
        return turn_say(turn, "it failed");
    }
}

void act_call_fail(struct turn *turn,
                   enum grpc_status status,
                   const char *message,
                   const char *what,
                   const char *again,
                   const char *back) {
    struct view *view = view_new();
    bool is_unclear = status == GRPC_UNKNOWN || status == GRPC_DEADLINE_EXCEEDED;

    view_title(view, "%s %s: %s", is_unclear ? "❓" : "⛔", what, headline(turn, status));
    if (status == GRPC_UNAVAILABLE && is_offline_text(message ? message : ""))
        view_text(view, "%s", turn_say(turn, "The host is not online."));
    act_call_reason(turn, view,
                    message && *message ? message : grpc_status_name((int)status));
    if (is_unclear)
        view_note(view, "%s",
                  turn_say(turn, "It was asked for, and no answer came: look before you "
                                 "ask again."));
    view_row(view);
    if (again && !is_unclear)
        view_button(view, VIEW_PLAIN, turn_say(turn, "try again"), "%s", again);
    act_call_back(turn, view, back);
    turn_show(turn, view);
}

/* --- waiting for somebody's word --- */

static void show_held(struct turn *turn,
                      struct act_state *state,
                      const Roost__V1__Approval *item) {
    struct view *view = view_new();

    view_title(view, "⏳ %s", state->what);
    if (item->consent_tag[0])
        view_text(view,
                  turn_say(turn, "It waits: a second person has to agree, since %s has "
                                 "the tag @%s. An operator of it, who is not %s."),
                  item->node, item->consent_tag, item->asked_by);
    if (item->needs_signature)
        view_text(view, "%s",
                  turn_say(turn, "It waits: the host wants an operator's signature. "
                                 "Whoever has the key signs it on a command line:"));
    if (item->needs_signature) {
        auto_(mem_freep) char *line = mem_printf("roost approve %s", item->id);
        view_code(view, line);
    }
    view_note(view, turn_say(turn, "Number %s. It lapses when nobody decides."),
              item->id);
    turn_progress(turn, view);
}

static bool is_ours(const struct act_state *state,
                    const char *name,
                    const Roost__V1__Approval *item) {
    return item->state == ROOST__V1__APPROVAL__STATE__WAITING &&
           strcmp(item->node, state->node) == 0 &&
           strcmp(item->method, state->method) == 0 && strcmp(item->asked_by, name) == 0;
}

static void look_later(struct turn *turn, struct act_state *state, unsigned delay_ms);

static void on_approvals(struct turn *turn,
                         void *arg,
                         enum grpc_status status,
                         const char *message,
                         const ProtobufCMessage *reply) {
    const Roost__V1__ListApprovalsResponse *list =
        (const Roost__V1__ListApprovalsResponse *)reply;
    struct act_state *state = arg;
    const struct actor *actor = turn_actor(turn);

    if (state->is_over || status != GRPC_OK || !actor)
        return;
    for (size_t i = list->n_approvals; i > 0; i--) /* the newest is ours */
        if (is_ours(state, actor->name, list->approvals[i - 1])) {
            state->held = mem_strdup(list->approvals[i - 1]->id);
            show_held(turn, state, list->approvals[i - 1]);
            return;
        }
    look_later(turn, state, HELD_AGAIN_MS);
}

static void on_look(struct turn *turn, void *arg) {
    Roost__V1__ListApprovalsRequest request = ROOST__V1__LIST_APPROVALS_REQUEST__INIT;
    struct act_state *state = arg;

    if (!state->is_over && !state->held)
        turn_call(turn, NULL, "/roost.v1.Approvals/List", &request.base, on_approvals,
                  state);
}

static void look_later(struct turn *turn, struct act_state *state, unsigned delay_ms) {
    if (state->looks++ < HELD_LOOKS)
        turn_later(turn, delay_ms, on_look, state);
}

/* --- asking --- */

static void ask(struct turn *turn, struct act_state *state);

static void on_again(struct turn *turn, void *arg) {
    ask(turn, arg);
}

/* Did the link break before the answer came? The same id answers what came of it. What
 * the node itself does not know, and what nobody decided in time, stays so. */
static bool is_broken(const struct act_state *state,
                      enum grpc_status status,
                      const char *message) {
    static const char not_known[] = "the outcome is not known";

    if (status == GRPC_UNAVAILABLE)
        return state->is_broken || !is_offline_text(message);
    return status == GRPC_UNKNOWN &&
           strncmp(message, not_known, strlen(not_known)) != 0 &&
           strcmp(message, "no answer came in time") != 0;
}

static void on_answer(struct turn *turn,
                      void *arg,
                      enum grpc_status status,
                      const char *message,
                      const ProtobufCMessage *reply) {
    struct act_state *state = arg;

    if (status == GRPC_OK) {
        state->is_over = true;
        state->on_reply(turn, state->arg, status, message, reply);
        return;
    }
    if (is_broken(state, status, message ? message : "") && state->tries++ < AGAIN_MOST) {
        state->is_broken = true;
        turn_later(turn, AGAIN_MS, on_again, state);
        return;
    }
    state->is_over = true;
    act_call_fail(turn,
                  state->is_broken && status == GRPC_UNAVAILABLE ? GRPC_UNKNOWN : status,
                  message, state->what, NULL, state->back);
}

static void ask(struct turn *turn, struct act_state *state) {
    turn_call(turn, state->node, state->method, state->request, on_answer, state);
}

ProtobufCMessage *act_call_copy(const ProtobufCMessage *message) {
    ProtobufCMessage *copied = NULL;
    struct buf packed = { 0 };

    pb_pack(&packed, message);
    if (pb_unpack(message->descriptor, buf_slice(&packed), &copied) != 0)
        copied = pb_new(message->descriptor);
    buf_done(&packed);
    return copied;
}

void act_call_run(struct turn *turn,
                  struct act_state *state,
                  const struct act_call *call) {
    act_call_done(state);
    *state = (struct act_state) {
        .what = mem_strdup(call->what),
        .back = mem_strdup(call->back),
        .node = mem_strdup(call->node),
        .method = mem_strdup(call->method),
        .request = act_call_copy(call->request),
        .on_reply = call->on_reply,
        .arg = call->arg,
    };
    ask(turn, state);
    look_later(turn, state, HELD_FIRST_MS);
}
