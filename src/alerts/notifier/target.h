/*
 * target - a receiver of the notifier: a channel, or one person's chat of it
 *
 * Fails, waits longer and longer, and recovers by itself, whatever others do. What waits
 * for it is sent in order, critical first.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "alerts/notifier/decision.h"
#include "base/list.h"

struct channel;
struct digest;
struct notifier;
struct target;

/* What can wait to be sent: embedded in a delivery or a digest. */
struct parcel {
    struct list link;      /* in target->ready */
    struct target *target; /* borrowed: the notifier's */
    struct digest *digest; /* NULL: a delivery embeds it. Borrowed: who embeds it */
    bool is_flying;
};

struct target {
    struct notifier *notifier; /* borrowed: owns it */
    char *key;                 /* owned: "ops", "people/ada/telegram:1" */
    char *channel;             /* owned: its name */
    char *user;                /* owned; "" but of people */
    char *place;               /* owned; "" but of chats */
    struct list ready[2];      /* parcels: critical ones, others */
    size_t waiting;            /* in both */
    size_t flying;
    unsigned failures; /* in a row */
    int64_t retry_ms;  /* not before then */
    int64_t failing_ms;
    int64_t *begun; /* owned; a ring: when the last so many were begun */
    size_t begun_cap;
    size_t begun_at;
    int64_t quiet_minute; /* quiet_ms was found in this one; 0: not yet */
    int64_t quiet_ms;
};

/* The one of this channel, user and place; made when it is new. */
struct target *target_get(struct notifier *notifier,
                          const struct channel *channel,
                          const char *user,
                          const char *place);
struct target *target_by_key(struct notifier *notifier, const char *key);
struct target *target_free(struct target *target);

/* Its channel, or NULL when that was removed. */
struct channel *target_channel(const struct target *target);

enum decision_manner target_manner(const struct target *target);

/* Has it begun as many in the last hour as its channel takes? */
bool target_is_full(const struct target *target, int64_t now_ms);
void target_count(struct target *target, int64_t now_ms);

/* When the quiet hours that now is in end; 0. */
int64_t target_quiet_until(struct target *target, int64_t now_ms);

/* How many may fly at the same time, now. */
size_t target_room(const struct target *target, int64_t now_ms);

/* Tries again later; not before after_ms from now. */
void target_failed(struct target *target, const char *why, int64_t after_ms);
void target_succeeded(struct target *target);

/* The chat has another name from now on. */
void target_move(struct target *target, const char *place);

/* The channel was changed: tries again now. */
void target_reset(struct target *target);
