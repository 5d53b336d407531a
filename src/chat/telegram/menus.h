/*
 * menus - the lists of commands that Telegram shows behind '/'
 *
 * Made from the command table: a short list for anybody in private, one for groups, and
 * one of his own for each person, by what he may do. They are for show; who may do what
 * is decided when it is said. What was set is kept as a record, and set again only when
 * it changed.
 */
#pragma once

#include <stdbool.h>

#include "base/slice.h"
#include "chat/words/words.h"

struct actor;
struct api;
struct loop;
struct menus;
struct store;

/* The space of our records. */
#define MENUS_SPACE "telegram.menu"

struct menus_config {
    struct loop *loop; /* borrowed, as the next two */
    struct store *store;
    struct api *api;
    const char *bot_id; /* copied */
};

struct menus *menus_new(const struct menus_config *config);

/* NULL is fine; always returns NULL. */
struct menus *menus_free(struct menus *menus);

/* A record: true when the space is ours. */
bool menus_load(struct menus *menus,
                const char *space,
                const char *key,
                struct slice value);

/* Sets the common lists, and what was asked for before. */
void menus_start(struct menus *menus);

/* The list of a person's private chat. */
void menus_set_person(struct menus *menus,
                      const char *chat,
                      enum words_language language,
                      const struct actor *actor);
