#include "chat/chat_node.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "chat/chat_private.h"
#include "chat/command.h"
#include "chat/kept/intents.h"
#include "chat/kept/places.h"
#include "chat/kept/questions.h"
#include "chat/turn/node_match.h"
#include "chat/turn/turn_life.h"
#include "chat/turn/turn_private.h"
#include "chat/view.h"

enum { TITLE_WORDS_MAX = 5, BUTTONS_A_ROW = 3 };

/* The node is what the words say from the second on: so many. */
static bool take(struct turn *turn, const struct node_match *match, size_t words) {
    turn->node_name = mem_strdup(match->found[0].name);
    turn->role = match->found[0].role;
    turn->first = 1 + words;
    return true;
}

/* Takes the only node of exactly that name or title. */
static bool take_exact(struct turn *turn, const char *text, size_t words) {
    struct node_match match;
    bool is_taken = false;

    node_match_init_exact(&match, turn_host(turn), turn->actor, text);
    if (match.how == NODE_MATCH_EXACT && match.fitting == 1)
        is_taken = take(turn, &match, words);
    node_match_done(&match);
    return is_taken;
}

static bool take_key(struct turn *turn, const char *word) {
    const struct chat_host *host = turn_host(turn);
    const char *name = host->node_of_key && strlen(word) >= 8
                           ? host->node_of_key(host->arg, word)
                           : NULL;

    return name && take_exact(turn, name, 1);
}

/* "status my old nas": titles of several words need no quotes. */
static bool take_title(struct turn *turn) {
    const struct turn_parse *parse = &turn->parse;
    size_t most = parse->count - 1;
    bool is_taken = false;

    most = most < TITLE_WORDS_MAX ? most : TITLE_WORDS_MAX;
    for (size_t count = most; count > 1 && !is_taken; count--) {
        struct buf text = { 0 };
        for (size_t i = 1; i <= count; i++)
            buf_printf(&text, "%s%s", i > 1 ? " " : "", parse->words[i].text);
        is_taken = take_exact(turn, buf_text(&text), count);
        buf_done(&text);
    }
    return is_taken;
}

/* Can the words only be a node? Then nothing else is made of them. */
static bool is_all(const struct command *command) {
    const char *grammar = command->grammar;

    return strcmp(grammar, "NODE") == 0 || strcmp(grammar, "[NODE]") == 0;
}

/* Does it only show, so that a wrong guess harms nobody? */
static bool is_harmless(const struct command *command) {
    return command->is_repeatable && command->role <= ACTOR_VIEWER;
}

static void add_buttons(struct turn *turn,
                        struct view *view,
                        const struct node_match *match,
                        const char *after) {
    for (size_t i = 0; i < match->count; i++) {
        const struct node_match_found *found = &match->found[i];
        struct buf line = { 0 };

        if (found->role < turn->command->role)
            continue;
        buf_printf(&line, "%s ", turn->command->name);
        view_quote(&line, found->name);
        buf_printf(&line, "%s%s", after[0] ? " " : "", after);
        if (i % BUTTONS_A_ROW == 0)
            view_row(view);
        view_button(view, VIEW_PLAIN, found->title[0] ? found->title : found->name, "%s",
                    buf_text(&line));
        buf_done(&line);
    }
}

/* Asks which node; what was typed from that word on comes behind it. */
static bool ask(struct turn *turn,
                struct view *view,
                const struct node_match *match,
                size_t word) {
    const struct turn_parse *parse = &turn->parse;
    const char *after = "";

    if (word < parse->count || parse->flag_count > 0) {
        after = parse->line + parse->words[word - 1].end;
        while (*after == ' ' || *after == '\t' || *after == '\n')
            after++;
    }
    if (match->fitting > match->count)
        view_note(view, turn_say(turn, "And %zu more: write the name."),
                  match->fitting - match->count);
    add_buttons(turn, view, match, after);
    const struct questions_text text = {
        .before = turn->command->name,
        .after = after,
        .is_for_node = true,
    };
    turn_life_ask(turn, view, &text);
    return false;
}

static bool tell_none(struct turn *turn) {
    struct view *view = view_new();

    view_text(view, "%s", turn_say(turn, "There is no node yet."));
    if (command_find("newkey"))
        view_button(view, VIEW_PRIMARY, turn_say(turn, "Add a node"), "newkey");
    turn_show(turn, view);
    return false;
}

static bool ask_which(struct turn *turn, const char *unknown, size_t word) {
    struct node_match all;
    struct view *view;

    node_match_init(&all, turn_host(turn), turn->actor, NULL);
    if (all.count == 0) {
        node_match_done(&all);
        return tell_none(turn);
    }
    view = view_new();
    view_title(view, "%s", turn_say(turn, "Which node?"));
    if (unknown)
        view_text(view, turn_say(turn, "There is no node called %s."), unknown);
    ask(turn, view, &all, word);
    node_match_done(&all);
    return false;
}

static bool did_you_mean(struct turn *turn, const struct node_match *match) {
    const char *word = turn->parse.words[1].text;
    struct view *view = view_new();

    if (match->how == NODE_MATCH_SIMILAR)
        view_text(view, turn_say(turn, "There is no node called %s. Did you mean:"),
                  word);
    else
        view_text(view, turn_say(turn, "%s may be any of these:"), word);
    return ask(turn, view, match, 2);
}

/* The chat's node, or the only one there is. */
static bool take_own(struct turn *turn) {
    const char *name = places_node(turn->chat->places, turn_place(turn));
    struct node_match all;
    bool is_only = false;

    if (name[0] && take_exact(turn, name, 0))
        return true;
    node_match_init(&all, turn_host(turn), turn->actor, NULL);
    if (all.fitting == 1)
        is_only = take(turn, &all, 0);
    node_match_done(&all);
    return is_only;
}

static bool is_number(const char *word) {
    return word[strspn(word, "0123456789")] == '\0';
}

/* The word is no name: perhaps nearly one. */
static bool guess(struct turn *turn) {
    const char *word = turn->parse.words[1].text;
    bool may_be_more = !is_all(turn->command);
    struct node_match match;
    bool is_taken = false;

    if (may_be_more && is_number(word))
        return ask_which(turn, NULL, 1);
    node_match_init(&match, turn_host(turn), turn->actor, word);
    if (match.how == NODE_MATCH_NONE)
        ask_which(turn, may_be_more ? NULL : word, may_be_more ? 1 : 2);
    else if (match.fitting == 1 &&
             (match.how != NODE_MATCH_SIMILAR || is_harmless(turn->command)))
        is_taken = take(turn, &match, 1);
    else
        did_you_mean(turn, &match);
    node_match_done(&match);
    return is_taken;
}

/* Is the first of a list one of the nodes, or is it a pattern? "cpu,ram" is none, and
 * "disk:*" neither. */
static bool means_nodes(const struct turn *turn, const char *word) {
    auto_(mem_freep) char *first = mem_dup(word, strcspn(word, ","));
    struct node_match match;

    if (word[0] == '@' || (strpbrk(first, "*?") && !strchr(word, ':')))
        return true;
    if (!strchr(word, ','))
        return false;
    node_match_init(&match, turn_host(turn), turn->actor, first);
    bool is_node = match.how == NODE_MATCH_EXACT;
    node_match_done(&match);
    return is_node;
}

/* Several nodes: whoever is asked about them leaves out what may not be seen. */
static bool take_several(struct turn *turn, const char *word) {
    if (!turn->command->takes_nodes || !means_nodes(turn, word))
        return false;
    turn->node_name = mem_strdup(word);
    turn->role = ACTOR_VIEWER;
    turn->first = 2;
    return true;
}

static bool find(struct turn *turn) {
    const char *word = turn->parse.count > 1 ? turn->parse.words[1].text : NULL;

    if (!word)
        return take_own(turn) || ask_which(turn, NULL, 1);
    if (take_exact(turn, word, 1) || take_key(turn, word) || take_several(turn, word) ||
        take_title(turn))
        return true;
    /* What a button confirms, or was begun, is one node's by name, and no other's. */
    if (turn_is_confirmed(turn) || turn->intent->is_begun) {
        turn_fail(turn, GRPC_NOT_FOUND, turn_say(turn, "The node is not here any more."),
                  NULL);
        return false;
    }
    if (!is_all(turn->command) && take_own(turn))
        return true;
    return guess(turn);
}

bool chat_node_find(struct turn *turn) {
    const struct command *command = turn->command;

    if (!find(turn))
        return false;
    if (turn->role >= command->role)
        return true;
    struct view *view = view_new();
    view_text(view, turn_say(turn, "/%s on %s needs the role %s; you are %s there."),
              command->name, turn->node_name,
              turn_say(turn, actor_role_name(command->role)),
              turn_say(turn, actor_role_name(turn->role)));
    turn_show(turn, view);
    return false;
}
