#include "chat/telegram/updates.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"

static const struct updates_self self = { .id = "42", .name = "roost_bot" };

#define ADA                                                                              \
    "\"from\":{\"id\":7,\"is_bot\":false,\"first_name\":\"Ada\",\"language_code\":"      \
    "\"ru\"}"
#define PRIVATE "\"chat\":{\"id\":7,\"type\":\"private\",\"first_name\":\"Ada\"}"
#define GROUP   "\"chat\":{\"id\":-1001234567890,\"type\":\"supergroup\",\"title\":\"Ops\"}"

/* What becomes of a message with these members. */
static struct updates_update read_message(const char *members) {
    struct updates_update update;
    char *json = mem_printf(
        "{\"update_id\":100,\"message\":{\"message_id\":5,\"date\":1,%s}}", members);

    CHECK(updates_read(slice_of_text(json), &self, &update));
    CHECK_TEXT(update.id, "100");
    free(json);
    return update;
}

static void what_is_said_to_us_becomes_words(void) {
    static const struct {
        const char *members;
        const char *text; /* NULL: nothing */
    } rows[] = {
        { ADA "," PRIVATE ",\"text\":\"/status nas\"", "/status nas" },
        { ADA "," PRIVATE ",\"text\":\"hello\"", "hello" },
        { ADA "," PRIVATE ",\"text\":\"/status@Roost_Bot nas\"", "/status nas" },
        { ADA "," PRIVATE ",\"text\":\"/status@other_bot nas\"", NULL },
        { ADA "," PRIVATE ",\"text\":\"/start AB-CD\"", "/start AB-CD" },
        { ADA "," PRIVATE ",\"photo\":[{}],\"caption\":\"/plot nas\"", "/plot nas" },
        { ADA "," PRIVATE ",\"text\":\"  \"", NULL },
        { ADA "," PRIVATE ",\"text\":\"/\"", "/" },
        { ADA "," PRIVATE ",\"text\":\"/x\",\"forward_origin\":{\"type\":\"user\"}",
          NULL },
        { ADA "," PRIVATE ",\"text\":\"/x\",\"via_bot\":{\"id\":1}", NULL },
        { ADA "," GROUP ",\"text\":\"/status\"", "/status" },
        { ADA "," GROUP ",\"text\":\"/status@roost_bot\"", "/status" },
        { ADA "," GROUP ",\"text\":\"/status@roost_bot2\"", NULL },
        { ADA "," GROUP ",\"text\":\"good morning\"", NULL },
        { ADA "," GROUP ",\"text\":\"@roost_bot, status nas\"", "status nas" },
        { ADA "," GROUP ",\"text\":\"@roost_bot /status\"", "/status" },
        { ADA "," GROUP ",\"text\":\"@roost_botanist hi\"", NULL },
        { ADA "," GROUP ",\"text\":\"90\",\"reply_to_message\":{\"from\":{\"id\":42}}",
          "90" },
        { ADA "," GROUP ",\"text\":\"90\",\"reply_to_message\":{\"from\":{\"id\":43}}",
          NULL },
        { "\"from\":{\"id\":7,\"is_bot\":true}," PRIVATE ",\"text\":\"/x\"", NULL },
        { PRIVATE ",\"text\":\"/x\"", NULL },
        { ADA ",\"text\":\"/x\"", NULL },
        { ADA ",\"chat\":{\"id\":\"; drop\",\"type\":\"private\"},\"text\":\"/x\"",
          NULL },
        { ADA ",\"chat\":{\"id\":7,\"type\":\"channel\"},\"text\":\"/x\"", NULL },
        { ADA ",\"chat\":[7],\"text\":\"/x\"", NULL },
        { "\"from\":{\"id\":1e9}," PRIVATE ",\"text\":\"/x\"", NULL },
        { ADA "," PRIVATE ",\"text\":{\"text\":\"/x\"}", "{\"text\":\"/x\"}" },
        { ADA "," PRIVATE ",\"sticker\":{\"emoji\":\"x\"}", NULL },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct updates_update update = read_message(rows[i].members);
        bool is_input = update.kind == UPDATES_INPUT;
        if (is_input != (rows[i].text != NULL))
            printf("# row %zu: %s\n", i, rows[i].members);
        CHECK_INT(is_input, rows[i].text != NULL);
        if (is_input) {
            CHECK_INT(update.input.kind, CHAT_WORDS);
            CHECK_TEXT(update.input.text, rows[i].text);
            CHECK_TEXT(update.input.id, "100");
            CHECK_TEXT(update.input.message, "5");
        }
        updates_done(&update);
    }
}

static void who_and_where_are_told(void) {
    struct updates_update update = read_message(
        "\"from\":{\"id\":4503599627370495,\"first_name\":\"Ada\",\"last_name\":\"L\"},"
        "\"message_thread_id\":9,\"is_topic_message\":true," GROUP ",\"text\":\"/x\"");

    CHECK_TEXT(update.input.person.id, "4503599627370495");
    CHECK_TEXT(update.input.person.name, "Ada L");
    CHECK_TEXT(update.input.person.language, "");
    CHECK_TEXT(update.input.place.platform, "telegram");
    CHECK_TEXT(update.input.place.chat, "-1001234567890");
    CHECK_TEXT(update.input.place.topic, "9");
    CHECK_TEXT(update.input.place.title, "Ops");
    CHECK(!update.input.place.is_private);
    updates_done(&update);

    /* A thread of answers is no topic. */
    update = read_message(ADA "," GROUP ",\"message_thread_id\":9,\"text\":\"/x\"");
    CHECK_TEXT(update.input.place.topic, "");
    CHECK_TEXT(update.input.person.language, "ru");
    updates_done(&update);
}

static struct updates_update read_press(const char *members) {
    struct updates_update update;
    char *json =
        mem_printf("{\"update_id\":101,\"callback_query\":{\"id\":\"q1\",%s}}", members);

    CHECK(updates_read(slice_of_text(json), &self, &update));
    free(json);
    return update;
}

static void a_press_names_its_message_and_query(void) {
    struct updates_update update = read_press(
        ADA ",\"message\":{\"message_id\":5,\"photo\":[{}]," GROUP "},\"data\":\"tok\"");

    CHECK_INT(update.kind, UPDATES_INPUT);
    CHECK_INT(update.input.kind, CHAT_PRESS);
    CHECK_TEXT(update.input.text, "tok");
    CHECK_TEXT(update.input.message, "5");
    CHECK_TEXT(update.input.query, "q1");
    CHECK(update.is_media);
    updates_done(&update);
}

static void a_press_on_what_is_gone_is_still_to_be_answered(void) {
    static const char *const rows[] = {
        ADA ",\"inline_message_id\":\"x\",\"data\":\"tok\"",
        ADA ",\"message\":{\"message_id\":5," GROUP "}",
        ADA ",\"message\":{\"message_id\":5," GROUP "},\"game_short_name\":\"g\"",
        "\"message\":{\"message_id\":5," GROUP "},\"data\":\"tok\"",
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct updates_update update = read_press(rows[i]);
        CHECK_INT(update.kind, UPDATES_NOTHING);
        CHECK_TEXT(update.query, "q1");
        updates_done(&update);
    }
}

static enum updates_kind member(const char *chat, const char *before, const char *after) {
    struct updates_update update;
    char *json = mem_printf("{\"update_id\":1,\"my_chat_member\":{" ADA
                            ",%s,\"old_chat_member\":{\"status\":"
                            "\"%s\"},\"new_chat_member\":{\"status\":\"%s\"}}}",
                            chat, before, after);

    CHECK(updates_read(slice_of_text(json), &self, &update));
    enum updates_kind kind = update.kind;
    if (kind == UPDATES_INPUT)
        CHECK_TEXT(update.input.text, "/start");
    updates_done(&update);
    free(json);
    return kind;
}

static void coming_and_going_is_told(void) {
    CHECK_INT(member(PRIVATE, "member", "kicked"), UPDATES_BLOCKED);
    CHECK_INT(member(PRIVATE, "kicked", "member"), UPDATES_NOTHING);
    CHECK_INT(member(GROUP, "left", "member"), UPDATES_INPUT);
    CHECK_INT(member(GROUP, "member", "administrator"), UPDATES_NOTHING);
    CHECK_INT(member(GROUP, "member", "left"), UPDATES_BLOCKED);
}

static void a_group_that_became_another_is_told(void) {
    struct updates_update update = read_message(
        ADA ",\"chat\":{\"id\":-5,\"type\":\"group\"},\"migrate_to_chat_id\":-1005");

    CHECK_INT(update.kind, UPDATES_MOVED);
    CHECK_TEXT(update.input.place.chat, "-5");
    CHECK_TEXT(update.moved_to, "-1005");
    updates_done(&update);
}

static void what_is_no_update_is_refused(void) {
    static const char *const rows[] = {
        "",
        "{}",
        "[]",
        "null",
        "{\"update_id\":\"x\"}",
        "{\"update_id\":1.5}",
        "{\"update_id\":99999999999999999999}",
        "{\"update_id\":1",
        "{\"update_id\":{\"update_id\":1}}",
        "{\"update_id\":1}{",
    };
    struct updates_update update;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        CHECK(!updates_read(slice_of_text(rows[i]), &self, &update));
}

static void a_cut_update_is_refused_wherever_it_is_cut(void) {
    static const char json[] = "{\"update_id\":100,\"message\":{\"message_id\":5," ADA
                               "," PRIVATE ",\"text\":\"\\ud83d\\ude00 /x\"}}";
    struct updates_update update;

    for (size_t len = 0; len < sizeof(json) - 1; len++)
        CHECK(!updates_read(slice_of(json, len), &self, &update));
    CHECK(updates_read(slice_of(json, sizeof(json) - 1), &self, &update));
    CHECK_TEXT(update.input.text, "😀 /x");
    updates_done(&update);
}

TESTS(TEST(what_is_said_to_us_becomes_words),
      TEST(who_and_where_are_told),
      TEST(a_press_names_its_message_and_query),
      TEST(a_press_on_what_is_gone_is_still_to_be_answered),
      TEST(coming_and_going_is_told),
      TEST(a_group_that_became_another_is_told),
      TEST(what_is_no_update_is_refused),
      TEST(a_cut_update_is_refused_wherever_it_is_cut))
