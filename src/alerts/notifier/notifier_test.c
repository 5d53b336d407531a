#include "alerts/notifier/notifier.h"

#include <stdio.h>
#include <string.h>

#include "alerts/channel/channel.h"
#include "alerts/notifier/notifier_testing.h"
#include "base/check.h"
#include "base/mem.h"

static const char noon[] = "2026-11-21T12:00:00Z";
enum { MINUTE = 60000, HOUR = 3600000 };

static struct incident *warn(struct notifier_testing *testing, const char *node) {
    return notifier_testing_fire(testing, node, "cpu", INCIDENT_WARNING);
}

static void one_incident_is_one_message(void) {
    struct notifier_testing testing;
    notifier_testing_open(&testing, noon);
    notifier_testing_channel(&testing, "ops");
    struct incident *incident = warn(&testing, "nas");

    notifier_testing_check(&testing, "0:00 ops nas cpu fires\n");
    notifier_testing_pass(&testing, 5);
    notifier_testing_touch(&testing, incident, INCIDENT_VALUE);
    notifier_testing_check(&testing, "5:00 ops m1 nas cpu fires\n");
    notifier_testing_touch(&testing, incident, INCIDENT_VALUE);
    notifier_testing_check(&testing, ""); /* values wait a little */
    notifier_testing_pass(&testing, 1);
    notifier_testing_check(&testing, "5:10 ops m1 nas cpu fires\n");
    incident_acknowledge(testing.incidents, incident, "ada", testing.now_ms);
    notifier_testing_touch(&testing, incident, INCIDENT_TOUCHED);
    notifier_testing_check(&testing, "6:00 ops m1 nas cpu fires seen\n");
    notifier_testing_end(&testing, incident);
    notifier_testing_check(&testing, "6:00 ops m1 nas cpu over seen\n");
    notifier_testing_pass(&testing, 600);
    notifier_testing_check(&testing, "");
    notifier_testing_close(&testing);
}

static void people_are_told_in_private_and_owners_alone(void) {
    struct notifier_testing testing;
    notifier_testing_open(&testing, noon);
    testing.people = "ada bob";
    warn(&testing, "nas");
    notifier_testing_pass(&testing, 0);
    CHECK(strstr(buf_text(&testing.lines), "0:00 people/ada nas cpu fires\n"));
    CHECK(strstr(buf_text(&testing.lines), "0:00 people/bob nas cpu fires\n"));
    CHECK_INT(testing.messages, 2);
    buf_clear(&testing.lines);
    incident_set(&testing.rule->owner, "bob");
    warn(&testing, "pi");
    notifier_testing_check(&testing, "0:00 people/bob pi cpu fires\n");
    notifier_testing_close(&testing);
}

static void severity_and_nodes_choose_the_channels(void) {
    struct notifier_testing testing;
    notifier_testing_open(&testing, noon);
    notifier_testing_channel(&testing, "loud")->severity = INCIDENT_CRITICAL;
    incident_set(&notifier_testing_channel(&testing, "pis")->select, "pi*");
    notifier_testing_channel(&testing, "off")->is_disabled = true;
    warn(&testing, "pi1");
    notifier_testing_check(&testing, "0:00 pis pi1 cpu fires\n");
    notifier_testing_fire(&testing, "nas", "disk", INCIDENT_CRITICAL);
    notifier_testing_check(&testing, "0:00 loud nas disk fires\n");
    testing.rule->channels = mem_new_array(2, sizeof(char *));
    testing.rule->channels[0] = mem_strdup("loud");
    warn(&testing, "pi2");
    notifier_testing_check(&testing, "0:00 loud pi2 cpu fires\n");
    notifier_testing_close(&testing);
}

static void an_outage_loses_nothing_and_repeats_nothing(void) {
    struct notifier_testing testing;
    notifier_testing_open(&testing, noon);
    notifier_testing_channel(&testing, "ops");
    struct incident *before = warn(&testing, "a");
    notifier_testing_check(&testing, "0:00 ops a cpu fires\n");
    testing.is_away = true;
    struct incident *during = warn(&testing, "b");
    notifier_testing_pass(&testing, 0.5);
    struct incident *both = warn(&testing, "c");
    notifier_testing_end(&testing, before);
    notifier_testing_pass(&testing, 1);
    notifier_testing_end(&testing, both);
    notifier_testing_fire(&testing, "d", "disk", INCIDENT_CRITICAL);
    notifier_testing_pass(&testing, 0.5);
    struct channel *channel = notifier_find_channel(testing.notifier, "ops");
    CHECK(channel->failing_ms > 0);
    CHECK_TEXT(channel->failure, "away");
    CHECK_INT(notifier_waiting(testing.notifier, channel), 4);
    CHECK(testing.told < 20);
    notifier_testing_check(&testing, "");
    testing.is_away = false;
    notifier_testing_pass(&testing, 5);
    /* Critical first; what began and ended meanwhile is one message. */
    notifier_testing_check(&testing, "2:07 ops d disk fires\n"
                                     "2:07 ops b cpu fires\n"
                                     "2:07 ops m1 a cpu over\n"
                                     "2:07 ops c cpu over\n");
    CHECK_INT(channel->failing_ms, 0);
    CHECK_TEXT(buf_text(&testing.activity),
               "0:00 alert.failing channel ops//telegram:ops fails: away\n"
               "2:07 alert.delivered channel ops works again\n");
    notifier_testing_end(&testing, during);
    notifier_testing_pass(&testing, 60);
    notifier_testing_check(&testing, "7:00 ops m3 b cpu over\n");
    notifier_testing_close(&testing);
}

static void one_broken_channel_holds_no_other(void) {
    struct notifier_testing testing;
    notifier_testing_open(&testing, noon);
    struct channel *broken = channel_new("broken", CHANNEL_WEBHOOK);
    incident_set(&broken->url, "http://127.0.0.1:1/");
    notifier_put_channel(testing.notifier, broken);
    notifier_testing_channel(&testing, "ops");
    warn(&testing, "a");
    warn(&testing, "b");
    notifier_testing_check(&testing, "0:00 ops a cpu fires\n0:00 ops b cpu fires\n");
    notifier_testing_close(&testing);
}

static void what_cannot_be_told_is_given_up_and_said(void) {
    struct notifier_testing testing;
    notifier_testing_open(&testing, noon);
    notifier_testing_channel(&testing, "ops");
    testing.is_away = true;
    warn(&testing, "a");
    notifier_testing_pass(&testing, 25 * 60);
    CHECK(
        strstr(buf_text(&testing.activity), "alert.lost ops//telegram:ops was not told"));
    CHECK(testing.told < 400);
    testing.is_away = false;
    notifier_testing_pass(&testing, 60);
    notifier_testing_check(&testing, "");
    testing.is_gone = true; /* blocked: for good, and at once */
    buf_clear(&testing.activity);
    unsigned told = testing.told;
    warn(&testing, "b");
    notifier_testing_pass(&testing, 60);
    CHECK_INT(testing.told, told + 1);
    CHECK(strstr(buf_text(&testing.activity), "alert.lost"));
    notifier_testing_close(&testing);
}

static void the_next_hub_goes_on(void) {
    struct notifier_testing testing;
    notifier_testing_open(&testing, noon);
    notifier_testing_channel(&testing, "ops");
    struct incident *a = warn(&testing, "a");
    struct incident *b = warn(&testing, "b");
    notifier_testing_check(&testing, "0:00 ops a cpu fires\n0:00 ops b cpu fires\n");
    testing.is_away = true;
    warn(&testing, "c");
    notifier_testing_pass(&testing, 1);
    notifier_testing_end(&testing, a);
    notifier_testing_restart(&testing);
    testing.is_away = false;
    notifier_testing_check(&testing, "1:00 ops m1 a cpu over\n1:00 ops c cpu fires\n");
    notifier_testing_restart(&testing);
    notifier_testing_pass(&testing, 10);
    notifier_testing_check(&testing, "");
    notifier_testing_end(&testing, b);
    notifier_testing_check(&testing, "11:00 ops m2 b cpu over\n");
    notifier_testing_close(&testing);
}

static void a_store_that_cannot_write_is_tried_again(void) {
    struct notifier_testing testing;
    notifier_testing_open(&testing, noon);
    testing.is_store_broken = true;
    notifier_testing_channel(&testing, "ops");
    struct incident *a = warn(&testing, "a");
    notifier_testing_check(&testing, "0:00 ops a cpu fires\n");
    testing.is_store_broken = false;
    loop_run(testing.loop); /* until its timer has tried again */
    CHECK(testing.kept.count > 0);
    notifier_testing_restart(&testing);
    notifier_testing_end(&testing, a);
    notifier_testing_check(&testing, "0:00 ops m1 a cpu over\n");
    notifier_testing_close(&testing);
}

static void it_is_repeated_until_somebody_looks_after_it(void) {
    struct notifier_testing testing;
    notifier_testing_open(&testing, noon);
    notifier_testing_channel(&testing, "ops");
    testing.rule->repeat_ms = HOUR;
    struct incident *a = warn(&testing, "a");
    notifier_testing_pass(&testing, 150);
    notifier_testing_check(&testing, "0:00 ops a cpu fires\n"
                                     "60:00 ops m1 repeat a cpu fires\n"
                                     "120:00 ops m2 repeat a cpu fires\n");
    incident_acknowledge(testing.incidents, a, "ada", testing.now_ms);
    notifier_testing_touch(&testing, a, INCIDENT_TOUCHED);
    notifier_testing_pass(&testing, 300);
    notifier_testing_check(&testing, "150:00 ops m3 a cpu fires seen\n");
    notifier_testing_close(&testing);
}

static void it_escalates_unless_somebody_looks_after_it(void) {
    struct notifier_testing testing;
    notifier_testing_open(&testing, noon);
    notifier_testing_channel(&testing, "ops");
    notifier_testing_channel(&testing, "chief")->select[0] = '\0';
    testing.rule->channels = mem_new_array(2, sizeof(char *));
    testing.rule->channels[0] = mem_strdup("ops");
    testing.rule->escalate_to = mem_new_array(2, sizeof(char *));
    testing.rule->escalate_to[0] = mem_strdup("chief");
    testing.rule->escalate_ms = 30 * MINUTE;
    struct incident *a = warn(&testing, "a");
    struct incident *b = warn(&testing, "b");
    notifier_testing_pass(&testing, 10);
    incident_acknowledge(testing.incidents, b, "ada", testing.now_ms);
    notifier_testing_touch(&testing, b, INCIDENT_TOUCHED);
    notifier_testing_pass(&testing, 60);
    notifier_testing_check(&testing, "0:00 ops a cpu fires\n"
                                     "0:00 ops b cpu fires\n"
                                     "10:00 ops m2 b cpu fires seen\n"
                                     "30:00 chief escalation a cpu fires\n");
    notifier_testing_end(&testing, a);
    notifier_testing_pass(&testing, 0);
    CHECK(strstr(buf_text(&testing.lines), "70:00 ops m1 a cpu over\n"));
    CHECK(strstr(buf_text(&testing.lines), "70:00 chief m4 a cpu over\n"));
    notifier_testing_close(&testing);
}

static void silence(struct notifier_testing *testing,
                    const char *select,
                    int64_t from_minute,
                    int64_t to_minute,
                    uint64_t every_minutes) {
    struct silence *silence = silence_new();

    incident_set(&silence->select, select);
    silence->starts_ms = testing->start_ms + from_minute * MINUTE;
    silence->ends_ms = testing->start_ms + to_minute * MINUTE;
    silence->every_ms = every_minutes * MINUTE;
    CHECK(silences_put(notifier_silences(testing->notifier), silence));
}

/* What still holds is told once, what has passed is not, and there is no burst. */
static void a_maintenance_window_begins_and_ends(void) {
    struct notifier_testing testing;
    notifier_testing_open(&testing, noon);
    notifier_testing_channel(&testing, "ops");
    testing.rule->repeat_ms = 10 * MINUTE;
    silence(&testing, "nas*", 5, 65, 0);
    struct incident *before = warn(&testing, "nas1");
    notifier_testing_pass(&testing, 6);
    struct incident *passed = warn(&testing, "nas2");
    warn(&testing, "nas3");
    warn(&testing, "other");
    notifier_testing_pass(&testing, 20);
    notifier_testing_restart(&testing);
    notifier_testing_end(&testing, passed);
    notifier_testing_end(&testing, before);
    testing.rule->repeat_ms = 0;
    notifier_testing_pass(&testing, 60);
    notifier_testing_check(&testing, "0:00 ops nas1 cpu fires\n"
                                     "6:00 ops other cpu fires\n"
                                     "16:00 ops m2 repeat other cpu fires\n"
                                     "26:00 ops m3 repeat other cpu fires\n"
                                     "26:00 ops m1 nas1 cpu over\n"
                                     "65:00 ops nas3 cpu fires\n");
    size_t at = 0;
    CHECK(!silences_next(notifier_silences(testing.notifier), &at)); /* forgotten */
    notifier_testing_close(&testing);
}

static void a_window_comes_again(void) {
    struct notifier_testing testing;
    notifier_testing_open(&testing, noon);
    notifier_testing_channel(&testing, "ops");
    silence(&testing, "", 0, 60, 24 * 60);
    notifier_testing_pass(&testing, 24 * 60 + 30);
    warn(&testing, "a");
    notifier_testing_pass(&testing, 60);
    notifier_testing_check(&testing, "1500:00 ops a cpu fires\n");
    notifier_testing_close(&testing);
}

static void a_silence_taken_back_ends_at_once(void) {
    struct notifier_testing testing;
    notifier_testing_open(&testing, noon);
    notifier_testing_channel(&testing, "ops");
    silence(&testing, "", 0, 60, 0);
    struct incident *a = warn(&testing, "a");
    notifier_testing_check(&testing, "");
    size_t at = 0;
    const struct silence *row = silences_next(notifier_silences(testing.notifier), &at);
    CHECK(silences_remove(notifier_silences(testing.notifier), row->id));
    notifier_testing_check(&testing, "0:00 ops a cpu fires\n");
    incident_silence(testing.incidents, a, testing.now_ms + HOUR, "ada", testing.now_ms);
    notifier_testing_touch(&testing, a, INCIDENT_TOUCHED);
    notifier_testing_check(&testing, "0:00 ops m1 a cpu fires\n");
    notifier_testing_close(&testing);
}

static void the_night_is_quiet_and_told_in_the_morning(void) {
    struct notifier_testing testing;
    notifier_testing_open(&testing, "2026-11-21T21:50:00Z");
    struct channel *ops = notifier_testing_channel(&testing, "ops");
    incident_set(&ops->quiet_hours, "22:00-07:00");
    notifier_testing_keep(&testing, ops);
    struct incident *early = warn(&testing, "early");
    notifier_testing_pass(&testing, 20);
    struct incident *passed = warn(&testing, "passed");
    warn(&testing, "stays");
    notifier_testing_fire(&testing, "nas", "disk", INCIDENT_CRITICAL);
    notifier_testing_pass(&testing, 60);
    notifier_testing_end(&testing, passed);
    notifier_testing_end(&testing, early);
    notifier_testing_restart(&testing);
    notifier_testing_pass(&testing, 12 * 60);
    notifier_testing_check(
        &testing, "0:00 ops early cpu fires\n"
                  "20:00 ops nas disk fires\n"
                  "80:00 ops m1 early cpu over\n"
                  "550:00 ops [In the quiet hours (2)]"
                  "• Warning, passed: it is bad (over)|• Warning, stays: it is bad|\n");
    notifier_testing_close(&testing);
}

static void a_flood_becomes_one_message(void) {
    struct notifier_testing testing;
    struct incident *incidents[20];
    notifier_testing_open(&testing, noon);
    struct channel *ops = notifier_testing_channel(&testing, "ops");
    ops->hourly = 3;
    notifier_testing_keep(&testing, ops);
    for (int i = 0; i < 6; i++) {
        char node[16];
        snprintf(node, sizeof(node), "n%d", i);
        incidents[i] = warn(&testing, node);
    }
    notifier_testing_fire(&testing, "nas", "disk", INCIDENT_CRITICAL);
    notifier_testing_pass(&testing, 10);
    notifier_testing_check(&testing,
                           "0:00 ops nas disk fires\n"
                           "0:00 ops n0 cpu fires\n"
                           "0:00 ops n1 cpu fires\n"
                           "0:00 ops n2 cpu fires\n"
                           "1:00 ops [Many at once (3)]• Warning, n3: it is bad|"
                           "• Warning, n4: it is bad|• Warning, n5: it is bad|\n");
    warn(&testing, "n6");
    notifier_testing_end(&testing, incidents[3]);
    notifier_testing_pass(&testing, 10);
    notifier_testing_check(
        &testing, "10:00 ops m5 [Many at once (4)]• Warning, n3: it is bad (over)|"
                  "• Warning, n4: it is bad|• Warning, n5: it is bad|"
                  "• Warning, n6: it is bad|\n");
    notifier_testing_restart(&testing);
    notifier_testing_end(&testing, incidents[4]);
    notifier_testing_pass(&testing, 10);
    notifier_testing_check(
        &testing, "20:00 ops m5 [Many at once (4)]• Warning, n3: it is bad (over)|"
                  "• Warning, n4: it is bad (over)|• Warning, n5: it is bad|"
                  "• Warning, n6: it is bad|\n");
    notifier_testing_pass(&testing, 60); /* an hour later there is room again */
    warn(&testing, "late");
    notifier_testing_check(&testing, "90:00 ops late cpu fires\n");
    notifier_testing_close(&testing);
}

static void what_hangs_on_a_router_is_told_when_the_router_is_back(void) {
    struct notifier_testing testing;
    notifier_testing_open(&testing, noon);
    notifier_testing_channel(&testing, "ops");
    incident_set(&testing.rule->depends_on, "router");
    testing.offline = "router";
    notifier_testing_fire(&testing, "router", "offline", INCIDENT_CRITICAL);
    struct incident *passes =
        notifier_testing_fire(&testing, "a", "offline", INCIDENT_CRITICAL);
    notifier_testing_fire(&testing, "b", "offline", INCIDENT_CRITICAL);
    notifier_testing_pass(&testing, 30);
    testing.offline = "";
    notifier_testing_pass(&testing, 0.5);
    notifier_testing_end(&testing, passes);
    notifier_testing_pass(&testing, 30);
    notifier_testing_check(&testing, "0:00 ops router offline fires\n"
                                     "31:00 ops b offline fires\n");
    notifier_testing_close(&testing);
}

static void history_and_sleepers_are_never_told(void) {
    struct notifier_testing testing;
    notifier_testing_open(&testing, noon);
    notifier_testing_channel(&testing, "ops");
    struct incident *history = incidents_open(testing.incidents, "test", "a", "cpu");
    history->is_history = true;
    history->state = INCIDENT_RESOLVED;
    notifier_testing_touch(&testing, history, INCIDENT_BEGAN);
    struct incident *asleep = incidents_open(testing.incidents, "test", "b", "offline");
    asleep->sleeps = true;
    notifier_testing_touch(&testing, asleep, INCIDENT_BEGAN);
    notifier_testing_pass(&testing, 600);
    notifier_testing_end(&testing, asleep);
    notifier_testing_pass(&testing, 600);
    notifier_testing_check(&testing, "");
    notifier_testing_close(&testing);
}

static void a_moved_chat_keeps_its_messages(void) {
    struct notifier_testing testing;
    notifier_testing_open(&testing, noon);
    notifier_testing_channel(&testing, "ops");
    struct incident *a = warn(&testing, "a");
    notifier_testing_check(&testing, "0:00 ops a cpu fires\n");
    notifier_move_place(testing.notifier, "telegram:ops", "telegram:-100");
    notifier_testing_check(&testing, "");
    notifier_testing_restart(&testing);
    CHECK_TEXT(notifier_find_channel(testing.notifier, "ops")->chat, "-100");
    notifier_testing_end(&testing, a);
    notifier_testing_check(&testing, "0:00 ops m1 a cpu over\n");
    notifier_testing_close(&testing);
}

static void a_week_is_told_when_a_channel_wants_it(void) {
    struct notifier_testing testing;
    notifier_testing_open(&testing, "2026-11-21T12:00:00Z"); /* a Saturday */
    struct channel *ops = notifier_testing_channel(&testing, "ops");
    incident_set(&ops->weekly, "sun 12:00");
    notifier_testing_keep(&testing, ops);
    notifier_testing_end(&testing, warn(&testing, "a"));
    notifier_testing_pass(&testing, 60);
    testing.is_away = true;
    notifier_testing_pass(&testing, 24 * 60);
    notifier_testing_restart(&testing);
    testing.is_away = false;
    buf_clear(&testing.lines);
    notifier_testing_pass(&testing, 60);
    notifier_testing_check(&testing, "1500:00 ops [The week]Incidents: 1, still open: 0|"
                                     "• Warning, a: it is bad (over)|\n");
    notifier_testing_pass(&testing, 6 * 24 * 60);
    notifier_testing_check(&testing, "");
    notifier_testing_close(&testing);
}

struct outcome {
    int result;
    unsigned count;
};

static void note(void *arg, int result, const char *message, const char *why) {
    struct outcome *outcome = arg;

    (void)message;
    (void)why;
    outcome->result = result;
    outcome->count++;
}

static void a_channel_can_be_tested(void) {
    struct notifier_testing testing;
    struct outcome outcome = { .result = 1 };
    notifier_testing_open(&testing, noon);
    notifier_testing_channel(&testing, "ops");
    notifier_test_channel(testing.notifier, "ops", note, &outcome);
    CHECK_INT(outcome.result, 0);
    notifier_test_channel(testing.notifier, "none", note, &outcome);
    CHECK(outcome.result < 0);
    notifier_test_channel(testing.notifier, "people", note, &outcome);
    CHECK(outcome.result < 0);
    testing.people = "ada bob";
    notifier_test_channel(testing.notifier, "people", note, &outcome);
    CHECK_INT(outcome.result, 0);
    CHECK_INT(outcome.count, 4);
    notifier_testing_close(&testing);
}

static void channels_come_and_go(void) {
    struct notifier_testing testing;
    notifier_testing_open(&testing, noon);
    CHECK(notifier_find_channel(testing.notifier, "people")->is_built_in);
    CHECK(!notifier_remove_channel(testing.notifier, "people"));
    struct channel *people = channel_new("people", CHANNEL_PEOPLE);
    people->is_disabled = true;
    notifier_put_channel(testing.notifier, people);
    notifier_testing_channel(&testing, "ops");
    struct incident *a = warn(&testing, "a");
    notifier_testing_check(&testing, "0:00 ops a cpu fires\n");
    CHECK(notifier_remove_channel(testing.notifier, "ops"));
    CHECK(!notifier_remove_channel(testing.notifier, "ops"));
    notifier_testing_end(&testing, a);
    notifier_testing_pass(&testing, 60);
    notifier_testing_check(&testing, "");
    CHECK(notifier_remove_channel(testing.notifier, "people"));
    CHECK(!notifier_find_channel(testing.notifier, "people")->is_disabled);
    notifier_testing_close(&testing);
}

TESTS(TEST(one_incident_is_one_message),
      TEST(people_are_told_in_private_and_owners_alone),
      TEST(severity_and_nodes_choose_the_channels),
      TEST(an_outage_loses_nothing_and_repeats_nothing),
      TEST(one_broken_channel_holds_no_other),
      TEST(what_cannot_be_told_is_given_up_and_said),
      TEST(the_next_hub_goes_on),
      TEST(a_store_that_cannot_write_is_tried_again),
      TEST(it_is_repeated_until_somebody_looks_after_it),
      TEST(it_escalates_unless_somebody_looks_after_it),
      TEST(a_maintenance_window_begins_and_ends),
      TEST(a_window_comes_again),
      TEST(a_silence_taken_back_ends_at_once),
      TEST(the_night_is_quiet_and_told_in_the_morning),
      TEST(a_flood_becomes_one_message),
      TEST(what_hangs_on_a_router_is_told_when_the_router_is_back),
      TEST(history_and_sleepers_are_never_told),
      TEST(a_moved_chat_keeps_its_messages),
      TEST(a_week_is_told_when_a_channel_wants_it),
      TEST(a_channel_can_be_tested),
      TEST(channels_come_and_go))
