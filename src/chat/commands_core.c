#include "chat/commands_core.h"

#include <string.h>

#include "base/mem.h"
#include "chat/chat_private.h"
#include "chat/kept/places.h"
#include "chat/kept/questions.h"
#include "chat/turn/turn_private.h"
#include "chat/view.h"
#include "roost/v1/users.pb-c.h"

static void show_text(struct turn *turn, const char *text) {
    struct view *view = view_new();

    view_text(view, "%s", text);
    turn_show(turn, view);
}

static void cancel(struct turn *turn) {
    bool was_asked =
        questions_drop(turn->chat->questions, turn_place(turn), turn_person(turn));

    show_text(turn, was_asked ? turn_say(turn, "Forgotten: nothing was done.")
                              : turn_say(turn, "Nothing was done."));
}

/* The press was on a message that no longer counts. */
static void show_old(struct turn *turn) {
    struct view *view = view_new();

    view_text(view, "%s", turn_say(turn, "The buttons of that message no longer count."));
    view_button(view, VIEW_PRIMARY, turn_say(turn, "Nodes"), "nodes");
    view_button(view, VIEW_PLAIN, turn_say(turn, "Help"), "help");
    turn_show(turn, view);
}

/* --- letting a stranger in: admit IDENTITY ROLE NAME --- */

struct admission {
    enum actor_role role;
    char *user; /* owned */
};

static void end_admission(void *state) {
    struct admission *admission = state;
    free(admission->user);
}

/* Tells whoever asked, where he speaks to us in private. */
static void tell_stranger(struct turn *turn, const char *text) {
    struct chat *chat = turn->chat;
    const struct chat_place *place;
    const char *identity;
    const char *user;

    for (size_t at = 0;
         (place = places_next_private(chat->places, &at, &identity, &user));) {
        if (strcmp(identity, turn_word(turn, 0)) != 0)
            continue;
        enum words_language language = chat_language(chat, place);
        struct view *view = view_new();
        view_text(view, "%s", words_in(language, text));
        view_button(view, VIEW_PRIMARY, words_in(language, "Help"), "help");
        chat_post(chat, place, NULL, identity, view, NULL, NULL);
        view_free(view);
    }
}

static void tell_admitted(struct turn *turn) {
    const struct admission *admission = turn->state;
    struct view *view = view_new();

    tell_stranger(turn, "You were let in. Welcome!");
    view_text(view, turn_say(turn, "%s is let in as %s."), turn_rest(turn, 2),
              admission->user);
    turn_show(turn, view);
}

static void on_granted(struct turn *turn,
                       void *arg,
                       enum grpc_status status,
                       const char *message,
                       const ProtobufCMessage *reply) {
    if (status != GRPC_OK)
        turn_fail(turn, status, message, NULL);
    else
        tell_admitted(turn);
}

static void grant(struct turn *turn, const char *user) {
    struct admission *admission = turn->state;
    Roost__V1__GrantRequest request = ROOST__V1__GRANT_REQUEST__INIT;

    admission->user = mem_strdup(user);
    if (admission->role == ACTOR_NOBODY) {
        tell_admitted(turn);
        return;
    }
    request.user = admission->user;
    request.nodes = "*";
    request.role = admission->role == ACTOR_OPERATOR ? ROOST__V1__ROLE__OPERATOR
                                                     : ROOST__V1__ROLE__VIEWER;
    turn_call(turn, NULL, "/roost.v1.Users/Grant", &request.base, on_granted, NULL);
}

static void on_enlisted(void *arg, const char *why, const char *user) {
    struct turn **waiting = arg;
    struct turn *turn = *waiting;

    free(waiting);
    if (!turn)
        return;
    turn->awaited = NULL;
    if (why)
        turn_fail(turn, GRPC_FAILED_PRECONDITION, why, NULL);
    else
        grant(turn, user);
}

static void admit(struct turn *turn) {
    const struct chat_host *host = turn_host(turn);
    struct admission *admission = turn_state(turn, sizeof(*admission), end_admission);
    const char *role = turn_word(turn, 1);

    if (turn_count(turn) < 3 || !strchr(turn_word(turn, 0), ':')) {
        turn_complain(turn, "%s", turn_say(turn, "Whom?"));
        return;
    }
    if (strcmp(role, "nobody") == 0) {
        tell_stranger(turn, "You were not let in.");
        show_text(turn, turn_say(turn, "Not let in."));
        return;
    }
    admission->role = strcmp(role, "operator") == 0 ? ACTOR_OPERATOR
                      : strcmp(role, "viewer") == 0 ? ACTOR_VIEWER
                                                    : ACTOR_NOBODY;
    struct turn **waiting = mem_new(sizeof(struct turn *)); /* the host may answer late */
    *waiting = turn;
    turn->awaited = waiting;
    host->enlist(host->arg, turn_word(turn, 0), turn_rest(turn, 2), on_enlisted, waiting);
}

const struct command commands_core[] = {
    {
        .name = "cancel",
        .grammar = "",
        .help = "Leave a question unanswered",
        .is_for_all = true,
        .is_repeatable = true,
        .run = cancel,
    },
    {
        .name = "old",
        .grammar = "",
        .help = "",
        .is_hidden = true,
        .is_repeatable = true,
        .run = show_old,
    },
    {
        .name = "admit",
        .grammar = "IDENTITY ROLE NAME",
        .help = "Let somebody in who asked for it",
        .is_hidden = true,
        .is_for_admin = true,
        .is_repeatable = true, /* the second time there is nothing left to do */
        .run = admit,
    },
    { 0 },
};
