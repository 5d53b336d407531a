#include "chat/act/act_approvals.h"

#include <string.h>

#include "base/check.h"
#include "chat/act/approval_card.h"
#include "chat/turn/turn_testing.h"

#define ITEM                                                                             \
    "{\"id\":\"3f2a9c00dead\",\"state\":\"WAITING\",\"node\":\"nas\",\"method\":"        \
    "\"/roost.v1.Power/Reboot\",\"requestJson\":\"{\\\"delayS\\\":0}\",\"askedBy\":"     \
    "\"bob\",\"consentTag\":\"prod\"}"
#define OWN                                                                              \
    "{\"id\":\"77770000dead\",\"state\":\"WAITING\",\"node\":\"pi\",\"method\":"         \
    "\"/roost.v1.Units/Stop\",\"askedBy\":\"ada\",\"consentTag\":\"prod\"}"

static struct turn *begin(void (*run)(struct turn *turn), const char *words) {
    struct turn *turn = turn_testing_new(NULL, words);
    run(turn);
    return turn;
}

static void the_only_one_is_shown_with_its_buttons(void) {
    struct turn *turn = begin(act_approvals_list, NULL);

    CHECK(turn_testing_answer(turn, "Approvals/List", "{\"approvals\":[" ITEM "]}"));
    CHECK_TEXT(turn_testing_shown(turn),
               "SHOW\n✋ nas: restart the host\nAsked by: bob\n{\"delayS\":0}\n"
               "A second person is to agree, because of the tag @prod: an operator, who "
               "is not bob.\n"
               "[agree… | approve 3f2a9c00dead] [say no | reject 3f2a9c00dead]\n"
               "[‹ back | approvals]\n");
    turn_testing_free(turn);
}

static void several_are_a_list(void) {
    struct turn *turn = turn_testing_new(NULL, NULL);

    turn_testing_speak(turn, russian_act);
    act_approvals_list(turn);
    CHECK(turn_testing_answer(turn, "Approvals/List",
                              "{\"approvals\":[" ITEM "," OWN "]}"));
    CHECK(strstr(turn_testing_shown(turn), "✋ Что ждёт согласия\n"));
    CHECK(strstr(turn_testing_shown(turn), "| approvals 77770000dead]"));
    turn_testing_free(turn);
}

/* Nobody agrees to what he asked for himself. */
static void ones_own_can_only_be_taken_back(void) {
    struct turn *turn = begin(act_approvals_approve, "7777");

    CHECK(turn_testing_answer(turn, "Approvals/List",
                              "{\"approvals\":[" ITEM "," OWN "]}"));
    CHECK(!strstr(turn_testing_shown(turn), "| approve"));
    CHECK(!strstr(turn_testing_shown(turn), "!approve"));
    CHECK(strstr(turn_testing_shown(turn), "[take it back | reject 77770000dead]"));
    turn_testing_free(turn);
}

static void agreeing_is_confirmed(void) {
    struct turn *turn = begin(act_approvals_approve, "3f2a");

    CHECK(turn_testing_answer(turn, "Approvals/List",
                              "{\"approvals\":[" ITEM "," OWN "]}"));
    CHECK(strstr(turn_testing_shown(turn),
                 "With your word it is done at once.\n"
                 "[yes, let it go on | !approve 3f2a9c00dead]"));
    turn_testing_free(turn);

    turn = turn_testing_new(NULL, "3f2a9c00dead");
    turn_testing_confirm(turn);
    act_approvals_approve(turn);
    CHECK_TEXT(turn_testing_calls(turn),
               "- Approvals/Approve {\"id\":\"3f2a9c00dead\"}\n");
    CHECK(turn_testing_answer(turn, "Approvals/Approve",
                              "{\"id\":\"3f2a9c00dead\",\"state\":\"APPROVED\",\"node\":"
                              "\"nas\",\"method\":\"/roost.v1.Power/Reboot\",\"askedBy\":"
                              "\"bob\",\"decidedBy\":\"ada\"}"));
    CHECK_TEXT(turn_testing_shown(turn), "SHOW\n✅ nas: restart the host\nAsked by: bob\n"
                                         "Agreed to by ada.\n");
    turn_testing_free(turn);
}

static void what_was_decided_meanwhile_is_said(void) {
    struct turn *turn = turn_testing_new(NULL, "3f2a9c00dead");

    turn_testing_confirm(turn);
    act_approvals_approve(turn);
    CHECK(turn_testing_end(turn, "Approvals/Approve", GRPC_NOT_FOUND, "no"));
    CHECK(strstr(turn_testing_shown(turn), "Nothing waits under 3f2a9c00dead\n"));
    turn_testing_free(turn);
}

static void a_reason_goes_along_with_a_no(void) {
    struct turn *turn = begin(act_approvals_reject, "3f2a not today, please");

    CHECK_TEXT(turn_testing_calls(turn),
               "- Approvals/Reject {\"id\":\"3f2a\",\"reason\":\"not today, please\"}\n");
    turn_testing_free(turn);
}

static void a_signature_is_not_made_in_a_chat(void) {
    Roost__V1__Approval item = ROOST__V1__APPROVAL__INIT;
    struct buf text = { 0 };

    item.id = "3f2a9c";
    item.state = ROOST__V1__APPROVAL__STATE__WAITING;
    item.node = "nas";
    item.method = "/roost.v1.Power/Shutdown";
    item.asked_by = "bob";
    item.needs_signature = true;
    struct view *view = approval_card_view(WORDS_RUSSIAN, &item, true);
    view_print(view, &text);
    CHECK_TEXT(buf_text(&text),
               "✋ nas: выключить узел\nПросит: bob\nУзел требует подпись оператора, её "
               "делают в командной строке:\nroost approve 3f2a9c\n[отклонить]\n");
    buf_done(&text);
    view_free(view);
}

TESTS(TEST(the_only_one_is_shown_with_its_buttons),
      TEST(several_are_a_list),
      TEST(ones_own_can_only_be_taken_back),
      TEST(agreeing_is_confirmed),
      TEST(what_was_decided_meanwhile_is_said),
      TEST(a_reason_goes_along_with_a_no),
      TEST(a_signature_is_not_made_in_a_chat))
