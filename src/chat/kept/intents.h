/*
 * intents - what people meant, kept until it is done and shown
 *
 * An intent is stored before it is run and forgotten when its answer stands. Intents of
 * one chat begin in the order in which they were said; those of different chats run side
 * by side. What has been taken once is known for two days, so that nothing is done twice
 * when the platform says it again.
 *
 *   taken -> (durable) waiting -> running -> done
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"
#include "base/slice.h"
#include "chat/chat.h"

struct intents;
struct keep;
struct records;

enum {
    INTENTS_RUNNING_MAX = 64,
    INTENTS_SEEN_MAX = 50000, /* ids that are known; beyond it the oldest go */
    INTENTS_OPERATION_LEN = 32,
};

#define INTENTS_SEEN_MS (48LL * 3600 * 1000) /* platforms retry for a day */

struct intent {
    struct list node; /* in its lane */
    enum chat_kind kind;
    char *id; /* owned, and so are all texts */
    struct chat_place place;
    struct chat_person person;
    char *line;
    char *message; /* to be edited by the answer; "" */
    char *said;    /* the message to reply to; "" */
    char *card;    /* whose button it was; "" */
    char operation[INTENTS_OPERATION_LEN + 1];
    int64_t order; /* rising as they are taken */
    bool is_confirmed;
    bool is_begun;             /* its act may have been done */
    bool is_again;             /* begun by a hub that has died */
    bool is_cut;               /* it was longer than CHAT_LINE_MAX */
    struct intents_lane *lane; /* borrowed: the intents' */
};

struct intents_config {
    struct keep *keep; /* borrowed: outlives it */
    /* Runs an intent, which is lent until intents_done(). Not from inside intents_*. */
    void (*run)(void *arg, struct intent *intent);
    void *arg;
    struct loop *loop; /* borrowed: outlives it */
};

struct intents *intents_new(const struct intents_config *config);
struct intents *intents_free(struct intents *intents);

/* Records of the spaces "chat.intent" and "chat.seen". */
void intents_load(struct intents *intents, const char *key, struct slice value);
void intents_load_seen(struct intents *intents, const char *key, struct slice value);

/* Was an input of that id taken before? */
bool intents_is_known(const struct intents *intents,
                      const char *platform,
                      const char *id);

/* How many of that chat wait. */
size_t intents_waiting(const struct intents *intents, const struct chat_place *place);

/* Makes an intent of an input, whose line is what it means; copies. */
struct intent *intents_make(const struct chat_input *input, const char *line);
struct intent *intents_drop(struct intent *intent);

/* Knows the id from now on, and notes that in the batch. intents_unknow(): the batch was
 * refused. */
void intents_know(struct intents *intents,
                  const char *platform,
                  const char *id,
                  int64_t now_ms,
                  struct records *batch);
void intents_unknow(struct intents *intents, const char *platform, const char *id);

/* Writes it into the batch; intents_queue(), which takes it, when that is durable. */
void intents_store(struct intents *intents, struct intent *intent, struct records *batch);
void intents_queue(struct intents *intents, struct intent *intent);

/* The batch was refused: drops the intent. */
void intents_unstore(struct intents *intents, struct intent *intent);

/* Stores it anew after a change: with the batch, or some time. */
void intents_note(struct intents *intents,
                  const struct intent *intent,
                  struct records *batch);
void intents_change(struct intents *intents, const struct intent *intent);

/* Intents of that platform run from now on. */
void intents_open(struct intents *intents, const char *platform);

/* It takes long: the next of its chat begins. */
void intents_let_pass(struct intents *intents, struct intent *intent);

/* It is done and shown: forgets and frees it. */
void intents_done(struct intents *intents, struct intent *intent);

void intents_sweep(struct intents *intents, int64_t now_ms);

/* The chat has another id. */
void intents_move(struct intents *intents,
                  const char *platform,
                  const char *from,
                  const char *to);

/* Those that wait or run. */
size_t intents_count(const struct intents *intents);
