/*
 * chat_private - what the files of the engine share
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "chat/chat.h"
#include "loop/timer.h"

struct cards;
struct intent;
struct intents;
struct keep;
struct places;
struct questions;
struct turn;
struct view;

/* A carrier that has joined. */
struct chat_joined {
    struct list node;
    struct chat_carrier carrier;
    char *platform; /* owned */
};

struct chat {
    struct chat_config config;
    struct keep *keep; /* owned, and so are the next four */
    struct cards *cards;
    struct intents *intents;
    struct places *places;
    struct questions *questions;
    struct list carriers; /* of struct chat_joined; owned */
    struct list turns;    /* of struct turn; owned */
    struct list shows;    /* of struct chat_show; owned; the carriers answer them */
    struct list batches;  /* of struct chat_take_batch; owned by the keep's answer */
    struct timer sweep;
    size_t turn_count;
    struct chat_place lent; /* of chat_private_place(); owned texts */
};

/* NULL: none of that name has joined. */
const struct chat_carrier *chat_find_carrier(const struct chat *chat,
                                             const char *platform);

int64_t chat_now_ms(const struct chat *chat);

/* Who speaks: a reference, NULL: a stranger. */
struct actor *chat_find_person(const struct chat *chat,
                               const struct chat_place *place,
                               const struct chat_person *person);

/* What chat_post_view() shows. */
struct chat_show_request {
    const struct chat_place *place;
    const char *message;     /* "" or NULL: a new one */
    const char *reply_to;    /* likewise */
    const char *user;        /* who alone may press; NULL: whoever may */
    const char *presser;     /* who alone may confirm; NULL: nobody */
    const struct view *view; /* lent */
    bool is_outside;         /* who asks is no turn: he hears of every end */
};

/* Shows a view with its card; done is called later. */
void chat_post_view(struct chat *chat,
                    const struct chat_show_request *request,
                    chat_shown_fn *done,
                    void *arg);

/* Forgets those that the carriers have not answered. */
void chat_post_end_all(struct chat *chat);

/* Forgets the inputs that are being stored. */
void chat_take_end_all(struct chat *chat);

/* Goes on with a turn whose person is known now. */
void chat_run_turn(struct turn *turn);

/* Runs an intent, which goes to a turn of its own. */
void chat_run_intent(void *arg, struct intent *intent);
