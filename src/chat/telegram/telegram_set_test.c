#include "chat/telegram/telegram.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "chat/telegram/telegram_testing.h"
#include "chat/view.h"
#include "loop/loop.h"

/* NULL as token: none any more. */
static bool set(struct world *world, const char *token, enum telegram_mode mode) {
    struct telegram_config config = config_of(world, world->url);

    config.token = token;
    config.mode = mode;
    if (token)
        world->token = token;
    return telegram_set(world->telegram, &config);
}

static void what_waits_goes_with_the_new_token(void) {
    struct world world;
    struct shown shown;
    struct view *view = view_new();

    start(&world);
    CHECK(!set(&world, TOKEN, TELEGRAM_POLL));
    add_fault(&world, "sendMessage",
              "{\"ok\":false,\"error_code\":401,\"description\":\"Unauthorized\"}");
    view_text(view, "hello");
    show_view(&world, view, NULL, &shown);
    run_until(&world, "sendMessage", 1);
    while (telegram_status(world.telegram).state != TELEGRAM_REFUSED)
        step(&world);
    CHECK(set(&world, "42:AAother", TELEGRAM_POLL));
    CHECK_INT(telegram_status(world.telegram).state, TELEGRAM_STARTING);
    CHECK_TEXT(telegram_status(world.telegram).why, "");
    run_until_told(&world, &shown);
    CHECK_INT(shown.result, 0);
    run_until(&world, "getMe", 2);
    run_until(&world, "getUpdates", 2);
    CHECK_TEXT(telegram_status(world.telegram).name, "roost_bot");
    view_free(view);
    close_world(&world);
}

/* How far we have read is of one bot; what is being taken meanwhile counts for it. */
static void each_bot_is_read_from_where_it_was(void) {
    struct world world;

    open_world(&world, TELEGRAM_POLL);
    CHECK(telegram_load(world.telegram, "telegram.poll", "42", slice_of_text("8")));
    CHECK(telegram_load(world.telegram, "telegram.poll", "43", slice_of_text("90")));
    world.chat.is_mute = true;
    world.updates = UPDATES(MESSAGE("10", "hi"));
    telegram_start(world.telegram);
    run_until(&world, "getUpdates", 1);
    while (!world.chat.done)
        step(&world);
    CHECK(strstr(call_of(&world, "getUpdates", 0), "\"offset\":8"));
    CHECK(set(&world, "43:AAx", TELEGRAM_POLL));
    world.chat.is_mute = false;
    loop_post(world.server.loop, &world.chat.tell);
    run_until(&world, "getUpdates", 2);
    CHECK(strstr(call_of(&world, "getUpdates", 1), "\"offset\":90"));
    CHECK(set(&world, TOKEN, TELEGRAM_POLL));
    run_until(&world, "getUpdates", 3);
    CHECK(strstr(call_of(&world, "getUpdates", 2), "\"offset\":8"));
    close_world(&world);
}

static void without_a_token_nobody_is_reached(void) {
    struct world world;
    start(&world);
    CHECK(set(&world, NULL, TELEGRAM_POLL));
    CHECK_INT(telegram_status(world.telegram).state, TELEGRAM_OFF);
    CHECK_INT(show_text(&world, "hello", NULL).result, -EHOSTUNREACH);
    CHECK_INT(visit(&world, "POST", SECRET, "{}"), 404);
    CHECK(set(&world, TOKEN, TELEGRAM_POLL));
    CHECK_INT(show_text(&world, "hello", NULL).result, 0);
    close_world(&world);
}

static void the_mode_changes_while_it_runs(void) {
    struct world world;
    start(&world);
    CHECK_INT(visit(&world, "POST", SECRET, "{}"), 404);
    CHECK(set(&world, TOKEN, TELEGRAM_WEBHOOK));
    run_until(&world, "setWebhook", 1);
    CHECK(set(&world, TOKEN, TELEGRAM_POLL));
    run_until(&world, "deleteWebhook", 2);
    run_until(&world, "getUpdates", 2);
    close_world(&world);
}

TESTS(TEST(what_waits_goes_with_the_new_token),
      TEST(each_bot_is_read_from_where_it_was),
      TEST(without_a_token_nobody_is_reached),
      TEST(the_mode_changes_while_it_runs))
