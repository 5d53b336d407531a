/*
 * alerts_feed - what the judge of alerts hears: nodes, samples, the clock
 *
 * Watches the registry, is given each row that goes into the history, and has the state
 * of rules and incidents written with the flush of these rows. When something fires it
 * asks the node which processes do most.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct actor;
struct alerts;
struct alerts_feed;
struct alerts_row;
struct history;
struct incidents;
struct loop;
struct node;
struct registry;
struct target;
struct timekeeper;

struct alerts_feed_config { /* all borrowed, all outlive it */
    struct loop *loop;
    struct registry *registry;
    struct history *history;
    struct timekeeper *timekeeper;
    struct target *gate; /* gate_inside() */
    struct alerts *alerts;
    struct incidents *incidents;
    struct actor *actor; /* the hub itself */
};

/* All nodes are there. Starts the judge. */
struct alerts_feed *alerts_feed_new(const struct alerts_feed_config *config);

/* Nothing is heard any more; what was judged still goes with the history's flushes, until
 * alerts_feed_free(). */
void alerts_feed_stop(struct alerts_feed *feed);

/* After the history. NULL is fine; always returns NULL. */
struct alerts_feed *alerts_feed_free(struct alerts_feed *feed);

/* A row that was taken into the history. NULL feed: nobody listens. */
void alerts_feed_take(struct alerts_feed *feed, const struct alerts_row *row);

void alerts_feed_rename(struct alerts_feed *feed, const char *from, const char *to);

/* Something fired: who does most there? For alerts_config.on_fire; arg is a pointer to
 * the feed's pointer, which may be NULL. */
void alerts_feed_on_fire(void *arg, const char *node, uint64_t incident);
