#include "chat/telegram/telegram.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "chat/telegram/telegram_testing.h"
#include "chat/view.h"

/* --- polling --- */

static void updates_are_taken_and_then_confirmed(void) {
    struct world world;

    open_world(&world, TELEGRAM_POLL);
    CHECK(telegram_load(world.telegram, "telegram.poll", "42", slice_of_text("100")));
    CHECK(telegram_load(world.telegram, "telegram.poll", "43", slice_of_text("900")));
    CHECK(!telegram_load(world.telegram, "chat.intent", "42", slice_of_text("")));
    world.updates = UPDATES(MESSAGE("100", "/a") "," MESSAGE("101", "/b"));
    telegram_start(world.telegram);
    run_until(&world, "getUpdates", 2);
    CHECK_INT(count_calls(&world, "deleteWebhook"), 1);
    CHECK(strstr(call_of(&world, "getUpdates", 0), "\"offset\":100,\"limit\":100,"
                                                   "\"timeout\":50,\"allowed_updates\":"
                                                   "[\"message\",\"callback_query\","));
    CHECK(strstr(call_of(&world, "getUpdates", 1), "\"offset\":102,"));
    CHECK_INT(world.chat.said_count, 2);
    CHECK_TEXT(world.chat.said[0], "100 /a");
    CHECK_TEXT(world.chat.said[1], "101 /b");
    CHECK_TEXT(world.chat.mark, "42=102");
    struct telegram_status status = telegram_status(world.telegram);
    CHECK_INT(status.state, TELEGRAM_WORKS);
    CHECK_TEXT(status.name, "roost_bot");
    close_world(&world);
}

static void what_could_not_be_stored_is_asked_for_again(void) {
    struct world world;

    open_world(&world, TELEGRAM_POLL);
    world.chat.result = -EIO;
    world.updates = UPDATES(MESSAGE("100", "/a"));
    telegram_start(world.telegram);
    run_until(&world, "getUpdates", 2);
    CHECK(!strstr(call_of(&world, "getUpdates", 1), "offset"));
    CHECK_INT(telegram_status(world.telegram).state, TELEGRAM_TROUBLE);
    close_world(&world);
}

/* Ids begin anew after a quiet week: then they are smaller, and count all the same. */
static void ids_are_no_sequence(void) {
    struct world world;

    open_world(&world, TELEGRAM_POLL);
    telegram_load(world.telegram, "telegram.poll", "42", slice_of_text("900"));
    world.updates = UPDATES(MESSAGE("5", "/a"));
    telegram_start(world.telegram);
    run_until(&world, "getUpdates", 2);
    CHECK(strstr(call_of(&world, "getUpdates", 1), "\"offset\":6,"));
    close_world(&world);
}

static void hostile_answers_are_survived(void) {
    static const char *const answers[] = {
        "{\"ok\":true,\"result\":{}}",
        "{\"ok\":true,\"result\":[1,null,\"x\",[],{\"update_id\":\"x\"}]}",
        "{\"ok\":true,\"result\":[{\"update_id\":1]}",
        "<html>502</html>",
    };

    for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
        struct world world;
        open_world(&world, TELEGRAM_POLL);
        world.updates = answers[i];
        telegram_start(world.telegram);
        run_until(&world, "getUpdates", 2);
        CHECK_INT(world.chat.said_count, 0);
        close_world(&world);
    }
}

static void another_poller_is_told_with_a_remedy(void) {
    struct world world;

    open_world(&world, TELEGRAM_POLL);
    world.updates = "{\"ok\":false,\"error_code\":409,\"description\":\"Conflict: "
                    "terminated by other getUpdates request\"}";
    telegram_start(world.telegram);
    run_until(&world, "getUpdates", 1);
    while (telegram_status(world.telegram).state != TELEGRAM_RIVAL)
        show_text(&world, "x", NULL);
    struct telegram_status status = telegram_status(world.telegram);
    CHECK_INT(status.state, TELEGRAM_RIVAL);
    CHECK(strstr(status.why, "another program uses the same bot"));
    CHECK(strstr(status.why, "terminated by other"));
    close_world(&world);
}

static void a_token_that_does_not_count_ends_it(void) {
    struct world world;

    open_world(&world, TELEGRAM_POLL);
    add_fault(&world, "getMe",
              "{\"ok\":false,\"error_code\":401,\"description\":\"Unauthorized " TOKEN
              "\"}");
    telegram_start(world.telegram);
    run_until(&world, "getMe", 1);
    while (telegram_status(world.telegram).state == TELEGRAM_STARTING)
        show_text(&world, "x", NULL);
    struct telegram_status status = telegram_status(world.telegram);
    CHECK(strstr(status.why, "@BotFather"));
    CHECK(strstr(status.why, "Unauthorized TOKEN"));
    CHECK_INT(count_calls(&world, "getUpdates"), 0);
    close_world(&world);
}

/* --- what goes out --- */

static void a_view_is_sent_and_its_message_told(void) {
    static const char *const tokens[] = { "tok" };
    struct world world;
    struct shown shown = { 0 };

    start(&world);
    struct view *view = view_new();
    view_title(view, "nas");
    view_button(view, VIEW_PLAIN, "Go", "status nas");
    view->is_quiet = true;
    const struct chat_place topic = { .platform = "telegram",
                                      .chat = "-100",
                                      .topic = "9" };
    const struct chat_post post = {
        .place = &topic, .view = view, .tokens = tokens, .reply_to = "3"
    };
    world.chat.carrier.show(world.chat.carrier.carrier, &post, on_shown, &shown);
    view_free(view);
    run_until_told(&world, &shown);
    CHECK_INT(shown.result, 0);
    CHECK_TEXT(shown.message, "1");
    CHECK_TEXT(
        call_of(&world, "sendMessage", 0),
        "sendMessage "
        "{\"chat_id\":\"-100\",\"message_thread_id\":\"9\",\"reply_parameters\":"
        "{\"message_id\":3,\"allow_sending_without_reply\":true},"
        "\"disable_notification\":true,\"text\":\"<b>nas</b>\",\"parse_mode\":\"HTML\","
        "\"link_preview_options\":{\"is_disabled\":true},\"reply_markup\":"
        "{\"inline_keyboard\":[[{\"text\":\"Go\",\"callback_data\":\"tok\"}]]}}");
    close_world(&world);
}

static void refusals_are_told_for_what_they_mean(void) {
    static const struct {
        const char *error;
        int result;
    } rows[] = {
        { "403,\"description\":\"Forbidden: bot was blocked by the user\"",
          -EHOSTUNREACH },
        { "400,\"description\":\"Bad Request: chat not found\"", -EHOSTUNREACH },
        { "400,\"description\":\"Bad Request: message is not modified: same\"", 0 },
        { "400,\"description\":\"Bad Request: message to edit not found\"", -ENOENT },
        { "400,\"description\":\"Bad Request: MESSAGE_TOO_LONG is too long\"",
          -EMSGSIZE },
        { "400,\"description\":\"Bad Request: what?\"", -EIO },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct world world;
        start(&world);
        char *json = mem_printf("{\"ok\":false,\"error_code\":%s}", rows[i].error);
        add_fault(&world, "editMessageText", json);
        struct shown shown = show_text(&world, "x", "1");
        CHECK_INT(shown.result, rows[i].result);
        CHECK_INT(count_calls(&world, "editMessageText"), 1);
        free(json);
        close_world(&world);
    }
}

static void what_can_be_mended_is_sent_once_more(void) {
    struct world world;

    start(&world);
    add_fault(
        &world, "sendMessage",
        "{\"ok\":false,\"error_code\":400,\"description\":\"Bad Request: can't parse "
        "entities: x\"}");
    CHECK_INT(show_text(&world, "a & b", NULL).result, 0);
    CHECK(strstr(call_of(&world, "sendMessage", 0),
                 "\"a &amp; b\",\"parse_mode\":\"HTML\""));
    CHECK(strstr(call_of(&world, "sendMessage", 1), "\"text\":\"a & b\",\"link_"));
    close_world(&world);
}

static void trouble_and_storms_are_waited_out(void) {
    struct world world;

    start(&world);
    add_fault(&world, "sendMessage",
              "{\"ok\":false,\"error_code\":429,\"description\":"
              "\"Too Many Requests: retry after 1\","
              "\"parameters\":{\"retry_after\":1}}");
    add_fault(&world, "sendMessage", "<html>502 Bad Gateway</html>");
    uint64_t before_ms = loop_now_ms(world.server.loop);
    CHECK_INT(show_text(&world, "x", NULL).result, 0);
    CHECK_INT(count_calls(&world, "sendMessage"), 3);
    CHECK(loop_now_ms(world.server.loop) - before_ms >= 1000 + 750);
    close_world(&world);
}

static void a_group_that_moved_is_followed(void) {
    struct world world;

    start(&world);
    add_fault(
        &world, "sendMessage",
        "{\"ok\":false,\"error_code\":400,\"description\":\"Bad Request: group chat "
        "was upgraded\",\"parameters\":{\"migrate_to_chat_id\":-1005}}");
    CHECK_INT(show_text(&world, "x", NULL).result, 0);
    CHECK_TEXT(world.chat.moved, "7>-1005");
    CHECK(strstr(call_of(&world, "sendMessage", 1), "\"chat_id\":\"-1005\","));
    close_world(&world);
}

static void an_edit_without_a_change_is_not_sent(void) {
    struct world world;

    start(&world);
    CHECK_TEXT(show_text(&world, "x", NULL).message, "1");
    CHECK_TEXT(show_text(&world, "x", "1").message, "1");
    CHECK_INT(count_calls(&world, "editMessageText"), 0);
    CHECK_TEXT(show_text(&world, "y", "1").message, "1");
    CHECK_INT(count_calls(&world, "editMessageText"), 1);
    close_world(&world);
}

static void a_picture_is_uploaded_once(void) {
    struct world world;

    start(&world);
    CHECK_TEXT(show_picture(&world, NULL).message, "1");
    const char *call = call_of(&world, "sendPhoto", 0);
    CHECK(strstr(call, "name=\"chat_id\"\r\n\r\n7\r\n"));
    CHECK(strstr(call, "name=\"photo\"; filename=\"chart.png\"\r\n"
                       "Content-Type: image/png\r\n\r\n\x89PNG"));
    show_picture(&world, NULL);
    CHECK(strstr(call_of(&world, "sendPhoto", 1), "\"photo\":\"large\""));
    CHECK_TEXT(show_text(&world, "x", NULL).message, "3");
    show_picture(&world, "3");
    CHECK(strstr(
        call_of(&world, "editMessageMedia", 0),
        "\"message_id\":\"3\",\"media\":{\"type\":\"photo\",\"media\":\"large\"}"));
    close_world(&world);
}

static void a_text_in_the_place_of_a_picture_is_a_new_message(void) {
    struct world world;

    start(&world);
    CHECK_TEXT(show_picture(&world, NULL).message, "1");
    CHECK_TEXT(show_text(&world, "x", "1").message, "2");
    run_until(&world, "deleteMessage", 1);
    CHECK(strstr(call_of(&world, "deleteMessage", 0),
                 "{\"chat_id\":\"7\",\"message_id\":\"1\"}"));
    CHECK_INT(count_calls(&world, "editMessageText"), 0);
    CHECK(strstr(call_of(&world, "sendMessage", 0), "\"disable_notification\":true"));

    /* It was sent in an earlier life: the API says so. */
    add_fault(
        &world, "editMessageText",
        "{\"ok\":false,\"error_code\":400,\"description\":\"Bad Request: there is no "
        "text in the message to edit\"}");
    CHECK_TEXT(show_text(&world, "y", "99").message, "3");
    run_until(&world, "deleteMessage", 2);
    close_world(&world);
}

static void presses_are_answered_beside_the_queue(void) {
    struct world world;

    start(&world);
    world.chat.carrier.answer(world.chat.carrier.carrier, "q1", "Too late", true);
    world.chat.carrier.answer(world.chat.carrier.carrier, "q2", "", false);
    run_until(&world, "answerCallbackQuery", 2);
    CHECK(strstr(
        call_of(&world, "answerCallbackQuery", 0),
        "{\"callback_query_id\":\"q1\",\"text\":\"Too late\",\"show_alert\":true}"));
    CHECK(strstr(call_of(&world, "answerCallbackQuery", 1),
                 "{\"callback_query_id\":\"q2\"}"));
    char *link = world.chat.carrier.invitation(world.chat.carrier.carrier, "AB-CD");
    CHECK_TEXT(link, "https://t.me/roost_bot?start=AB-CD");
    free(link);
    CHECK(!world.chat.carrier.invitation(world.chat.carrier.carrier, "a b"));
    world.chat.carrier.work(world.chat.carrier.carrier, &ada);
    world.chat.carrier.work(world.chat.carrier.carrier, &ada);
    show_text(&world, "x", NULL);
    CHECK_INT(count_calls(&world, "sendChatAction"), 1);
    close_world(&world);
}

/* --- menus --- */

static void lists_of_commands_are_set_when_they_change(void) {
    struct world world;
    struct actor_rights *rights = actor_rights_new(false);
    struct actor *actor = actor_new("ada", "id", true, rights);

    actor_rights_add(rights, "*", ACTOR_OPERATOR, 0);
    start(&world);
    world.chat.carrier.menu(world.chat.carrier.carrier, &ada, WORDS_ENGLISH, actor);
    world.chat.carrier.menu(world.chat.carrier.carrier, &ada, WORDS_ENGLISH, actor);
    run_until(&world, "setMyCommands", 5);
    CHECK(strstr(call_of(&world, "setMyCommands", 0),
                 "{\"commands\":[{\"command\":\"start\",\"description\":\"Begins\"}],"
                 "\"scope\":{\"type\":\"all_private_chats\"}}"));
    CHECK(strstr(call_of(&world, "setMyCommands", 1), "Начинает"));
    CHECK(strstr(call_of(&world, "setMyCommands", 1), "\"language_code\":\"ru\"}"));
    CHECK(strstr(call_of(&world, "setMyCommands", 2), "\"all_group_chats\""));
    CHECK(strstr(call_of(&world, "setMyCommands", 2), "\"status\""));
    CHECK(!strstr(call_of(&world, "setMyCommands", 2), "\"reboot\""));
    CHECK(strstr(call_of(&world, "setMyCommands", 4), "\"reboot\""));
    CHECK(!strstr(call_of(&world, "setMyCommands", 4), "\"newkey\""));
    CHECK(strstr(call_of(&world, "setMyCommands", 4),
                 "\"scope\":{\"type\":\"chat\",\"chat_id\":7}}"));
    show_text(&world, "x", NULL);
    CHECK_INT(count_calls(&world, "setMyCommands"), 5);
    CHECK_INT(world.store.count, 5);
    CHECK_TEXT(world.store.keys[4], "42:7:");
    close_world(&world);
    actor_unref(actor);
    actor_rights_unref(rights);
}

/* --- the webhook --- */

static void a_webhook_is_answered_when_all_is_durable(void) {
    struct world world;

    open_world(&world, TELEGRAM_WEBHOOK);
    telegram_start(world.telegram);
    run_until(&world, "setWebhook", 1);
    CHECK(strstr(call_of(&world, "setWebhook", 0),
                 "{\"url\":\"https://hub.example/telegram\",\"secret_token\":\"" SECRET
                 "\",\"allowed_updates\":["));
    CHECK_INT(visit(&world, "POST", NULL, MESSAGE("1", "/a")), 401);
    CHECK_INT(visit(&world, "POST", "whispe", MESSAGE("1", "/a")), 401);
    CHECK_INT(visit(&world, "POST", SECRET "x", MESSAGE("1", "/a")), 401);
    CHECK_INT(visit(&world, "GET", SECRET, ""), 405);
    CHECK_INT(visit(&world, "POST", SECRET, "{}"), 400);
    CHECK_INT(world.chat.said_count, 0);
    world.chat.result = -EIO;
    CHECK_INT(visit(&world, "POST", SECRET, MESSAGE("1", "/a")), 503);
    world.chat.result = 0;
    CHECK_INT(visit(&world, "POST", SECRET, MESSAGE("1", "/a")), 200);
    CHECK_TEXT(world.chat.said[0], "1 /a");
    CHECK_INT(count_calls(&world, "getUpdates"), 0);
    close_world(&world);
}

static void a_webhook_may_end_while_it_is_asked(void) {
    struct world world;
    struct shown told = { 0 };

    open_world(&world, TELEGRAM_WEBHOOK);
    world.chat.is_mute = true;
    telegram_take_webhook(world.telegram, "POST", SECRET,
                          slice_of_text(MESSAGE("1", "/a")), on_status, &told);
    loop_settle(world.server.loop);
    CHECK(!told.is_told);
    close_world(&world);
}

TESTS(TEST(updates_are_taken_and_then_confirmed),
      TEST(what_could_not_be_stored_is_asked_for_again),
      TEST(ids_are_no_sequence),
      TEST(hostile_answers_are_survived),
      TEST(another_poller_is_told_with_a_remedy),
      TEST(a_token_that_does_not_count_ends_it),
      TEST(a_view_is_sent_and_its_message_told),
      TEST(refusals_are_told_for_what_they_mean),
      TEST(what_can_be_mended_is_sent_once_more),
      TEST(trouble_and_storms_are_waited_out),
      TEST(a_group_that_moved_is_followed),
      TEST(an_edit_without_a_change_is_not_sent),
      TEST(a_picture_is_uploaded_once),
      TEST(a_text_in_the_place_of_a_picture_is_a_new_message),
      TEST(presses_are_answered_beside_the_queue),
      TEST(lists_of_commands_are_set_when_they_change),
      TEST(a_webhook_is_answered_when_all_is_durable),
      TEST(a_webhook_may_end_while_it_is_asked))
