#include "chat/act/act_tests.h"

#include <string.h>

#include "base/check.h"
#include "chat/act/act_probes.h"
#include "chat/act/act_stability.h"
#include "chat/turn/turn_testing.h"

static struct turn *begin(void (*run)(struct turn *turn), const char *words) {
    struct turn *turn = turn_testing_new("nas", words);
    run(turn);
    return turn;
}

static void the_screen_leads_to_every_test(void) {
    struct turn *turn = begin(act_tests_screen, NULL);

    CHECK(strstr(turn_testing_shown(turn),
                 "[⚡ speed | speedtest nas] [🩺 diagnosis | diag nas]\n"
                 "[📶 stability… | stability nas]\n"
                 "[ping… | ping nas] [tcp… | tcp nas] [http… | http nas] "
                 "[dns… | dns nas]\n[‹ back | node nas]\n"));
    turn_testing_free(turn);
}

static void a_viewer_is_told_what_he_lacks(void) {
    struct turn *turn = turn_testing_new("nas", NULL);

    turn_testing_set_role(turn, ACTOR_VIEWER);
    act_tests_screen(turn);
    CHECK_TEXT(turn_testing_shown(turn),
               "SHOW\nnas: tests\nTests need the role of an operator on nas.\n"
               "[‹ back | node nas]\n");
    turn_testing_free(turn);
}

static void the_speed_test_shows_how_it_goes(void) {
    struct turn *turn = begin(act_tests_speed, NULL);

    CHECK_TEXT(turn_testing_calls(turn), "nas Probe/SpeedTest {}\n");
    CHECK(turn_testing_answer(turn, "Probe/SpeedTest",
                              "{\"phase\":\"download\",\"bitsPerSecond\":94000000}"));
    CHECK_TEXT(turn_testing_shown(turn),
               "PROGRESS\n⏳ nas: Speedtest\nDownload: 94.0 Mbit/s\n");
    CHECK(turn_testing_answer(
        turn, "Probe/SpeedTest",
        "{\"phase\":\"done\",\"downloadBitsPerSecond\":94000000,\"uploadBitsPerSecond\":"
        "1200000000,\"idle\":{\"count\":9,\"p50Ms\":1.25,\"jitterMs\":0.5}}"));
    CHECK_TEXT(turn_testing_shown(turn),
               "SHOW\n⚡ nas: Speedtest\nDownload: 94.0 Mbit/s\nUpload: 1.2 Gbit/s\n"
               "Round trip: 1.2 ms, jitter 0.5 ms\n[once more | speedtest nas]\n"
               "[‹ back | tests nas]\n");
    turn_testing_free(turn);
}

static void the_diagnosis_is_a_file_and_a_summary(void) {
    struct turn *turn = turn_testing_new("nas", NULL);

    turn_testing_speak(turn, russian_act);
    act_tests_diagnose(turn);
    CHECK(turn_testing_answer(
        turn, "Probe/Diagnose",
        "{\"text\":\"all of it\",\"sections\":[{\"name\":\"disks\",\"items\":[{\"name\":"
        "\"sda\",\"concern\":\"8 sectors were moved\"},{\"name\":\"sdb\"}]}]}"));
    CHECK_TEXT(
        turn_testing_shown(turn),
        "SHOW\nnas: диагностика\n⚠️ disks sda: 8 sectors were moved\n"
        "[diagnostics.txt, 9 bytes]\n[‹ назад | tests nas]\n");
    turn_testing_free(turn);
}

/* --- stability --- */

static void interval_and_length_are_buttons(void) {
    struct turn *turn = begin(act_stability_run, NULL);

    CHECK(strstr(turn_testing_shown(turn), "ASK stability nas\n"));
    CHECK(strstr(turn_testing_shown(turn),
                 "[every 10 ms | stability nas 10] [every 20 ms | stability nas 20]"));
    turn_testing_free(turn);

    turn = begin(act_stability_run, "50");
    CHECK(strstr(turn_testing_shown(turn),
                 "ASK stability nas 50\n📶 nas: stability\nEvery 50 ms. For how long?\n"
                 "[5 min | stability nas 50 300s] [15 min | stability nas 50 900s]"));
    CHECK(strstr(turn_testing_shown(turn), "[12 h | stability nas 50 43200s]"));
    CHECK(!strstr(turn_testing_shown(turn), "86400s")); /* more packets than may be */
    turn_testing_free(turn);
}

/* What buttons of older bots say, once they are lines. */
static void an_interval_of_one_millisecond_is_the_least_there_is(void) {
    struct turn *turn = begin(act_stability_run, "1ms 300");

    CHECK_TEXT(turn_testing_calls(turn), "nas Probe/Stability "
                                         "{\"intervalMs\":10,\"seconds\":300,"
                                         "\"chart\":true,\"operationId\":"
                                         "\"operation-0\"}\n");
    turn_testing_free(turn);
}

#define REPORT                                                                           \
    "{\"testId\":\"0123456789abcdef\",\"intervalMs\":100,\"sent\":1500,\"planned\":"     \
    "3000,\"lost\":3,\"lossPercent\":0.2,\"rtt\":{\"count\":1497,\"meanMs\":5,"          \
    "\"p95Ms\":8,\"p99Ms\":9,\"maxMs\":20,\"jitterMs\":1}"

static void it_shows_how_it_goes_and_the_chart_at_the_end(void) {
    struct turn *turn = begin(act_stability_run, "100 5m");

    CHECK(turn_testing_answer(turn, "Probe/Stability", REPORT "}"));
    CHECK_TEXT(turn_testing_shown(turn),
               "PROGRESS\n📶 nas: stability\n▓▓▓▓▓▓░░░░░░ 50 %\n"
               "Sent: 1500 of 3000, every 100 ms\nLost: 3 (0.20 %)\n"
               "Round trip: 5.0 ms; 95 % under 8.0, 99 % under 9.0, most 20.0\n"
               "Jitter: 1.0 ms\nTest 0123456789abcdef\n"
               "[end it now | stability nas --id 0123456789abcdef --end]\n");
    CHECK(turn_testing_answer(turn, "Probe/Stability",
                              REPORT ",\"done\":true,\"chartPng\":\"iVBORw==\"}"));
    CHECK(strstr(turn_testing_shown(turn), "SHOW\n[round trips, 4 bytes]\n"));
    CHECK(strstr(turn_testing_shown(turn), "✅ No outage of 3 seconds or more.\n"));
    CHECK(strstr(turn_testing_shown(turn), "[once more | stability nas 100 300s]\n"));
    turn_testing_free(turn);
}

static void outages_are_told(void) {
    struct turn *turn = begin(act_stability_run, "100 5m");

    CHECK(turn_testing_answer(turn, "Probe/Stability",
                              REPORT ",\"done\":true,\"outages\":[{\"start\":"
                                     "\"2026-11-21T12:00:00Z\",\"end\":"
                                     "\"2026-11-21T12:00:05Z\",\"lost\":50}]}"));
    CHECK(strstr(turn_testing_shown(turn), "Outage: 21.11. "));
    CHECK(strstr(turn_testing_shown(turn), ", 5 s\n"));
    turn_testing_free(turn);
}

/* The link went away: the node goes on, and so does the message. */
static void it_is_attached_to_again(void) {
    struct turn *turn = begin(act_stability_run, "100 5m");

    CHECK(turn_testing_answer(turn, "Probe/Stability", REPORT "}"));
    turn_testing_calls(turn);
    CHECK(turn_testing_end(turn, "Probe/Stability", GRPC_UNAVAILABLE, "gone"));
    turn_testing_pass(turn, 5000);
    CHECK(strstr(turn_testing_calls(turn), "\"testId\":\"0123456789abcdef\""));
    turn_testing_free(turn);
}

static void one_that_runs_is_ended(void) {
    struct turn *turn = begin(act_stability_run, "--id 0123456789abcdef --end");

    CHECK_TEXT(turn_testing_calls(turn),
               "nas Probe/Stability {\"testId\":\"0123456789abcdef\",\"chart\":true,"
               "\"end\":true}\n");
    turn_testing_free(turn);
}

/* The next hub asks by the same operation: no second test is begun. */
static void after_a_crash_the_same_one_is_asked_for(void) {
    struct turn *turn = turn_testing_new("nas", "100 5m");

    turn_testing_repeat(turn);
    act_stability_run(turn);
    CHECK_TEXT(turn_testing_calls(turn),
               "nas Probe/Stability {\"intervalMs\":100,\"seconds\":300,\"chart\":true,"
               "\"operationId\":\"operation-0\"}\n");
    turn_testing_free(turn);
}

static void one_that_runs_already_is_shown(void) {
    struct turn *turn = begin(act_stability_run, "100 5m");

    CHECK(turn_testing_end(turn, "Probe/Stability", GRPC_FAILED_PRECONDITION,
                           "test 0123456789abcdef of nas is running already"));
    CHECK_TEXT(turn_testing_shown(turn),
               "SHOW\n📶 nas: stability\nTest 0123456789abcdef runs already; a host has "
               "one at a time.\n[show it | stability nas --id 0123456789abcdef] "
               "[end it now | stability nas --id 0123456789abcdef --end]\n"
               "[‹ back | tests nas]\n");
    turn_testing_free(turn);
}

/* --- targets --- */

static void a_ping_is_told_answer_by_answer(void) {
    struct turn *turn = begin(act_probes_ping, "example.org 2");

    CHECK_TEXT(turn_testing_calls(turn),
               "nas Probe/Ping {\"host\":\"example.org\",\"count\":2}\n");
    CHECK(turn_testing_answer(turn, "Probe/Ping",
                              "{\"address\":\"192.0.2.1\",\"number\":1,\"rttMs\":1.5}"));
    CHECK_TEXT(turn_testing_shown(turn),
               "PROGRESS\n⏳ nas: ping example.org\n1  192.0.2.1  1.5 ms\n");
    CHECK(turn_testing_answer(turn, "Probe/Ping",
                              "{\"number\":2,\"done\":true,\"sent\":2,\"received\":1,"
                              "\"rtt\":{\"count\":1,\"meanMs\":1.5,\"minMs\":1.5,"
                              "\"maxMs\":1.5}}"));
    CHECK_TEXT(turn_testing_shown(turn),
               "SHOW\n✅ nas: ping example.org\n1  192.0.2.1  1.5 ms\n2  no answer\n"
               "Answered: 1 of 2\nRound trip: 1.5 ms, least 1.5, most 1.5\n"
               "[once more | ping nas example.org 2]\n[‹ back | tests nas]\n");
    turn_testing_free(turn);
}

static void a_target_that_lacks_is_asked_for(void) {
    struct turn *turn = begin(act_probes_dns, NULL);

    CHECK_TEXT(turn_testing_shown(turn), "ASK dns nas\nnas: dns\n"
                                         "Which name is to be looked up?\n"
                                         "[‹ back | tests nas]\n");
    turn_testing_free(turn);
}

static void addresses_are_read_in_each_form(void) {
    static const char *const rows[][2] = {
        { "example.org:22", "{\"host\":\"example.org\",\"port\":22}" },
        { "example.org 22", "{\"host\":\"example.org\",\"port\":22}" },
        { "[::1]:22", "{\"host\":\"::1\",\"port\":22}" },
        { "[::1] 22", "{\"host\":\"::1\",\"port\":22}" },
        { "example.org", NULL },
        { "example.org:0", NULL },
        { "example.org:65536", NULL },
        { ":22", NULL },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct turn *turn = begin(act_probes_tcp, rows[i][0]);
        if (rows[i][1])
            CHECK(strstr(turn_testing_calls(turn), rows[i][1]));
        else
            CHECK(strncmp(turn_testing_shown(turn), "COMPLAIN", 8) == 0);
        turn_testing_free(turn);
    }
}

static void a_connection_that_is_refused_is_no_failure_of_the_test(void) {
    struct turn *turn = begin(act_probes_tcp, "example.org:22");

    CHECK(turn_testing_answer(turn, "Probe/Tcp",
                              "{\"address\":\"192.0.2.1:22\",\"error\":\"refused\"}"));
    CHECK_TEXT(turn_testing_shown(turn),
               "SHOW\n🔴 nas: tcp example.org:22\nAddress: 192.0.2.1:22\nrefused\n"
               "[once more | tcp nas example.org:22]\n[‹ back | tests nas]\n");
    turn_testing_free(turn);
}

static void a_page_shows_status_and_certificate(void) {
    struct turn *turn = begin(act_probes_http, "example.org");

    CHECK(strstr(turn_testing_calls(turn), "\"url\":\"http://example.org\""));
    CHECK(
        turn_testing_answer(turn, "Probe/Http",
                            "{\"ok\":true,\"status\":200,\"firstByteMs\":12,\"totalMs\":"
                            "30,\"certificate\":{\"daysLeft\":61.5}}"));
    CHECK(strstr(turn_testing_shown(turn),
                 "Status: 200\nFirst byte: 12 ms\nWhole answer: 30 ms\n"
                 "Certificate: good for 62 more days\n"));
    turn_testing_free(turn);
}

static void a_policy_that_forbids_the_target_says_so(void) {
    struct turn *turn = begin(act_probes_dns, "example.org MX");

    CHECK(strstr(turn_testing_calls(turn), "\"type\":\"MX\""));
    CHECK(
        turn_testing_end(turn, "Probe/Dns", GRPC_PERMISSION_DENIED,
                         "the policy of this host does not allow probe 192.0.2.1:53: on "
                         "the host, roost-agent allow probe 192.0.2.1:53"));
    CHECK(strstr(turn_testing_shown(turn), "roost-agent allow probe 192.0.2.1:53\n"));
    turn_testing_free(turn);
}

TESTS(TEST(the_screen_leads_to_every_test),
      TEST(a_viewer_is_told_what_he_lacks),
      TEST(the_speed_test_shows_how_it_goes),
      TEST(the_diagnosis_is_a_file_and_a_summary),
      TEST(interval_and_length_are_buttons),
      TEST(an_interval_of_one_millisecond_is_the_least_there_is),
      TEST(it_shows_how_it_goes_and_the_chart_at_the_end),
      TEST(outages_are_told),
      TEST(it_is_attached_to_again),
      TEST(one_that_runs_is_ended),
      TEST(after_a_crash_the_same_one_is_asked_for),
      TEST(one_that_runs_already_is_shown),
      TEST(a_ping_is_told_answer_by_answer),
      TEST(a_target_that_lacks_is_asked_for),
      TEST(addresses_are_read_in_each_form),
      TEST(a_connection_that_is_refused_is_no_failure_of_the_test),
      TEST(a_page_shows_status_and_certificate),
      TEST(a_policy_that_forbids_the_target_says_so))
