#include "hub/talk/telegram_door.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/check.h"
#include "base/mem.h"
#include "chat/telegram/telegram.h"
#include "rpc/exchange.h"

enum { BODY_MAX = 1 << 20 };

/* A carrier that answers when the test says so. */
struct telegram {
    unsigned given;
    char method[16];
    char secret[64]; /* "-": there was none */
    struct buf body;
    telegram_answer_fn *answer;
    void *arg;
};

void telegram_take_webhook(struct telegram *telegram,
                           const char *method,
                           const char *secret,
                           struct slice body,
                           telegram_answer_fn *answer,
                           void *arg) {
    telegram->given++;
    snprintf(telegram->method, sizeof(telegram->method), "%s", method);
    snprintf(telegram->secret, sizeof(telegram->secret), "%s", secret ? secret : "-");
    buf_clear(&telegram->body);
    buf_add_slice(&telegram->body, body);
    telegram->answer = answer;
    telegram->arg = arg;
}

/* One request, and what its peer sees of the answer. */
struct guest {
    struct exchange exchange;
    struct headers head;
    struct pipe body;
    size_t hold_max;
    size_t taken;
    unsigned status; /* 0: no answer yet */
    unsigned released;
};

static struct guest *guest_of(struct exchange *exchange) {
    return container_of(exchange, struct guest, exchange);
}

static void respond(struct exchange *exchange,
                    const struct headers *head,
                    bool has_body) {
    CHECK(!has_body);
    guest_of(exchange)->status =
        (unsigned)strtoul(headers_get(head, ":status"), NULL, 10);
}

static void taken(struct exchange *exchange, size_t count) {
    guest_of(exchange)->taken += count;
}

static bool hold(struct exchange *exchange, size_t total) {
    return total <= guest_of(exchange)->hold_max;
}

static void release(struct exchange *exchange) {
    guest_of(exchange)->released++;
}

static const struct exchange_ops ops = {
    .respond = respond,
    .taken = taken,
    .hold = hold,
    .release = release,
};

static void come(struct guest *guest, struct telegram_door *door, const char *secret) {
    *guest = (struct guest) { .exchange.ops = &ops, .hold_max = SIZE_MAX };
    headers_add(&guest->head, ":method", "POST");
    headers_add(&guest->head, ":path", TELEGRAM_DOOR_PATH);
    if (secret)
        headers_add(&guest->head, "x-telegram-bot-api-secret-token", secret);
    pipe_init(&guest->body);
    guest->exchange.head = &guest->head;
    guest->exchange.body = &guest->body;
    telegram_door_serve(door, &guest->exchange);
}

static void wake(struct guest *guest) {
    CHECK_INT(guest->released, 0);
    guest->exchange.on_wake(&guest->exchange);
}

static void say(struct guest *guest, struct slice bytes) {
    pipe_add(&guest->body, bytes);
    wake(guest);
}

static void say_all(struct guest *guest, const char *text) {
    pipe_add(&guest->body, slice_of_text(text));
    guest->exchange.body_ended = true;
    wake(guest);
}

static void leave(struct guest *guest) {
    guest->exchange.gone = true;
    wake(guest);
}

static void go(struct guest *guest) {
    CHECK_INT(guest->released, 1);
    headers_done(&guest->head);
    pipe_done(&guest->body);
}

static void a_body_is_given_whole_with_its_secret(void) {
    struct telegram telegram = { 0 };
    struct telegram_door *door = telegram_door_new(&telegram);
    const char *text = "{\"update_id\":7}";

    for (size_t cut = 0; cut <= strlen(text); cut++) {
        struct guest guest;
        come(&guest, door, "hush");
        say(&guest, slice_of(text, cut));
        CHECK_INT(telegram.given, cut);
        say_all(&guest, text + cut);
        CHECK_INT(telegram.given, cut + 1);
        CHECK_TEXT(telegram.method, "POST");
        CHECK_TEXT(telegram.secret, "hush");
        CHECK_TEXT(buf_text(&telegram.body), text);
        CHECK_INT(guest.taken, strlen(text));
        CHECK_INT(guest.status, 0);
        telegram.answer(telegram.arg, 200);
        CHECK_INT(guest.status, 200);
        go(&guest);
    }
    buf_done(&telegram.body);
    telegram_door_free(door);
}

static void who_has_no_secret_has_none_for_the_carrier(void) {
    struct telegram telegram = { 0 };
    struct telegram_door *door = telegram_door_new(&telegram);
    struct guest guest;

    come(&guest, door, NULL);
    say_all(&guest, "{}");
    CHECK_TEXT(telegram.secret, "-");
    telegram.answer(telegram.arg, 401);
    CHECK_INT(guest.status, 401);
    go(&guest);
    buf_done(&telegram.body);
    telegram_door_free(door);
}

static void too_big_a_body_is_refused_before_it_is_kept(void) {
    auto_(mem_freep) char *bytes = mem_new(BODY_MAX + 1);
    struct telegram telegram = { 0 };
    struct telegram_door *door = telegram_door_new(&telegram);
    struct guest guest;

    come(&guest, door, "hush");
    say(&guest, slice_of(bytes, BODY_MAX));
    CHECK_INT(guest.status, 0);
    say(&guest, slice_of(bytes, 1));
    CHECK_INT(guest.status, 413);
    go(&guest);
    CHECK_INT(telegram.given, 0);

    come(&guest, door, "hush");
    say(&guest, slice_of(bytes, BODY_MAX));
    say_all(&guest, ""); /* the most that there may be */
    CHECK_INT(telegram.given, 1);
    CHECK_INT(telegram.body.len, BODY_MAX);
    telegram.answer(telegram.arg, 200);
    go(&guest);
    buf_done(&telegram.body);
    telegram_door_free(door);
}

static void a_connection_that_keeps_too_much_is_refused(void) {
    struct telegram telegram = { 0 };
    struct telegram_door *door = telegram_door_new(&telegram);
    struct guest guest;

    come(&guest, door, "hush");
    guest.hold_max = 4;
    say(&guest, slice_of_text("1234"));
    CHECK_INT(guest.status, 0);
    say(&guest, slice_of_text("5"));
    CHECK_INT(guest.status, 413);
    go(&guest);
    CHECK_INT(telegram.given, 0);
    telegram_door_free(door);
}

static void who_leaves_before_all_was_said_is_forgotten(void) {
    struct telegram telegram = { 0 };
    struct telegram_door *door = telegram_door_new(&telegram);
    struct guest guest;

    come(&guest, door, "hush");
    say(&guest, slice_of_text("{\"upd"));
    leave(&guest);
    go(&guest);
    CHECK_INT(telegram.given, 0);
    telegram_door_free(door);
}

static void who_leaves_behind_it_is_not_answered(void) {
    struct telegram telegram = { 0 };
    struct telegram_door *door = telegram_door_new(&telegram);
    struct guest guest;

    come(&guest, door, "hush");
    say_all(&guest, "{}");
    leave(&guest);
    CHECK_INT(guest.released, 1);
    telegram.answer(telegram.arg, 200);
    CHECK_INT(guest.status, 0);
    go(&guest);
    buf_done(&telegram.body);
    telegram_door_free(door);
}

static void a_door_to_nobody_is_not_there(void) {
    struct telegram_door *door = telegram_door_new(NULL);
    struct guest guest;

    come(&guest, door, "hush");
    CHECK_INT(guest.status, 404);
    go(&guest);
    telegram_door_free(door);
}

static void a_door_that_closes_has_them_come_again(void) {
    struct telegram telegram = { 0 };
    struct telegram_door *door = telegram_door_new(&telegram);
    struct guest half, whole, gone, late;

    come(&half, door, "hush");
    say(&half, slice_of_text("{"));
    come(&whole, door, "hush");
    say_all(&whole, "{}");
    come(&gone, door, "hush");
    say_all(&gone, "{}");
    leave(&gone);
    CHECK_INT(telegram.given, 2);
    telegram_door_close(door); /* the carrier ends unanswered with it */
    CHECK_INT(half.status, 503);
    CHECK_INT(whole.status, 503);
    CHECK_INT(gone.status, 0);
    go(&half);
    go(&whole);
    go(&gone);
    come(&late, door, "hush");
    CHECK_INT(late.status, 503);
    go(&late);
    buf_done(&telegram.body);
    telegram_door_free(door);
}

static void a_door_that_goes_cuts_off_who_stands_in_it(void) {
    struct telegram telegram = { 0 };
    struct telegram_door *door = telegram_door_new(&telegram);
    struct guest half, whole;

    come(&half, door, "hush");
    say(&half, slice_of_text("{"));
    come(&whole, door, "hush");
    say_all(&whole, "{}");
    telegram_door_free(door);
    CHECK_INT(half.status, 0);
    CHECK_INT(whole.status, 0);
    go(&half);
    go(&whole);
    buf_done(&telegram.body);
}

TESTS(TEST(a_body_is_given_whole_with_its_secret),
      TEST(who_has_no_secret_has_none_for_the_carrier),
      TEST(too_big_a_body_is_refused_before_it_is_kept),
      TEST(a_connection_that_keeps_too_much_is_refused),
      TEST(who_leaves_before_all_was_said_is_forgotten),
      TEST(who_leaves_behind_it_is_not_answered),
      TEST(a_door_to_nobody_is_not_there),
      TEST(a_door_that_closes_has_them_come_again),
      TEST(a_door_that_goes_cuts_off_who_stands_in_it))
