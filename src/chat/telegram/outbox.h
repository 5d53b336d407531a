/*
 * outbox - what waits to be sent, and what may go now
 *
 * One queue for each chat, four classes in it; the API's limits are kept a little below
 * what it allows. It sends nothing and reads no clock: now is a parameter. In a chat one
 * letter is on its way at a time, so that order is kept within a class; of two edits of
 * one message only the newer is sent.
 *
 *   put --> waiting --take--> on its way --settle--> gone
 *              ^------ retry ------'
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"

struct outbox;

enum outbox_class {
    OUTBOX_URGENT, /* critical alerts */
    OUTBOX_ANSWER, /* to people who wait */
    OUTBOX_EDIT,   /* of what stands there already */
    OUTBOX_REPORT, /* the rest */
    OUTBOX_CLASSES,
};

enum {
    /* To all chats: the API takes about 30 a second. With what is on its way at once,
     * fewer than that fall into any second. */
    OUTBOX_ALL_EVERY_MS = 46,
    OUTBOX_ALL_BURST = 2,
    OUTBOX_FLIGHT_MAX = 8,      /* calls at the same time */
    OUTBOX_FLIGHT_RESERVED = 2, /* of them for what is urgent */
    /* To one chat: one a second, small bursts. */
    OUTBOX_CHAT_EVERY_MS = 1050,
    OUTBOX_CHAT_BURST = 3,
    OUTBOX_CHAT_RESERVED = 1, /* of the burst, for what is urgent and for answers */
    /* To a group: 20 a minute. 9 at once and one each 6 s are at most 19. */
    OUTBOX_GROUP_EVERY_MS = 6000,
    OUTBOX_GROUP_BURST = 9,
    OUTBOX_GROUP_RESERVED = 2,   /* for each better class */
    OUTBOX_GROUP_FIRST = 5,      /* of the burst, after outbox_spare() */
    OUTBOX_LETTERS_MAX = 500,    /* waiting for one chat; twice as many urgent ones */
    OUTBOX_BYTES_MAX = 64 << 20, /* waiting for all chats */
};

/* Embed it; zero it and set chat, class, message, size. */
struct outbox_letter {
    struct list node;
    char *chat; /* owned by whoever embeds it, as message; below 0 or "@name": a group */
    enum outbox_class class;
    char *message;            /* an edit: of which message; else NULL */
    size_t size;              /* bytes that it holds */
    struct outbox_chat *home; /* borrowed: the outbox */
};

struct outbox *outbox_new(uint64_t now_ms);

/* A life before this one sent something a moment ago, nobody knows how much: each chat
 * starts as if its burst had just been spent. To be called before anything is put. */
void outbox_spare(struct outbox *outbox);

/* Gives what still waits or is on its way to drop. NULL is fine; always returns NULL. */
struct outbox *outbox_free(struct outbox *outbox,
                           void (*drop)(void *arg, struct outbox_letter *letter),
                           void *arg);

/* Queues the letter: 0, or -ENOBUFS: too much waits. An older edit of the same message
 * that still waited is handed back: it is out of the queue. */
int outbox_put(struct outbox *outbox,
               struct outbox_letter *letter,
               struct outbox_letter **ret_replaced);

/* Before everything else of its class; never refused: what belongs to a letter that was
 * sent. */
void outbox_put_first(struct outbox *outbox, struct outbox_letter *letter);

/* The letter that is to be sent now; NULL: none, look again in ret_wait_ms
 * (UINT64_MAX: when something is put or settled). */
struct outbox_letter *outbox_take(struct outbox *outbox,
                                  uint64_t now_ms,
                                  uint64_t *ret_wait_ms);

/* It is through, or given up: the chat is free for the next. */
void outbox_settle(struct outbox *outbox, struct outbox_letter *letter, uint64_t now_ms);

/* It is to be sent again, before the others of its class; the chat waits so long. */
void outbox_retry(struct outbox *outbox,
                  struct outbox_letter *letter,
                  uint64_t now_ms,
                  uint64_t delay_ms);

/* Nothing goes to anybody for so long. */
void outbox_hold(struct outbox *outbox, uint64_t now_ms, uint64_t delay_ms);

/* Nothing is held any more: what held it is over. */
void outbox_release(struct outbox *outbox);

/* What waits for a chat waits for another: letters' chat is replaced. */
void outbox_move(struct outbox *outbox, const char *from, const char *to);

/* Takes all that waits for a chat out, into the list (by node). */
void outbox_clear(struct outbox *outbox, const char *chat, struct list *ret_letters);

/* Likewise of all chats. */
void outbox_clear_all(struct outbox *outbox, struct list *ret_letters);

/* Letters that wait or are on their way. */
size_t outbox_count(const struct outbox *outbox);
