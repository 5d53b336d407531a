/*
 * inlet - updates on their way into the conversation, each exactly once
 *
 * Reads them, hands what is for us to the engine, together with the carrier's mark, and
 * says when all of it is durable. What needs no storing (a chat that moved, one that
 * blocked us) is passed on at once.
 */
#pragma once

#include <stddef.h>

#include "base/slice.h"
#include "chat/telegram/updates.h"

struct chat;
struct inlet;
struct records;

/* The space of our record: when something came last. */
#define INLET_SPACE "telegram.seen"

struct inlet_config {
    struct chat *chat; /* borrowed, as self */
    const struct updates_self *self;
    const char *mark_key; /* of our record; copied */
    void *arg;
    void (*on_blocked)(void *arg, const char *chat);
    void (*on_moved)(void *arg, const char *from, const char *to);
    /* A press, or a word: the chat is alive, and the message is of that kind. */
    void (*on_input)(void *arg, const struct updates_update *update);
    /* A press that comes to nothing must be answered too. */
    void (*on_idle_press)(void *arg, const char *query);
};

struct inlet *inlet_new(const struct inlet_config *config);

/* What comes from now on is another bot's: the key of its record. */
void inlet_aim(struct inlet *inlet, const char *mark_key);

/* With the chat, which tells of nothing any more. NULL is fine; always
 * returns NULL. */
struct inlet *inlet_free(struct inlet *inlet);

/* Updates as JSON, one behind the other. Zeroed: none. */
struct inlet_batch {
    struct updates_update *updates; /* owned */
    size_t count;
};

/* The record: was it so lately that what we sent then still counts for the limits? */
bool inlet_is_recent(struct slice value);

/* Reads one more update into the batch; false: it is none. */
bool inlet_read(struct inlet *inlet, struct slice json, struct inlet_batch *batch);

/*
 * Takes the batch, emptied then, and the mark (emptied too): done gets 0 when all of it
 * is durable, else -errno and nothing was taken. It comes later.
 */
void inlet_take(struct inlet *inlet,
                struct inlet_batch *batch,
                struct records *mark,
                void (*done)(void *arg, int result),
                void *arg);

void inlet_batch_done(struct inlet_batch *batch);
