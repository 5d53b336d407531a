#include "alerts/notifier/target.h"

#include <stdlib.h>
#include <string.h>

#include "alerts/notifier/notifier_private.h"
#include "alerts/silence/quiet.h"
#include "base/mem.h"

enum {
    MINUTE_MS = 60000,
    HOUR_MS = 60 * MINUTE_MS,
    HOURLY_MAX = 1000,
    RETRY_MS = 1000,
    RETRY_MOST_MS = 300000,
    SHIFT_MAX = 20,
};

static char *key_of(const char *channel, const char *user, const char *place) {
    return *place ? mem_printf("%s/%s/%s", channel, user, place) : mem_strdup(channel);
}

static struct target *make(struct notifier *notifier, const char *key) {
    struct target *target = mem_new(sizeof(*target));

    target->notifier = notifier;
    target->key = mem_strdup(key);
    list_init(&target->ready[0]);
    list_init(&target->ready[1]);
    map_put(notifier->targets, key, target);
    return target;
}

struct target *target_get(struct notifier *notifier,
                          const struct channel *channel,
                          const char *user,
                          const char *place) {
    auto_(mem_freep) char *key = key_of(channel->name, user, place);
    struct target *target = map_get(notifier->targets, key);

    if (target)
        return target;
    target = make(notifier, key);
    target->channel = mem_strdup(channel->name);
    target->user = mem_strdup(user);
    target->place = mem_strdup(place);
    return target;
}

/* Of a record: "CHANNEL" or "CHANNEL/USER/PLACE". */
struct target *target_by_key(struct notifier *notifier, const char *key) {
    struct target *target = map_get(notifier->targets, key);
    const char *user = strchr(key, '/');
    const char *place = user ? strchr(user + 1, '/') : NULL;

    if (target)
        return target;
    target = make(notifier, key);
    target->channel = mem_dup(key, strcspn(key, "/"));
    target->user = place ? mem_dup(user + 1, (size_t)(place - user - 1)) : mem_strdup("");
    target->place = mem_strdup(place ? place + 1 : "");
    return target;
}

struct target *target_free(struct target *target) {
    if (!target)
        return NULL;
    free(target->key);
    free(target->channel);
    free(target->user);
    free(target->place);
    free(target->begun);
    free(target);
    return NULL;
}

struct channel *target_channel(const struct target *target) {
    return notifier_find_channel(target->notifier, target->channel);
}

enum decision_manner target_manner(const struct target *target) {
    const struct channel *channel = target_channel(target);

    if (channel && channel->kind == CHANNEL_WEBHOOK)
        return DECISION_STREAM;
    if (channel && (channel->kind == CHANNEL_MAIL || channel->kind == CHANNEL_NTFY))
        return DECISION_STEPS;
    return DECISION_EDITS;
}

static size_t hourly(const struct target *target) {
    const struct channel *channel = target_channel(target);
    size_t most = channel && channel->hourly > 0 ? channel->hourly : CHANNEL_HOURLY;

    return most < HOURLY_MAX ? most : HOURLY_MAX;
}

bool target_is_full(const struct target *target, int64_t now_ms) {
    size_t recent = 0;

    for (size_t i = 0; i < target->begun_cap; i++)
        if (target->begun[i] > now_ms - HOUR_MS)
            recent++;
    return recent >= hourly(target);
}

void target_count(struct target *target, int64_t now_ms) {
    size_t most = hourly(target);

    if (target->begun_cap != most) {
        free(target->begun);
        target->begun = mem_new_array(most, sizeof(*target->begun));
        target->begun_cap = most;
        target->begun_at = 0;
    }
    target->begun[target->begun_at] = now_ms;
    target->begun_at = (target->begun_at + 1) % most;
}

/* Hours begin and end with whole minutes, and a time zone is a file to read. */
int64_t target_quiet_until(struct target *target, int64_t now_ms) {
    const struct channel *channel = target_channel(target);
    struct quiet quiet;

    if (!channel || !channel->quiet_hours[0])
        return 0;
    if (target->quiet_minute != now_ms / MINUTE_MS) {
        bool is_valid = quiet_parse(channel->quiet_hours, &quiet) == 0;
        target->quiet_ms =
            is_valid ? quiet_until(&quiet, target->notifier->time_zone, now_ms) : 0;
        target->quiet_minute = now_ms / MINUTE_MS;
    }
    return target->quiet_ms;
}

/* A chat is in the hands of its carrier, which has queues of its own. */
size_t target_room(const struct target *target, int64_t now_ms) {
    const struct channel *channel = target_channel(target);
    size_t most = 8;

    if (!channel || target->retry_ms > now_ms)
        return 0;
    if (channel->kind == CHANNEL_MAIL || channel->kind == CHANNEL_NTFY)
        most = 2;
    if (channel->kind == CHANNEL_WEBHOOK)
        most = 4;
    if (target->failures > 0)
        most = 1; /* one to find out whether it works again */
    return target->flying < most ? most - target->flying : 0;
}

static int64_t back_off(const struct target *target) {
    const struct notifier_config *config = &target->notifier->config;
    uint64_t first_ms = config->retry_ms > 0 ? config->retry_ms : RETRY_MS;
    uint64_t most_ms = config->retry_most_ms > 0 ? config->retry_most_ms : RETRY_MOST_MS;
    unsigned shift = target->failures < SHIFT_MAX ? target->failures : SHIFT_MAX;
    uint64_t wait_ms = first_ms << shift;

    return (int64_t)(wait_ms < most_ms ? wait_ms : most_ms);
}

void target_failed(struct target *target, const char *why, int64_t after_ms) {
    struct channel *channel = target_channel(target);
    int64_t now_ms = notifier_now(target->notifier);
    int64_t wait_ms = back_off(target);

    target->failures++;
    target->retry_ms = now_ms + (after_ms > wait_ms ? after_ms : wait_ms);
    if (target->failing_ms == 0)
        target->failing_ms = now_ms;
    if (!channel)
        return;
    incident_set(&channel->failure, why && *why ? why : "it failed");
    if (channel->failing_ms > 0)
        return;
    channel->failing_ms = now_ms;
    notifier_note(target->notifier, "alert.failing", "", "channel %s fails: %s",
                  target->key, channel->failure);
}

static bool is_channel_failing(const struct target *target) {
    const struct target *other;
    size_t at = 0;

    while ((other = map_next(target->notifier->targets, &at, NULL)))
        if (other->failing_ms > 0 && strcmp(other->channel, target->channel) == 0)
            return true;
    return false;
}

void target_succeeded(struct target *target) {
    struct channel *channel = target_channel(target);

    target_reset(target);
    if (!channel)
        return;
    channel->delivered_ms = notifier_now(target->notifier);
    if (channel->failing_ms == 0 || is_channel_failing(target))
        return;
    channel->failing_ms = 0;
    incident_set(&channel->failure, "");
    notifier_note(target->notifier, "alert.delivered", "", "channel %s works again",
                  target->channel);
}

void target_reset(struct target *target) {
    target->failures = 0;
    target->retry_ms = 0;
    target->failing_ms = 0;
    target->quiet_minute = 0;
}

void target_move(struct target *target, const char *place) {
    struct notifier *notifier = target->notifier;
    auto_(mem_freep) char *key = key_of(target->channel, target->user, place);

    map_remove(notifier->targets, target->key);
    incident_set(&target->place, place);
    if (map_get(notifier->targets, key)) { /* met there already: a further one of it */
        free(key);
        key = mem_printf("%s/%s+/%s", target->channel, target->user, place);
    }
    incident_set(&target->key, key);
    map_put(notifier->targets, key, target);
}
