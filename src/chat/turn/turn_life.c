#include "chat/turn/turn_life.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/log.h"
#include "base/mem.h"
#include "chat/chat_private.h"
#include "chat/command.h"
#include "chat/kept/intents.h"
#include "chat/kept/places.h"
#include "chat/kept/questions.h"
#include "chat/turn/turn_call.h"
#include "chat/turn/turn_private.h"
#include "chat/turn/turn_show.h"
#include "chat/view.h"

/* Something to do later. */
struct later {
    struct list node;
    struct timer timer;
    struct turn *turn; /* borrowed: whose it is */
    void (*on_time)(struct turn *turn, void *arg);
    void *arg; /* borrowed: the command's */
};

struct turn *turn_life_new(struct chat *chat, struct intent *intent) {
    struct turn *turn = mem_new(sizeof(*turn));

    turn->chat = chat;
    turn->intent = intent;
    turn->actor = chat_find_person(chat, &intent->place, &intent->person);
    turn->language = places_language(chat->places, &intent->place, &intent->person);
    turn->message = mem_strdup(intent->message);
    turn_parse_init(&turn->parse, intent->line);
    list_init(&turn->calls);
    list_init(&turn->laters);
    turn_show_init(turn);
    list_add_tail(&chat->turns, &turn->node);
    chat->turn_count++;
    return turn;
}

static void free_texts(char **texts, size_t count) {
    for (size_t i = 0; texts && i < count; i++)
        free(texts[i]);
    free(texts);
}

static void drop_laters(struct turn *turn) {
    struct list *node;

    while ((node = list_pop(&turn->laters))) {
        struct later *later = container_of(node, struct later, node);
        timer_stop(&later->timer);
        free(later);
    }
}

void turn_life_free(struct turn *turn) {
    turn_call_end_all(turn);
    drop_laters(turn);
    turn_show_done(turn);
    if (turn->on_end)
        turn->on_end(turn->state);
    free(turn->state);
    free_texts(turn->rests, turn->parse.count);
    free_texts(turn->operations, turn->operation_count);
    turn_parse_done(&turn->parse);
    actor_unref(turn->actor);
    free(turn->node_name);
    free(turn->message);
    free(turn->remedy);
    free(turn->approval);
    if (turn->awaited)
        *turn->awaited = NULL;
    list_remove(&turn->node);
    turn->chat->turn_count--;
    free(turn);
}

static void on_later(struct timer *timer) {
    struct later *later = container_of(timer, struct later, timer);
    struct turn *turn = later->turn;
    void (*on_time)(struct turn *, void *) = later->on_time;
    void *arg = later->arg;

    list_remove(&later->node);
    free(later);
    on_time(turn, arg);
}

void turn_life_later(struct turn *turn,
                     unsigned delay_ms,
                     void (*on_time)(struct turn *turn, void *arg),
                     void *arg) {
    struct later *later = mem_new(sizeof(*later));

    if (turn->has_ended) {
        free(later);
        return;
    }
    *later = (struct later) {
        .timer.fire = on_later,
        .turn = turn,
        .on_time = on_time,
        .arg = arg,
    };
    list_add_tail(&turn->laters, &later->node);
    timer_start(turn->chat->config.host.loop, &later->timer, delay_ms);
}

/* Nothing of the turn goes on but what it shows. */
bool turn_life_end(struct turn *turn) {
    if (turn->has_ended) {
        log_warning("chat: a turn of %s ended twice",
                    turn->command ? turn->command->name : "no command");
        return false;
    }
    turn_call_end_all(turn);
    drop_laters(turn);
    turn->has_ended = true;
    return true;
}

void turn_life_end_silently(struct turn *turn) {
    if (turn_life_end(turn))
        turn_show_last(turn, NULL);
}

void turn_life_ask(struct turn *turn,
                   struct view *view,
                   const struct questions_text *text) {
    questions_ask(turn->chat->questions, &turn->intent->place, &turn->intent->person,
                  text, chat_now_ms(turn->chat));
    if (turn_life_end(turn))
        turn_show_last(turn, view);
    else
        view_free(view);
}

char *turn_life_line(const struct turn *turn) {
    const struct turn_parse *parse = &turn->parse;
    struct buf line = { 0 };

    if (!turn->command)
        return mem_strdup(parse->line);
    buf_add_text(&line, turn->command->name);
    if (turn->node_name) {
        buf_add_byte(&line, ' ');
        view_quote(&line, turn->node_name);
    }
    size_t from = turn->first > 0 ? parse->words[turn->first - 1].end : 0;
    const char *rest = parse->line + from;
    while (*rest == ' ' || *rest == '\n' || *rest == '\t')
        rest++;
    if (*rest)
        buf_printf(&line, " %s", rest);
    return buf_take_text(&line);
}
