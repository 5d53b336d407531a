/*
 * cards - the buttons that were shown: whose they are, where, and what they mean
 *
 * A view with buttons makes one card; a button's token is the card's id, which nobody can
 * guess, and the button's place. A card counts for one press; the view that comes of it
 * takes its place, or the card is revived. The newest card of a message is the only one.
 *
 *   card -> shown (kept) -> used -> gone, or revived
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

struct card;
struct cards;
struct chat_input;
struct chat_place;
struct keep;
struct records;
struct view;

enum {
    CARDS_MAX = 20000, /* beyond it the oldest go */
    CARDS_BYTES_MAX = 64 << 20,
    CARDS_ID_LEN = 22, /* 16 bytes as base64url */
};

#define CARDS_KEEP_MS (7LL * 24 * 3600 * 1000)

enum cards_verdict {
    CARDS_GOOD,
    CARDS_FORGED,    /* no token of ours */
    CARDS_GONE,      /* too old, or another view has taken its place */
    CARDS_ELSEWHERE, /* it belongs to another chat or message */
    CARDS_OTHERS,    /* it was shown to somebody else */
    CARDS_USED,      /* it was pressed already */
    CARDS_LATE,      /* the time for confirming is over */
};

struct cards *cards_new(struct keep *keep);
struct cards *cards_free(struct cards *cards);

/* A record of the spaces "chat.card" and "chat.used"; in any order. */
void cards_load(struct cards *cards, const char *key, struct slice value);
void cards_load_used(struct cards *cards, const char *key);

/*
 * Makes a card for the buttons of a view. user: the identity or the user's name who alone
 * may press them, NULL: whoever may; presser: the identity who alone may press a
 * confirmed one. Lent until cards_drop(), and at most until the loop's turn ends: keep
 * its id. NULL: the view has no buttons that act.
 */
struct card *cards_add(struct cards *cards,
                       const struct chat_place *place,
                       const char *user,
                       const char *presser,
                       const struct view *view,
                       int64_t now_ms);
struct card *cards_find(const struct cards *cards, const char *id);
const char *cards_id(const struct card *card);

/* A token for each button of the view, NULL for links: as many as the view has, to be
 * freed by cards_tokens_free(). */
char **cards_tokens(const struct card *card, const struct view *view);
void cards_tokens_free(char **tokens, const struct view *view);

/* The view stands in that message: keeps the card, and ends the one that stood there. */
void cards_shown(struct cards *cards, struct card *card, const char *message);

/* Nothing counts any more that stands in that message. */
void cards_clear(struct cards *cards,
                 const struct chat_place *place,
                 const char *message);
void cards_drop(struct cards *cards, struct card *card);

/* What a press means. identity and user ("" of strangers) are the presser's. */
struct cards_press {
    const char *identity;
    const char *user;
    int64_t now_ms;
};
enum cards_verdict cards_judge(struct cards *cards,
                               const struct chat_input *input,
                               const struct cards_press *press,
                               struct card **ret_card,
                               size_t *ret_button);

/* The line of a button, and whether it was confirmed by it. Lent like the card. */
const char *cards_line(const struct card *card, size_t button);
bool cards_is_confirmed(const struct card *card, size_t button);

/* Notes the one use in the batch; cards_unuse() when the batch was refused. */
void cards_use(struct card *card, struct records *batch);
void cards_unuse(struct cards *cards, const char *id);

/* The view still stands: its buttons count again, except confirmed ones. */
void cards_revive(struct cards *cards, const char *id);

/* Ends what is older than CARDS_KEEP_MS. */
void cards_sweep(struct cards *cards, int64_t now_ms);

/* The chat has another id. */
void cards_move(struct cards *cards,
                const char *platform,
                const char *from,
                const char *to);

size_t cards_count(const struct cards *cards);
