#include "chat/kept/intents.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/crypto.h"
#include "base/hex.h"
#include "base/map.h"
#include "base/mem.h"
#include "chat/kept/keep.h"
#include "chat/kept/pack.h"
#include "loop/loop.h"
#include "loop/timer.h"
#include "store/records.h"

#define SPACE      "chat.intent"
#define SPACE_SEEN "chat.seen"

enum {
    VERSION = 1,
    STARTED_AT_ONCE = 8, /* others wait for the loop too */
};

/* The intents of one chat. */
struct intents_lane {
    struct list ready;    /* of intents->ready: something waits and nothing runs */
    struct list waiting;  /* of struct intent */
    size_t count;         /* in waiting */
    size_t storing;       /* they will wait when they are durable */
    size_t running;       /* also those that were passed */
    struct intent *first; /* borrowed: the one that the others wait for; or NULL */
    bool is_open;
    char *key;      /* owned */
    char *platform; /* owned */
};

struct seen {
    struct list node;
    int64_t at_ms;
    char *key; /* owned */
};

struct intents {
    struct intents_config config;
    struct map *lanes;     /* by chat; of struct intents_lane */
    struct map *seen;      /* by key; of struct seen */
    struct map *platforms; /* that are open; value: the map itself */
    struct list seen_all;  /* the oldest first */
    struct list ready;
    struct task start;
    struct timer go_on;
    size_t running; /* that others wait for */
    size_t count;
    int64_t last_order;
};

static void start_some(struct task *task);
static void on_go_on(struct timer *timer);

struct intents *intents_new(const struct intents_config *config) {
    struct intents *intents = mem_new(sizeof(*intents));

    intents->config = *config;
    intents->lanes = map_new();
    intents->seen = map_new();
    intents->platforms = map_new();
    intents->start.run = start_some;
    intents->go_on.fire = on_go_on;
    list_init(&intents->seen_all);
    list_init(&intents->ready);
    return intents;
}

static void free_lane(struct intents_lane *lane) {
    free(lane->key);
    free(lane->platform);
    free(lane);
}

static void forget_seen(struct intents *intents, struct seen *seen) {
    list_remove(&seen->node);
    map_remove(intents->seen, seen->key);
    free(seen->key);
    free(seen);
}

/* Those that run are their turns' to drop. */
struct intents *intents_free(struct intents *intents) {
    struct intents_lane *lane;

    if (!intents)
        return NULL;
    loop_cancel(&intents->start);
    timer_stop(&intents->go_on);
    for (size_t at = 0; (lane = map_next(intents->lanes, &at, NULL));) {
        struct list *node;
        while ((node = list_pop(&lane->waiting)))
            intents_drop(container_of(node, struct intent, node));
        free_lane(lane);
    }
    while (!list_is_empty(&intents->seen_all))
        forget_seen(intents, container_of(intents->seen_all.next, struct seen, node));
    map_free(intents->lanes);
    map_free(intents->seen);
    map_free(intents->platforms);
    free(intents);
    return NULL;
}

static char *key_of(const char *platform, const char *id) {
    return mem_printf("%s/%s", platform, id);
}

static char *copy(const char *text) {
    return mem_strdup(text ? text : "");
}

struct intent *intents_make(const struct chat_input *input, const char *line) {
    struct intent *intent = mem_new(sizeof(*intent));
    const struct chat_place *place = &input->place;
    const struct chat_person *person = &input->person;
    bool is_press = input->kind == CHAT_PRESS;
    uint8_t random[INTENTS_OPERATION_LEN / 2];

    *intent = (struct intent) {
        .kind = input->kind,
        .id = copy(input->id),
        .place = { .platform = copy(place->platform),
                   .chat = copy(place->chat),
                   .topic = copy(place->topic),
                   .title = copy(place->title),
                   .is_private = place->is_private },
        .person = { .id = copy(person->id),
                    .name = copy(person->name),
                    .language = copy(person->language) },
        .line = copy(line),
        .message = copy(is_press ? input->message : NULL),
        .said = copy(is_press ? NULL : input->message),
        .card = copy(NULL),
    };
    crypto_random(random, sizeof(random));
    hex_encode(intent->operation, random, sizeof(random));
    return intent;
}

struct intent *intents_drop(struct intent *intent) {
    if (!intent)
        return NULL;
    const char *const texts[] = {
        intent->id,          intent->place.platform,
        intent->place.chat,  intent->place.topic,
        intent->place.title, intent->person.id,
        intent->person.name, intent->person.language,
        intent->line,        intent->message,
        intent->said,        intent->card,
    };

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        free((char *)(uintptr_t)texts[i]);
    free(intent);
    return NULL;
}

static void pack(const struct intent *intent, struct buf *out) {
    unsigned flags = (unsigned)intent->place.is_private |
                     (unsigned)intent->is_confirmed << 1 |
                     (unsigned)intent->is_begun << 2 | (unsigned)intent->is_cut << 3;

    pack_number(out, VERSION);
    pack_number(out, intent->kind);
    pack_number(out, flags);
    pack_text(out, intent->id);
    pack_text(out, intent->place.platform);
    pack_text(out, intent->place.chat);
    pack_text(out, intent->place.topic);
    pack_text(out, intent->place.title);
    pack_text(out, intent->person.id);
    pack_text(out, intent->person.name);
    pack_text(out, intent->person.language);
    pack_text(out, intent->line);
    pack_text(out, intent->message);
    pack_text(out, intent->said);
    pack_text(out, intent->card);
    pack_text(out, intent->operation);
    pack_number(out, intent->order);
}

static struct intent *unpack(struct slice value) {
    struct pack_reader reader = { .rest = value };

    if (pack_take_number(&reader) != VERSION)
        return NULL;
    struct intent *intent = mem_new(sizeof(*intent));
    intent->kind = pack_take_number(&reader) == CHAT_PRESS ? CHAT_PRESS : CHAT_WORDS;
    int64_t flags = pack_take_number(&reader);
    intent->place.is_private = flags & 1;
    intent->is_confirmed = flags & 2;
    intent->is_begun = flags & 4;
    intent->is_cut = flags & 8;
    intent->is_again = intent->is_begun;
    intent->id = pack_take_text(&reader);
    intent->place.platform = pack_take_text(&reader);
    intent->place.chat = pack_take_text(&reader);
    intent->place.topic = pack_take_text(&reader);
    intent->place.title = pack_take_text(&reader);
    intent->person.id = pack_take_text(&reader);
    intent->person.name = pack_take_text(&reader);
    intent->person.language = pack_take_text(&reader);
    intent->line = pack_take_text(&reader);
    intent->message = pack_take_text(&reader);
    intent->said = pack_take_text(&reader);
    intent->card = pack_take_text(&reader);
    auto_(mem_freep) char *operation = pack_take_text(&reader);
    intent->order = pack_take_number(&reader);
    if (reader.is_bad || strlen(operation) != INTENTS_OPERATION_LEN)
        return intents_drop(intent);
    memcpy(intent->operation, operation, sizeof(intent->operation));
    return intent;
}

static struct intents_lane *find_lane(const struct intents *intents,
                                      const struct chat_place *place) {
    auto_(mem_freep) char *key = key_of(place->platform, place->chat);
    return map_get(intents->lanes, key);
}

static struct intents_lane *need_lane(struct intents *intents,
                                      const struct chat_place *place) {
    struct intents_lane *lane = find_lane(intents, place);

    if (lane)
        return lane;
    lane = mem_new(sizeof(*lane));
    lane->key = key_of(place->platform, place->chat);
    lane->platform = mem_strdup(place->platform);
    lane->is_open = map_get(intents->platforms, place->platform) != NULL;
    list_init(&lane->waiting);
    map_put(intents->lanes, lane->key, lane);
    return lane;
}

static void look(struct intents *intents, struct intents_lane *lane) {
    bool is_ready = lane->is_open && !lane->first && lane->count > 0;

    if (is_ready && !list_is_linked(&lane->ready))
        list_add_tail(&intents->ready, &lane->ready);
    if (!list_is_empty(&intents->ready))
        loop_post(intents->config.loop, &intents->start);
    if (lane->count + lane->storing + lane->running == 0) {
        map_remove(intents->lanes, lane->key);
        free_lane(lane);
    }
}

static void start(struct intents *intents) {
    for (unsigned started = 0;
         intents->running < INTENTS_RUNNING_MAX && !list_is_empty(&intents->ready);
         started++) {
        if (started == STARTED_AT_ONCE) {
            timer_start(intents->config.loop, &intents->go_on, 0);
            return;
        }
        struct intents_lane *lane =
            container_of(list_pop(&intents->ready), struct intents_lane, ready);
        struct intent *intent =
            container_of(list_pop(&lane->waiting), struct intent, node);

        lane->count--;
        lane->running++;
        lane->first = intent;
        intents->running++;
        intents->config.run(intents->config.arg, intent);
    }
}

static void start_some(struct task *task) {
    struct intents *intents = container_of(task, struct intents, start);

    if (!timer_is_running(&intents->go_on))
        start(intents);
}

static void on_go_on(struct timer *timer) {
    start(container_of(timer, struct intents, go_on));
}

/* What is loaded comes in the order of its keys, and is put where it belongs. */
void intents_queue(struct intents *intents, struct intent *intent) {
    struct intents_lane *lane = need_lane(intents, &intent->place);
    struct list *at = &lane->waiting;

    if (intent->lane)
        intent->lane->storing--;
    if (intent->lane && intent->lane != lane)
        look(intents, intent->lane); /* the chat moved meanwhile */

    while (at->prev != &lane->waiting &&
           container_of(at->prev, struct intent, node)->order > intent->order)
        at = at->prev;
    list_add_tail(at, &intent->node);
    intent->lane = lane;
    lane->count++;
    intents->count++;
    if (intent->order > intents->last_order)
        intents->last_order = intent->order;
    look(intents, lane);
}

void intents_unstore(struct intents *intents, struct intent *intent) {
    struct intents_lane *lane = intent->lane;

    intents_drop(intent);
    lane->storing--;
    look(intents, lane);
}

void intents_load(struct intents *intents, const char *key, struct slice value) {
    struct intent *intent = unpack(value);

    if (intent)
        intents_queue(intents, intent);
    else
        keep_remove(intents->config.keep, SPACE, key);
}

static struct seen *add_seen(struct intents *intents, const char *key, int64_t at_ms) {
    struct seen *seen = mem_new(sizeof(*seen));

    seen->key = mem_strdup(key);
    seen->at_ms = at_ms;
    map_put(intents->seen, key, seen);
    list_add_tail(&intents->seen_all, &seen->node);
    return seen;
}

void intents_load_seen(struct intents *intents, const char *key, struct slice value) {
    struct pack_reader reader = { .rest = value };

    if (!map_get(intents->seen, key))
        add_seen(intents, key, pack_take_number(&reader));
}

bool intents_is_known(const struct intents *intents,
                      const char *platform,
                      const char *id) {
    auto_(mem_freep) char *key = key_of(platform, id);
    return map_get(intents->seen, key) != NULL;
}

size_t intents_waiting(const struct intents *intents, const struct chat_place *place) {
    const struct intents_lane *lane = find_lane(intents, place);
    return lane ? lane->count + lane->storing : 0;
}

void intents_know(struct intents *intents,
                  const char *platform,
                  const char *id,
                  int64_t now_ms,
                  struct records *batch) {
    auto_(mem_freep) char *key = key_of(platform, id);
    struct buf value = { 0 };

    if (map_count(intents->seen) >= INTENTS_SEEN_MAX) {
        struct seen *oldest = container_of(intents->seen_all.next, struct seen, node);
        records_remove(batch, SPACE_SEEN, oldest->key);
        forget_seen(intents, oldest);
    }
    if (!map_get(intents->seen, key))
        add_seen(intents, key, now_ms);
    pack_number(&value, now_ms);
    records_put(batch, SPACE_SEEN, key, buf_slice(&value));
    buf_done(&value);
}

void intents_unknow(struct intents *intents, const char *platform, const char *id) {
    auto_(mem_freep) char *key = key_of(platform, id);
    struct seen *seen = map_get(intents->seen, key);

    if (seen)
        forget_seen(intents, seen);
}

void intents_store(struct intents *intents,
                   struct intent *intent,
                   struct records *batch) {
    intent->order = ++intents->last_order;
    intent->lane = need_lane(intents, &intent->place);
    intent->lane->storing++;
    intents_note(intents, intent, batch);
}

void intents_note(struct intents *intents,
                  const struct intent *intent,
                  struct records *batch) {
    auto_(mem_freep) char *key = key_of(intent->place.platform, intent->id);
    struct buf value = { 0 };

    pack(intent, &value);
    records_put(batch, SPACE, key, buf_slice(&value));
    buf_done(&value);
}

void intents_change(struct intents *intents, const struct intent *intent) {
    auto_(mem_freep) char *key = key_of(intent->place.platform, intent->id);
    struct buf value = { 0 };

    pack(intent, &value);
    keep_put(intents->config.keep, SPACE, key, buf_slice(&value));
    buf_done(&value);
}

void intents_open(struct intents *intents, const char *platform) {
    struct intents_lane *lane;

    map_put(intents->platforms, platform, intents->platforms);
    for (size_t at = 0; (lane = map_next(intents->lanes, &at, NULL));) {
        if (strcmp(lane->platform, platform) != 0)
            continue;
        lane->is_open = true;
        look(intents, lane); /* it has something that waits: it stays */
    }
}

void intents_let_pass(struct intents *intents, struct intent *intent) {
    struct intents_lane *lane = intent->lane;

    if (lane->first != intent)
        return;
    lane->first = NULL;
    intents->running--;
    look(intents, lane);
    if (!list_is_empty(&intents->ready))
        loop_post(intents->config.loop, &intents->start);
}

void intents_done(struct intents *intents, struct intent *intent) {
    auto_(mem_freep) char *key = key_of(intent->place.platform, intent->id);
    struct intents_lane *lane = intent->lane;

    keep_remove(intents->config.keep, SPACE, key);
    intents->count--;
    lane->running--;
    if (lane->first == intent) {
        lane->first = NULL;
        intents->running--;
    }
    intents_drop(intent);
    look(intents, lane);
    if (!list_is_empty(&intents->ready))
        loop_post(intents->config.loop, &intents->start);
}

/* What was loaded stands in the order of its keys: only whole passes find all. */
void intents_sweep(struct intents *intents, int64_t now_ms) {
    list_for_each_safe(at, after, &intents->seen_all) {
        struct seen *seen = container_of(at, struct seen, node);

        if (now_ms - seen->at_ms < INTENTS_SEEN_MS)
            continue;
        keep_remove(intents->config.keep, SPACE_SEEN, seen->key);
        forget_seen(intents, seen);
    }
}

/* Those that run go on in their old lane; only where they are shown changes. */
void intents_move(struct intents *intents,
                  const char *platform,
                  const char *from,
                  const char *to) {
    const struct chat_place old = { .platform = platform, .chat = from };
    struct intents_lane *lane = find_lane(intents, &old);
    struct list moved;

    if (!lane)
        return;
    list_init(&moved);
    list_splice(&moved, &lane->waiting);
    intents->count -= lane->count;
    lane->count = 0;
    list_remove(&lane->ready);
    look(intents, lane);
    for (struct list *node; (node = list_pop(&moved));) {
        struct intent *intent = container_of(node, struct intent, node);
        free((char *)(uintptr_t)intent->place.chat);
        intent->place.chat = mem_strdup(to);
        intent->lane = NULL;
        intents_change(intents, intent);
        intents_queue(intents, intent);
    }
}

size_t intents_count(const struct intents *intents) {
    return intents->count;
}
