#include "chat/kept/places.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/map.h"
#include "base/mem.h"
#include "chat/kept/keep.h"
#include "chat/kept/pack.h"

#define SPACE "chat.place"

enum { VERSION = 1 };

struct place {
    struct chat_place place; /* owned texts */
    char *identity;          /* owned: of whose it is, if it is private; "" */
    char *user;              /* owned: his name when he was here last; "" */
    char *node;              /* owned; "" */
    enum words_language language;
    bool is_chosen; /* the language was */
    int64_t offered_ms;
};

struct places {
    struct keep *keep; /* borrowed: outlives it */
    struct map *all;   /* of struct place */
};

struct places *places_new(struct keep *keep) {
    struct places *places = mem_new(sizeof(*places));

    places->keep = keep;
    places->all = map_new();
    return places;
}

static void free_place(struct place *place) {
    free((char *)(uintptr_t)place->place.platform);
    free((char *)(uintptr_t)place->place.chat);
    free((char *)(uintptr_t)place->place.topic);
    free((char *)(uintptr_t)place->place.title);
    free(place->identity);
    free(place->user);
    free(place->node);
    free(place);
}

struct places *places_free(struct places *places) {
    struct place *place;

    if (!places)
        return NULL;
    for (size_t at = 0; (place = map_next(places->all, &at, NULL));)
        free_place(place);
    map_free(places->all);
    free(places);
    return NULL;
}

static char *key_of(const struct chat_place *place) {
    return mem_printf("%s/%s/%s", place->platform, place->chat,
                      place->topic ? place->topic : "");
}

static struct place *find(const struct places *places, const struct chat_place *place) {
    auto_(mem_freep) char *key = key_of(place);
    return map_get(places->all, key);
}

static void keep_place(struct places *places, const struct place *place) {
    auto_(mem_freep) char *key = key_of(&place->place);
    struct buf value = { 0 };

    pack_number(&value, VERSION);
    pack_text(&value, place->place.platform);
    pack_text(&value, place->place.chat);
    pack_text(&value, place->place.topic);
    pack_text(&value, place->place.title);
    pack_number(&value, place->place.is_private);
    pack_text(&value, place->identity);
    pack_text(&value, place->user);
    pack_text(&value, place->node);
    pack_number(&value, place->language);
    pack_number(&value, place->is_chosen);
    keep_put(places->keep, SPACE, key, buf_slice(&value));
    buf_done(&value);
}

void places_load(struct places *places, const char *key, struct slice value) {
    struct pack_reader reader = { .rest = value };

    if (pack_take_number(&reader) != VERSION || map_get(places->all, key))
        return;
    struct place *place = mem_new(sizeof(*place));
    place->place.platform = pack_take_text(&reader);
    place->place.chat = pack_take_text(&reader);
    place->place.topic = pack_take_text(&reader);
    place->place.title = pack_take_text(&reader);
    place->place.is_private = pack_take_number(&reader) != 0;
    place->identity = pack_take_text(&reader);
    place->user = pack_take_text(&reader);
    place->node = pack_take_text(&reader);
    place->language =
        pack_take_number(&reader) == WORDS_RUSSIAN ? WORDS_RUSSIAN : WORDS_ENGLISH;
    place->is_chosen = pack_take_number(&reader) != 0;
    if (reader.is_bad)
        free_place(place);
    else
        map_put(places->all, key, place);
}

/* NULL: there are too many already. */
static struct place *need(struct places *places, const struct chat_place *at) {
    struct place *place = find(places, at);

    if (place || map_count(places->all) >= PLACES_MAX)
        return place;
    auto_(mem_freep) char *key = key_of(at);
    place = mem_new(sizeof(*place));
    *place = (struct place) {
        .place = { .platform = mem_strdup(at->platform),
                   .chat = mem_strdup(at->chat),
                   .topic = mem_strdup(at->topic ? at->topic : ""),
                   .title = mem_strdup(at->title ? at->title : ""),
                   .is_private = at->is_private },
        .identity = mem_strdup(""),
        .user = mem_strdup(""),
        .node = mem_strdup(""),
    };
    map_put(places->all, key, place);
    return place;
}

/* True when it was another. */
static bool set_text(char **at, const char *text) {
    if (strcmp(*at, text) == 0)
        return false;
    free(*at);
    *at = mem_strdup(text);
    return true;
}

void places_meet(struct places *places,
                 const struct chat_place *at,
                 const struct chat_person *person,
                 const char *user) {
    bool is_new = find(places, at) == NULL;
    struct place *place = need(places, at);
    enum words_language language = words_language_of(person->language);
    bool changed = is_new;

    if (!place)
        return;
    changed |=
        set_text((char **)(uintptr_t)&place->place.title, at->title ? at->title : "");
    if ((at->is_private || is_new) && !place->is_chosen && place->language != language) {
        place->language = language;
        changed = true;
    }
    if (at->is_private) {
        auto_(mem_freep) char *identity = mem_printf("%s:%s", at->platform, person->id);
        changed |= set_text(&place->identity, identity);
        changed |= set_text(&place->user, user);
    }
    if (changed)
        keep_place(places, place);
}

enum words_language places_language(const struct places *places,
                                    const struct chat_place *at,
                                    const struct chat_person *person) {
    const struct place *place = find(places, at);

    if (place && (place->is_chosen || !person))
        return place->language;
    return person ? words_language_of(person->language) : WORDS_ENGLISH;
}

void places_set_language(struct places *places,
                         const struct chat_place *at,
                         enum words_language language) {
    struct place *place = need(places, at);

    if (!place)
        return;
    place->language = language;
    place->is_chosen = true;
    keep_place(places, place);
}

const char *places_node(const struct places *places, const struct chat_place *at) {
    const struct place *place = find(places, at);
    return place ? place->node : "";
}

void places_set_node(struct places *places,
                     const struct chat_place *at,
                     const char *node) {
    struct place *place = need(places, at);

    if (place && set_text(&place->node, node))
        keep_place(places, place);
}

bool places_may_offer(struct places *places,
                      const struct chat_place *at,
                      int64_t now_ms,
                      int64_t pause_ms) {
    struct place *place = need(places, at);

    if (!place || (place->offered_ms > 0 && now_ms - place->offered_ms < pause_ms))
        return false;
    place->offered_ms = now_ms;
    return true;
}

const struct chat_place *places_next_private(const struct places *places,
                                             size_t *at,
                                             const char **ret_identity,
                                             const char **ret_user) {
    const struct place *place;

    while ((place = map_next(places->all, at, NULL))) {
        if (!place->place.is_private || !place->identity[0])
            continue;
        *ret_identity = place->identity;
        *ret_user = place->user;
        return &place->place;
    }
    return NULL;
}

static struct place *next_of(const struct places *places,
                             const char *platform,
                             const char *chat) {
    struct place *place;

    for (size_t at = 0; (place = map_next(places->all, &at, NULL));)
        if (strcmp(place->place.platform, platform) == 0 &&
            strcmp(place->place.chat, chat) == 0)
            return place;
    return NULL;
}

void places_move(struct places *places,
                 const char *platform,
                 const char *from,
                 const char *to) {
    struct place *place;

    while (strcmp(from, to) != 0 && (place = next_of(places, platform, from))) {
        auto_(mem_freep) char *old_key = key_of(&place->place);

        map_remove(places->all, old_key);
        keep_remove(places->keep, SPACE, old_key);
        free((char *)(uintptr_t)place->place.chat);
        place->place.chat = mem_strdup(to);
        auto_(mem_freep) char *key = key_of(&place->place);
        struct place *there = map_put(places->all, key, place);
        if (there)
            free_place(there);
        keep_place(places, place);
    }
}
