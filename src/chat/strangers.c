#include "chat/strangers.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "chat/chat_private.h"
#include "chat/kept/places.h"
#include "chat/turn/turn_private.h"
#include "chat/view.h"

#define REQUEST_PAUSE_MS (60LL * 60 * 1000) /* one asks at most once an hour */

static char *identity_of(const struct turn *turn) {
    return mem_printf("%s:%s", turn_place(turn)->platform, turn_person(turn)->id);
}

static void refuse(struct turn *turn) {
    const struct chat_host *host = turn_host(turn);
    auto_(mem_freep) char *identity = identity_of(turn);
    struct view *view = view_new();

    if (host->is_claimed && !host->is_claimed(host->arg)) {
        view_text(view, "%s",
                  turn_say(turn, "Nobody owns this hub yet. Whoever installed it says, "
                                 "with the claim code that it printed:"));
        view_code(view, "/start CODE");
    } else {
        view_text(view, "%s",
                  turn_say(turn, "This is a private hub, and it does not know you. A "
                                 "user of it lets you in with a code from"));
        view_code(view, "roost pair");
        view_text(view, "%s", turn_say(turn, "which you say here:"));
        view_code(view, "/start CODE");
        view_note(view, turn_say(turn, "Here you are %s."), identity);
    }
    turn_show(turn, view);
}

/* --- asking the administrators --- */

static void add_admission(const struct turn *turn,
                          struct view *view,
                          enum words_language language,
                          const char *role,
                          const char *label) {
    auto_(mem_freep) char *identity = identity_of(turn);
    struct buf line = { 0 };

    buf_add_text(&line, "admit ");
    view_quote(&line, identity);
    buf_printf(&line, " %s ", role);
    view_quote(&line, turn_person(turn)->name);
    view_button(view, VIEW_PLAIN, words_in(language, label), "%s", buf_text(&line));
    buf_done(&line);
}

static void ask_one(struct turn *turn, const struct chat_place *place) {
    struct chat *chat = turn->chat;
    enum words_language language = chat_language(chat, place);
    auto_(mem_freep) char *identity = identity_of(turn);
    struct view *view = view_new();

    view_title(view, "%s", words_in(language, "Somebody asks to be let in"));
    view_field(view, words_in(language, "Name"), "%s", turn_person(turn)->name);
    view_field(view, words_in(language, "Identity"), "%s", identity);
    add_admission(turn, view, language, "viewer", "As viewer");
    add_admission(turn, view, language, "operator", "As operator");
    view_row(view);
    add_admission(turn, view, language, "own", "For nodes of his own");
    add_admission(turn, view, language, "nobody", "No");
    chat_post(chat, place, NULL, NULL, view, NULL, NULL);
    view_free(view);
}

static bool is_admin(const struct chat *chat, const char *identity) {
    const struct chat_host *host = &chat->config.host;
    struct actor *actor = host->find_person(host->arg, identity);
    bool is_one = actor && actor_is_admin(actor);

    actor_unref(actor);
    return is_one;
}

/* The next private chat with an administrator: *at starts at 0; NULL at the end. */
static const struct chat_place *next_admin(const struct chat *chat, size_t *at) {
    const struct chat_place *place;
    const char *identity;
    const char *user;

    while ((place = places_next_private(chat->places, at, &identity, &user)))
        if (is_admin(chat, identity))
            return place;
    return NULL;
}

static void ask_all(struct turn *turn) {
    const struct chat_place *place;
    size_t at = 0;

    while ((place = next_admin(turn->chat, &at)))
        ask_one(turn, place);
}

static void request(struct turn *turn) {
    struct chat *chat = turn->chat;
    struct view *view;

    if (!next_admin(chat, &(size_t) { 0 })) {
        refuse(turn);
        return;
    }
    if (!places_may_offer(chat->places, turn_place(turn), chat_now_ms(chat),
                          REQUEST_PAUSE_MS)) {
        view = view_new();
        view_text(view, "%s", turn_say(turn, "You were asked for already: wait for it."));
        turn_show(turn, view);
        return;
    }
    ask_all(turn);
    view = view_new();
    view_text(view, "%s",
              turn_say(turn, "This is a private hub. Its administrators were asked to "
                             "let you in; you will hear of it here."));
    turn_show(turn, view);
}

/* --- users by themselves --- */

static void on_enlisted(void *arg, const char *why, const char *user) {
    struct turn **waiting = arg;
    struct turn *turn = *waiting;

    free(waiting);
    if (!turn)
        return;
    turn->awaited = NULL;
    actor_unref(turn->actor);
    turn->actor = chat_find_person(turn->chat, turn_place(turn), turn_person(turn));
    if (why || !turn->actor)
        turn_fail(turn, GRPC_FAILED_PRECONDITION, why ? why : "", NULL);
    else
        chat_run_turn(turn);
}

static void enlist(struct turn *turn) {
    const struct chat_host *host = turn_host(turn);
    auto_(mem_freep) char *identity = identity_of(turn);
    struct turn **waiting = mem_new(sizeof(struct turn *)); /* the host may answer late */

    *waiting = turn;
    turn->awaited = waiting;
    host->enlist(host->arg, identity, turn_person(turn)->name, on_enlisted, waiting);
}

void strangers_meet(struct turn *turn) {
    const struct chat_host *host = turn_host(turn);
    bool is_claimed = !host->is_claimed || host->is_claimed(host->arg);

    if (!is_claimed || turn->chat->config.strangers == CHAT_REFUSE)
        refuse(turn);
    else if (turn->chat->config.strangers == CHAT_REQUEST)
        request(turn);
    else
        enlist(turn);
}
