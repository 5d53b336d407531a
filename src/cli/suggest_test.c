#include "cli/suggest.h"

#include "base/check.h"

static const char *const words[] = { "login",  "logout", "nodes", "node",
                                     "status", "watch",  "token", "call" };

static const char *nearest(const char *word) {
    const char *found = suggest_nearest(word, words, sizeof(words) / sizeof(words[0]));
    return found ? found : "";
}

static void a_slip_is_understood(void) {
    CHECK_TEXT(nearest("statsu"), "status");
    CHECK_TEXT(nearest("nods"), "nodes");
    CHECK_TEXT(nearest("tokne"), "token");
    CHECK_TEXT(nearest("sta"), "status");
    CHECK_TEXT(nearest("cal"), "call");
    CHECK_TEXT(nearest("wacth"), "watch");
}

static void something_else_is_left_alone(void) {
    CHECK_TEXT(nearest("frobnicate"), "");
    CHECK_TEXT(nearest("x"), "");
    CHECK_TEXT(nearest(""), "");
    CHECK(!suggest_nearest("a", NULL, 0));
}

static void distances_are_those_of_the_books(void) {
    CHECK_INT(suggest_distance("", "abc"), 3);
    CHECK_INT(suggest_distance("abc", ""), 3);
    CHECK_INT(suggest_distance("kitten", "sitting"), 3);
    CHECK_INT(suggest_distance("ab", "ba"), 1);
    CHECK_INT(suggest_distance("same", "same"), 0);
}

TESTS(TEST(a_slip_is_understood),
      TEST(something_else_is_left_alone),
      TEST(distances_are_those_of_the_books))
