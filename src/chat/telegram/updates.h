/*
 * updates - what Telegram tells of, as inputs of the conversation
 *
 * An update is a message, a press, or that we were added to a group or blocked. What is
 * not for us comes to nothing: other bots, forwarded messages, plain words between people
 * in a group, commands for other bots ("/status@other"). In a group we hear commands,
 * answers to our messages, and what begins with our name.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/slice.h"
#include "chat/chat.h"

/* What we ask to be told of, as JSON. */
#define UPDATES_ALLOWED "[\"message\",\"callback_query\",\"my_chat_member\"]"

enum updates_kind {
    UPDATES_NOTHING, /* not for us */
    UPDATES_INPUT,
    UPDATES_BLOCKED, /* nobody reads us in that chat any more */
    UPDATES_MOVED,   /* the chat has another id: moved_to */
};

/* Who we are: from getMe. */
struct updates_self {
    const char *id;   /* borrowed, as the name: whoever reads updates */
    const char *name; /* without '@'; "" while unknown */
};

struct updates_update {
    enum updates_kind kind;
    char *id;                /* owned: update_id */
    struct chat_input input; /* its texts are lent by the update; BLOCKED and MOVED: only
                                the place counts */
    const char *moved_to;    /* lent */
    bool is_media;           /* a press: on a message with a picture or a file */
    char *query;             /* owned: a press must be answered, whatever else; NULL */
    struct updates_raw *raw; /* owned: what lends the texts */
};

/* Reads one update. False: no update at all (not JSON, or without an id); else
 * updates_done() frees what it holds. */
bool updates_read(struct slice json,
                  const struct updates_self *self,
                  struct updates_update *ret_update);

void updates_done(struct updates_update *update);
