#include "chat/act/act_processes.h"

#include <string.h>

#include "base/check.h"
#include "chat/turn/turn_testing.h"

#define NGINX                                                                            \
    "{\"pid\":812,\"name\":\"nginx\",\"user\":\"www\",\"state\":\"S\","                  \
    "\"startTicks\":\"77\",\"rssBytes\":\"4194304\",\"started\":"                        \
    "\"2026-11-21T10:00:00Z\",\"commandLine\":\"nginx: master\",\"safeKill\":true"

static struct turn *begin(void (*run)(struct turn *turn), const char *words) {
    struct turn *turn = turn_testing_new("nas", words);
    run(turn);
    return turn;
}

/* The second screen names host, process, user and effect, and its button is for this very
 * process. */
static void a_number_is_confirmed_with_its_start(void) {
    struct turn *turn = begin(act_processes_kill, "812");

    CHECK_TEXT(turn_testing_calls(turn), "nas Processes/Get {\"pid\":812}\n");
    CHECK(turn_testing_answer(turn, "Processes/Get", NGINX "}"));
    CHECK_TEXT(turn_testing_shown(turn),
               "SHOW\n"
               "⚠️ Signal a process of nas?\n"
               "Host: nas\n"
               "Process: nginx (812)\n"
               "User: www\n"
               "Runs for: 2 h\n"
               "Memory: 4.0 MiB\n"
               "nginx: master\n"
               "It is asked to end (SIGTERM).\n"
               "[yes, signal it | !kill nas 812 TERM --start 77]\n"
               "[kill at once… | kill nas 812 KILL --start 77] "
               "[pause… | pause nas 812 --start 77]\n"
               "[‹ back | ps nas]\n");
    CHECK(turn_testing_has_ended(turn));
    turn_testing_free(turn);
}

static void it_is_said_in_russian(void) {
    struct turn *turn = turn_testing_new("nas", "812 KILL");

    turn_testing_speak(turn, russian_act);
    act_processes_kill(turn);
    CHECK(turn_testing_answer(turn, "Processes/Get", NGINX "}"));
    CHECK_TEXT(turn_testing_shown(turn),
               "SHOW\n"
               "⚠️ Послать сигнал процессу на nas?\n"
               "Узел: nas\n"
               "Процесс: nginx (812)\n"
               "Пользователь: www\n"
               "Работает: 2 ч\n"
               "Память: 4.0 MiB\n"
               "nginx: master\n"
               "Он завершится сразу (SIGKILL); несохранённое пропадёт.\n"
               "[да, убить | !kill nas 812 KILL --start 77]\n"
               "[‹ назад | ps nas]\n");
    turn_testing_free(turn);
}

static struct turn *confirmed(const char *words, void (*run)(struct turn *turn)) {
    struct turn *turn = turn_testing_new("nas", words);

    turn_testing_confirm(turn);
    run(turn);
    return turn;
}

static void what_became_of_it_is_told_in_the_same_message(void) {
    struct turn *turn = confirmed("812 TERM --start 77", act_processes_kill);

    CHECK_TEXT(turn_testing_calls(turn),
               "nas Processes/Signal {\"pid\":812,\"startTicks\":\"77\",\"signal\":"
               "\"TERM\",\"operationId\":\"operation-0\"}\n");
    CHECK(turn_testing_answer(turn, "Processes/Signal", "{\"processes\":[" NGINX "}]}"));
    CHECK_TEXT(turn_testing_shown(turn),
               "PROGRESS\n⏳ nas: TERM → nginx (812)\nIt got the signal.\n");
    turn_testing_pass(turn, 700);
    CHECK(turn_testing_answer(turn, "Processes/Get", NGINX "}")); /* it still runs */
    turn_testing_pass(turn, 700);
    CHECK(turn_testing_end(turn, "Processes/Get", GRPC_NOT_FOUND, "no process 812"));
    CHECK_TEXT(turn_testing_shown(turn), "SHOW\n✅ nas: TERM → nginx (812)\n"
                                         "It has ended.\n[‹ back | ps nas]\n");
    turn_testing_free(turn);
}

static void what_does_not_end_is_offered_to_be_killed(void) {
    struct turn *turn = confirmed("812 TERM --start 77", act_processes_kill);

    CHECK(turn_testing_answer(turn, "Processes/Signal", "{\"processes\":[" NGINX "}]}"));
    for (int i = 0; i < 20 && !turn_testing_has_ended(turn); i++) {
        turn_testing_pass(turn, 700);
        turn_testing_answer(turn, "Processes/Get", NGINX "}");
    }
    CHECK_TEXT(turn_testing_shown(turn),
               "SHOW\n🟡 nas: TERM → nginx (812)\nIt got the signal and still runs.\n"
               "[kill at once… | kill nas 812 KILL --start 77]\n[‹ back | ps nas]\n");
    turn_testing_free(turn);
}

static void a_paused_one_stands_still_and_can_be_resumed(void) {
    struct turn *turn = confirmed("812 --start 77", act_processes_pause);

    CHECK(strstr(turn_testing_calls(turn), "\"signal\":\"STOP\""));
    CHECK(turn_testing_answer(turn, "Processes/Signal", "{\"processes\":[" NGINX "}]}"));
    turn_testing_pass(turn, 700);
    CHECK(turn_testing_answer(turn, "Processes/Get",
                              "{\"pid\":812,\"name\":\"nginx\",\"state\":\"T\"}"));
    CHECK_TEXT(turn_testing_shown(turn),
               "SHOW\n✅ nas: STOP → nginx (812)\nIt stands still.\n"
               "[resume… | resume nas 812 --start 77]\n[‹ back | ps nas]\n");
    turn_testing_free(turn);
}

static void several_of_one_name_are_listed(void) {
    struct turn *turn = begin(act_processes_kill, "nginx HUP");

    CHECK_TEXT(turn_testing_calls(turn),
               "nas Processes/List {\"filter\":\"nginx\",\"sort\":\"PROCESS_SORT_CPU\","
               "\"limit\":500,\"lookMs\":250}\n");
    CHECK(turn_testing_answer(
        turn, "Processes/List",
        "{\"processes\":[{\"pid\":9,\"name\":\"nginx-exporter\",\"user\":\"x\"}," NGINX
        ",\"cpuPercent\":1.5},{\"pid\":813,\"name\":\"nginx\",\"user\":\"www\","
        "\"startTicks\":\"78\",\"commandLine\":\"nginx:\\nworker\"}]}"));
    CHECK_TEXT(turn_testing_shown(turn),
               "SHOW\n2 processes are called \"nginx\": which?\n"
               "PID\tuser\tCPU\tmemory\tcommand\n"
               "812\twww\t1.5 %\t4.0 MiB\tnginx: master\n"
               "813\twww\t\t0 B\tnginx: worker\n"
               "[nginx (812) | kill nas 812 HUP --start 77]\n"
               "[nginx (813) | kill nas 813 HUP --start 78]\n"
               "[‹ back | ps nas]\n");
    turn_testing_free(turn);
}

static void a_part_of_a_name_is_a_question(void) {
    struct turn *turn = begin(act_processes_kill, "ngin");

    CHECK(turn_testing_answer(turn, "Processes/List", "{\"processes\":[" NGINX "}]}"));
    CHECK(
        strstr(turn_testing_shown(turn), "No process is called \"ngin\". One of these?"));
    CHECK(
        strstr(turn_testing_shown(turn), "[nginx (812) | kill nas 812 TERM --start 77"));
    turn_testing_free(turn);
}

static void one_of_a_name_is_confirmed(void) {
    struct turn *turn = begin(act_processes_resume, "nginx");

    CHECK(turn_testing_answer(turn, "Processes/List", "{\"processes\":[" NGINX "}]}"));
    CHECK(turn_testing_answer(turn, "Processes/Get", NGINX "}"));
    CHECK(strstr(turn_testing_shown(turn),
                 "[yes, resume it | !resume nas 812 --start 77]"));
    turn_testing_free(turn);
}

static void nobody_of_that_name_is_said(void) {
    struct turn *turn = begin(act_processes_kill, "nope");

    CHECK(turn_testing_answer(turn, "Processes/List", "{}"));
    CHECK(strstr(turn_testing_shown(turn), "No process \"nope\" on nas"));
    turn_testing_free(turn);
}

static void without_a_word_those_that_use_most_are_offered(void) {
    struct turn *turn = begin(act_processes_kill, NULL);

    CHECK(turn_testing_answer(turn, "Processes/Top", "{\"processes\":[" NGINX "}]}"));
    CHECK_TEXT(turn_testing_shown(turn),
               "ASK kill nas\nWhich process of nas?\n"
               "Write its name or number, or press one.\n"
               "[nginx (812) | kill nas 812 TERM --start 77]\n[‹ back | ps nas]\n");
    turn_testing_free(turn);
}

static void what_should_not_be_killed_says_why_and_wants_force(void) {
    struct turn *turn = begin(act_processes_kill, "1");

    CHECK(turn_testing_answer(turn, "Processes/Get",
                              "{\"pid\":1,\"name\":\"init\",\"user\":\"root\","
                              "\"startTicks\":\"5\",\"unsafeReason\":\"it is process "
                              "1\"}"));
    CHECK(strstr(turn_testing_shown(turn), "Better not: it is process 1.\n"));
    CHECK(strstr(turn_testing_shown(turn),
                 "[yes, in spite of that | !kill nas 1 TERM --start 5 --force]"));
    turn_testing_free(turn);
}

/* --- refusals --- */

static void the_policy_says_what_would_allow_it(void) {
    struct turn *turn = confirmed("812 TERM --start 77", act_processes_kill);

    CHECK(turn_testing_end(turn, "Processes/Signal", GRPC_PERMISSION_DENIED,
                           "the policy of this host does not allow signal nginx: on the "
                           "host, roost-agent allow signal nginx"));
    CHECK_TEXT(turn_testing_shown(turn),
               "SHOW\n⛔ nas: TERM → 812: refused\n"
               "The policy of this host does not allow \"signal nginx\".\n"
               "Its owner can allow it, on the host:\n"
               "roost-agent allow signal nginx\n"
               "[copy the command | =roost-agent allow signal nginx]\n"
               "[‹ back | ps nas]\n");
    turn_testing_free(turn);
}

static void another_process_by_now_is_refused(void) {
    struct turn *turn = confirmed("812 TERM --start 77", act_processes_kill);

    CHECK(turn_testing_end(turn, "Processes/Signal", GRPC_FAILED_PRECONDITION,
                           "812 is another process by now"));
    CHECK(strstr(turn_testing_shown(turn), "⛔ nas: TERM → 812: it failed\n"
                                           "812 is another process by now\n"));
    turn_testing_free(turn);
}

static void the_role_is_too_small(void) {
    struct turn *turn = confirmed("812 TERM --start 77", act_processes_kill);

    CHECK(turn_testing_end(turn, "Processes/Signal", GRPC_PERMISSION_DENIED,
                           "it needs the role operator; ada is viewer"));
    CHECK(strstr(turn_testing_shown(turn),
                 "refused\nit needs the role operator; ada is viewer\n"));
    turn_testing_free(turn);
}

static void an_offline_host_is_not_asked_again(void) {
    struct turn *turn = confirmed("812 TERM --start 77", act_processes_kill);

    turn_testing_calls(turn);
    CHECK(turn_testing_end(turn, "Processes/Signal", GRPC_UNAVAILABLE,
                           "node \"nas\" is offline, last seen 2026-11-21T11:00:00Z"));
    CHECK(strstr(turn_testing_shown(turn), "⛔ nas: TERM → 812: not reached\n"
                                           "The host is not online.\n"));
    CHECK(turn_testing_has_ended(turn));
    turn_testing_free(turn);
}

/* The link broke: the same is asked with the same id, and its answer counts. */
static void a_broken_link_is_asked_again_with_the_same_id(void) {
    struct turn *turn = confirmed("812 TERM --start 77", act_processes_kill);

    turn_testing_calls(turn);
    CHECK(turn_testing_end(turn, "Processes/Signal", GRPC_UNKNOWN, "the link broke"));
    CHECK(!turn_testing_has_ended(turn));
    turn_testing_pass(turn, 2000);
    CHECK(strstr(turn_testing_calls(turn), "\"operationId\":\"operation-0\""));
    CHECK(turn_testing_answer(turn, "Processes/Signal", "{\"processes\":[" NGINX "}]}"));
    CHECK(strstr(turn_testing_shown(turn), "It got the signal."));
    turn_testing_free(turn);
}

static void an_outcome_that_nobody_knows_is_said_to_be_so(void) {
    struct turn *turn = confirmed("812 TERM --start 77", act_processes_kill);

    CHECK(turn_testing_end(turn, "Processes/Signal", GRPC_UNKNOWN,
                           "the outcome is not known: it was begun"));
    CHECK_TEXT(turn_testing_shown(turn),
               "SHOW\n❓ nas: TERM → 812: the outcome is not known\n"
               "the outcome is not known: it was begun\n"
               "It was asked for, and no answer came: look before you ask again.\n"
               "[‹ back | ps nas]\n");
    turn_testing_free(turn);
}

static void a_link_that_stays_broken_ends_unknown(void) {
    struct turn *turn = confirmed("812 TERM --start 77", act_processes_kill);

    for (int i = 0; i < 50 && !turn_testing_has_ended(turn); i++) {
        turn_testing_end(turn, "Processes/Signal", i ? GRPC_UNAVAILABLE : GRPC_UNKNOWN,
                         "node \"nas\" is offline, last seen a moment ago");
        turn_testing_pass(turn, 2000);
    }
    CHECK(strstr(turn_testing_shown(turn), "❓ nas: TERM → 812"));
    turn_testing_free(turn);
}

/* A second person has to agree: who, is shown, until it is decided. */
static void an_act_that_waits_says_for_whom(void) {
    struct turn *turn = confirmed("812 TERM --start 77", act_processes_kill);

    turn_testing_pass(turn, 700);
    CHECK(turn_testing_answer(
        turn, "Approvals/List",
        "{\"approvals\":[{\"id\":\"aaaabbbb\",\"state\":\"WAITING\",\"node\":\"pi\","
        "\"method\":\"/roost.v1.Processes/Signal\",\"askedBy\":\"ada\"},{\"id\":"
        "\"3f2a9c\",\"state\":\"WAITING\",\"node\":\"nas\",\"method\":"
        "\"/roost.v1.Processes/Signal\",\"askedBy\":\"ada\",\"consentTag\":\"prod\"}]}"));
    CHECK_TEXT(turn_testing_shown(turn),
               "PROGRESS\n⏳ nas: TERM → 812\n"
               "It waits: a second person has to agree, since nas has the tag @prod. An "
               "operator of it, who is not ada.\n"
               "Number 3f2a9c. It lapses when nobody decides.\n");
    CHECK(turn_testing_end(turn, "Processes/Signal", GRPC_PERMISSION_DENIED,
                           "bob rejected it: not today"));
    CHECK(strstr(turn_testing_shown(turn), "refused\nbob rejected it: not today\n"));
    turn_testing_free(turn);
}

static void an_act_that_waits_for_a_signature_says_how(void) {
    struct turn *turn = confirmed("812 TERM --start 77", act_processes_kill);

    turn_testing_pass(turn, 700);
    CHECK(turn_testing_answer(turn, "Approvals/List", "{}"));
    turn_testing_pass(turn, 4000);
    CHECK(turn_testing_answer(
        turn, "Approvals/List",
        "{\"approvals\":[{\"id\":\"3f2a9c\",\"state\":\"WAITING\",\"node\":\"nas\","
        "\"method\":\"/roost.v1.Processes/Signal\",\"askedBy\":\"ada\","
        "\"needsSignature\":true}]}"));
    CHECK(strstr(turn_testing_shown(turn), "roost approve 3f2a9c\n"));
    turn_testing_free(turn);
}

static void words_that_make_no_sense_are_complained_of(void) {
    static const char *const rows[] = { "812 T;RM", "812 -9", "812 TERM --start x" };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct turn *turn = begin(act_processes_kill, rows[i]);
        CHECK(strncmp(turn_testing_shown(turn), "COMPLAIN", 8) == 0);
        turn_testing_free(turn);
    }
}

TESTS(TEST(a_number_is_confirmed_with_its_start),
      TEST(it_is_said_in_russian),
      TEST(what_became_of_it_is_told_in_the_same_message),
      TEST(what_does_not_end_is_offered_to_be_killed),
      TEST(a_paused_one_stands_still_and_can_be_resumed),
      TEST(several_of_one_name_are_listed),
      TEST(a_part_of_a_name_is_a_question),
      TEST(one_of_a_name_is_confirmed),
      TEST(nobody_of_that_name_is_said),
      TEST(without_a_word_those_that_use_most_are_offered),
      TEST(what_should_not_be_killed_says_why_and_wants_force),
      TEST(the_policy_says_what_would_allow_it),
      TEST(another_process_by_now_is_refused),
      TEST(the_role_is_too_small),
      TEST(an_offline_host_is_not_asked_again),
      TEST(a_broken_link_is_asked_again_with_the_same_id),
      TEST(an_outcome_that_nobody_knows_is_said_to_be_so),
      TEST(a_link_that_stays_broken_ends_unknown),
      TEST(an_act_that_waits_says_for_whom),
      TEST(an_act_that_waits_for_a_signature_says_how),
      TEST(words_that_make_no_sense_are_complained_of))
