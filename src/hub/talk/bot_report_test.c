#include "hub/talk/bot_report.h"

#include "base/check.h"
#include "chat/telegram/telegram.h"

static const struct bot_report_facts facts = { .loop_ms = 5000, .wall_ms = 1000000 };

static Roost__V1__Bot report(enum telegram_state state, const char *why) {
    struct telegram_status status = { .state = state, .name = "nest", .why = why };
    Roost__V1__Bot bot = ROOST__V1__BOT__INIT;

    status.since_ms = 2000;
    status.waiting = 3;
    CHECK(bot_report_write(&status, &facts, &bot));
    return bot;
}

static void each_state_has_its_remedy(void) {
    static const struct {
        enum telegram_state state;
        Roost__V1__BotState told;
        const char *remedy; /* a part; "": none */
    } rows[] = {
        { TELEGRAM_STARTING, ROOST__V1__BOT_STATE__BOT_STATE_STARTING, "" },
        { TELEGRAM_WORKS, ROOST__V1__BOT_STATE__BOT_STATE_WORKS, "" },
        { TELEGRAM_TROUBLE, ROOST__V1__BOT_STATE__BOT_STATE_TROUBLE, "https_proxy" },
        { TELEGRAM_RIVAL, ROOST__V1__BOT_STATE__BOT_STATE_RIVAL, "a second bot" },
        { TELEGRAM_REFUSED, ROOST__V1__BOT_STATE__BOT_STATE_REFUSED, "reload" },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        Roost__V1__Bot bot = report(rows[i].state, "so it is");
        CHECK_INT(bot.state, rows[i].told);
        CHECK(strstr(bot.remedy, rows[i].remedy));
        CHECK_TEXT(bot.trouble, rows[i].remedy[0] ? "so it is" : "");
        CHECK_INT(bot.since_ms, 1000000 - 3000);
        CHECK_INT(bot.waiting, 3);
        CHECK_INT(bot.held_until_ms, 0);
    }
}

/* A mistake in the settings is told, whether or not the bot goes on without them. */
static void a_mistake_is_told_and_no_bot_is_none(void) {
    struct bot_report_facts wrong = facts;
    struct telegram_status status = { .state = TELEGRAM_OFF, .name = "", .why = "" };
    Roost__V1__Bot bot;

    CHECK(!bot_report_write(&status, &facts, &bot));
    wrong.mistake = "[telegram] token: no";
    CHECK(bot_report_write(&status, &wrong, &bot));
    CHECK_INT(bot.state, ROOST__V1__BOT_STATE__BOT_STATE_MISTAKE);
    CHECK_TEXT(bot.trouble, "[telegram] token: no");
    status.state = TELEGRAM_WORKS;
    CHECK(bot_report_write(&status, &wrong, &bot));
    CHECK_INT(bot.state, ROOST__V1__BOT_STATE__BOT_STATE_MISTAKE);
}

static void a_limit_and_a_webhook_are_told(void) {
    struct bot_report_facts brought = facts;
    struct telegram_status status = { .state = TELEGRAM_TROUBLE, .name = "", .why = "" };
    Roost__V1__Bot bot;

    brought.is_webhook = true;
    status.held_until_ms = 9000;
    CHECK(bot_report_write(&status, &brought, &bot));
    CHECK(strstr(bot.remedy, "webhook_url"));
    CHECK_INT(bot.held_until_ms, 1004000);
}

TESTS(TEST(each_state_has_its_remedy),
      TEST(a_mistake_is_told_and_no_bot_is_none),
      TEST(a_limit_and_a_webhook_are_told))
