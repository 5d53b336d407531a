#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "chat/chat_node.h"
#include "chat/chat_private.h"
#include "chat/command.h"
#include "chat/kept/intents.h"
#include "chat/kept/keep.h"
#include "chat/kept/places.h"
#include "chat/kept/questions.h"
#include "chat/strangers.h"
#include "chat/turn/node_match.h"
#include "chat/turn/turn_life.h"
#include "chat/turn/turn_private.h"
#include "chat/view.h"
#include "store/records.h"

/* Another line than was typed: what it means. */
static void set_line(struct turn *turn, const char *line) {
    struct intent *intent = turn->intent;

    free(intent->line);
    intent->line = mem_strdup(line);
    intents_change(turn->chat->intents, intent);
    turn_parse_done(&turn->parse);
    turn_parse_init(&turn->parse, line);
}

static void show_text(struct turn *turn, const char *text) {
    struct view *view = view_new();

    view_text(view, "%s", text);
    turn_show(turn, view);
}

/* --- running --- */

static void on_begun(void *arg, int result) {
    struct turn *turn = arg;

    if (result == 0) {
        turn->command->run(turn);
        return;
    }
    turn->intent->is_begun = false;
    turn_fail(turn, GRPC_UNAVAILABLE,
              turn_say(turn, "The hub's store refuses to write: nothing was done."),
              NULL);
}

/* What must not be done twice is noted as begun, with its node, before it is done. */
static void begin(struct turn *turn) {
    struct intent *intent = turn->intent;
    struct records records = { 0 };

    if (turn->command->is_repeatable || intent->is_begun) {
        turn->command->run(turn);
        return;
    }
    auto_(mem_freep) char *whole = turn_life_line(turn);
    free(intent->line);
    intent->line = TAKE(whole);
    intent->is_begun = true;
    intents_note(turn->chat->intents, intent, &records);
    keep_write(turn->chat->keep, &records, on_begun, turn);
}

struct most {
    enum actor_role role;
};

static bool see_role(void *arg, const struct chat_node *node) {
    struct most *most = arg;

    if (node->role > most->role)
        most->role = node->role;
    return most->role < ACTOR_OWNER;
}

/* What he may do at most, on some node. */
static enum actor_role most_role(const struct turn *turn) {
    const struct chat_host *host = turn_host(turn);
    struct most most = { 0 };

    if (!turn->actor)
        return ACTOR_NOBODY;
    if (actor_is_admin(turn->actor))
        return ACTOR_OWNER;
    host->each_node(host->arg, turn->actor, see_role, &most);
    return most.role;
}

/* True when the person and the place are right; else the turn ended. */
static bool check_person(struct turn *turn) {
    const struct command *command = turn->command;
    bool is_private = turn_place(turn)->is_private;

    if (command->place == COMMAND_PRIVATE && !is_private) {
        show_text(turn, turn_say(turn, "Not here, where others read it: say it to me in "
                                       "private."));
        return false;
    }
    if (command->place == COMMAND_GROUP && is_private) {
        show_text(turn, turn_say(turn, "That is said in a group."));
        return false;
    }
    if (command->is_for_admin && !(turn->actor && actor_is_admin(turn->actor))) {
        show_text(turn, turn_say(turn, "Only an administrator of the hub may do that."));
        return false;
    }
    return true;
}

static bool is_of_message(const struct turn *turn, const struct turn *other) {
    const struct chat_place *place = turn_place(turn);
    const struct chat_place *of_other = turn_place(other);

    return strcmp(turn->message, other->message) == 0 &&
           strcmp(place->platform, of_other->platform) == 0 &&
           strcmp(place->chat, of_other->chat) == 0;
}

/* A press takes its message over: what still refreshes that message ends, if all it does
 * is to show. */
static void take_over(struct turn *turn) {
    struct list *at = turn->chat->turns.next;

    if (turn->intent->kind != CHAT_PRESS || turn->message[0] == '\0')
        return;
    for (; at != &turn->chat->turns; at = at->next) {
        struct turn *other = container_of(at, struct turn, node);
        if (other != turn && !other->has_ended && other->command &&
            other->command->is_repeatable && is_of_message(turn, other))
            turn_life_end_silently(other);
    }
}

static void run_command(struct turn *turn) {
    const struct command *command = turn->command;

    turn->first = 1;
    if (!turn->actor && !command->is_for_all) {
        strangers_meet(turn);
        return;
    }
    if (!check_person(turn))
        return;
    take_over(turn);
    if (command->takes_node && turn->actor) {
        if (chat_node_find(turn))
            begin(turn);
        return;
    }
    turn->role = most_role(turn);
    /* A viewer's command without a node shows what there is, be it nothing. */
    if (command->role > ACTOR_VIEWER && turn->role < command->role) {
        struct view *view = view_new();
        view_text(view, turn_say(turn, "/%s needs the role %s on some node; you are %s."),
                  command->name, turn_say(turn, actor_role_name(command->role)),
                  turn_say(turn, actor_role_name(turn->role)));
        turn_show(turn, view);
        return;
    }
    begin(turn);
}

/* --- words without a command --- */

static void run_line(struct turn *turn, const char *line) {
    set_line(turn, line);
    turn->command = command_find(turn->parse.words[0].text);
    if (turn->command)
        run_command(turn);
    else
        show_text(turn, turn_say(turn, "I do not understand that."));
}

static void suggest(struct turn *turn, const struct command *command) {
    const struct turn_parse *parse = &turn->parse;
    struct view *view = view_new();
    auto_(mem_freep) char *rest = turn_parse_rest(parse, 1);
    const char *typed = parse->line + parse->words[0].end;

    while (*typed == ' ')
        typed++;
    view_text(view, turn_say(turn, "There is no command %s. Did you mean /%s?"),
              parse->words[0].text, command->name);
    auto_(mem_freep) char *label =
        mem_printf("/%s%s%s", command->name, rest ? " " : "", rest ? rest : "");
    view_button(view, VIEW_PRIMARY, label, "%s%s%s", command->name, *typed ? " " : "",
                typed);
    view_button(view, VIEW_PLAIN, turn_say(turn, "Help"), "help");
    turn_show(turn, view);
}

static void tell_unknown(struct turn *turn) {
    struct view *view = view_new();

    view_text(view, turn_say(turn, "There is no command %s."), turn->parse.words[0].text);
    view_button(view, VIEW_PLAIN, turn_say(turn, "Help"), "help");
    turn_show(turn, view);
}

/* The words are a node's name: "status NODE". NULL: they are not. A new string. */
static char *status_line(const struct turn *turn, enum node_match_how at_least) {
    auto_(mem_freep) char *words = turn_parse_rest(&turn->parse, 0);
    struct node_match match;
    struct buf line = { 0 };

    if (!turn->actor)
        return NULL;
    node_match_init(&match, turn_host(turn), turn->actor, words);
    if (match.fitting == 1 && match.how != NODE_MATCH_NONE && match.how <= at_least) {
        buf_add_text(&line, "status ");
        view_quote(&line, match.found[0].name);
    }
    node_match_done(&match);
    return line.len > 0 ? buf_take_text(&line) : NULL;
}

static void run_words(struct turn *turn) {
    auto_(mem_freep) char *exact = status_line(turn, NODE_MATCH_EXACT);
    const struct command *near = command_guess(turn->parse.words[0].text);

    if (exact) {
        run_line(turn, exact);
        return;
    }
    if (near) {
        suggest(turn, near);
        return;
    }
    auto_(mem_freep) char *similar = status_line(turn, NODE_MATCH_SIMILAR);
    run_line(turn, similar ? similar : "help");
}

/* The command is meant for us only if it is one, or we are named. */
static void run_unknown(struct turn *turn) {
    const struct command *near = command_guess(turn->parse.words[0].text);
    bool is_private = turn_place(turn)->is_private;

    if (!turn->actor && (is_private || turn->parse.is_addressed))
        strangers_meet(turn);
    else if (!turn->actor || (!is_private && !turn->parse.is_addressed && !near))
        turn_life_end_silently(turn);
    else if (near)
        suggest(turn, near);
    else
        tell_unknown(turn);
}

/* --- what it is --- */

/* A question for a node is left by a command, unless a node has that name. */
static bool leaves_question(const struct turn *turn) {
    const struct intent *intent = turn->intent;
    const struct turn_parse *parse = &turn->parse;

    if (parse->count == 0 || !command_find(parse->words[0].text) ||
        !questions_is_for_node(turn->chat->questions, &intent->place, &intent->person))
        return false;
    auto_(mem_freep) char *exact = status_line(turn, NODE_MATCH_EXACT);
    return !exact;
}

/* The whole line when the words answer a question; NULL. A new string. */
static char *take_answer(struct turn *turn) {
    const struct intent *intent = turn->intent;

    if (intent->kind != CHAT_WORDS || turn->parse.is_command || intent->is_begun ||
        leaves_question(turn))
        return NULL;
    return questions_answer(turn->chat->questions, &intent->place, &intent->person,
                            intent->line, chat_now_ms(turn->chat));
}

static void forget_question(struct turn *turn) {
    const struct intent *intent = turn->intent;

    if (!turn->command || strcmp(turn->command->name, "cancel") != 0)
        questions_drop(turn->chat->questions, &intent->place, &intent->person);
}

void chat_run_turn(struct turn *turn) {
    const struct intent *intent = turn->intent;
    const struct turn_parse *parse = &turn->parse;
    bool is_press = intent->kind == CHAT_PRESS;
    bool is_group_talk =
        !intent->place.is_private && !is_press && !parse->is_command && !intent->is_begun;
    auto_(mem_freep) char *answer = take_answer(turn);

    if (answer) {
        run_line(turn, answer);
        return;
    }
    if (parse->count > 0)
        turn->command = command_find(parse->words[0].text);
    if (is_group_talk && !(parse->is_addressed && turn->command)) {
        turn_life_end_silently(turn);
        return;
    }
    forget_question(turn);
    if (turn->command)
        run_command(turn);
    else if (parse->count == 0 || parse->words[0].text[0] == '\0')
        run_line(turn, "help");
    else if (parse->is_command || is_press)
        run_unknown(turn);
    else if (!turn->actor)
        strangers_meet(turn);
    else
        run_words(turn);
}

void chat_run_intent(void *arg, struct intent *intent) {
    struct chat *chat = arg;
    struct turn *turn = turn_life_new(chat, intent);
    bool is_silent = !turn->actor && !intent->place.is_private;

    if (!is_silent)
        places_meet(chat->places, &intent->place, &intent->person,
                    turn->actor ? turn->actor->name : "");
    if (intent->is_cut)
        show_text(turn, turn_say(turn, "That is too long for me."));
    else
        chat_run_turn(turn);
}
