/*
 * notifier_private - what the files of the notifier share
 *
 *   matter    an incident that somebody is, or may be, told of            (matter.h)
 *   target    a receiver: a channel, or one person's chat of it           (target.h)
 *   delivery  what the target was told of the matter, and is to be told   (matter.h)
 *   digest    several matters in one message to a target                  (digest.h)
 *   flight    one message on its way                                      (flight.h)
 */
#pragma once

#include "alerts/channel/channel.h"
#include "alerts/notifier/channels.h"
#include "alerts/notifier/notifier.h"
#include "alerts/notifier/telling.h"
#include "alerts/silence/silence.h"
#include "alerts/silence/silences.h"
#include "base/list.h"
#include "base/map.h"
#include "loop/loop.h"
#include "loop/timer.h"
#include "store/records.h"

struct http_client;
struct mailer;
struct weekly;

struct notifier {
    struct notifier_config config;
    enum telling_language language;
    char *time_zone; /* owned; "": the machine's */
    struct incident_watcher watcher;
    struct silences *silences; /* owned */
    struct channels channels;
    struct map *targets;   /* owned, with its targets */
    struct map *by_id;     /* matters by id; borrowed: the list owns them */
    struct list matters;   /* owned */
    struct list digests;   /* owned */
    struct list flights;   /* owned */
    struct weekly *weekly; /* owned */
    uint64_t last_digest;
    struct records waiting; /* to be kept */
    struct records writing; /* the same as on its way to the disk */
    bool is_writing;
    bool is_started;
    struct task look;
    struct task keep;
    struct timer timer;
    struct timer keep_timer;
    struct http_client *http; /* owned */
    struct mailer *mailer;    /* owned */
};

int64_t notifier_now(const struct notifier *notifier);

/* Looks at what is due in this turn, after the code that calls. */
void notifier_look_soon(struct notifier *notifier);

/* A record that is to be kept; NULL: removed. */
void notifier_keep(struct notifier *notifier,
                   const char *space,
                   const char *key,
                   const struct buf *value);

void notifier_note(struct notifier *notifier,
                   const char *kind,
                   const char *node,
                   const char *format,
                   ...) __attribute__((format(printf, 4, 5)));

/* What the telling of this incident is made of. */
struct telling notifier_telling(const struct notifier *notifier,
                                const struct incident *incident,
                                enum telling_stage stage);
