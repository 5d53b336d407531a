/*
 * receipt - telling an agent which of its samples are durable
 *
 * Watches the cursor of a node in the history, under whatever name the node has, and says
 * when it is time to tell: not more often than ack_ms, at once when much was replayed.
 */
#pragma once

#include <stdbool.h>

#include "store/history/history.h"

struct intake_shared;
struct node;
struct receipt;

/* Never from inside a receipt_* function but receipt_settle(). */
struct receipt_events {
    /* Is there reason to tell now? */
    bool (*is_urgent)(void *user);
    /* Everything up to here may be forgotten. */
    void (*on_due)(void *user, struct history_cursor durable);
    /* After receipt_settle(): all that was taken is durable, and told; or the disk
     * refuses. */
    void (*on_settled)(void *user);
};

/* shared is copied; node, events and user are borrowed. */
struct receipt *receipt_new(const struct intake_shared *shared,
                            struct node *node,
                            const struct receipt_events *events,
                            void *user);

/* NULL is fine; always returns NULL. */
struct receipt *receipt_free(struct receipt *receipt);

/* A stream begins, which is told what this returns: the node's cursor. */
struct history_cursor receipt_begin(struct receipt *receipt);

/* The stream ended: nobody is there to be told. */
void receipt_pause(struct receipt *receipt);

/* Before each message: the node may have a new name. */
void receipt_follow(struct receipt *receipt);

/* Nothing more will come: asks for a flush, tells, and says when that is done. */
void receipt_settle(struct receipt *receipt);
