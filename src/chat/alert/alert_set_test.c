#include "chat/alert/alert_set.h"

#include <string.h>

#include "base/check.h"
#include "chat/alert/alert_channels.h"
#include "chat/alert/alert_rules.h"
#include "chat/turn/turn_testing.h"

static struct turn *begin(void (*run)(struct turn *turn),
                          const char *node,
                          const char *words) {
    struct turn *turn = turn_testing_new(node, words);
    run(turn);
    return turn;
}

/* Older bots' grammar, and today's. A rule is the person's own, one for each metric. */
static void a_line_makes_a_rule_of_ones_own(void) {
    static const char *const rows[][3] = {
        { "cpu 90", "ada-nas-cpu", "cpu >= 90 clear 85" },
        { "ram 85.5", "ada-nas-mem", "mem >= 85.5 clear 80.5" },
        { "ram 85,5", "ada-nas-mem", "mem >= 85.5 clear 80.5" },
        { "gpu 90%", "ada-nas-gpu", "gpu >= 90 clear 85" },
        { "vram 0", "ada-nas-vram", "vram >= 0" },
        { "cpu_temp 80", "ada-nas-temp.cpu", "temp.cpu >= 80 clear 75" },
        { "cpu 20", "ada-nas-cpu", "cpu >= 20 clear 18" },
        { "cpu 0", "ada-nas-cpu", "cpu >= 0" },
        { "cpu > 90", "ada-nas-cpu", "cpu > 90" },
        { "disk:* > 90 for 10m clear 87", "ada-nas-disk",
          "disk:* > 90 for 10m clear 87" },
        { "offline for 5m", "ada-nas-offline", "offline for 5m" },
        { "unit(*)", "ada-nas-unit", "unit(*)" },
        { "forecast(disk:/, 100) < 3d", "ada-nas-forecast-disk",
          "forecast(disk:/, 100) < 3d" },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct turn *turn = begin(alert_set_put, "nas", rows[i][0]);
        struct buf wanted = { 0 };
        buf_printf(&wanted,
                   "- Alerts/PutRule {\"rule\":{\"name\":\"%s\",\"select\":\"nas\","
                   "\"condition\":\"%s\",\"severity\":\"WARNING\",\"owner\":\"ada\"}}\n",
                   rows[i][1], rows[i][2]);
        CHECK_TEXT(turn_testing_calls(turn), buf_text(&wanted));
        buf_done(&wanted);
        turn_testing_free(turn);
    }
}

static void what_makes_no_sense_is_complained_of(void) {
    static const char *const rows[] = { "cpu 101", "cpu -1", "nope 90", "nope" };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct turn *turn = begin(alert_set_put, "nas", rows[i]);
        CHECK(strncmp(turn_testing_shown(turn), "COMPLAIN", 8) == 0);
        turn_testing_free(turn);
    }
}

static void the_judge_says_what_he_cannot_read(void) {
    struct turn *turn = begin(alert_set_put, "nas", "cpu > 90 foo");

    CHECK(turn_testing_end(turn, "Alerts/PutRule", GRPC_INVALID_ARGUMENT,
                           "foo: \"for\" or \"clear\" is expected"));
    CHECK_TEXT(turn_testing_shown(turn),
               "COMPLAIN\nfoo: \"for\" or \"clear\" is expected\n");
    turn_testing_free(turn);
}

static void a_rule_that_was_made_is_shown(void) {
    struct turn *turn = turn_testing_new("nas", "cpu 90");

    turn_testing_speak(turn, russian_alert);
    alert_set_put(turn);
    CHECK(turn_testing_answer(turn, "Alerts/PutRule",
                              "{\"name\":\"ada-nas-cpu\",\"condition\":\"cpu >= 90\"}"));
    CHECK_TEXT(turn_testing_shown(turn),
               "SHOW\n✅ nas\ncpu >= 90\nКогда так будет, вам сообщат лично.\n"
               "Правило ada-nas-cpu\n"
               "[проверить | rule ada-nas-cpu test] "
               "[важность… | rule ada-nas-cpu severity]\n"
               "[удалить… | rule ada-nas-cpu remove] [правила | rules]\n");
    turn_testing_free(turn);
}

/* Node, metric, limit, time: each a button, or words. */
static void the_questions_lead_to_a_rule(void) {
    struct turn *turn = begin(alert_set_put, "nas", NULL);

    CHECK(turn_testing_answer(turn, "Metrics/Latest",
                              "{\"nodes\":[{\"node\":\"nas\",\"values\":{\"cpu\":12.5,"
                              "\"disk:/\":40,\"disk:/home\":93.1,\"temp.cpu\":54}}]}"));
    CHECK_TEXT(turn_testing_shown(turn),
               "ASK setalert nas\nnas: of what are you to be told?\n"
               "Press one, write the name of any metric (/metrics), or a whole "
               "condition:\ndisk:* > 90 for 10m clear 87\n"
               "[cpu · 12.5 % | setalert nas cpu] "
               "[disk:* · 93.1 % | setalert nas disk:*]\n"
               "[temp.cpu · 54 °C | setalert nas temp.cpu]\n"
               "[it is offline | setalert nas offline for 3m] "
               "[a service fails | setalert nas unit(*) for 2m]\n[‹ back | node nas]\n");
    turn_testing_free(turn);

    turn = begin(alert_set_put, "nas", "disk:*");
    CHECK_TEXT(turn_testing_shown(turn),
               "ASK setalert nas disk:* >\nnas: disk:* more than how much?\n"
               "Press one, or write a number (%).\n"
               "[> 80 % | setalert nas disk:* > 80 --ask] "
               "[> 85 % | setalert nas disk:* > 85 --ask] "
               "[> 90 % | setalert nas disk:* > 90 --ask] "
               "[> 95 % | setalert nas disk:* > 95 --ask]\n[‹ back | setalert nas]\n");
    turn_testing_free(turn);

    turn = begin(alert_set_put, "nas", "disk:* > 90 --ask");
    CHECK_TEXT(turn_testing_calls(turn), "");
    CHECK(strstr(turn_testing_shown(turn),
                 "ASK setalert nas disk:* > 90 for\nnas: for how long is that to be so?\n"
                 "disk:* > 90\n[at once | setalert nas disk:* > 90] "
                 "[1m | setalert nas disk:* > 90 for 1m] "));
    turn_testing_free(turn);
}

static void a_battery_is_asked_for_less(void) {
    struct turn *turn = begin(alert_set_put, "nas", "battery");

    CHECK(strstr(turn_testing_shown(turn), "[< 10 % | setalert nas battery < 10 --ask]"));
    turn_testing_free(turn);
}

/* --- removing --- */

#define OWN                                                                              \
    "{\"name\":\"ada-nas-cpu\",\"select\":\"nas\",\"condition\":\"cpu >= "               \
    "90\",\"owner\":"                                                                    \
    "\"ada\"}"
#define OTHERS                                                                           \
    "{\"name\":\"bob-nas-cpu\",\"select\":\"nas\",\"condition\":\"cpu >= "               \
    "50\",\"owner\":"                                                                    \
    "\"bob\"}"

static void ones_own_is_removed_and_nobody_elses(void) {
    struct turn *turn = begin(alert_set_remove, "nas", "cpu");

    CHECK(turn_testing_answer(turn, "Alerts/ListRules",
                              "{\"rules\":[" OTHERS "," OWN "]}"));
    CHECK(
        strstr(turn_testing_calls(turn), "Alerts/RemoveRule {\"name\":\"ada-nas-cpu\"}"));
    CHECK(turn_testing_answer(turn, "Alerts/RemoveRule", "{}"));
    CHECK_TEXT(turn_testing_shown(turn),
               "SHOW\n✅ nas\nYou are not told of it any more.\n[rules | rules]\n");
    turn_testing_free(turn);
}

static void without_a_metric_ones_own_are_offered(void) {
    struct turn *turn = begin(alert_set_remove, "nas", NULL);

    CHECK(turn_testing_answer(turn, "Alerts/ListRules",
                              "{\"rules\":[" OTHERS "," OWN "]}"));
    CHECK_TEXT(turn_testing_shown(turn),
               "SHOW\nWhich alert on nas is to go?\n"
               "[cpu >= 90 | delalert nas --rule ada-nas-cpu]\n"
               "[➕ a new one | setalert nas] [rules | rules]\n");
    turn_testing_free(turn);
}

static void one_that_is_not_there_is_said(void) {
    struct turn *turn = begin(alert_set_remove, "nas", "ram");

    CHECK(turn_testing_answer(turn, "Alerts/ListRules", "{\"rules\":[" OTHERS "]}"));
    CHECK(strstr(turn_testing_shown(turn), "You have no alert for ram on nas\n"));
    turn_testing_free(turn);
}

/* --- rules --- */

#define DISK_RULE                                                                        \
    "{\"name\":\"disk\",\"condition\":\"disk:* > 90 for 10m clear 87\",\"severity\":"    \
    "\"WARNING\",\"builtIn\":true,\"series\":14,\"firing\":2,\"note\":\"Remove what is " \
    "not needed.\"}"

static void rules_are_listed(void) {
    struct turn *turn = begin(alert_rules_list, NULL, NULL);

    CHECK(turn_testing_answer(turn, "Alerts/ListRules",
                              "{\"rules\":[" DISK_RULE "," OWN "]}"));
    CHECK_TEXT(turn_testing_shown(turn),
               "SHOW\n📏 Rules (2)\n🟡 disk\ndisk:* > 90 for 10m clear 87\n"
               "🟢 ada-nas-cpu · nas\ncpu >= 90\n"
               "[🟡 disk | rule disk] [🟢 ada-nas-cpu | rule ada-nas-cpu]\n"
               "[➕ a new one | setalert] [‹ alerts | alerts]\n");
    turn_testing_free(turn);
}

static void one_rule_is_shown_and_turned_off(void) {
    struct turn *turn = begin(alert_rules_one, NULL, "disk");

    CHECK(turn_testing_answer(turn, "Alerts/ListRules", "{\"rules\":[" DISK_RULE "]}"));
    CHECK_TEXT(turn_testing_shown(turn),
               "SHOW\n🟡 disk\ndisk:* > 90 for 10m clear 87\nHosts: all hosts\n"
               "Severity: 🟡 warning\nLooks at: 14 series, 2 of them in alarm\n"
               "Remove what is not needed.\nIt is part of Roost.\n"
               "[turn it off | rule disk off] [test | rule disk test]\n"
               "[condition… | rule disk when] [severity… | rule disk severity] "
               "[repeat… | rule disk repeat]\n[as it was… | rule disk remove]\n"
               "[‹ back | rules]\n");
    turn_testing_free(turn);

    turn = begin(alert_rules_one, NULL, "disk off");
    CHECK(turn_testing_answer(turn, "Alerts/ListRules", "{\"rules\":[" DISK_RULE "]}"));
    CHECK(strstr(turn_testing_calls(turn), "\"disabled\":true"));
    CHECK(turn_testing_answer(turn, "Alerts/PutRule",
                              "{\"name\":\"disk\",\"disabled\":true}"));
    CHECK(strstr(turn_testing_shown(turn), "✅ It is so from now on.\n"));
    CHECK(strstr(turn_testing_shown(turn), "[turn it on | rule disk on]"));
    turn_testing_free(turn);
}

static void a_rule_is_changed(void) {
    static const char *const rows[][2] = {
        { "disk when disk:* > 95 for 5m", "\"condition\":\"disk:* > 95 for 5m\"" },
        { "disk severity critical", "\"severity\":\"CRITICAL\"" },
        { "disk repeat 4h", "\"repeatS\":14400" },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct turn *turn = begin(alert_rules_one, NULL, rows[i][0]);
        CHECK(
            turn_testing_answer(turn, "Alerts/ListRules", "{\"rules\":[" DISK_RULE "]}"));
        CHECK(strstr(turn_testing_calls(turn), rows[i][1]));
        turn_testing_free(turn);
    }
}

static void a_removal_is_confirmed(void) {
    struct turn *turn = begin(alert_rules_one, NULL, "disk remove");

    CHECK(turn_testing_answer(turn, "Alerts/ListRules", "{\"rules\":[" DISK_RULE "]}"));
    CHECK(strstr(turn_testing_shown(turn), "It is set back to what Roost came with.\n"
                                           "[yes, do it | !rule disk remove]"));
    turn_testing_free(turn);

    turn = turn_testing_new(NULL, "disk remove");
    turn_testing_confirm(turn);
    alert_rules_one(turn);
    CHECK(turn_testing_answer(turn, "Alerts/ListRules", "{\"rules\":[" DISK_RULE "]}"));
    CHECK(strstr(turn_testing_calls(turn), "Alerts/RemoveRule {\"name\":\"disk\"}"));
    turn_testing_free(turn);
}

static void a_rule_is_tested(void) {
    struct turn *turn = begin(alert_rules_one, NULL, "disk test");

    CHECK(turn_testing_answer(turn, "Alerts/ListRules", "{\"rules\":[" DISK_RULE "]}"));
    CHECK(turn_testing_answer(turn, "Alerts/TestRule",
                              "{\"series\":14,\"reading\":\"a file system is full\"}"));
    CHECK_TEXT(turn_testing_shown(turn),
               "SHOW\n🧪 disk, over the last day\na file system is full\n"
               "It would have fired 0 times, on 14 series.\n[‹ back | rule disk]\n");
    turn_testing_free(turn);
}

static void who_may_not_change_a_rule_is_told(void) {
    struct turn *turn = begin(alert_rules_one, NULL, "disk off");

    CHECK(turn_testing_answer(turn, "Alerts/ListRules", "{\"rules\":[" DISK_RULE "]}"));
    CHECK(turn_testing_end(turn, "Alerts/PutRule", GRPC_PERMISSION_DENIED,
                           "only administrators change it"));
    CHECK_TEXT(turn_testing_shown(turn), "SHOW\n⛔ Rule disk: refused\nonly "
                                         "administrators change it\n[‹ back | rules]\n");
    turn_testing_free(turn);
}

/* --- channels --- */

static void channels_are_shown_with_their_trouble(void) {
    struct turn *turn = begin(alert_channels_one, NULL, "ops");

    CHECK(turn_testing_answer(
        turn, "Alerts/ListChannels",
        "{\"channels\":[{\"name\":\"ops\",\"ntfy\":{\"url\":\"http://localhost/t\"},"
        "\"severity\":\"CRITICAL\",\"failingSince\":\"2026-11-21T11:00:00Z\",\"failure\":"
        "\"refused\",\"waiting\":2}]}"));
    CHECK(strstr(turn_testing_shown(turn),
                 "SHOW\n🔴 ops\nntfy http://localhost/t\nFrom: critical\n🔴 It fails since "
                 "21.11. "));
    CHECK(strstr(turn_testing_shown(turn), ": refused\nWait: 2\n"));
    turn_testing_free(turn);
}

static void a_channel_is_tested(void) {
    struct turn *turn = begin(alert_channels_one, NULL, "ops test");

    CHECK(turn_testing_answer(turn, "Alerts/ListChannels",
                              "{\"channels\":[{\"name\":\"ops\",\"people\":true}]}"));
    CHECK(turn_testing_answer(turn, "Alerts/TestChannel",
                              "{\"delivered\":true,\"durationMs\":12}"));
    CHECK(strstr(turn_testing_shown(turn), "✅ A test message was delivered in 12 ms.\n"));
    turn_testing_free(turn);
}

TESTS(TEST(a_line_makes_a_rule_of_ones_own),
      TEST(what_makes_no_sense_is_complained_of),
      TEST(the_judge_says_what_he_cannot_read),
      TEST(a_rule_that_was_made_is_shown),
      TEST(the_questions_lead_to_a_rule),
      TEST(a_battery_is_asked_for_less),
      TEST(ones_own_is_removed_and_nobody_elses),
      TEST(without_a_metric_ones_own_are_offered),
      TEST(one_that_is_not_there_is_said),
      TEST(rules_are_listed),
      TEST(one_rule_is_shown_and_turned_off),
      TEST(a_rule_is_changed),
      TEST(a_removal_is_confirmed),
      TEST(a_rule_is_tested),
      TEST(who_may_not_change_a_rule_is_told),
      TEST(channels_are_shown_with_their_trouble),
      TEST(a_channel_is_tested))
