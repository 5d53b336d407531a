#include "chat/turn/turn_show.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "chat/chat_private.h"
#include "chat/kept/cards.h"
#include "chat/kept/intents.h"
#include "chat/turn/turn_life.h"
#include "chat/turn/turn_private.h"

static void pump(struct turn *turn);

static struct loop *loop_of(const struct turn *turn) {
    return turn->chat->config.host.loop;
}

/* The turn is done: the intent goes, and the pressed view counts again if it stands. */
static void settle(struct task *task) {
    struct turn *turn = container_of(task, struct turn, settle);
    struct chat *chat = turn->chat;
    struct intent *intent = turn->intent;

    if (intent->card[0])
        cards_revive(chat->cards, intent->card);
    turn_life_free(turn);
    intents_done(chat->intents, intent);
}

static void look(struct turn *turn) {
    if (turn->is_told && turn->adding == 0 && !turn->is_showing)
        loop_post(loop_of(turn), &turn->settle);
}

static void on_pace(struct timer *timer) {
    pump(container_of(timer, struct turn, pace));
}

static void on_work(struct timer *timer) {
    struct turn *turn = container_of(timer, struct turn, work);
    const struct chat_carrier *carrier =
        chat_find_carrier(turn->chat, turn->intent->place.platform);

    if (!carrier || !carrier->work || turn->has_ended || turn->shown_ms > 0)
        return;
    carrier->work(carrier->carrier, &turn->intent->place);
    timer_start(loop_of(turn), &turn->work, TURN_WORK_AGAIN_MS);
}

static void on_pass(struct timer *timer) {
    struct turn *turn = container_of(timer, struct turn, pass);

    if (turn->chat->turn_count < TURN_LONG_MAX)
        intents_let_pass(turn->chat->intents, turn->intent);
}

void turn_show_init(struct turn *turn) {
    turn->settle.run = settle;
    turn->pace.fire = on_pace;
    turn->work.fire = on_work;
    turn->pass.fire = on_pass;
    timer_start(loop_of(turn), &turn->work, TURN_WORK_MS);
    timer_start(loop_of(turn), &turn->pass, TURN_PASS_MS);
}

void turn_show_done(struct turn *turn) {
    loop_cancel(&turn->settle);
    timer_stop(&turn->pace);
    timer_stop(&turn->work);
    timer_stop(&turn->pass);
    turn->next = view_free(turn->next);
    turn->shown = view_free(turn->shown);
}

static void post(struct turn *turn,
                 const struct view *view,
                 const char *message,
                 chat_shown_fn *done) {
    const struct intent *intent = turn->intent;
    auto_(mem_freep) char *identity =
        mem_printf("%s:%s", intent->place.platform, intent->person.id);

    chat_post_view(turn->chat,
                   &(struct chat_show_request) {
                       .place = &intent->place,
                       .message = message,
                       .reply_to = intent->place.is_private ? NULL : intent->said,
                       .user = intent->place.is_private ? identity : NULL,
                       .presser = identity,
                       .view = view,
                   },
                   done, turn);
}

static void remember_message(struct turn *turn, const char *message) {
    if (!message || strcmp(turn->message, message) == 0)
        return;
    free(turn->message);
    turn->message = mem_strdup(message);
    if (turn->has_ended && !turn->next)
        return;
    /* Should we die now, the next life edits this message. */
    free(turn->intent->message);
    turn->intent->message = mem_strdup(message);
    intents_change(turn->chat->intents, turn->intent);
}

static struct view *make_excuse(const struct turn *turn) {
    struct view *view = view_new();

    view_text(view, "%s", turn_say(turn, "The answer is too long to be shown here."));
    return view;
}

/* What is to be tried when a view was not taken: NULL, or a view, which may be the same.
 * Takes the view. */
static struct view *choose_remedy(struct turn *turn, struct view *view, int result) {
    if (!turn->next && result == -ENOENT && turn->message[0]) {
        free(turn->message); /* the message to be edited is gone: a new one */
        turn->message = mem_strdup("");
        return view;
    }
    view_free(view);
    if (!turn->has_ended || turn->next || result != -EMSGSIZE || turn->is_excused) {
        log_info("chat: %s: a view could not be shown (%d)", turn->intent->place.platform,
                 result);
        return NULL;
    }
    turn->is_excused = true;
    return make_excuse(turn);
}

static void on_shown(void *arg, int result, const char *message) {
    struct turn *turn = arg;
    struct view *shown = TAKE(turn->shown);

    turn->is_showing = false;
    turn->shown_ms = loop_now_ms(loop_of(turn));
    if (result == 0) {
        view_free(shown);
        remember_message(turn, message);
    } else {
        struct view *remedy = choose_remedy(turn, shown, result);
        turn->next = remedy ? remedy : turn->next;
    }
    pump(turn);
}

static bool must_wait(struct turn *turn) {
    uint64_t now_ms = loop_now_ms(loop_of(turn));
    uint64_t since_ms = now_ms - turn->shown_ms;

    if (turn->has_ended || turn->shown_ms == 0 || since_ms >= TURN_PACE_MS)
        return false;
    if (!timer_is_running(&turn->pace))
        timer_start(loop_of(turn), &turn->pace, TURN_PACE_MS - since_ms);
    return true;
}

static void pump(struct turn *turn) {
    if (turn->is_showing)
        return;
    if (!turn->next) {
        turn->is_told = turn->has_ended;
        look(turn);
        return;
    }
    if (must_wait(turn))
        return;
    turn->is_showing = true;
    turn->shown = TAKE(turn->next);
    /* What follows belongs into the message that this turn made. */
    bool is_new = turn->message[0] == '\0' || (turn->shown->is_fresh && !turn->is_own);
    turn->is_own |= is_new;
    post(turn, turn->shown, is_new ? "" : turn->message, on_shown);
}

void turn_show_next(struct turn *turn, struct view *view) {
    if (turn->has_ended) {
        view_free(view);
        return;
    }
    view_free(turn->next);
    turn->next = view;
    on_pass(&turn->pass); /* it goes on: others need not wait */
    pump(turn);
}

void turn_show_last(struct turn *turn, struct view *view) {
    view_free(turn->next);
    turn->next = view;
    timer_stop(&turn->pace);
    timer_stop(&turn->work);
    pump(turn);
}

static void on_added(void *arg, int result, const char *message) {
    struct turn *turn = arg;

    turn->adding--;
    look(turn);
}

void turn_show_beside(struct turn *turn, struct view *view) {
    turn->adding++;
    post(turn, view, "", on_added);
    view_free(view);
}
