#include "base/check.h"
#include "chat/telegram/telegram.h"

static void settings_are_checked(void) {
    static const struct {
        struct telegram_config config;
        const char *setting;
    } rows[] = {
        { { .token = "1:a" }, NULL },
        { { .token = NULL }, "token" },
        { { .token = "abc" }, "token" },
        { { .token = "1:a/b" }, "token" },
        { { .token = "1:a", .api_url = "ftp://x" }, "api_url" },
        { { .token = "1:a", .mode = TELEGRAM_WEBHOOK }, "webhook_url" },
        { { .token = "1:a", .mode = TELEGRAM_WEBHOOK, .webhook_url = "https://x/y" },
          NULL },
        { { .token = "1:a",
            .mode = TELEGRAM_WEBHOOK,
            .webhook_url = "https://x/y",
            .secret = "a b" },
          "secret" },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const char *why = NULL;
        const char *setting = telegram_check(&rows[i].config, &why);
        CHECK_INT(setting != NULL, rows[i].setting != NULL);
        if (setting) {
            CHECK_TEXT(setting, rows[i].setting);
            CHECK(why);
        }
    }
}

TESTS(TEST(settings_are_checked))
