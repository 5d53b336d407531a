#include "chat/kept/cards.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "base/crypto.h"
#include "base/list.h"
#include "base/map.h"
#include "base/mem.h"
#include "chat/chat.h"
#include "chat/kept/keep.h"
#include "chat/kept/pack.h"
#include "chat/view.h"
#include "store/records.h"

#define SPACE      "chat.card"
#define SPACE_USED "chat.used"

enum { VERSION = 1, RANDOM_LEN = 16 };

struct card_button {
    bool is_confirmed;
    char *line; /* owned; NULL: a link, which needs no token */
};

struct card {
    struct list node; /* of cards->all, the oldest first */
    char id[CARDS_ID_LEN + 1];
    char *platform; /* owned, and so are the texts below */
    char *chat;
    char *message; /* "": not known yet */
    char *user;    /* "": whoever may */
    char *presser; /* "": nobody may confirm */
    int64_t made_ms;
    struct card_button *buttons; /* owned */
    size_t count;
    size_t bytes; /* about */
    bool is_used;
    bool is_kept;
};

struct cards {
    struct keep *keep;      /* borrowed: outlives it */
    struct map *by_id;      /* of struct card */
    struct map *by_message; /* the same cards, as far as their message is known */
    struct map *used;       /* of ids that were loaded before their card; value: itself */
    struct list all;
    size_t bytes;
    bool is_unsorted; /* what is loaded comes in the order of its ids */
};

struct cards *cards_new(struct keep *keep) {
    struct cards *cards = mem_new(sizeof(*cards));

    cards->keep = keep;
    cards->by_id = map_new();
    cards->by_message = map_new();
    cards->used = map_new();
    list_init(&cards->all);
    return cards;
}

static void free_card(struct card *card) {
    for (size_t i = 0; i < card->count; i++)
        free(card->buttons[i].line);
    free(card->buttons);
    free(card->platform);
    free(card->chat);
    free(card->message);
    free(card->user);
    free(card->presser);
    free(card);
}

struct cards *cards_free(struct cards *cards) {
    struct list *node;

    if (!cards)
        return NULL;
    while ((node = list_pop(&cards->all)))
        free_card(container_of(node, struct card, node));
    map_free(cards->by_id);
    map_free(cards->by_message);
    map_free(cards->used);
    free(cards);
    return NULL;
}

static char *place_key(const char *platform, const char *chat, const char *message) {
    return mem_printf("%s\x1f%s\x1f%s", platform, chat, message);
}

static void forget_message(struct cards *cards, const struct card *card) {
    auto_(mem_freep) char *key = place_key(card->platform, card->chat, card->message);

    if (card->message[0] && map_get(cards->by_message, key) == card)
        map_remove(cards->by_message, key);
}

void cards_drop(struct cards *cards, struct card *card) {
    if (!card)
        return;
    forget_message(cards, card);
    map_remove(cards->by_id, card->id);
    list_remove(&card->node);
    cards->bytes -= card->bytes;
    if (card->is_kept)
        keep_remove(cards->keep, SPACE, card->id);
    if (card->is_used)
        keep_remove(cards->keep, SPACE_USED, card->id);
    free_card(card);
}

static struct card *oldest(const struct cards *cards) {
    return list_is_empty(&cards->all) ? NULL
                                      : container_of(cards->all.next, struct card, node);
}

static void insert(struct cards *cards, struct card *card) {
    card->bytes = sizeof(*card) + 256;
    for (size_t i = 0; i < card->count; i++)
        card->bytes += sizeof(card->buttons[i]) +
                       (card->buttons[i].line ? strlen(card->buttons[i].line) : 0);
    while (map_count(cards->by_id) >= CARDS_MAX ||
           (oldest(cards) && cards->bytes + card->bytes > CARDS_BYTES_MAX))
        cards_drop(cards, oldest(cards));
    map_put(cards->by_id, card->id, card);
    list_add_tail(&cards->all, &card->node);
    cards->bytes += card->bytes;
}

static void stand_in(struct cards *cards, struct card *card) {
    auto_(mem_freep) char *key = place_key(card->platform, card->chat, card->message);
    struct card *older = map_get(cards->by_message, key);

    if (older && older != card)
        cards_drop(cards, older);
    map_put(cards->by_message, key, card);
}

static void make_id(char ret_id[static CARDS_ID_LEN + 1]) {
    uint8_t bytes[RANDOM_LEN];
    struct buf text = { 0 };

    crypto_random(bytes, sizeof(bytes));
    base64_encode_url(&text, slice_of(bytes, sizeof(bytes)));
    snprintf(ret_id, CARDS_ID_LEN + 1, "%s", buf_text(&text));
    buf_done(&text);
}

static bool acts(const struct view_button *button) {
    return button->kind == VIEW_ACTION || button->kind == VIEW_CONFIRMED;
}

static bool has_acts(const struct view *view) {
    for (size_t i = 0; i < view->button_count; i++)
        if (acts(&view->buttons[i]))
            return true;
    return false;
}

struct card *cards_add(struct cards *cards,
                       const struct chat_place *place,
                       const char *user,
                       const char *presser,
                       const struct view *view,
                       int64_t now_ms) {
    if (!has_acts(view))
        return NULL;
    struct card *card = mem_new(sizeof(*card));
    make_id(card->id);
    card->platform = mem_strdup(place->platform);
    card->chat = mem_strdup(place->chat);
    card->message = mem_strdup("");
    card->user = mem_strdup(user ? user : "");
    card->presser = mem_strdup(presser ? presser : "");
    card->made_ms = now_ms;
    card->count = view->button_count;
    card->buttons = mem_new_array(card->count, sizeof(*card->buttons));
    for (size_t i = 0; i < card->count; i++) {
        const struct view_button *button = &view->buttons[i];
        card->buttons[i] = (struct card_button) {
            .is_confirmed = button->kind == VIEW_CONFIRMED,
            .line = acts(button) ? mem_strdup(button->content) : NULL,
        };
    }
    insert(cards, card);
    return card;
}

struct card *cards_find(const struct cards *cards, const char *id) {
    return map_get(cards->by_id, id);
}

const char *cards_id(const struct card *card) {
    return card->id;
}

char **cards_tokens(const struct card *card, const struct view *view) {
    char **tokens = mem_new_array(view->button_count + 1, sizeof(*tokens));

    for (size_t i = 0; card && i < view->button_count; i++)
        if (acts(&view->buttons[i]))
            tokens[i] = mem_printf("%s%zu", card->id, i);
    return tokens;
}

void cards_tokens_free(char **tokens, const struct view *view) {
    for (size_t i = 0; i < view->button_count; i++)
        free(tokens[i]);
    free(tokens);
}

static void keep_card(struct cards *cards, struct card *card) {
    struct buf value = { 0 };

    pack_number(&value, VERSION);
    pack_text(&value, card->platform);
    pack_text(&value, card->chat);
    pack_text(&value, card->message);
    pack_text(&value, card->user);
    pack_text(&value, card->presser);
    pack_number(&value, card->made_ms);
    pack_number(&value, (int64_t)card->count);
    for (size_t i = 0; i < card->count; i++) {
        const struct card_button *button = &card->buttons[i];
        pack_number(&value, !button->line ? 0 : button->is_confirmed ? 2 : 1);
        pack_text(&value, button->line);
    }
    card->is_kept = true;
    keep_put(cards->keep, SPACE, card->id, buf_slice(&value));
    buf_done(&value);
}

void cards_shown(struct cards *cards, struct card *card, const char *message) {
    if (!card)
        return;
    if (message && strcmp(message, card->message) != 0) {
        forget_message(cards, card);
        free(card->message);
        card->message = mem_strdup(message);
    }
    if (card->message[0])
        stand_in(cards, card);
    keep_card(cards, card);
}

void cards_clear(struct cards *cards,
                 const struct chat_place *place,
                 const char *message) {
    auto_(mem_freep) char *key = place_key(place->platform, place->chat, message);

    cards_drop(cards, map_get(cards->by_message, key));
}

static void read_buttons(struct card *card, struct pack_reader *reader) {
    int64_t count = pack_take_number(reader);

    if (count < 0 || count > VIEW_BUTTONS_MAX) {
        reader->is_bad = true;
        return;
    }
    card->count = (size_t)count;
    card->buttons = mem_new_array(card->count + 1, sizeof(*card->buttons));
    for (size_t i = 0; i < card->count; i++) {
        int64_t kind = pack_take_number(reader);
        card->buttons[i].line = pack_take_text(reader);
        card->buttons[i].is_confirmed = kind == 2;
        if (kind == 0)
            mem_freep(&card->buttons[i].line);
        if (kind == 0)
            card->buttons[i].line = NULL;
    }
}

void cards_load(struct cards *cards, const char *key, struct slice value) {
    struct pack_reader reader = { .rest = value };

    if (strlen(key) != CARDS_ID_LEN || cards_find(cards, key) ||
        pack_take_number(&reader) != VERSION)
        return;
    struct card *card = mem_new(sizeof(*card));
    memcpy(card->id, key, CARDS_ID_LEN + 1);
    card->platform = pack_take_text(&reader);
    card->chat = pack_take_text(&reader);
    card->message = pack_take_text(&reader);
    card->user = pack_take_text(&reader);
    card->presser = pack_take_text(&reader);
    card->made_ms = pack_take_number(&reader);
    read_buttons(card, &reader);
    if (reader.is_bad) {
        free_card(card);
        return;
    }
    card->is_kept = true;
    card->is_used = map_remove(cards->used, key) != NULL;
    insert(cards, card);
    cards->is_unsorted = true;
    if (card->message[0])
        stand_in(cards, card);
}

void cards_load_used(struct cards *cards, const char *key) {
    struct card *card = cards_find(cards, key);

    if (card)
        card->is_used = true;
    else if (map_count(cards->used) < CARDS_MAX)
        map_put(cards->used, key, cards);
}

/* "CARD12": true, the card's id and the button's place. */
static bool read_token(const char *token,
                       char ret_id[static CARDS_ID_LEN + 1],
                       size_t *ret_button) {
    size_t len = strlen(token);
    size_t button = 0;

    if (len <= CARDS_ID_LEN || len > CARDS_ID_LEN + 2)
        return false;
    for (size_t i = 0; i < CARDS_ID_LEN; i++)
        if (!strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_",
                    token[i]))
            return false;
    for (size_t i = CARDS_ID_LEN; i < len; i++) {
        if (token[i] < '0' || token[i] > '9')
            return false;
        button = 10 * button + (size_t)(token[i] - '0');
    }
    memcpy(ret_id, token, CARDS_ID_LEN);
    ret_id[CARDS_ID_LEN] = '\0';
    *ret_button = button;
    return true;
}

static bool is_whose(const struct card *card, const struct cards_press *press) {
    return !card->user[0] || strcmp(card->user, press->identity) == 0 ||
           (press->user[0] && strcmp(card->user, press->user) == 0);
}

static bool is_where(const struct card *card, const struct chat_input *input) {
    const char *message = input->message ? input->message : "";

    return strcmp(card->platform, input->place.platform) == 0 &&
           strcmp(card->chat, input->place.chat) == 0 &&
           (!card->message[0] || !message[0] || strcmp(card->message, message) == 0);
}

static enum cards_verdict judge_button(const struct card *card,
                                       const struct card_button *button,
                                       const struct cards_press *press) {
    int64_t age_ms = press->now_ms - card->made_ms;

    if (!button->line)
        return CARDS_FORGED;
    if (button->is_confirmed && card->presser[0] &&
        strcmp(card->presser, press->identity) != 0)
        return CARDS_OTHERS;
    if (card->is_used)
        return CARDS_USED;
    if (age_ms >= CARDS_KEEP_MS)
        return CARDS_GONE;
    return button->is_confirmed && age_ms >= CHAT_CONFIRM_MS ? CARDS_LATE : CARDS_GOOD;
}

enum cards_verdict cards_judge(struct cards *cards,
                               const struct chat_input *input,
                               const struct cards_press *press,
                               struct card **ret_card,
                               size_t *ret_button) {
    char id[CARDS_ID_LEN + 1];
    size_t button = 0;

    if (!read_token(input->text, id, &button))
        return CARDS_FORGED;
    struct card *card = cards_find(cards, id);
    if (!card)
        return CARDS_GONE;
    if (button >= card->count)
        return CARDS_FORGED;
    if (!is_where(card, input))
        return CARDS_ELSEWHERE;
    if (!is_whose(card, press))
        return CARDS_OTHERS;
    *ret_card = card;
    *ret_button = button;
    return judge_button(card, &card->buttons[button], press);
}

const char *cards_line(const struct card *card, size_t button) {
    return card->buttons[button].line;
}

bool cards_is_confirmed(const struct card *card, size_t button) {
    return card->buttons[button].is_confirmed && card->presser[0];
}

void cards_use(struct card *card, struct records *batch) {
    card->is_used = true;
    records_put(batch, SPACE_USED, card->id, slice_of_text("1"));
}

void cards_unuse(struct cards *cards, const char *id) {
    struct card *card = cards_find(cards, id);

    if (card)
        card->is_used = false;
}

static bool has_confirmed(const struct card *card) {
    for (size_t i = 0; i < card->count; i++)
        if (card->buttons[i].is_confirmed)
            return true;
    return false;
}

void cards_revive(struct cards *cards, const char *id) {
    struct card *card = cards_find(cards, id);

    if (!card || !card->is_used || has_confirmed(card))
        return;
    card->is_used = false;
    keep_remove(cards->keep, SPACE_USED, card->id);
}

static int compare_age(const void *a, const void *b) {
    const struct card *first = *(struct card *const *)a;
    const struct card *second = *(struct card *const *)b;

    return (first->made_ms > second->made_ms) - (first->made_ms < second->made_ms);
}

/* After loading: by age, and the marks of cards that are no more go. */
static void settle(struct cards *cards) {
    size_t count = map_count(cards->by_id);
    auto_(mem_freep) void *room = mem_new_array(count + 1, sizeof(struct card *));
    struct card **sorted = room;
    const char *id;

    for (size_t i = 0; i < count; i++)
        sorted[i] = container_of(list_pop(&cards->all), struct card, node);
    qsort(sorted, count, sizeof(*sorted), compare_age);
    for (size_t i = 0; i < count; i++)
        list_add_tail(&cards->all, &sorted[i]->node);
    for (size_t at = 0; map_next(cards->used, &at, &id);)
        keep_remove(cards->keep, SPACE_USED, id);
    map_free(cards->used);
    cards->used = map_new();
    cards->is_unsorted = false;
}

void cards_sweep(struct cards *cards, int64_t now_ms) {
    struct card *card;

    if (cards->is_unsorted || map_count(cards->used) > 0)
        settle(cards);
    while ((card = oldest(cards)) && now_ms - card->made_ms >= CARDS_KEEP_MS)
        cards_drop(cards, card);
}

/* The messages of the new chat have other ids. */
void cards_move(struct cards *cards,
                const char *platform,
                const char *from,
                const char *to) {
    list_for_each_safe(at, after, &cards->all) {
        struct card *card = container_of(at, struct card, node);

        if (strcmp(card->platform, platform) != 0 || strcmp(card->chat, from) != 0)
            continue;
        forget_message(cards, card);
        free(card->chat);
        free(card->message);
        card->chat = mem_strdup(to);
        card->message = mem_strdup("");
        if (card->is_kept)
            keep_card(cards, card);
    }
}

size_t cards_count(const struct cards *cards) {
    return map_count(cards->by_id);
}
