/*
 * notifier - who is told of an incident, when, and by which channel
 *
 * Watches the incidents. For each channel that is meant it keeps, as a record, which
 * version was delivered and as which message: what is behind is delivered, also by the
 * next hub, so that nothing is lost; a message may come twice only when the hub died
 * between a delivery and its record. One incident is one message, edited as it goes on.
 * Silences, maintenance, quiet hours, dependencies and digests decide what waits or is
 * left out; what is critical goes first.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "alerts/incidents/incident.h"
#include "base/slice.h"

struct alerts;
struct channel;
struct loop;
struct notifier;
struct records;
struct silences;
struct store;

/* One message on its way. Lent. */
struct notice {
    const struct channel *channel;
    const struct incident *incident; /* NULL: a digest, a test */
    const char *message;             /* what an earlier delivery answered; "" */
    const char *place;               /* CHAT and PEOPLE: "telegram:-100:7"; else "" */
    const char *user;                /* PEOPLE: whose */
    const char *title;               /* of what is no incident */
    const char *text;
    bool is_repeat;
    bool is_escalation;
    const struct slice *pictures; /* PNG, of what is no incident; NULL: none */
    size_t picture_count;
};

/* Called once: 0 and the message's id (or ""), or -errno and why, lent. -EPERM and
 * -EINVAL are for good (nobody there, refused); the rest is tried again. */
typedef void notifier_done(void *arg, int result, const char *message, const char *why);

struct notifier_config {
    struct loop *loop; /* borrowed, as all of them */
    struct store *store;
    struct incidents *incidents;
    const struct alerts *alerts; /* rules: channels, repeats, dependencies */
    void *arg;
    int64_t (*now_ms)(void *arg);
    /* Shows it in a chat. */
    void (*tell_chat)(void *arg,
                      const struct notice *notice,
                      notifier_done *done,
                      void *done_arg);
    /* Everybody who is to be told of this node in private: visits user and place. */
    void (*each_person)(void *arg,
                        const struct incident *incident,
                        const char *owner,
                        void (*visit)(void *visit_arg,
                                      const char *user,
                                      const char *place),
                        void *visit_arg);
    /* Does the selection mean the node? */
    bool (*is_meant)(void *arg, const char *select, const char *node);
    /* Is a node that the selection means offline? */
    bool (*is_offline)(void *arg, const char *select);
    /* A chart of the incident's series around it: PNG to done, or nothing. */
    void (*draw)(void *arg,
                 const struct incident *incident,
                 void (*done)(void *done_arg, struct slice png),
                 void *done_arg);
    /* Charts of the last week of the selection, for a weekly digest; may be NULL. done is
     * called once, and so it is with draw. */
    void (*draw_week)(void *arg,
                      const char *select,
                      void (*done)(void *done_arg,
                                   const struct slice *pngs,
                                   size_t count),
                      void *done_arg);
    /* For the record: "alert.failing", "alert.delivered", "alert.lost"; may be NULL. */
    void (*on_activity)(void *arg, const char *kind, const char *node, const char *text);
    /* Instead of the store, for tests: as store_put_records(). NULL: the store. */
    int (*put)(void *arg,
               struct records *records,
               void (*done)(void *done_arg, int result),
               void *done_arg);
    const char *language;   /* "en", "ru"; NULL: "en". Copied, as the texts below */
    const char *time_zone;  /* IANA name; NULL: the machine's */
    const char *ca_file;    /* for mail, webhooks and ntfy; NULL: the system's */
    bool is_plain_allowed;  /* http:// also to other machines */
    uint64_t retry_ms;      /* after a first failure; 0: 1,000 */
    uint64_t retry_most_ms; /* 0: 300,000 */
    uint64_t give_up_ms;    /* 0: a day */
};

struct notifier *notifier_new(const struct notifier_config *config);
struct notifier *notifier_free(struct notifier *notifier);
bool notifier_load(struct notifier *notifier,
                   const char *space,
                   const char *key,
                   struct slice value);
void notifier_start(struct notifier *notifier);

/* Channels and silences, for the service. There is always one called "people", built in:
 * removed, it is as it was. */
struct channel *notifier_find_channel(const struct notifier *notifier, const char *name);
struct channel *notifier_next_channel(const struct notifier *notifier, size_t *at);
/* Takes the channel over and keeps it, in the place of one of its name. It was checked
 * (channel_check). */
void notifier_put_channel(struct notifier *notifier, struct channel *channel);
/* "en", "ru": of what is told from now on. */
void notifier_set_language(struct notifier *notifier, const char *language);

/* May channels that are set from now on use http:// to other machines? */
void notifier_let_plain(struct notifier *notifier, bool is_plain_allowed);

/* How many messages wait for it. */
unsigned notifier_waiting(const struct notifier *notifier, const struct channel *channel);
bool notifier_is_plain_allowed(const struct notifier *notifier);
bool notifier_remove_channel(struct notifier *notifier, const char *name);
void notifier_test_channel(struct notifier *notifier,
                           const char *name,
                           notifier_done *done,
                           void *arg);
struct silences *notifier_silences(struct notifier *notifier);

/* Looks at what is due, as its timer does: when it wants to be called again. */
int64_t notifier_tick(struct notifier *notifier);

/* A chat that was moved; a silence, an acknowledgement or a rule that changed. */
void notifier_review(struct notifier *notifier);
void notifier_move_place(struct notifier *notifier, const char *from, const char *to);
