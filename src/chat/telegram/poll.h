/*
 * poll - asks Telegram for updates, again and again
 *
 * A question waits up to 50 s for something to happen. An answer is handed in together
 * with the number that follows its last update; only when both are durable is the next
 * question asked, with that number, which tells Telegram to forget them.
 *
 *   ask --updates--> take --durable--> ask ...
 *    |                 |
 *    +--- failure -----+--> wait (1 s ... 60 s) --> ask again with the same number
 *
 * Another poller on the same token (409) is told and tried against, patiently. A token
 * that does not count (401) ends it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/slice.h"

struct api;
struct inlet;
struct loop;
struct poll;

enum poll_news {
    POLL_WORKS,
    POLL_TROUBLE, /* tried again */
    POLL_RIVAL,   /* likewise: another poller has the token */
    POLL_REFUSED, /* for good: the token */
};

struct poll_config {
    struct loop *loop; /* borrowed, as the next two */
    struct api *api;
    struct inlet *inlet;
    const char *mark_key; /* of our record; copied */
    void *arg;
    void (*on_news)(void *arg, enum poll_news news, const char *why);
};

/* The space of our record. */
#define POLL_SPACE "telegram.poll"

struct poll *poll_new(const struct poll_config *config);

/* NULL is fine; always returns NULL. */
struct poll *poll_free(struct poll *poll);

/* The record: from which update on. To be called before the start. */
void poll_load(struct poll *poll, struct slice value);

void poll_start(struct poll *poll);

/* Asks no more, until the next start. */
void poll_stop(struct poll *poll);

/* Stopped: asks for another bot from now on, whose record has that key. poll_load() says
 * from which update on. */
void poll_aim(struct poll *poll, const char *mark_key);

/* From which update on; "": unknown. Lent until it changes. */
const char *poll_offset(const struct poll *poll);
