#include "alerts/notifier/notifier.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "alerts/notifier/digest.h"
#include "alerts/notifier/flight.h"
#include "alerts/notifier/matter.h"
#include "alerts/notifier/note.h"
#include "alerts/notifier/notifier_private.h"
#include "alerts/notifier/target.h"
#include "alerts/notifier/weekly.h"
#include "base/mem.h"
#include "loop/http_client.h"
#include "loop/mailer.h"
#include "store/store.h"

enum {
    HTTP_CALLS_MAX = 16,
    KEEP_AGAIN_MS = 1000,
    LOOK_MOST_MS = 60000, /* the wall clock may be set meanwhile */
};

static const char channel_space[] = "alerts.channel";
static const char silence_space[] = "alerts.silence";
static const char people[] = "people";

int64_t notifier_now(const struct notifier *notifier) {
    return notifier->config.now_ms(notifier->config.arg);
}

void notifier_look_soon(struct notifier *notifier) {
    if (notifier->is_started)
        loop_post(notifier->config.loop, &notifier->look);
}

void notifier_note(struct notifier *notifier,
                   const char *kind,
                   const char *node,
                   const char *format,
                   ...) {
    struct buf text = { 0 };
    va_list args;

    if (!notifier->config.on_activity)
        return;
    va_start(args, format);
    buf_vprintf(&text, format, args);
    va_end(args);
    notifier->config.on_activity(notifier->config.arg, kind, node, buf_text(&text));
    buf_done(&text);
}

struct telling notifier_telling(const struct notifier *notifier,
                                const struct incident *incident,
                                enum telling_stage stage) {
    return (struct telling) {
        .incident = incident,
        .language = notifier->language,
        .stage = stage,
        .zone = notifier->time_zone,
        .now_ms = notifier_now(notifier),
    };
}

/* --- what is kept --- */

void notifier_keep(struct notifier *notifier,
                   const char *space,
                   const char *key,
                   const struct buf *value) {
    if (strlen(key) > RECORDS_KEY_MAX)
        return;
    if (value)
        records_put(&notifier->waiting, space, key, buf_slice(value));
    else
        records_remove(&notifier->waiting, space, key);
    if (!notifier->is_writing && !timer_is_running(&notifier->keep_timer))
        loop_post(notifier->config.loop, &notifier->keep);
}

static void copy_records(struct records *to, const struct records *from) {
    for (size_t i = 0; i < from->count; i++) {
        const struct records_row *row = &from->rows[i];
        if (row->is_removed)
            records_remove(to, row->space, row->key);
        else
            records_put(to, row->space, row->key, slice_of(row->value, row->len));
    }
}

/* What could not be kept is tried again, before what has come since. */
static void on_kept(void *arg, int result) {
    struct notifier *notifier = arg;

    notifier->is_writing = false;
    if (result != 0) {
        records_move(&notifier->writing, &notifier->waiting);
        records_move(&notifier->waiting, &notifier->writing);
        timer_start(notifier->config.loop, &notifier->keep_timer, KEEP_AGAIN_MS);
        return;
    }
    records_done(&notifier->writing);
    if (notifier->waiting.count > 0)
        loop_post(notifier->config.loop, &notifier->keep);
}

static int put(struct notifier *notifier, struct records *records) {
    const struct notifier_config *config = &notifier->config;

    if (config->put)
        return config->put(config->arg, records, on_kept, notifier);
    return store_put_records(config->store, records, on_kept, notifier);
}

static void keep_now(struct notifier *notifier) {
    struct records batch = { 0 };

    if (notifier->is_writing || notifier->waiting.count == 0)
        return;
    records_move(&notifier->writing, &notifier->waiting);
    copy_records(&batch, &notifier->writing);
    notifier->is_writing = true;
    int r = put(notifier, &batch);
    if (r != 0)
        on_kept(notifier, r);
    records_done(&batch);
}

static void on_keep(struct task *task) {
    keep_now(container_of(task, struct notifier, keep));
}

static void on_keep_timer(struct timer *timer) {
    keep_now(container_of(timer, struct notifier, keep_timer));
}

/* --- looking --- */

static int64_t earlier(int64_t a, int64_t b) {
    return a == 0 || (b > 0 && b < a) ? b : a;
}

int64_t notifier_tick(struct notifier *notifier) {
    int64_t now_ms = notifier_now(notifier);
    int64_t next_ms = silences_tidy(notifier->silences, now_ms);

    list_for_each_safe(node, after, &notifier->matters) {
        struct matter *matter = container_of(node, struct matter, link);
        if (matter->is_dirty || (matter->next_ms > 0 && matter->next_ms <= now_ms))
            matter_look(matter, now_ms);
    }
    next_ms = earlier(next_ms, digest_look(notifier, now_ms));
    next_ms = earlier(next_ms, weekly_look(notifier->weekly, now_ms));
    next_ms = earlier(next_ms, flight_pump(notifier, now_ms));
    list_for_each_safe(node, after, &notifier->matters) next_ms =
        earlier(next_ms, container_of(node, struct matter, link)->next_ms);
    if (next_ms == 0 || next_ms > now_ms + LOOK_MOST_MS)
        next_ms = now_ms + LOOK_MOST_MS;
    timer_start(notifier->config.loop, &notifier->timer,
                next_ms > now_ms ? (uint64_t)(next_ms - now_ms) : 1);
    return next_ms;
}

static void on_look(struct task *task) {
    notifier_tick(container_of(task, struct notifier, look));
}

static void on_timer(struct timer *timer) {
    notifier_tick(container_of(timer, struct notifier, timer));
}

static void on_change(struct incident_watcher *watcher,
                      struct incident *incident,
                      enum incident_change change) {
    struct notifier *notifier = container_of(watcher, struct notifier, watcher);
    struct matter *matter = matter_get(notifier, incident->id);

    matter->is_dirty = true;
    if (change != INCIDENT_VALUE) {
        matter->touched = incident->version;
        matter->is_about = true;
    }
    notifier_look_soon(notifier);
}

void notifier_review(struct notifier *notifier) {
    list_for_each_safe(node, after, &notifier->matters) {
        struct matter *matter = container_of(node, struct matter, link);
        matter->is_dirty = true;
        matter->is_about = true;
    }
    notifier_look_soon(notifier);
}

/* --- the notifier --- */

static void on_silence(void *arg, const char *id, const struct silence *silence) {
    struct notifier *notifier = arg;
    struct buf value = { 0 };

    if (silence)
        silence_write(silence, &value);
    notifier_keep(notifier, silence_space, id, silence ? &value : NULL);
    buf_done(&value);
    notifier_review(notifier);
}

static bool is_meant(void *arg, const char *select, const char *node) {
    const struct notifier_config *config = &((struct notifier *)arg)->config;

    return config->is_meant(config->arg, select, node);
}

static void add_people(struct notifier *notifier) {
    struct channel *channel = channel_new(people, CHANNEL_PEOPLE);

    channel->is_built_in = true;
    channels_add(&notifier->channels, channel);
}

struct notifier *notifier_new(const struct notifier_config *config) {
    struct notifier *notifier = mem_new(sizeof(*notifier));
    const struct silences_config silences = { is_meant, on_silence, notifier };
    const struct http_client_config http = { config->loop, HTTP_CALLS_MAX,
                                             config->ca_file };
    const struct mailer_config mail = { config->loop, config->ca_file };

    *notifier = (struct notifier) {
        .config = *config,
        .language = telling_language_of(config->language),
        .time_zone = mem_strdup(config->time_zone ? config->time_zone : ""),
        .watcher.on_change = on_change,
        .targets = map_new(),
        .by_id = map_new(),
        .look.run = on_look,
        .keep.run = on_keep,
        .timer.fire = on_timer,
        .keep_timer.fire = on_keep_timer,
        .http = http_client_new(&http),
        .mailer = mailer_new(&mail),
    };
    notifier->config.language = notifier->config.time_zone = NULL; /* may be gone */
    notifier->config.ca_file = NULL;
    list_init(&notifier->matters);
    list_init(&notifier->digests);
    list_init(&notifier->flights);
    notifier->silences = silences_new(&silences);
    notifier->weekly = weekly_new(notifier);
    add_people(notifier);
    return notifier;
}

static void free_parts(struct notifier *notifier) {
    struct target *target;
    size_t at = 0;

    flight_end_all(notifier);
    list_for_each_safe(node, after, &notifier->matters)
        matter_free(container_of(node, struct matter, link));
    list_for_each_safe(node, after, &notifier->digests)
        digest_free(container_of(node, struct digest, link));
    while ((target = map_next(notifier->targets, &at, NULL)))
        target_free(target);
    channels_done(&notifier->channels);
}

struct notifier *notifier_free(struct notifier *notifier) {
    if (!notifier)
        return NULL;
    if (notifier->is_started)
        incidents_unwatch(&notifier->watcher);
    loop_cancel(&notifier->look);
    loop_cancel(&notifier->keep);
    timer_stop(&notifier->timer);
    timer_stop(&notifier->keep_timer);
    free_parts(notifier);
    weekly_free(notifier->weekly);
    silences_free(notifier->silences);
    http_client_free(notifier->http);
    mailer_free(notifier->mailer);
    map_free(notifier->targets);
    map_free(notifier->by_id);
    records_done(&notifier->waiting);
    records_done(&notifier->writing);
    free(notifier->time_zone);
    free(notifier);
    return NULL;
}

static void load_channel(struct notifier *notifier, const char *key, struct slice value) {
    struct channel *channel = channel_read(key, value);

    if (!channel)
        return;
    channel_free(channels_take(&notifier->channels, key));
    channels_add(&notifier->channels, channel);
}

bool notifier_load(struct notifier *notifier,
                   const char *space,
                   const char *key,
                   struct slice value) {
    struct silence *silence;

    if (strcmp(space, channel_space) == 0) {
        load_channel(notifier, key, value);
    } else if (strcmp(space, silence_space) == 0) {
        silence = silence_read(key, value);
        if (silence)
            silences_load(notifier->silences, silence);
    } else if (strcmp(space, DIGEST_SPACE) == 0) {
        digest_load(notifier, key, value);
    } else if (strcmp(space, MATTER_SPACE) == 0) {
        matter_load(notifier, key, value);
    } else if (strcmp(space, WEEKLY_SPACE) == 0) {
        weekly_load(notifier->weekly, key, value);
    } else {
        return false;
    }
    return true;
}

void notifier_start(struct notifier *notifier) {
    const struct incident *incident = NULL;

    notifier->is_started = true;
    incidents_watch(notifier->config.incidents, &notifier->watcher);
    while ((incident = incidents_next(notifier->config.incidents, incident)))
        if (incident->state == INCIDENT_FIRING)
            matter_get(notifier, incident->id)->touched = incident->version;
    notifier_review(notifier);
}

/* --- channels --- */

static unsigned count_waiting(const struct notifier *notifier, const char *channel) {
    const struct target *target;
    size_t count = 0;
    size_t at = 0;

    while ((target = map_next(notifier->targets, &at, NULL)))
        if (strcmp(target->channel, channel) == 0)
            count += target->waiting + target->flying;
    return (unsigned)count;
}

struct channel *notifier_find_channel(const struct notifier *notifier, const char *name) {
    return channels_find(&notifier->channels, name);
}

struct channel *notifier_next_channel(const struct notifier *notifier, size_t *at) {
    return *at < notifier->channels.count ? notifier->channels.rows[(*at)++] : NULL;
}

unsigned notifier_waiting(const struct notifier *notifier,
                          const struct channel *channel) {
    return count_waiting(notifier, channel->name);
}

void notifier_set_language(struct notifier *notifier, const char *language) {
    notifier->language = telling_language_of(language);
}

void notifier_let_plain(struct notifier *notifier, bool is_plain_allowed) {
    notifier->config.is_plain_allowed = is_plain_allowed;
}

bool notifier_is_plain_allowed(const struct notifier *notifier) {
    return notifier->config.is_plain_allowed;
}

static void reset_targets(struct notifier *notifier, const char *channel) {
    struct target *target;
    size_t at = 0;

    while ((target = map_next(notifier->targets, &at, NULL)))
        if (strcmp(target->channel, channel) == 0)
            target_reset(target);
}

void notifier_put_channel(struct notifier *notifier, struct channel *channel) {
    struct channel *before = channels_take(&notifier->channels, channel->name);
    struct buf value = { 0 };

    if (before)
        channel->delivered_ms = before->delivered_ms;
    if (before && strcmp(before->weekly, channel->weekly) != 0)
        weekly_forget(notifier->weekly, channel->name);
    channel_free(before);
    channel_write(channel, &value);
    notifier_keep(notifier, channel_space, channel->name, &value);
    mem_wipe(value.data, value.len);
    buf_done(&value);
    channels_add(&notifier->channels, channel);
    reset_targets(notifier, channel->name);
    notifier_review(notifier);
}

bool notifier_remove_channel(struct notifier *notifier, const char *name) {
    struct channel *channel = notifier_find_channel(notifier, name);

    if (!channel || channel->is_built_in)
        return false;
    channels_take(&notifier->channels, name);
    weekly_forget(notifier->weekly, name);
    notifier_keep(notifier, channel_space, name, NULL);
    if (strcmp(name, people) == 0)
        add_people(notifier);
    channel_free(channel);
    notifier_review(notifier);
    return true;
}

struct silences *notifier_silences(struct notifier *notifier) {
    return notifier->silences;
}

void notifier_test_channel(struct notifier *notifier,
                           const char *name,
                           notifier_done *done,
                           void *arg) {
    struct channel *channel = notifier_find_channel(notifier, name);
    const struct flight_note note = {
        .title = telling_word(notifier->language, "A test", "Проверка"),
        .text =
            telling_word(notifier->language, "This is how Roost tells of incidents here.",
                         "Так Roost сообщает сюда о происшествиях."),
        .done = done,
        .done_arg = arg,
    };

    if (!channel)
        done(arg, -ENOENT, "", "there is no such channel");
    else
        note_send(notifier, channel, &note);
}

/* --- a chat that was moved --- */

static void move_channel(struct notifier *notifier,
                         struct channel *channel,
                         const char *from,
                         const char *to) {
    auto_(mem_freep) char *place =
        mem_printf("%s:%s%s%s", channel->platform, channel->chat,
                   channel->topic[0] ? ":" : "", channel->topic);
    const char *chat = strchr(to, ':');
    struct buf value = { 0 };

    if (channel->kind != CHANNEL_CHAT || !chat || strcmp(place, from) != 0)
        return;
    const char *topic = strchr(chat + 1, ':');
    auto_(mem_freep) char *moved = mem_dup(chat + 1, strcspn(chat + 1, ":"));
    incident_set(&channel->chat, moved);
    incident_set(&channel->topic, topic ? topic + 1 : "");
    channel_write(channel, &value);
    notifier_keep(notifier, channel_space, channel->name, &value);
    buf_done(&value);
}

/* What was told there is known of the new place. */
static void move_told(struct notifier *notifier, struct target *target, const char *to) {
    list_for_each_safe(node, after, &notifier->matters)
        matter_forget_records(container_of(node, struct matter, link), target);
    target_move(target, to);
    list_for_each_safe(node, after, &notifier->matters)
        matter_keep_records(container_of(node, struct matter, link), target);
    list_for_each_safe(node, after, &notifier->digests)
        digest_keep(container_of(node, struct digest, link));
}

void notifier_move_place(struct notifier *notifier, const char *from, const char *to) {
    struct target *target;
    size_t at = 0;

    for (size_t i = 0; i < notifier->channels.count; i++)
        move_channel(notifier, notifier->channels.rows[i], from, to);
    while ((target = map_next(notifier->targets, &at, NULL))) {
        if (strcmp(target->place, from) != 0)
            continue;
        move_told(notifier, target, to);
        at = 0; /* the map has changed */
    }
    notifier_review(notifier);
}
