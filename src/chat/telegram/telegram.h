/*
 * telegram - the carrier between the conversation and the Bot API
 *
 * Brings what people say and press into the engine, each update once, by asking for it
 * (poll) or on the hub's listener (webhook), and views out to them. It joins the chat at
 * its start. The system's proxy is used (https_proxy, no_proxy), and its authorities.
 *
 * What the hub does for it: settings, also new ones while it runs, the records of its
 * spaces at the start (before telegram_start()), and the path of its webhook on the
 * listener. Exactly one hub of a group runs it. Without a token it is off: nobody is
 * heard, and nobody can be reached.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

struct chat;
struct loop;
struct store;
struct telegram;

#define TELEGRAM_API_URL "https://api.telegram.org"

enum telegram_mode { TELEGRAM_POLL, TELEGRAM_WEBHOOK };

struct telegram_config {
    struct loop *loop; /* borrowed, as the next two */
    struct chat *chat;
    struct store *store;
    const char *token;   /* NULL: off. Copied, as all texts */
    const char *api_url; /* without "/bot"; NULL: TELEGRAM_API_URL */
    const char *ca_file; /* PEM; NULL: the system's */
    enum telegram_mode mode;
    const char *webhook_url; /* the whole address as Telegram is to call it */
    const char *secret;      /* of the webhook; NULL: a new one each start */
};

/* Is this a token's form, "123456:letters"? The name of the setting that is wrong; NULL:
 * all is well. */
const char *telegram_check(const struct telegram_config *config, const char **ret_why);

struct telegram *telegram_new(const struct telegram_config *config);

/*
 * Other settings, which telegram_check() has passed, or no token any more; loop, chat,
 * store, ca_file and secret stay as they were. What waits to be sent goes by them, at
 * once. True when something has changed.
 */
bool telegram_set(struct telegram *telegram, const struct telegram_config *config);

/* With the chat, and no turn of the loop between the two. NULL is fine; always returns
 * NULL. */
struct telegram *telegram_free(struct telegram *telegram);

/* A record of the store: true when the space is ours. */
bool telegram_load(struct telegram *telegram,
                   const char *space,
                   const char *key,
                   struct slice value);

void telegram_start(struct telegram *telegram);

/* The HTTP status to answer with; comes once, later, unless the telegram ends before. */
typedef void telegram_answer_fn(void *arg, unsigned status);

/* A request on the webhook's path. secret: its X-Telegram-Bot-Api-Secret-Token; NULL: it
 * has none. */
void telegram_take_webhook(struct telegram *telegram,
                           const char *method,
                           const char *secret,
                           struct slice body,
                           telegram_answer_fn *answer,
                           void *arg);

enum telegram_state {
    TELEGRAM_STARTING,
    TELEGRAM_WORKS,
    TELEGRAM_TROUBLE, /* tried again */
    TELEGRAM_RIVAL,   /* likewise; another program polls with the token */
    TELEGRAM_REFUSED, /* for good: the token does not count */
    TELEGRAM_OFF,     /* there is no token */
};

struct telegram_status {
    enum telegram_state state;
    const char *name;       /* the bot's, without '@'; "" while unknown; lent */
    const char *why;        /* the last error and its remedy; "": none so far; lent */
    uint64_t since_ms;      /* loop time of the last change of the state */
    uint64_t last_in_ms;    /* loop time of the last answer to our questions; 0: none */
    uint64_t held_until_ms; /* loop time until which the API wants nothing of us; 0 */
    size_t waiting;         /* messages that are not through yet */
    size_t waiting_there;   /* webhook: updates that Telegram has not brought yet */
};

/* Lent until the next turn of the loop. */
struct telegram_status telegram_status(const struct telegram *telegram);

/* "works" and so on. */
const char *telegram_state_name(enum telegram_state state);
