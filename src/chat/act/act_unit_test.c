#include "chat/act/act_unit.h"

#include <string.h>

#include "base/check.h"
#include "chat/act/act_units.h"
#include "chat/turn/turn_testing.h"

#define NGINX                                                                            \
    "{\"name\":\"nginx.service\",\"description\":\"A web server\",\"loadState\":"        \
    "\"loaded\",\"activeState\":\"active\",\"subState\":\"running\",\"fileState\":"      \
    "\"enabled\",\"since\":\"2026-11-21T09:00:00Z\",\"mainPid\":812,\"memoryBytes\":"    \
    "\"10485760\",\"tasks\":\"4\",\"result\":\"success\",\"canReload\":true}"
#define FAILED                                                                           \
    "{\"name\":\"nginx.service\",\"loadState\":\"loaded\",\"activeState\":\"failed\","   \
    "\"subState\":\"failed\",\"fileState\":\"disabled\",\"result\":\"exit-code\","       \
    "\"exitCode\":1,\"restarts\":5}"

static struct turn *begin(const char *words) {
    struct turn *turn = turn_testing_new("nas", words);
    act_unit_run(turn);
    return turn;
}

static void failed_ones_come_first_and_states_are_marks(void) {
    struct turn *turn = turn_testing_new("nas", NULL);

    act_units_list(turn);
    CHECK_TEXT(turn_testing_calls(turn), "nas Units/List {\"types\":[\"service\"]}\n");
    CHECK(turn_testing_answer(
        turn, "Units/List",
        "{\"units\":[{\"name\":\"b.service\",\"activeState\":\"active\"},{\"name\":"
        "\"a b.service\",\"activeState\":\"inactive\"},{\"name\":\"z.service\","
        "\"activeState\":\"failed\"},{\"name\":\"c.service\",\"activeState\":"
        "\"activating\"}]}"));
    CHECK_TEXT(
        turn_testing_shown(turn),
        "SHOW\nnas: services\n4 in all, 1 failed\n"
        "[🔴 z | service nas z.service] [🟡 c | service nas c.service]\n"
        "[🟢 b | service nas b.service] [⚪ a b | service nas \"a b.service\"]\n"
        "[refresh | units nas] [only failed | failed nas] [‹ back | node nas]\n");
    turn_testing_free(turn);
}

static void long_lists_have_pages(void) {
    struct turn *turn = turn_testing_new("nas", "ssh --page 1");
    struct buf json = { 0 };

    act_units_list(turn);
    CHECK(strstr(turn_testing_calls(turn), "\"filter\":\"ssh\""));
    buf_add_text(&json, "{\"units\":[");
    for (int i = 0; i < 25; i++)
        buf_printf(&json, "%s{\"name\":\"u%02d.timer\",\"activeState\":\"active\"}",
                   i ? "," : "", i);
    buf_add_text(&json, "]}");
    CHECK(turn_testing_answer(turn, "Units/List", buf_text(&json)));
    buf_done(&json);
    CHECK(strstr(turn_testing_shown(turn), "nas: services with \"ssh\"\n"));
    CHECK(strstr(turn_testing_shown(turn), "page 2 of 3\n"));
    CHECK(strstr(turn_testing_shown(turn), "[🟢 u10.timer | service nas u10.timer]"));
    CHECK(!strstr(turn_testing_shown(turn), "u20.timer"));
    CHECK(strstr(turn_testing_shown(turn), "[◀ | units nas ssh] "
                                           "[▶ | units nas ssh --page 2]"));
    turn_testing_free(turn);
}

static void none_failed_is_good_news(void) {
    struct turn *turn = turn_testing_new("nas", NULL);

    turn_testing_speak(turn, russian_act);
    act_units_failed(turn);
    CHECK(strstr(turn_testing_calls(turn), "\"activeState\":\"failed\""));
    CHECK(turn_testing_answer(turn, "Units/List", "{}"));
    CHECK_TEXT(turn_testing_shown(turn),
               "SHOW\nnas: сбойные службы\n✅ Сбоев нет.\n"
               "[обновить | failed nas] [все | units nas] [‹ назад | node nas]\n");
    turn_testing_free(turn);
}

static void a_host_without_systemd_says_so(void) {
    struct turn *turn = turn_testing_new("nas", NULL);

    act_units_list(turn);
    CHECK(turn_testing_end(turn, "Units/List", GRPC_UNIMPLEMENTED, "no"));
    CHECK(strstr(turn_testing_shown(turn), "This host has no systemd.\n"));
    turn_testing_free(turn);
}

static void a_service_shows_its_state_and_last_lines(void) {
    struct turn *turn = begin("nginx");

    CHECK(turn_testing_answer(turn, "Units/Get", NGINX));
    CHECK(strstr(turn_testing_calls(turn),
                 "nas Units/Logs {\"unit\":\"nginx.service\",\"lines\":8}\n"));
    CHECK(turn_testing_answer(turn, "Units/Logs", "{\"message\":\"started\"}"));
    CHECK(turn_testing_end(turn, "Units/Logs", GRPC_OK, ""));
    CHECK(strstr(turn_testing_shown(turn),
                 "SHOW\n🟢 nginx.service · nas\nA web server\n"
                 "State: active (running), for 3 h\nWith the host: enabled\n"
                 "Memory: 10.0 MiB\nMain process: 812\nTasks: 4\n"));
    CHECK(strstr(turn_testing_shown(turn), " started\n"));
    CHECK(strstr(turn_testing_shown(turn),
                 "[■ stop | service nas nginx.service stop] "
                 "[↻ restart | service nas nginx.service restart] "
                 "[reload | service nas nginx.service reload]\n"
                 "[disable | service nas nginx.service disable]\n"
                 "[logs | logs nas nginx.service] [refresh | service nas nginx.service] "
                 "[process… | kill nas 812]\n[‹ back | units nas]\n"));
    turn_testing_free(turn);
}

/* Who may only look has neither lines nor buttons that act. */
static void a_viewer_only_looks(void) {
    struct turn *turn = turn_testing_new("nas", "nginx");

    turn_testing_set_role(turn, ACTOR_VIEWER);
    act_unit_run(turn);
    CHECK(turn_testing_answer(turn, "Units/Get", FAILED));
    CHECK_TEXT(turn_testing_shown(turn),
               "SHOW\n🔴 nginx.service · nas\nState: failed (failed)\n"
               "With the host: disabled\nLast result: exit-code (1)\nRestarts: 5\n"
               "[refresh | service nas nginx.service]\n[‹ back | units nas]\n");
    turn_testing_free(turn);
}

static void what_ends_something_is_confirmed(void) {
    struct turn *turn = begin("nginx restart");

    CHECK(turn_testing_answer(turn, "Units/Get", NGINX));
    CHECK_TEXT(turn_testing_shown(turn),
               "SHOW\n⚠️ nginx.service: ↻ restart?\nHost: nas\nState: 🟢 active "
               "(running)\nIt stops and starts again; what it has open is lost.\n"
               "[yes, do it | !service nas nginx.service restart]\n"
               "[‹ back | service nas nginx.service]\n");
    turn_testing_free(turn);
}

static void both_orders_of_words_are_fine(void) {
    struct turn *turn = begin("restart nginx");

    CHECK_TEXT(turn_testing_calls(turn), "nas Units/Get {\"name\":\"nginx\"}\n");
    turn_testing_free(turn);
}

static void a_start_needs_no_second_screen_and_tells_the_outcome(void) {
    struct turn *turn = begin("nginx start");

    CHECK_TEXT(turn_testing_calls(turn),
               "nas Units/Start {\"name\":\"nginx\",\"operationId\":\"operation-0\"}\n");
    CHECK_TEXT(turn_testing_shown(turn), "PROGRESS\n⏳ nginx · nas\nIt is started.\n");
    CHECK(turn_testing_answer(turn, "Units/Start",
                              "{\"unit\":" NGINX ",\"jobResult\":\"done\"}"));
    CHECK(turn_testing_end(turn, "Units/Logs", GRPC_PERMISSION_DENIED, "no"));
    CHECK(strstr(turn_testing_shown(turn), "✅ It was started.\n"));
    turn_testing_free(turn);
}

static void a_job_that_failed_says_why_with_the_last_lines(void) {
    struct turn *turn = begin("nginx start");

    CHECK(
        turn_testing_answer(turn, "Units/Start",
                            "{\"unit\":" FAILED ",\"jobResult\":\"failed\",\"reason\":"
                            "\"exit code 1\",\"log\":[{\"message\":\"bind: in use\"}]}"));
    CHECK(strstr(turn_testing_shown(turn), "⛔ It failed: exit code 1\nbind: in use\n"));
    CHECK(turn_testing_has_ended(turn));
    turn_testing_free(turn);
}

static void two_presses_are_one_operation(void) {
    struct turn *first = turn_testing_new("nas", "nginx stop");
    struct turn *second = turn_testing_new("nas", "nginx stop");

    turn_testing_confirm(first);
    turn_testing_confirm(second);
    turn_testing_repeat(second); /* the same turn, run by the next hub */
    act_unit_run(first);
    act_unit_run(second);
    CHECK_TEXT(turn_testing_calls(first), turn_testing_calls(second));
    turn_testing_free(first);
    turn_testing_free(second);
}

static void the_agent_itself_wants_force(void) {
    struct turn *turn = begin("roost-agent stop");

    CHECK(turn_testing_answer(turn, "Units/Get",
                              "{\"name\":\"roost-agent.service\",\"activeState\":"
                              "\"active\",\"isOwn\":true}"));
    CHECK(strstr(turn_testing_shown(turn),
                 "[yes, in spite of that | !service nas roost-agent.service stop "
                 "--force]"));
    turn_testing_free(turn);
}

static void an_unknown_verb_is_complained_of(void) {
    struct turn *turn = begin("nginx explode");

    CHECK_TEXT(turn_testing_shown(turn),
               "COMPLAIN\n\"explode\" is nothing that is done to a service\n");
    turn_testing_free(turn);
}

TESTS(TEST(failed_ones_come_first_and_states_are_marks),
      TEST(long_lists_have_pages),
      TEST(none_failed_is_good_news),
      TEST(a_host_without_systemd_says_so),
      TEST(a_service_shows_its_state_and_last_lines),
      TEST(a_viewer_only_looks),
      TEST(what_ends_something_is_confirmed),
      TEST(both_orders_of_words_are_fine),
      TEST(a_start_needs_no_second_screen_and_tells_the_outcome),
      TEST(a_job_that_failed_says_why_with_the_last_lines),
      TEST(two_presses_are_one_operation),
      TEST(the_agent_itself_wants_force),
      TEST(an_unknown_verb_is_complained_of))
