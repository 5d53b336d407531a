#include "chat/alert/alert_list.h"

#include <string.h>

#include "base/check.h"
#include "chat/alert/alert_silence.h"
#include "chat/turn/turn_testing.h"

#define DISK                                                                             \
    "{\"id\":\"17\",\"rule\":\"disk\",\"node\":\"nas\",\"series\":\"disk:/home\","       \
    "\"severity\":\"WARNING\",\"state\":\"FIRING\",\"value\":93.1,\"threshold\":90,"     \
    "\"unit\":\"%\",\"started\":\"2026-11-21T11:48:00Z\"}"
#define UNIT                                                                             \
    "{\"id\":\"16\",\"rule\":\"unit\",\"node\":\"pi\",\"series\":\"unit a.service\","    \
    "\"severity\":\"CRITICAL\",\"state\":\"FIRING\",\"acknowledgedBy\":\"bob\","         \
    "\"started\":\"2026-11-21T10:00:00Z\"}"

static struct turn *begin(void (*run)(struct turn *turn), const char *words) {
    struct turn *turn = turn_testing_new(NULL, words);
    run(turn);
    return turn;
}

static void open_ones_are_listed_with_a_way_to_each(void) {
    struct turn *turn = begin(alert_list_run, NULL);

    CHECK_TEXT(turn_testing_calls(turn), "- Alerts/List {\"limit\":200}\n");
    CHECK(
        turn_testing_answer(turn, "Alerts/List", "{\"incidents\":[" DISK "," UNIT "]}"));
    CHECK_TEXT(turn_testing_shown(turn),
               "SHOW\n🔔 2 alerts go on\n"
               "🟡 nas: disk:/home 93.1 % · 12 min\n"
               "🔴 pi: a.service has failed · 2 h · 👤 bob\n"
               "[🟡 nas: disk:/home | alert 17]\n"
               "[🔴 pi: a.service has failed | alert 16]\n"
               "[👤 acknowledge all | ack all] [past ones too | alerts all] "
               "[refresh | alerts]\n"
               "[rules | rules] [silences | silences]\n");
    turn_testing_free(turn);
}

static void no_alert_is_good_news(void) {
    struct turn *turn = turn_testing_new(NULL, "nas");

    turn_testing_speak(turn, russian_alert);
    alert_list_run(turn);
    CHECK(strstr(turn_testing_calls(turn), "\"select\":\"nas\""));
    CHECK(turn_testing_answer(turn, "Alerts/List", "{}"));
    CHECK(strstr(turn_testing_shown(turn), "✅ Тревог нет\n"));
    CHECK(strstr(turn_testing_shown(turn), "[‹ назад | node nas]"));
    turn_testing_free(turn);
}

/* The chart around it is drawn first; without one it is shown all the same. */
static void one_is_shown_with_its_chart(void) {
    struct turn *turn = begin(alert_list_one, "#17");

    CHECK_TEXT(turn_testing_calls(turn), "- Alerts/Get {\"id\":\"17\"}\n");
    CHECK(turn_testing_answer(turn, "Alerts/Get", DISK));
    CHECK_TEXT(turn_testing_calls(turn),
               "- Metrics/Chart {\"select\":\"nas\",\"metrics\":[\"disk:/home\"],"
               "\"since\":\"2026-11-21T11:18:00Z\",\"until\":\"2026-11-21T12:00:00Z\","
               "\"width\":900,\"height\":450,\"thresholds\":[90]}\n");
    CHECK(turn_testing_answer(turn, "Metrics/Chart", "{\"image\":\"iVBORw==\"}"));
    CHECK(strstr(turn_testing_shown(turn), "SHOW\n[disk:/home, 4 bytes]\n"));
    CHECK(strstr(turn_testing_shown(turn), "[🔕 till 8:00 | silence 17 till 8:00]"));
    turn_testing_free(turn);

    turn = begin(alert_list_one, "17");
    CHECK(turn_testing_answer(turn, "Alerts/Get", DISK));
    CHECK(turn_testing_end(turn, "Metrics/Chart", GRPC_NOT_FOUND, "no data"));
    CHECK(strstr(turn_testing_shown(turn), "SHOW\n🟡 nas: disk:/home: 93.1 %\n"));
    turn_testing_free(turn);
}

static void one_that_is_not_for_him_is_not_shown(void) {
    struct turn *turn = begin(alert_list_one, "99");

    CHECK(turn_testing_end(turn, "Alerts/Get", GRPC_NOT_FOUND, "no incident 99"));
    CHECK_TEXT(turn_testing_shown(turn),
               "SHOW\n⛔ This alert: it failed\nno incident 99\n[‹ back | alerts]\n");
    turn_testing_free(turn);
}

static void looking_after_one_shows_its_card(void) {
    struct turn *turn = begin(alert_list_acknowledge, "16");

    CHECK_TEXT(turn_testing_calls(turn), "- Alerts/Acknowledge {\"id\":\"16\"}\n");
    CHECK(turn_testing_answer(turn, "Alerts/Acknowledge", UNIT));
    CHECK(strstr(turn_testing_shown(turn), "👤 bob looks after it.\n"));
    CHECK(!strstr(turn_testing_shown(turn), "| ack 16]"));
    turn_testing_free(turn);

    turn = begin(alert_list_acknowledge, "16 --sleeps");
    CHECK_TEXT(turn_testing_calls(turn),
               "- Alerts/Acknowledge {\"id\":\"16\",\"sleeps\":true}\n");
    turn_testing_free(turn);

    turn = begin(alert_list_acknowledge, "16 --undo");
    CHECK_TEXT(turn_testing_calls(turn),
               "- Alerts/Acknowledge {\"id\":\"16\",\"undo\":true}\n");
    turn_testing_free(turn);
}

static void all_of_them_are_looked_after(void) {
    struct turn *turn = begin(alert_list_acknowledge, "all");

    CHECK_TEXT(turn_testing_calls(turn), "- Alerts/Acknowledge {}\n");
    CHECK(turn_testing_answer(turn, "Alerts/Acknowledge", "{}"));
    CHECK(turn_testing_answer(turn, "Alerts/List", "{\"incidents\":[" UNIT "]}"));
    CHECK(strstr(turn_testing_shown(turn), "🔔 1 alert goes on\n"));
    turn_testing_free(turn);
}

static void without_a_number_one_is_chosen(void) {
    struct turn *turn = begin(alert_list_acknowledge, NULL);

    CHECK(turn_testing_answer(turn, "Alerts/List", "{\"incidents\":[" DISK "]}"));
    CHECK(strstr(turn_testing_shown(turn), "[🟡 nas: disk:/home | ack 17]"));
    turn_testing_free(turn);

    turn = begin(alert_list_acknowledge, "x");
    CHECK_TEXT(turn_testing_shown(turn), "COMPLAIN\n\"x\" is no number of an alert\n");
    turn_testing_free(turn);
}

/* --- silences --- */

static void a_silence_says_whom_and_for_how_long(void) {
    static const char *const rows[][2] = {
        { "nas 1h", "{\"select\":\"nas\",\"lastsS\":3600}" },
        { "@lab 90m new disks", "{\"select\":\"@lab\",\"lastsS\":5400,\"reason\":\"new "
                                "disks\"}" },
        { "all 2d", "{\"select\":\"*\",\"lastsS\":172800}" },
        { "nas 8ч ремонт",
          "{\"select\":\"nas\",\"lastsS\":28800,\"reason\":\"ремонт\"}" },
        { "17 1h", "{\"incident\":\"17\",\"lastsS\":3600}" },
        { "#17 1h", "{\"incident\":\"17\",\"lastsS\":3600}" },
        { "nas soon", NULL },
        { "nas 0h", NULL },
        { "nas till", NULL },
        { "nas till 25:00", NULL },
        { "nas 99999d", NULL },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct turn *turn = begin(alert_silence_put, rows[i][0]);
        if (rows[i][1])
            CHECK(strstr(turn_testing_calls(turn), rows[i][1]));
        else
            CHECK(strncmp(turn_testing_shown(turn), "COMPLAIN", 8) == 0);
        turn_testing_free(turn);
    }
}

/* Whatever the time zone, it is within a day and at a full hour there. */
static void a_silence_till_a_time_of_day(void) {
    struct turn *turn = begin(alert_silence_put, "nas till 8:00 night");
    const char *calls = turn_testing_calls(turn);
    const char *lasts = strstr(calls, "\"lastsS\":");

    CHECK(lasts);
    long seconds = strtol(lasts + strlen("\"lastsS\":"), NULL, 10);
    CHECK(seconds > 0 && seconds <= 86400);
    CHECK(strstr(calls, "\"reason\":\"night\""));
    turn_testing_free(turn);
}

static void what_a_silence_lacks_is_asked_for(void) {
    struct turn *turn = begin(alert_silence_put, "nas");

    CHECK_TEXT(turn_testing_shown(turn),
               "ASK silence nas\n🔕 nas\nFor how long?\n"
               "[1 h | silence nas 1h] [8 h | silence nas 8h] "
               "[till 8:00 | silence nas till 8:00]\n"
               "[a day | silence nas 1d] [a week | silence nas 7d]\n[‹ back | alerts]\n");
    turn_testing_free(turn);
}

static void silencing_an_incident_shows_its_card(void) {
    struct turn *turn = begin(alert_silence_put, "16 1h");

    CHECK(turn_testing_answer(turn, "Alerts/PutSilence", "{}"));
    CHECK(turn_testing_answer(turn, "Alerts/Get", UNIT));
    CHECK(strstr(turn_testing_shown(turn), "🔴 pi: a.service has failed\n"));
    turn_testing_free(turn);
}

static void silences_are_listed_and_taken_back(void) {
    struct turn *turn = begin(alert_silence_list, NULL);

    CHECK(turn_testing_answer(turn, "Alerts/ListSilences",
                              "{\"silences\":[{\"id\":\"5e1f00aa\",\"select\":\"nas\","
                              "\"rule\":\"disk\",\"starts\":"
                              "\"2026-11-21T11:00:00Z\",\"ends\":\"2026-11-21T13:00:"
                              "00Z\",\"createdBy\":\"ada\","
                              "\"reason\":\"new disks\"}]}"));
    CHECK(strstr(turn_testing_shown(turn), "🔕 nas (disk): until 21.11. "));
    CHECK(strstr(turn_testing_shown(turn), " · ada\nnew disks\n"));
    CHECK(strstr(turn_testing_shown(turn), "[🔔 nas | unsilence 5e1f00aa]"));
    turn_testing_free(turn);

    turn = begin(alert_silence_remove, "5e1f00aa");
    CHECK_TEXT(turn_testing_calls(turn),
               "- Alerts/RemoveSilence {\"id\":\"5e1f00aa\"}\n");
    CHECK(turn_testing_answer(turn, "Alerts/RemoveSilence", "{}"));
    CHECK(turn_testing_answer(turn, "Alerts/ListSilences", "{}"));
    CHECK(strstr(turn_testing_shown(turn), "🔔 Nothing is silenced\n"));
    turn_testing_free(turn);
}

static void maintenance_windows_are_read(void) {
    static const struct row {
        const char *words;
        const char *wanted; /* NULL: it is complained of */
    } rows[] = {
        { "nas 22:00-23:30", "\"select\":\"nas\"" },
        { "nas 22-6 daily backup", "\"reason\":\"backup\",\"everyS\":86400" },
        { "@lab 22:00–23:00 weekly", "\"everyS\":604800" },
        { "nas tomorrow 9:00-10:00", "\"select\":\"nas\"" },
        { "nas 2026-12-24 9:00-10:00", "\"starts\":\"2026-12-24T" },
        { "nas 24.12. 9:00-10:00 disks", "\"starts\":\"2026-12-24T" },
        { "nas 2026-01-01 9:00-10:00", NULL },
        { "nas 22:00", NULL },
        { "nas 22:00-22:00", NULL },
        { "nas 25:00-26:00", NULL },
        { "nas 2026-99-99 1-2", NULL },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct turn *turn = begin(alert_silence_maintenance, rows[i].words);
        if (rows[i].wanted)
            CHECK(strstr(turn_testing_calls(turn), rows[i].wanted));
        else
            CHECK(strncmp(turn_testing_shown(turn), "COMPLAIN", 8) == 0);
        turn_testing_free(turn);
    }
}

TESTS(TEST(open_ones_are_listed_with_a_way_to_each),
      TEST(no_alert_is_good_news),
      TEST(one_is_shown_with_its_chart),
      TEST(one_that_is_not_for_him_is_not_shown),
      TEST(looking_after_one_shows_its_card),
      TEST(all_of_them_are_looked_after),
      TEST(without_a_number_one_is_chosen),
      TEST(a_silence_says_whom_and_for_how_long),
      TEST(a_silence_till_a_time_of_day),
      TEST(what_a_silence_lacks_is_asked_for),
      TEST(silencing_an_incident_shows_its_card),
      TEST(silences_are_listed_and_taken_back),
      TEST(maintenance_windows_are_read))
