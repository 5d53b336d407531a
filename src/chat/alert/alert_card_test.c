#include "chat/alert/alert_card.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "chat/alert/alert_text.h"
#include "wire/pb.h"
#include "wire/pbjson.h"

#define DISK                                                                             \
    "{\"id\":\"17\",\"version\":\"3\",\"rule\":\"disk\",\"node\":\"nas\",\"series\":"    \
    "\"disk:/home\",\"severity\":\"WARNING\",\"state\":\"FIRING\",\"text\":"             \
    "\"disk:/home is 93.1 %, more than 90 % for 10 min\",\"value\":93.1,"                \
    "\"threshold\":90,\"unit\":\"%\",\"started\":\"2026-11-21T11:00:00Z\""

/* Read with threshold NaN unless it is there, as the service has it. */
static Roost__V1__Incident *read_incident(const char *json) {
    ProtobufCMessage *message = NULL;
    char *why = NULL;

    CHECK_INT(pbjson_read(&roost__v1__incident__descriptor, slice_of_text(json), &message,
                          &why),
              0);
    free(why);
    return (Roost__V1__Incident *)message;
}

static void print(const struct view *view, struct buf *out) {
    view_print(view, out);
    for (size_t i = 0; i < view->button_count; i++)
        buf_printf(out, "<%s>", view->buttons[i].content);
}

/* What a card looks like; the time is of the machine's zone and left out. */
static char *card(enum words_language language, const char *json, bool may_act) {
    static const uint8_t png[] = { 0x89, 'P', 'N', 'G' };
    Roost__V1__Incident *incident = read_incident(json);
    struct view *view =
        alert_card_view(language, incident, slice_of(png, sizeof(png)), may_act);
    struct buf out = { 0 };

    print(view, &out);
    view_free(view);
    pb_free(&incident->base);
    return buf_take_text(&out);
}

static void check_has(char *text, const char *wanted) {
    if (!strstr(text, wanted))
        fprintf(stderr, "# \"%s\" is not in:\n%s\n", wanted, text);
    CHECK(strstr(text, wanted));
}

static void a_disk_that_is_full(void) {
    char *text = card(WORDS_ENGLISH, DISK "}", true);

    check_has(text, "[disk:/home, 4 bytes]\n🟡 nas: disk:/home: 93.1 %\n"
                    "disk:/home is 93.1 %, more than 90 % for 10 min\n"
                    "Value: 93.1 %\nThreshold: 90.0 %\nSince: 21.11. ");
    check_has(text, "[👤 acknowledge] [🔕 1 h] [details]\n<ack 17><silence 17 1h><alert 17 "
                    "--new>");
    free(text);
}

static void it_is_said_in_russian(void) {
    char *text = card(WORDS_RUSSIAN, DISK ",\"acknowledgedBy\":\"ada\"}", true);

    check_has(
        text,
        "🟡 nas: disk:/home: 93.1 %\nЗначение: 93.1 %\nПорог: 90.0 %\nС: "
        "21.11. ");
    check_has(text, "👤 Занимается ada.\n[🔕 1 ч] [подробнее]");
    CHECK(!strstr(text, "more than"));
    free(text);
}

static void who_may_not_act_has_no_button_that_acts(void) {
    char *text = card(WORDS_ENGLISH, DISK "}", false);

    check_has(text, "[details]\n<alert 17 --new>");
    CHECK(!strstr(text, "<ack") && !strstr(text, "<silence"));
    free(text);
}

static void a_failed_service_can_be_restarted(void) {
    char *text =
        card(WORDS_ENGLISH,
             "{\"id\":\"18\",\"rule\":\"unit\",\"node\":\"nas\",\"series\":\"unit "
             "my app.service\",\"severity\":\"WARNING\",\"state\":\"FIRING\"}",
             true);

    check_has(text, "🟡 nas: my app.service has failed\n");
    check_has(text, "<service nas \"my app.service\" restart>");
    free(text);
}

static void an_offline_host_may_sleep(void) {
    char *text = card(WORDS_RUSSIAN,
                      "{\"id\":\"19\",\"rule\":\"offline\",\"node\":\"nas\",\"series\":"
                      "\"offline\",\"severity\":\"CRITICAL\",\"state\":\"FIRING\","
                      "\"evidence\":\"no sign of life\"}",
                      true);

    check_has(text, "🔴 nas: не на связи\n");
    check_has(text, "no sign of life\n");
    check_has(text, "[💤 этот спит] [☀ разбудить]");
    check_has(text, "<ack 19 --sleeps><wake nas>");
    free(text);
}

static void many_lost_hosts_are_one_card(void) {
    char *text = card(WORDS_RUSSIAN,
                      "{\"id\":\"20\",\"rule\":\"offline\",\"series\":\"offline\","
                      "\"severity\":\"CRITICAL\",\"state\":\"FIRING\",\"nodes\":[\"a\","
                      "\"b\",\"c\",\"d\",\"e\"],\"evidence\":\"the hub's own uplink\"}",
                      true);

    check_has(text, "🔴 5 узлов: не на связи\n");
    check_has(text, "Узлы: a, b, c, d, e\nthe hub's own uplink\n");
    CHECK(!strstr(text, "<wake"));
    free(text);
}

static void one_that_is_over_has_only_details(void) {
    char *text =
        card(WORDS_ENGLISH,
             "{\"id\":\"17\",\"node\":\"nas\",\"series\":\"disk:/home\",\"state\":"
             "\"RESOLVED\",\"unit\":\"%\",\"value\":80,\"threshold\":90,"
             "\"started\":\"2026-11-21T11:00:00Z\",\"ended\":"
             "\"2026-11-21T11:30:00Z\"}",
             true);

    check_has(text, "✅ nas: disk:/home\nLast value: 80.0 %\n");
    check_has(text, ", for 30 min\n[details]\n");
    free(text);
}

static void processes_and_what_was_found_at_join(void) {
    char *text = card(WORDS_ENGLISH,
                      DISK ",\"foundAtJoin\":true,\"processes\":[{\"pid\":812,\"name\":"
                           "\"evil\\nname\",\"cpu\":99.6,\"memory\":\"1073741824\"}]}",
                      true);

    check_has(text, "It was so already when the host joined.\n");
    check_has(text, "process\tPID\tCPU\tmemory\nevil name\t812\t100 %\t1.0 GiB\n");
    free(text);
}

static void what_is_critical_goes_first_and_what_is_over_is_quiet(void) {
    static const struct row {
        const char *json;
        bool is_urgent;
        bool is_quiet;
    } rows[] = {
        { "{\"severity\":\"CRITICAL\",\"state\":\"FIRING\"}", true, false },
        { "{\"severity\":\"WARNING\",\"state\":\"FIRING\"}", false, false },
        { "{\"severity\":\"INFO\",\"state\":\"FIRING\"}", false, true },
        { "{\"severity\":\"CRITICAL\",\"state\":\"RESOLVED\"}", false, true },
        { "{\"severity\":\"CRITICAL\",\"state\":\"FIRING\",\"acknowledgedBy\":\"a\"}",
          true, true },
        { "{\"severity\":\"WARNING\",\"state\":\"FIRING\",\"sleeps\":true}", false,
          true },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        Roost__V1__Incident *incident = read_incident(rows[i].json);
        struct view *view =
            alert_card_view(WORDS_ENGLISH, incident, (struct slice) { 0 }, true);
        CHECK_INT(view->is_urgent, rows[i].is_urgent);
        CHECK_INT(view->is_quiet, rows[i].is_quiet);
        view_free(view);
        pb_free(&incident->base);
    }
}

static void details_have_the_timeline_and_more_buttons(void) {
    Roost__V1__Incident *incident = read_incident(
        DISK ",\"timeline\":[{\"time\":\"2026-11-21T11:00:00Z\",\"text\":\"fired\"},"
             "{\"time\":\"2026-11-21T11:01:00Z\",\"text\":\"acknowledged by ada\"}]}");
    struct view *view =
        alert_card_details(WORDS_RUSSIAN, incident, (struct slice) { 0 }, true);
    struct buf out = { 0 };

    print(view, &out);
    check_has((char *)(uintptr_t)buf_text(&out), "№ 17, правило disk, предупреждение\n");
    check_has((char *)(uintptr_t)buf_text(&out), "  началось\n");
    check_has((char *)(uintptr_t)buf_text(&out), "  взял на себя ada\n");
    check_has((char *)(uintptr_t)buf_text(&out),
              "<ack 17><silence 17 1h><silence 17 8h><silence 17 till 8:00>"
              "<plot nas disk:/home 6h><ps nas><node nas><rule disk><alert 17><alerts>");
    buf_done(&out);
    view_free(view);
    pb_free(&incident->base);
}

static void values_are_written_in_their_unit(void) {
    static const struct row {
        double value;
        const char *unit;
        const char *text;
    } rows[] = {
        { 93.14, "%", "93.1 %" }, { 1536, "By", "1.5 KiB" },
        { 512, "By", "512 B" },   { 1048576, "By/s", "1.0 MiB/s" },
        { 80, "Cel", "80 °C" },   { 2.5, "1", "2.5" },
        { 100, "1", "100" },      { 2400000000.0, "Hz", "2.4 GHz" },
        { 0.25, "ms", "0.2 ms" }, { 90, "s", "1 min 30 s" },
        { NAN, "%", "?" },        { 1200, "RPM", "1200 RPM" },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct buf out = { 0 };
        alert_text_value(&out, rows[i].value, rows[i].unit);
        CHECK_TEXT(buf_text(&out), rows[i].text);
        buf_done(&out);
    }
}

TESTS(TEST(a_disk_that_is_full),
      TEST(it_is_said_in_russian),
      TEST(who_may_not_act_has_no_button_that_acts),
      TEST(a_failed_service_can_be_restarted),
      TEST(an_offline_host_may_sleep),
      TEST(many_lost_hosts_are_one_card),
      TEST(one_that_is_over_has_only_details),
      TEST(processes_and_what_was_found_at_join),
      TEST(what_is_critical_goes_first_and_what_is_over_is_quiet),
      TEST(details_have_the_timeline_and_more_buttons),
      TEST(values_are_written_in_their_unit))
