/*
 * places - what is known of the chats: their language, their node, who is there
 *
 * One record for each place where somebody talked with us ("chat.place").
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"
#include "chat/chat.h"
#include "chat/words/words.h"

struct keep;
struct place;
struct places;

enum { PLACES_MAX = 100000 }; /* beyond it nothing is remembered of new ones */

struct places *places_new(struct keep *keep);
struct places *places_free(struct places *places);
void places_load(struct places *places, const char *key, struct slice value);

/* Somebody speaks here: remembers the place, and whose it is if it is private (user "":
 * a stranger's). */
void places_meet(struct places *places,
                 const struct chat_place *place,
                 const struct chat_person *person,
                 const char *user);

/* The language that was chosen, else the person's (NULL: of who was there first). */
enum words_language places_language(const struct places *places,
                                    const struct chat_place *place,
                                    const struct chat_person *person);
void places_set_language(struct places *places,
                         const struct chat_place *place,
                         enum words_language language);

/* "": none. Lent until it changes. */
const char *places_node(const struct places *places, const struct chat_place *place);
void places_set_node(struct places *places,
                     const struct chat_place *place,
                     const char *node);

/* At most once in so many milliseconds: true, and counts. */
bool places_may_offer(struct places *places,
                      const struct chat_place *place,
                      int64_t now_ms,
                      int64_t pause_ms);

/* Walks the private places: *at starts at 0; NULL at the end. ret_identity lends
 * "telegram:12345". */
const struct chat_place *places_next_private(const struct places *places,
                                             size_t *at,
                                             const char **ret_identity,
                                             const char **ret_user);

void places_move(struct places *places,
                 const char *platform,
                 const char *from,
                 const char *to);
