#include "chat/people/people_self.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "chat/command.h"
#include "chat/strangers.h"
#include "chat/turn/turn.h"
#include "roost/v1/tokens.pb-c.h"
#include "rpc/actor.h"

/* May this person use the command at all? On which node is asked later. */
static bool is_for(const struct command *command, const struct turn *turn) {
    const struct actor *actor = turn_actor(turn);

    if (command->is_hidden)
        return false;
    if (command->place == COMMAND_GROUP && turn_place(turn)->is_private)
        return false;
    if (command->place == COMMAND_PRIVATE && !turn_place(turn)->is_private)
        return false;
    if (command->is_for_all || !actor)
        return command->is_for_all;
    return !command->is_for_admin || actor_is_admin(actor);
}

/* The home of a person: the ways to all that there is. */
static struct view *home_view(struct turn *turn) {
    struct view *view = view_new();
    const struct actor *actor = turn_actor(turn);
    const struct chat_host *host = turn_host(turn);

    view_title(view, "%s", turn_say(turn, "Roost"));
    if (!actor) {
        view_text(
            view, "%s",
            host->is_claimed(host->arg)
                ? turn_say(turn, "This is somebody's hub, and I do not know you yet. "
                                 "Ask for a code, and send me: /start CODE")
                : turn_say(turn, "This hub is nobody's yet. On its machine, `roostd "
                                 "claim` prints a code; send me: /start CODE"));
        return view;
    }
    view_text(view, turn_say(turn, "Hello, %s. What would you like to see?"),
              actor->name);
    view_button(view, VIEW_PRIMARY, turn_say(turn, "Nodes"), "nodes");
    view_button(view, VIEW_PLAIN, turn_say(turn, "Alerts"), "alerts");
    view_row(view);
    if (turn_place(turn)->is_private)
        view_button(view, VIEW_PLAIN, turn_say(turn, "Add a host"), "newkey");
    view_button(view, VIEW_PLAIN, turn_say(turn, "Settings"), "settings");
    view_button(view, VIEW_PLAIN, turn_say(turn, "Help"), "help");
    return view;
}

/* What the host answers to, which may be later than the turn lives. */
struct pairing {
    struct turn *turn; /* borrowed: NULL when it has ended */
};

static void on_turn_end(void *state) {
    struct pairing *pairing = *(struct pairing **)state;

    if (pairing)
        pairing->turn = NULL;
}

static struct view *welcome_view(struct turn *turn, const char *user) {
    struct view *view = view_new();

    view_title(view, "%s", turn_say(turn, "Welcome"));
    view_text(view, turn_say(turn, "You are %s here now."), user);
    view_button(view, VIEW_PRIMARY, turn_say(turn, "Nodes"), "nodes");
    view_button(view, VIEW_PLAIN, turn_say(turn, "Add a host"), "newkey");
    view_row(view);
    view_button(view, VIEW_PLAIN, turn_say(turn, "Help"), "help");
    return view;
}

static void on_paired(void *arg, const char *why, const char *user) {
    struct pairing *pairing = arg;
    struct turn *turn = pairing->turn;

    if (turn) {
        *(struct pairing **)turn_state(turn, sizeof(pairing), on_turn_end) = NULL;
        if (why)
            turn_fail(turn, GRPC_UNAUTHENTICATED, why, turn_say(turn, "Coming in"));
        else
            turn_show(turn, welcome_view(turn, user));
    }
    free(pairing);
}

/* The code is exchanged: whoever speaks is that user from now on. */
static void come_in(struct turn *turn, const char *code) {
    const struct chat_host *host = turn_host(turn);
    const struct chat_person *person = turn_person(turn);
    struct pairing *pairing = mem_new(sizeof(*pairing));
    char *identity = mem_printf("%s:%s", turn_place(turn)->platform, person->id);

    pairing->turn = turn;
    *(struct pairing **)turn_state(turn, sizeof(pairing), on_turn_end) = pairing;
    host->pair(host->arg, identity, person->name, code, on_paired, pairing);
    free(identity);
}

void people_self_start(struct turn *turn) {
    const char *code = turn_word(turn, 0);

    if (!code && !turn_actor(turn))
        strangers_meet(turn);
    else if (!code)
        turn_show(turn, home_view(turn));
    else if (!turn_place(turn)->is_private)
        turn_complain(
            turn, "%s",
            turn_say(turn, "A code is for a private chat: others read it here."));
    else if (turn_is_again(turn) && turn_actor(turn))
        turn_show(turn, welcome_view(turn, turn_actor(turn)->name)); /* it was used */
    else
        come_in(turn, code);
}

static void add_command(struct view *view, struct turn *turn, const struct command *one) {
    char *name = one->grammar[0] != '\0' ? mem_printf("/%s %s", one->name, one->grammar)
                                         : mem_printf("/%s", one->name);

    view_field(view, name, "%s", words_in(turn_language(turn), one->help));
    free(name);
}

static void help_one(struct turn *turn, const char *word) {
    const struct command *command = command_find(word[0] == '/' ? word + 1 : word);

    if (!command || (!is_for(command, turn) && !command->is_hidden)) {
        turn_complain(turn, turn_say(turn, "There is no command %s here."), word);
        return;
    }
    struct view *view = view_new();
    view_title(view, "/%s", command->name);
    view_text(view, "%s", words_in(turn_language(turn), command->help));
    if (command->grammar[0] != '\0') {
        char *line = mem_printf("/%s %s", command->name, command->grammar);
        view_code(view, line);
        free(line);
    }
    if (command->aliases)
        view_field(view, turn_say(turn, "Also"), "%s", command->aliases);
    view_button(view, VIEW_PLAIN, turn_say(turn, "All commands"), "help");
    turn_show(turn, view);
}

/* The commands of one table, under its title. */
static void add_table(struct view *view,
                      struct turn *turn,
                      const char *title,
                      const struct command *table) {
    bool is_first = true;

    for (; table->name; table++) {
        if (!is_for(table, turn))
            continue;
        if (is_first)
            view_note(view, "%s", title);
        is_first = false;
        add_command(view, turn, table);
    }
}

void people_self_help(struct turn *turn) {

    if (turn_word(turn, 0)) {
        help_one(turn, turn_word(turn, 0));
        return;
    }
    struct view *view = view_new();
    view_title(view, "%s", turn_say(turn, "What can be said here"));
    add_table(view, turn, turn_say(turn, "Looking"), commands_look);
    add_table(view, turn, turn_say(turn, "Acting"), commands_act);
    add_table(view, turn, turn_say(turn, "What goes wrong"), commands_alert);
    add_table(view, turn, turn_say(turn, "You, nodes and people"), commands_people);
    view_note(view, "%s",
              turn_say(turn, "What a command lacks is asked for. Parts of names are "
                             "enough: /status na means nas."));
    view_button(view, VIEW_PRIMARY, turn_say(turn, "Nodes"), "nodes");
    turn_show(turn, view);
}

static const char *language_name(enum words_language language) {
    return language == WORDS_RUSSIAN ? "Русский" : "English";
}

static void add_languages(struct view *view) {
    for (int i = 0; i < WORDS_LANGUAGES; i++)
        view_button(view, VIEW_PLAIN, language_name((enum words_language)i),
                    "language %s", words_code((enum words_language)i));
}

void people_self_settings(struct turn *turn) {
    const struct actor *actor = turn_actor(turn);
    const char *node = chat_active_node(turn_chat(turn), turn_place(turn));
    struct view *view = view_new();

    view_title(view, "%s", turn_say(turn, "Settings"));
    view_field(view, turn_say(turn, "You are"), "%s%s", actor->name,
               actor_is_admin(actor) ? turn_say(turn, ", an administrator") : "");
    view_field(view, turn_say(turn, "Language"), "%s",
               language_name(turn_language(turn)));
    view_field(view, turn_say(turn, "This chat's node"), "%s",
               node[0] != '\0' ? node : turn_say(turn, "none yet"));
    add_languages(view);
    view_row(view);
    view_button(view, VIEW_PLAIN, turn_say(turn, "Another node"), "nodes");
    if (turn_place(turn)->is_private) {
        view_button(view, VIEW_PLAIN, turn_say(turn, "Another device"), "pair");
        view_row(view);
        view_button(view, VIEW_DANGER, turn_say(turn, "Log out"), "logout");
    }
    turn_show(turn, view);
}

void people_self_language(struct turn *turn) {
    const char *word = turn_word(turn, 0);
    enum words_language language = words_language_of(word ? word : "");
    struct view *view;

    if (!word || strcmp(words_code(language), word) != 0) {
        view = view_new();
        view_title(view, "%s", turn_say(turn, "Which language?"));
        add_languages(view);
        turn_show(turn, view);
        return;
    }
    chat_set_language(turn_chat(turn), turn_place(turn), turn_person(turn), language);
    view = view_new();
    view_title(view, "%s", language_name(language));
    view_text(view, "%s", words_in(language, "From now on I speak English."));
    view_button(view, VIEW_PRIMARY, words_in(language, "Nodes"), "nodes");
    view_button(view, VIEW_PLAIN, words_in(language, "Settings"), "settings");
    turn_show(turn, view);
}

static void on_logged_out(struct turn *turn,
                          void *arg,
                          enum grpc_status status,
                          const char *message,
                          const ProtobufCMessage *reply) {
    if (status != GRPC_OK) {
        turn_fail(turn, status, message, turn_say(turn, "Logging out"));
        return;
    }
    struct view *view = view_new();
    view_text(
        view, "%s",
        turn_say(turn, "I do not know you any more. A new code lets you in again."));
    turn_show(turn, view);
}

void people_self_log_out(struct turn *turn) {
    const Roost__V1__LogoutRequest request = ROOST__V1__LOGOUT_REQUEST__INIT;

    if (turn_is_confirmed(turn))
        turn_call(turn, NULL, "/roost.v1.Tokens/Logout", &request.base, on_logged_out,
                  NULL);
    else
        turn_confirm(turn, turn_say(turn, "Log out"), "settings", "%s",
                     turn_say(turn, "You will need a new code to come in again."));
}
