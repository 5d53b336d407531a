/*
 * turn_private - a turn as the files of the engine see it
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"
#include "chat/turn/turn.h"
#include "chat/turn/turn_parse.h"
#include "loop/loop.h"
#include "loop/timer.h"

struct command;
struct intent;

enum {
    TURN_PACE_MS = 1500,       /* between two edits: chats allow about one a second */
    TURN_WORK_MS = 400,        /* then the person is told that something is done */
    TURN_WORK_AGAIN_MS = 4500, /* a platform shows that for 5 s */
    TURN_PASS_MS = 3000,       /* then the next of the chat begins */
    TURN_LONG_MAX = 500,       /* turns that others need not wait for */
};

struct turn {
    struct list node;      /* of chat->turns */
    struct chat *chat;     /* borrowed: outlives it */
    struct intent *intent; /* lent by the intents until the turn is done */
    struct actor *actor;   /* reference; NULL: a stranger */
    enum words_language language;
    struct turn_parse parse;
    const struct command *command; /* borrowed: static; NULL: none was found */
    size_t first;                  /* words behind the command and its node begin here */
    char *node_name;               /* owned; NULL: none */
    enum actor_role role;
    char **rests;      /* owned, and the texts: by word, made when asked for */
    char **operations; /* owned, and the texts */
    size_t operation_count;
    struct list calls;  /* of turn_call's struct call_of; owned */
    struct list laters; /* of struct turn_later_item; owned */
    void *state;        /* owned */
    void (*on_end)(void *state);

    /* What is shown. */
    char *message;      /* owned: of which message; "": a new one */
    struct view *next;  /* owned: what is shown as soon as it may; NULL: nothing */
    struct view *shown; /* owned: on its way */
    bool is_showing;
    bool has_ended;    /* next is the answer, or it was shown */
    bool is_told;      /* the answer was taken, or nobody is there */
    bool is_own;       /* message is one that this turn made */
    bool is_excused;   /* the answer was too long */
    unsigned adding;   /* messages beside the answer */
    uint64_t shown_ms; /* loop time; 0: nothing yet */
    struct timer pace;
    struct timer work;
    struct timer pass;
    struct task settle;

    /* What the last reply said beside its status. */
    char *remedy;          /* owned: the command that would allow it; NULL: none */
    struct turn **awaited; /* borrowed: where an answer of the host finds us; NULL */
    char *approval;        /* owned: of what waits for somebody's word; NULL: nothing */
};
