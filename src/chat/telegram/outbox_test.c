#include "chat/telegram/outbox.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/list.h"
#include "base/mem.h"

enum { START_MS = 1000000 };

static struct outbox_letter *new_letter(const char *chat,
                                        enum outbox_class class,
                                        const char *message) {
    struct outbox_letter *letter = mem_new(sizeof(*letter));

    letter->chat = mem_strdup(chat);
    letter->class = class;
    letter->message = mem_strdup(message);
    letter->size = 100;
    return letter;
}

static void free_letter(struct outbox_letter *letter) {
    free(letter->chat);
    free(letter->message);
    free(letter);
}

static void drop(void *arg, struct outbox_letter *letter) {
    free_letter(letter);
}

static struct outbox_letter *put(struct outbox *outbox,
                                 const char *chat,
                                 enum outbox_class class,
                                 const char *message) {
    struct outbox_letter *letter = new_letter(chat, class, message);
    struct outbox_letter *replaced;

    CHECK_INT(outbox_put(outbox, letter, &replaced), 0);
    if (replaced)
        free_letter(replaced);
    return letter;
}

/* Sends what may go and takes it as delivered at once; how many. */
static size_t send_all(struct outbox *outbox, uint64_t now_ms, uint64_t *ret_wait_ms) {
    struct outbox_letter *letter;
    size_t count = 0;

    while ((letter = outbox_take(outbox, now_ms, ret_wait_ms))) {
        outbox_settle(outbox, letter, now_ms);
        free_letter(letter);
        count++;
    }
    return count;
}

static void a_chat_gets_a_burst_and_then_one_a_second(void) {
    struct outbox *outbox = outbox_new(0);
    uint64_t now_ms = START_MS;
    uint64_t wait_ms = 0;
    uint64_t sent[20];

    for (int i = 0; i < 20; i++)
        put(outbox, "1", OUTBOX_ANSWER, NULL);
    for (size_t count = 0; outbox_count(outbox) > 0; now_ms += wait_ms)
        for (size_t n = send_all(outbox, now_ms, &wait_ms); n > 0; n--)
            sent[count++] = now_ms;
    for (size_t i = 0; i + 3 < 20; i++)
        CHECK(sent[i + 3] - sent[i] >= 1000);
    CHECK(now_ms - START_MS < 20 * OUTBOX_CHAT_EVERY_MS);
    CHECK_INT(wait_ms, UINT64_MAX);
    outbox_free(outbox, drop, NULL);
}

static void a_group_gets_twenty_a_minute_at_most(void) {
    struct outbox *outbox = outbox_new(0);
    uint64_t sent[60];
    uint64_t now_ms = START_MS;
    uint64_t wait_ms = 0;
    size_t count = 0;

    for (int i = 0; i < 60; i++)
        put(outbox, "-100", i % 2 ? OUTBOX_URGENT : OUTBOX_REPORT, NULL);
    for (; outbox_count(outbox) > 0; now_ms += wait_ms)
        for (size_t n = send_all(outbox, now_ms, &wait_ms); n > 0; n--)
            sent[count++] = now_ms;
    for (size_t i = 0; i + 20 < 60; i++)
        CHECK(sent[i + 20] - sent[i] > 60000);
    outbox_free(outbox, drop, NULL);
}

static void all_chats_together_stay_below_thirty_a_second(void) {
    struct outbox *outbox = outbox_new(0);
    static uint64_t sent[500];
    uint64_t now_ms = START_MS;
    uint64_t wait_ms = 0;
    size_t count = 0;
    char chat[16];

    for (int i = 0; i < 500; i++) {
        snprintf(chat, sizeof(chat), "%d", i);
        put(outbox, chat, OUTBOX_REPORT, NULL);
    }
    for (; outbox_count(outbox) > 0; now_ms += wait_ms)
        for (size_t n = send_all(outbox, now_ms, &wait_ms); n > 0; n--)
            sent[count++] = now_ms;
    for (size_t i = 0; i + 30 - OUTBOX_FLIGHT_MAX < 500; i++)
        CHECK(sent[i + 30 - OUTBOX_FLIGHT_MAX] - sent[i] >= 900);
    CHECK(now_ms - START_MS < 500 * 50);
    outbox_free(outbox, drop, NULL);
}

static void what_is_urgent_overtakes_all_that_waits(void) {
    struct outbox *outbox = outbox_new(0);
    uint64_t now_ms = START_MS;
    uint64_t wait_ms;
    char chat[16];

    for (int i = 0; i < 200; i++) {
        snprintf(chat, sizeof(chat), "%d", i % 40);
        put(outbox, chat, OUTBOX_REPORT, NULL);
    }
    send_all(outbox, now_ms, &wait_ms);
    struct outbox_letter *urgent = put(outbox, "7", OUTBOX_URGENT, NULL);
    for (;;) {
        struct outbox_letter *letter = outbox_take(outbox, now_ms, &wait_ms);
        if (!letter) {
            now_ms += wait_ms;
            continue;
        }
        outbox_settle(outbox, letter, now_ms);
        bool is_it = letter == urgent;
        free_letter(letter);
        if (is_it)
            break;
    }
    CHECK(now_ms - START_MS < 2000);
    outbox_free(outbox, drop, NULL);
}

static void slow_calls_leave_room_for_what_is_urgent(void) {
    struct outbox *outbox = outbox_new(0);
    struct outbox_letter *flying[OUTBOX_FLIGHT_MAX];
    uint64_t now_ms = START_MS;
    uint64_t wait_ms;
    size_t count = 0;
    char chat[16];

    for (int i = 0; i < 20; i++) {
        snprintf(chat, sizeof(chat), "%d", i);
        put(outbox, chat, OUTBOX_REPORT, NULL);
    }
    for (int i = 0; i < 100; i++, now_ms += 100) {
        struct outbox_letter *letter = outbox_take(outbox, now_ms, &wait_ms);
        if (letter)
            flying[count++] = letter;
    }
    CHECK_INT(count, OUTBOX_FLIGHT_MAX - OUTBOX_FLIGHT_RESERVED);
    put(outbox, "99", OUTBOX_URGENT, NULL);
    struct outbox_letter *urgent = outbox_take(outbox, now_ms, &wait_ms);
    CHECK(urgent && urgent->class == OUTBOX_URGENT);
    flying[count++] = urgent;
    while (count > 0) {
        outbox_settle(outbox, flying[--count], now_ms);
        free_letter(flying[count]);
    }
    outbox_free(outbox, drop, NULL);
}

static void of_two_edits_of_a_message_the_newer_goes(void) {
    struct outbox *outbox = outbox_new(0);
    struct outbox_letter *replaced;
    uint64_t wait_ms;

    struct outbox_letter *first = put(outbox, "1", OUTBOX_EDIT, "5");
    put(outbox, "1", OUTBOX_EDIT, "6");
    struct outbox_letter *newer = new_letter("1", OUTBOX_EDIT, "5");
    CHECK_INT(outbox_put(outbox, newer, &replaced), 0);
    CHECK(replaced == first);
    free_letter(replaced);
    CHECK_INT(outbox_count(outbox), 2);
    CHECK(outbox_take(outbox, START_MS, &wait_ms) == newer); /* in the older's place */
    outbox_free(outbox, drop, NULL);
}

static void an_edit_for_somebody_who_waits_moves_ahead(void) {
    struct outbox *outbox = outbox_new(0);
    uint64_t wait_ms;

    put(outbox, "1", OUTBOX_EDIT, "5");
    put(outbox, "1", OUTBOX_ANSWER, NULL);
    struct outbox_letter *answer = put(outbox, "1", OUTBOX_URGENT, "5");
    CHECK_INT(outbox_count(outbox), 2);
    CHECK(outbox_take(outbox, START_MS, &wait_ms) == answer);
    outbox_free(outbox, drop, NULL);
}

static void order_is_kept_and_one_is_on_its_way(void) {
    struct outbox *outbox = outbox_new(0);
    uint64_t wait_ms;

    struct outbox_letter *first = put(outbox, "1", OUTBOX_ANSWER, NULL);
    struct outbox_letter *second = put(outbox, "1", OUTBOX_ANSWER, NULL);
    CHECK(outbox_take(outbox, START_MS, &wait_ms) == first);
    CHECK(!outbox_take(outbox, START_MS + 100, &wait_ms));
    CHECK_INT(wait_ms, UINT64_MAX); /* until it is settled */
    outbox_retry(outbox, first, START_MS + 200, 5000);
    CHECK(!outbox_take(outbox, START_MS + 300, &wait_ms));
    CHECK_INT(wait_ms, 4900);
    CHECK(outbox_take(outbox, START_MS + 5200, &wait_ms) == first);
    outbox_settle(outbox, first, START_MS + 5200);
    free_letter(first);
    CHECK(outbox_take(outbox, START_MS + 5300, &wait_ms) == second);
    outbox_free(outbox, drop, NULL);
}

static void a_chat_that_waits_keeps_nobody_else_waiting(void) {
    struct outbox *outbox = outbox_new(0);
    uint64_t wait_ms;

    struct outbox_letter *held = put(outbox, "1", OUTBOX_URGENT, NULL);
    CHECK(outbox_take(outbox, START_MS, &wait_ms) == held);
    outbox_retry(outbox, held, START_MS, 30000);
    struct outbox_letter *other = put(outbox, "2", OUTBOX_REPORT, NULL);
    CHECK(outbox_take(outbox, START_MS + 50, &wait_ms) == other);
    outbox_settle(outbox, other, START_MS + 50);
    free_letter(other);
    outbox_hold(outbox, START_MS + 100, 60000);
    put(outbox, "3", OUTBOX_URGENT, NULL);
    CHECK(!outbox_take(outbox, START_MS + 200, &wait_ms));
    CHECK_INT(wait_ms, 59900);
    outbox_free(outbox, drop, NULL);
}

static void too_much_is_refused_and_urgent_later(void) {
    struct outbox *outbox = outbox_new(0);
    struct outbox_letter *replaced;

    for (int i = 0; i < OUTBOX_LETTERS_MAX; i++)
        put(outbox, "1", OUTBOX_REPORT, NULL);
    struct outbox_letter *more = new_letter("1", OUTBOX_REPORT, NULL);
    CHECK_INT(outbox_put(outbox, more, &replaced), -ENOBUFS);
    more->class = OUTBOX_URGENT;
    CHECK_INT(outbox_put(outbox, more, &replaced), 0);
    struct outbox_letter *large = new_letter("2", OUTBOX_URGENT, NULL);
    large->size = OUTBOX_BYTES_MAX;
    CHECK_INT(outbox_put(outbox, large, &replaced), -ENOBUFS);
    free_letter(large);
    outbox_free(outbox, drop, NULL);
}

static void what_waits_follows_a_chat_that_moved(void) {
    struct outbox *outbox = outbox_new(0);
    struct list letters;
    uint64_t wait_ms;

    put(outbox, "-1", OUTBOX_REPORT, NULL);
    struct outbox_letter *urgent = put(outbox, "-1", OUTBOX_URGENT, NULL);
    outbox_move(outbox, "-1", "-100");
    CHECK(outbox_take(outbox, START_MS, &wait_ms) == urgent);
    CHECK_TEXT(urgent->chat, "-100");
    list_init(&letters);
    outbox_clear(outbox, "-100", &letters);
    CHECK_INT(outbox_count(outbox), 1); /* on its way */
    free_letter(container_of(list_pop(&letters), struct outbox_letter, node));
    CHECK(list_is_empty(&letters));
    outbox_free(outbox, drop, NULL);
}

/* A life before may have spent the burst, and nobody remembers. */
static void a_chat_is_spared_right_after_a_start(void) {
    struct outbox *outbox = outbox_new(START_MS);
    uint64_t wait_ms;

    outbox_spare(outbox);
    put(outbox, "1", OUTBOX_URGENT, NULL);
    CHECK(!outbox_take(outbox, START_MS + OUTBOX_ALL_EVERY_MS, &wait_ms));
    CHECK_INT(wait_ms, OUTBOX_CHAT_EVERY_MS - OUTBOX_ALL_EVERY_MS);
    CHECK(outbox_take(outbox, START_MS + OUTBOX_CHAT_EVERY_MS, &wait_ms));
    put(outbox, "-2", OUTBOX_REPORT, NULL);
    CHECK(outbox_take(outbox, START_MS + 3000, &wait_ms));
    outbox_free(outbox, drop, NULL);
}

TESTS(TEST(a_chat_is_spared_right_after_a_start),
      TEST(a_chat_gets_a_burst_and_then_one_a_second),
      TEST(a_group_gets_twenty_a_minute_at_most),
      TEST(all_chats_together_stay_below_thirty_a_second),
      TEST(what_is_urgent_overtakes_all_that_waits),
      TEST(slow_calls_leave_room_for_what_is_urgent),
      TEST(of_two_edits_of_a_message_the_newer_goes),
      TEST(an_edit_for_somebody_who_waits_moves_ahead),
      TEST(order_is_kept_and_one_is_on_its_way),
      TEST(a_chat_that_waits_keeps_nobody_else_waiting),
      TEST(too_much_is_refused_and_urgent_later),
      TEST(what_waits_follows_a_chat_that_moved))
