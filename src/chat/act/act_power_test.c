#include "chat/act/act_power.h"

#include <string.h>

#include "base/check.h"
#include "chat/act/act_wake.h"
#include "chat/turn/turn_testing.h"

static void the_screen_has_what_is_planned(void) {
    struct turn *turn = turn_testing_new("nas", NULL);

    act_power_screen(turn);
    CHECK(turn_testing_answer(turn, "Power/Status",
                              "{\"planned\":\"reboot\",\"at\":\"2026-11-21T12:05:00Z\","
                              "\"inhibitors\":[\"apt: upgrading\"]}"));
    CHECK(strstr(turn_testing_shown(turn), "SHOW\nnas: power\nIt restarts on 21.11. "));
    CHECK(strstr(turn_testing_shown(turn),
                 "Would hold it up: apt: upgrading\n"
                 "[cancel what is planned | reboot nas cancel]\n"
                 "[↻ restart… | reboot nas] [in 5 min… | reboot nas in 5m]\n"
                 "[⏻ shut down… | shutdown nas] [in 5 min… | shutdown nas in 5m]\n"
                 "[‹ back | node nas]\n"));
    turn_testing_free(turn);
}

static void an_offline_host_can_be_woken(void) {
    struct turn *turn = turn_testing_new("nas", NULL);

    turn_testing_speak(turn, russian_act);
    act_power_screen(turn);
    CHECK(turn_testing_end(turn, "Power/Status", GRPC_UNAVAILABLE,
                           "node \"nas\" is offline"));
    CHECK_TEXT(turn_testing_shown(turn),
               "SHOW\nnas: питание\nУзел не на связи.\nnode \"nas\" is offline\n"
               "[☀ разбудить | wake nas]\n[‹ назад | node nas]\n");
    turn_testing_free(turn);
}

static void a_viewer_has_no_buttons_that_act(void) {
    struct turn *turn = turn_testing_new("nas", NULL);

    turn_testing_set_role(turn, ACTOR_VIEWER);
    act_power_screen(turn);
    CHECK(turn_testing_answer(turn, "Power/Status", "{}"));
    CHECK_TEXT(turn_testing_shown(turn),
               "SHOW\nnas: power\nNothing is planned.\n[‹ back | node nas]\n");
    turn_testing_free(turn);
}

/* What older bots did at once is asked here. */
static void a_reboot_is_confirmed(void) {
    struct turn *turn = turn_testing_new("nas", "in 5m");

    act_power_reboot(turn);
    CHECK_TEXT(turn_testing_calls(turn), "");
    CHECK_TEXT(
        turn_testing_shown(turn),
        "SHOW\n⚠️ Restart nas?\nIn: 5 min\nAll that runs there ends; it is back "
        "within minutes, if all is well.\n"
        "[yes, restart it | !reboot nas in 300s]\n[‹ back | power nas]\n");
    turn_testing_free(turn);
}

static struct turn *confirmed(const char *words, void (*run)(struct turn *turn)) {
    struct turn *turn = turn_testing_new("nas", words);

    turn_testing_confirm(turn);
    run(turn);
    return turn;
}

static void a_planned_one_can_be_cancelled(void) {
    struct turn *turn = confirmed("in 300s", act_power_reboot);

    CHECK_TEXT(turn_testing_calls(turn),
               "nas Power/Reboot {\"delayS\":300,\"operationId\":\"operation-0\"}\n");
    CHECK(
        turn_testing_answer(turn, "Power/Reboot",
                            "{\"planned\":\"reboot\",\"at\":\"2026-11-21T12:05:00Z\"}"));
    CHECK(
        strstr(turn_testing_shown(turn), "[cancel what is planned | reboot nas cancel]"));
    turn_testing_free(turn);

    turn = turn_testing_new("nas", "cancel");
    act_power_reboot(turn);
    CHECK_TEXT(turn_testing_calls(turn),
               "nas Power/Cancel {\"operationId\":\"operation-0\"}\n");
    CHECK(turn_testing_answer(turn, "Power/Cancel", "{}"));
    CHECK_TEXT(turn_testing_shown(turn),
               "SHOW\n✅ nas\nNothing is planned any more.\n[‹ back | power nas]\n");
    turn_testing_free(turn);
}

static void a_shutdown_is_told(void) {
    struct turn *turn = confirmed("in 0s", act_power_shutdown);

    CHECK(turn_testing_answer(
        turn, "Power/Shutdown",
        "{\"planned\":\"poweroff\",\"at\":\"2026-11-21T12:00:01Z\"}"));
    CHECK_TEXT(turn_testing_shown(turn),
               "SHOW\n✅ nas\nIt shuts down now.\n[‹ back | power nas]\n");
    turn_testing_free(turn);
}

static void the_policy_refuses_with_the_command_that_would_allow_it(void) {
    struct turn *turn = turn_testing_new("nas", NULL);

    turn_testing_speak(turn, russian_act);
    turn_testing_confirm(turn);
    act_power_reboot(turn);
    CHECK(turn_testing_end(turn, "Power/Reboot", GRPC_PERMISSION_DENIED,
                           "the policy of this host does not allow power reboot: on the "
                           "host, roost-agent allow power reboot"));
    CHECK_TEXT(turn_testing_shown(turn),
               "SHOW\n⛔ nas: reboot: отказано\n"
               "Политика этого узла не разрешает «power reboot».\n"
               "Разрешить может его владелец, на узле:\nroost-agent allow power reboot\n"
               "[скопировать команду | =roost-agent allow power reboot]\n"
               "[‹ назад | power nas]\n");
    turn_testing_free(turn);
}

static void a_denial_and_what_root_must_do_are_told_apart(void) {
    struct turn *turn = confirmed(NULL, act_power_reboot);

    CHECK(
        turn_testing_end(turn, "Power/Reboot", GRPC_PERMISSION_DENIED,
                         "systemd does not let the agent do this: on the host, as root, "
                         "roost-agent policy apply"));
    CHECK(strstr(turn_testing_shown(turn),
                 "systemd does not let the agent do this\n"
                 "Whoever may, runs on the host, as root:\nroost-agent policy apply\n"));
    turn_testing_free(turn);
}

static void nonsense_is_complained_of(void) {
    static const char *const rows[] = { "in never", "8d", "soon" };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct turn *turn = turn_testing_new("nas", rows[i]);
        act_power_reboot(turn);
        CHECK(strncmp(turn_testing_shown(turn), "COMPLAIN", 8) == 0);
        turn_testing_free(turn);
    }
}

/* --- waking --- */

#define SLEEPER                                                                          \
    "{\"name\":\"nas\",\"state\":\"OFFLINE\",\"kind\":\"AGENT\",\"networks\":"           \
    "[\"aa:bb:cc:dd:ee:ff 192.0.2.0/24\"]}"

static void a_neighbour_in_the_same_network_sends_the_call(void) {
    struct turn *turn = turn_testing_new("nas", NULL);

    act_wake_run(turn);
    CHECK(turn_testing_answer(
        turn, "Nodes/List",
        "{\"nodes\":[" SLEEPER ",{\"name\":\"far\",\"state\":\"ONLINE\",\"kind\":"
        "\"AGENT\",\"networks\":[\"11:22:33:44:55:66 198.51.100.0/24\"]},{\"name\":"
        "\"pi\",\"state\":\"ONLINE\",\"kind\":\"AGENT\",\"networks\":"
        "[\"11:22:33:44:55:77 192.0.2.0/24\"]}]}"));
    CHECK(strstr(turn_testing_calls(turn),
                 "pi Power/Wake {\"mac\":\"aa:bb:cc:dd:ee:ff\",\"operationId\":"
                 "\"operation-0\"}\n"));
    CHECK(turn_testing_answer(turn, "Power/Wake", "{\"sent\":[\"eth0 192.0.2.255:9\"]}"));
    CHECK(strstr(turn_testing_shown(turn),
                 "✅ nas was called to wake\nSent into: eth0 192.0.2.255:9\n"));
    turn_testing_free(turn);
}

static void without_a_neighbour_somebody_is_chosen(void) {
    struct turn *turn = turn_testing_new("nas", NULL);

    act_wake_run(turn);
    CHECK(turn_testing_answer(turn, "Nodes/List",
                              "{\"nodes\":[" SLEEPER ",{\"name\":\"far\",\"state\":"
                              "\"ONLINE\",\"kind\":\"AGENT\"}]}"));
    CHECK(strstr(turn_testing_shown(turn), "[far | wake nas --via far]"));
    turn_testing_free(turn);
}

static void one_that_is_awake_is_left_alone(void) {
    struct turn *turn = turn_testing_new("nas", NULL);

    act_wake_run(turn);
    CHECK(turn_testing_answer(turn, "Nodes/List",
                              "{\"nodes\":[{\"name\":\"nas\",\"state\":\"ONLINE\"}]}"));
    CHECK(strstr(turn_testing_shown(turn), "nas is awake already\n"));
    turn_testing_free(turn);
}

TESTS(TEST(the_screen_has_what_is_planned),
      TEST(an_offline_host_can_be_woken),
      TEST(a_viewer_has_no_buttons_that_act),
      TEST(a_reboot_is_confirmed),
      TEST(a_planned_one_can_be_cancelled),
      TEST(a_shutdown_is_told),
      TEST(the_policy_refuses_with_the_command_that_would_allow_it),
      TEST(a_denial_and_what_root_must_do_are_told_apart),
      TEST(nonsense_is_complained_of),
      TEST(a_neighbour_in_the_same_network_sends_the_call),
      TEST(without_a_neighbour_somebody_is_chosen),
      TEST(one_that_is_awake_is_left_alone))
