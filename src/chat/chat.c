#include "chat/chat.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "chat/chat_private.h"
#include "chat/kept/cards.h"
#include "chat/kept/intents.h"
#include "chat/kept/keep.h"
#include "chat/kept/places.h"
#include "chat/kept/questions.h"
#include "chat/turn/turn_life.h"
#include "chat/turn/turn_private.h"

enum { SWEEP_MS = 60000 };

static void on_sweep(struct timer *timer) {
    struct chat *chat = container_of(timer, struct chat, sweep);
    int64_t now_ms = chat_now_ms(chat);

    cards_sweep(chat->cards, now_ms);
    intents_sweep(chat->intents, now_ms);
    questions_sweep(chat->questions, now_ms);
    timer_start(chat->config.host.loop, &chat->sweep, SWEEP_MS);
}

struct chat *chat_new(const struct chat_config *config) {
    struct chat *chat = mem_new(sizeof(*chat));

    chat->config = *config;
    chat->keep = keep_new(config->host.loop, config->host.store);
    chat->cards = cards_new(chat->keep);
    chat->places = places_new(chat->keep);
    chat->questions = questions_new(chat->keep);
    chat->intents = intents_new(&(struct intents_config) {
        .keep = chat->keep,
        .run = chat_run_intent,
        .arg = chat,
        .loop = config->host.loop,
    });
    list_init(&chat->carriers);
    list_init(&chat->turns);
    list_init(&chat->shows);
    list_init(&chat->batches);
    chat->sweep.fire = on_sweep;
    timer_start(config->host.loop, &chat->sweep, SWEEP_MS);
    return chat;
}

static void end_turns(struct chat *chat) {
    struct list *node;

    while ((node = list_pop(&chat->turns))) {
        struct turn *turn = container_of(node, struct turn, node);
        struct intent *intent = turn->intent;
        turn_life_free(turn);
        intents_drop(intent);
    }
}

static void free_place(struct chat_place *place) {
    free((char *)(uintptr_t)place->platform);
    free((char *)(uintptr_t)place->chat);
    free((char *)(uintptr_t)place->topic);
    free((char *)(uintptr_t)place->title);
}

struct chat *chat_free(struct chat *chat) {
    struct list *node;

    if (!chat)
        return NULL;
    timer_stop(&chat->sweep);
    chat_post_end_all(chat);
    end_turns(chat);
    chat_take_end_all(chat);
    chat->intents = intents_free(chat->intents);
    chat->cards = cards_free(chat->cards);
    chat->places = places_free(chat->places);
    chat->questions = questions_free(chat->questions);
    chat->keep = keep_free(chat->keep);
    while ((node = list_pop(&chat->carriers))) {
        struct chat_joined *joined = container_of(node, struct chat_joined, node);
        free(joined->platform);
        free(joined);
    }
    free_place(&chat->lent);
    free(chat);
    return NULL;
}

bool chat_load(struct chat *chat,
               const char *space,
               const char *key,
               struct slice value) {
    if (strcmp(space, "chat.intent") == 0)
        intents_load(chat->intents, key, value);
    else if (strcmp(space, "chat.seen") == 0)
        intents_load_seen(chat->intents, key, value);
    else if (strcmp(space, "chat.card") == 0)
        cards_load(chat->cards, key, value);
    else if (strcmp(space, "chat.used") == 0)
        cards_load_used(chat->cards, key);
    else if (strcmp(space, "chat.place") == 0)
        places_load(chat->places, key, value);
    else if (strcmp(space, "chat.question") == 0)
        questions_load(chat->questions, key, value);
    else
        return false;
    return true;
}

static struct chat_joined *find(const struct chat *chat, const char *platform) {
    for (struct list *at = chat->carriers.next; at != &chat->carriers; at = at->next) {
        struct chat_joined *joined = container_of(at, struct chat_joined, node);
        if (strcmp(joined->platform, platform) == 0)
            return joined;
    }
    return NULL;
}

void chat_join(struct chat *chat, const struct chat_carrier *carrier) {
    struct chat_joined *joined = find(chat, carrier->platform);

    if (!joined) {
        joined = mem_new(sizeof(*joined));
        joined->platform = mem_strdup(carrier->platform);
        list_add_tail(&chat->carriers, &joined->node);
    }
    joined->carrier = *carrier;
    joined->carrier.platform = joined->platform;
    cards_sweep(chat->cards, chat_now_ms(chat));
    intents_open(chat->intents, joined->platform);
}

const struct chat_carrier *chat_find_carrier(const struct chat *chat,
                                             const char *platform) {
    const struct chat_joined *joined = find(chat, platform);
    return joined ? &joined->carrier : NULL;
}

void chat_set_strangers(struct chat *chat, enum chat_strangers strangers) {
    chat->config.strangers = strangers;
}

/* In private the place is the person's. */
void chat_set_language(struct chat *chat,
                       const struct chat_place *place,
                       const struct chat_person *person,
                       enum words_language language) {
    places_set_language(chat->places, place, language);
}

const char *chat_active_node(const struct chat *chat, const struct chat_place *place) {
    return places_node(chat->places, place);
}

int64_t chat_now_ms(const struct chat *chat) {
    return chat->config.host.now_ms(chat->config.host.arg);
}

struct actor *chat_find_person(const struct chat *chat,
                               const struct chat_place *place,
                               const struct chat_person *person) {
    const struct chat_host *host = &chat->config.host;
    auto_(mem_freep) char *identity = mem_printf("%s:%s", place->platform, person->id);

    return host->find_person(host->arg, identity);
}

void chat_moved(struct chat *chat,
                const char *platform,
                const char *from,
                const char *to) {
    if (strcmp(from, to) == 0)
        return;
    places_move(chat->places, platform, from, to);
    cards_move(chat->cards, platform, from, to);
    intents_move(chat->intents, platform, from, to);
    if (chat->config.host.on_moved)
        chat->config.host.on_moved(chat->config.host.arg, platform, from, to);
}

enum words_language chat_language(const struct chat *chat,
                                  const struct chat_place *place) {
    return places_language(chat->places, place, NULL);
}

/* Is the person of that identity the user now? Links come and go. */
static bool is_user(const struct chat *chat, const char *identity, const char *user) {
    const struct chat_host *host = &chat->config.host;
    struct actor *actor = host->find_person(host->arg, identity);
    bool is_same = actor && strcmp(actor->name, user) == 0;

    actor_unref(actor);
    return is_same;
}

static void lend(struct chat *chat, const struct chat_place *place) {
    free_place(&chat->lent);
    chat->lent = (struct chat_place) {
        .platform = mem_strdup(place->platform),
        .chat = mem_strdup(place->chat),
        .topic = mem_strdup(place->topic),
        .title = mem_strdup(place->title),
        .is_private = true,
    };
}

/* Somebody who was linked in another way has not spoken to us as a user yet, so that only
 * his identity tells: the second walk. */
const struct chat_place *chat_private_place(const struct chat *chat, const char *user) {
    struct chat *owner = (struct chat *)(uintptr_t)chat;

    for (int walk = 0; walk < 2; walk++) {
        const struct chat_place *place;
        const char *identity;
        const char *known;

        for (size_t at = 0;
             (place = places_next_private(chat->places, &at, &identity, &known));) {
            if ((strcmp(known, user) == 0) != (walk == 0) ||
                !is_user(chat, identity, user))
                continue;
            lend(owner, place);
            return &owner->lent;
        }
    }
    return NULL;
}

size_t chat_count(const struct chat *chat) {
    return intents_count(chat->intents);
}
