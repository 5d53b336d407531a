/*
 * flight_carry - a message as its channel has it, and over to the other side
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "alerts/notifier/decision.h"
#include "alerts/notifier/target.h"
#include "alerts/notifier/telling.h"
#include "base/buf.h"

struct channel;
struct http_call;
struct incident;
struct mailer_call;
struct notifier;

enum { FLIGHT_PICTURES_MAX = 8 };

struct flight {
    struct list link;          /* in notifier->flights */
    struct notifier *notifier; /* borrowed; NULL: it has gone */
    struct parcel *parcel;     /* borrowed; NULL: a note, or it has gone */
    struct target *target;     /* borrowed: the notifier's */
    struct channel *channel;   /* owned: a copy */
    enum decision_act act;
    enum telling_stage stage;
    uint64_t incident;
    uint64_t version;
    bool is_over;  /* says that it is over */
    bool is_first; /* and nothing was said before */
    char *title;   /* owned; of what is no incident, and so is text; or NULL */
    char *text;
    char *note;       /* owned: the rule's; or NULL */
    char *message;    /* owned: what an earlier delivery answered; "" */
    char *message_id; /* owned: what it is known by; NULL: by the answer */
    struct buf pictures[FLIGHT_PICTURES_MAX];
    size_t picture_count;
    struct http_call *http;   /* owned */
    struct mailer_call *mail; /* owned */
    bool is_held;             /* somebody else tells of its end: a chat, a painter */
    int64_t retry_after_ms;   /* what the other side asked for */
    void (*done)(void *arg, int result, const char *message, const char *why);
    void *done_arg; /* borrowed: who made it */
    /* It has ended, and is freed by it. */
    void (*land)(struct flight *flight, int result, const char *message, const char *why);
};

/* Sends it off; lands later, never from inside. incident is lent, NULL of a note. */
void flight_carry(struct flight *flight, const struct incident *incident);

void flight_carry_pictures(struct flight *flight,
                           const struct slice *pictures,
                           size_t count);

/* Nobody waits any more: freed now, or when it has landed. */
void flight_carry_abandon(struct flight *flight);
void flight_carry_free(struct flight *flight);
