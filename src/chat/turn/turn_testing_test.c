#include "chat/turn/turn_testing.h"

#include "base/check.h"
#include "roost/v1/nodes.pb-c.h"

static void words_are_unquoted_and_flags_are_none(void) {
    struct turn *turn =
        turn_testing_new("nas", "one \"t w\\\" o\" --page 2 --mine {\"a\":1} --user ada");

    CHECK_INT(turn_count(turn), 3);
    CHECK_TEXT(turn_word(turn, 0), "one");
    CHECK_TEXT(turn_word(turn, 1), "t w\" o");
    CHECK_TEXT(turn_word(turn, 2), "{\"a\":1}");
    CHECK(!turn_word(turn, 3));
    CHECK_TEXT(turn_rest(turn, 1), "\"t w\\\" o\" --page 2 --mine {\"a\":1} --user ada");
    CHECK_TEXT(turn_flag(turn, "page"), "2");
    CHECK_TEXT(turn_flag(turn, "mine"), "");
    CHECK_TEXT(turn_flag(turn, "user"), "ada");
    CHECK(!turn_flag(turn, "one"));
    turn_testing_free(turn);
}

static void show_name(struct turn *turn,
                      void *arg,
                      enum grpc_status status,
                      const char *message,
                      const ProtobufCMessage *reply) {
    const Roost__V1__Node *node = (const Roost__V1__Node *)reply;

    (void)arg;
    if (status != GRPC_OK) {
        turn_fail(turn, status, message, "ask");
        return;
    }
    struct view *view = view_new();
    view_title(view, "%s", node->name);
    view_button(view, VIEW_PLAIN, "Again", "status %s", node->name);
    turn_show(turn, view);
}

static struct turn *ask(void) {
    struct turn *turn = turn_testing_new("nas", NULL);
    Roost__V1__GetNodeRequest request = ROOST__V1__GET_NODE_REQUEST__INIT;

    request.node = "nas";
    turn_call(turn, NULL, "/roost.v1.Nodes/Get", &request.base, show_name, NULL);
    CHECK_TEXT(turn_testing_calls(turn), "- Nodes/Get {\"node\":\"nas\"}\n");
    CHECK_TEXT(turn_testing_calls(turn), "");
    return turn;
}

static void answers_reach_the_command_and_views_the_test(void) {
    struct turn *turn = ask();

    CHECK(!turn_testing_answer(turn, "Nodes/List", "{}"));
    CHECK(turn_testing_answer(turn, "Nodes/Get", "{\"name\":\"nas\"}"));
    CHECK(turn_testing_has_ended(turn));
    CHECK_TEXT(turn_testing_shown(turn), "SHOW\nnas\n[Again | status nas]\n");
    turn_testing_free(turn);
}

static void failures_are_shown_as_such(void) {
    struct turn *turn = ask();

    CHECK(turn_testing_end(turn, "Nodes/Get", GRPC_UNAVAILABLE, "gone"));
    CHECK_TEXT(turn_testing_shown(turn), "FAIL\nask: UNAVAILABLE: gone\n");
    turn_testing_free(turn);
}

TESTS(TEST(words_are_unquoted_and_flags_are_none),
      TEST(answers_reach_the_command_and_views_the_test),
      TEST(failures_are_shown_as_such))
