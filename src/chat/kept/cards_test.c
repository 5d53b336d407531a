#include "chat/kept/cards.h"

#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "chat/chat.h"
#include "chat/kept/keep.h"
#include "chat/view.h"
#include "store/records.h"
#include "store/store_testing.h"

static const struct chat_place home = { "telegram", "1", "", "", true };

struct deck {
    struct place place;
    struct keep *keep;
    struct cards *cards;
    struct view *view;
};

static void open_deck(struct deck *deck) {
    place_init(&deck->place);
    place_start(&deck->place, 100);
    deck->keep = keep_new(deck->place.loop, deck->place.store);
    deck->cards = cards_new(deck->keep);
    deck->view = view_new();
    view_button(deck->view, VIEW_PLAIN, "Look", "status nas");
    view_link(deck->view, "Site", "https://example.org");
    view_confirm(deck->view, VIEW_DANGER, "Do it", "reboot nas");
}

static void close_deck(struct deck *deck) {
    cards_free(deck->cards);
    keep_free(deck->keep);
    view_free(deck->view);
    place_done(&deck->place);
}

static enum cards_verdict judge(struct deck *deck, const char *token, int64_t now_ms) {
    const struct chat_input input = {
        .kind = CHAT_PRESS,
        .place = home,
        .person = { .id = "1" },
        .text = token,
    };
    const struct cards_press press = {
        .identity = "telegram:1",
        .user = "ada",
        .now_ms = now_ms,
    };
    struct card *card;
    size_t button;

    return cards_judge(deck->cards, &input, &press, &card, &button);
}

static void the_oldest_go_when_there_are_too_many(void) {
    struct deck deck;
    char first[40];

    open_deck(&deck);
    for (int i = 0; i <= CARDS_MAX; i++) {
        struct card *card = cards_add(deck.cards, &home, NULL, NULL, deck.view, i);
        if (i == 0)
            snprintf(first, sizeof(first), "%s0", cards_id(card));
        if (i == CARDS_MAX - 1)
            CHECK_INT(judge(&deck, first, i), CARDS_GOOD);
    }
    CHECK_INT(cards_count(deck.cards), CARDS_MAX);
    CHECK_INT(judge(&deck, first, CARDS_MAX), CARDS_GONE);
    cards_sweep(deck.cards, CARDS_KEEP_MS + 10000);
    CHECK_INT(cards_count(deck.cards), CARDS_MAX - 10000);
    close_deck(&deck);
}

static void big_cards_are_charged(void) {
    struct deck deck;

    open_deck(&deck);
    struct view *big = view_new();
    for (int i = 0; i < VIEW_BUTTONS_MAX; i++)
        view_button(big, VIEW_PLAIN, "B", "%01000d", i);
    for (int i = 0; i < 3000; i++)
        cards_add(deck.cards, &home, NULL, NULL, big, i);
    CHECK(cards_count(deck.cards) < 1200);
    CHECK(cards_count(deck.cards) > 900);
    view_free(big);
    close_deck(&deck);
}

static void a_card_counts_for_one_press(void) {
    struct deck deck;
    struct records batch = { 0 };

    open_deck(&deck);
    struct card *card =
        cards_add(deck.cards, &home, "telegram:1", "telegram:1", deck.view, 1000);
    char **tokens = cards_tokens(card, deck.view);
    auto_(mem_freep) char *id = mem_strdup(cards_id(card));
    auto_(mem_freep) char *link = mem_printf("%s1", id);

    CHECK(!tokens[1]);
    CHECK(strlen(tokens[0]) < CHAT_TOKEN_MAX);
    CHECK_INT(judge(&deck, link, 1000), CARDS_FORGED);
    CHECK_INT(judge(&deck, tokens[2], 60999), CARDS_GOOD);
    CHECK_INT(judge(&deck, tokens[2], 61000), CARDS_LATE);
    CHECK_INT(judge(&deck, tokens[0], 61000), CARDS_GOOD);
    cards_use(card, &batch);
    CHECK_INT(batch.count, 1);
    CHECK_INT(judge(&deck, tokens[0], 2000), CARDS_USED);
    CHECK_INT(judge(&deck, tokens[2], 2000), CARDS_USED);
    cards_revive(deck.cards, id); /* not after a confirmed one */
    CHECK_INT(judge(&deck, tokens[0], 2000), CARDS_USED);
    cards_unuse(deck.cards, id);
    CHECK_INT(judge(&deck, tokens[0], 2000), CARDS_GOOD);
    records_done(&batch);
    cards_tokens_free(tokens, deck.view);
    close_deck(&deck);
}

static void a_newer_view_ends_the_older_one(void) {
    struct deck deck;

    open_deck(&deck);
    struct card *older = cards_add(deck.cards, &home, NULL, NULL, deck.view, 1);
    auto_(mem_freep) char *token = mem_printf("%s0", cards_id(older));
    cards_shown(deck.cards, older, "m1");
    CHECK_INT(judge(&deck, token, 2), CARDS_GOOD);
    struct card *newer = cards_add(deck.cards, &home, NULL, NULL, deck.view, 2);
    CHECK_INT(judge(&deck, token, 2), CARDS_GOOD);
    cards_shown(deck.cards, newer, "m1");
    CHECK_INT(judge(&deck, token, 2), CARDS_GONE);
    cards_clear(deck.cards, &home, "m1");
    CHECK_INT(cards_count(deck.cards), 0);
    close_deck(&deck);
}

/* What the store gives back may be anything. */
static void damaged_records_are_passed_over(void) {
    static const uint8_t bytes[] = { 2,   8, 't', 'e', 'l', 'e', 'g', 'r', 'a', 'm', 1,
                                     '1', 0, 0,   0,   0,   2,   2,   10,  's', 0xff };
    struct deck deck;

    open_deck(&deck);
    for (size_t len = 0; len <= sizeof(bytes); len++)
        cards_load(deck.cards, "AAAAAAAAAAAAAAAAAAAAAA", slice_of(bytes, len));
    cards_load(deck.cards, "short", slice_of(bytes, sizeof(bytes)));
    cards_load_used(deck.cards, "short");
    cards_sweep(deck.cards, 1);
    CHECK(cards_count(deck.cards) <= 1);
    close_deck(&deck);
}

TESTS(TEST(the_oldest_go_when_there_are_too_many),
      TEST(big_cards_are_charged),
      TEST(a_card_counts_for_one_press),
      TEST(a_newer_view_ends_the_older_one),
      TEST(damaged_records_are_passed_over))
