#include "cli/args.h"

#include "base/check.h"

static const struct args_option globals[] = {
    { "json", 0, NULL, "JSON" },
    { "quiet", 'q', NULL, "less" },
    { "verbose", 'v', NULL, "more" },
    { "hub", 0, "PROFILE", "which" },
    { 0 },
};
static const struct args_option locals[] = {
    { "file", 'f', "FILE", "input" },
    { "header", 'H', "K:V", "metadata" },
    { 0 },
};
static const struct args_option *const tables[] = { globals, locals, NULL };

static int parse(struct args *args, int count, const char **words) {
    return args_parse(args, tables, count, (char **)(void *)words);
}

#define COUNT(words) ((int)(sizeof(words) / sizeof((words)[0])))

static void options_may_stand_anywhere(void) {
    const char *words[] = { "--json", "call", "-f", "in", "pi", "--hub=home", "-" };
    struct args *args = args_new();

    CHECK_INT(parse(args, COUNT(words), words), 0);
    CHECK_INT(args_count(args), 3);
    CHECK_TEXT(args_at(args, 0), "call");
    CHECK_TEXT(args_at(args, 1), "pi");
    CHECK_TEXT(args_at(args, 2), "-");
    CHECK(!args_at(args, 3));
    CHECK(args_has(args, "json"));
    CHECK(!args_has(args, "quiet"));
    CHECK_TEXT(args_value(args, "file"), "in");
    CHECK_TEXT(args_value(args, "hub"), "home");
    args_shift(args);
    CHECK_TEXT(args_at(args, 0), "pi");
    args_free(args);
}

static void letters_cluster_and_the_last_takes_the_rest(void) {
    const char *words[] = { "-qvvfname", "-Hk:v", "-H", "a:b", "--", "-q", "--json" };
    struct args *args = args_new();

    CHECK_INT(parse(args, COUNT(words), words), 0);
    CHECK_INT(args_times(args, "verbose"), 2);
    CHECK_INT(args_times(args, "quiet"), 1);
    CHECK_TEXT(args_value(args, "file"), "name");
    CHECK_TEXT(args_value_at(args, "header", 0), "k:v");
    CHECK_TEXT(args_value_at(args, "header", 1), "a:b");
    CHECK(!args_value_at(args, "header", 2));
    CHECK_INT(args_count(args), 2);
    CHECK_TEXT(args_at(args, 1), "--json");
    args_free(args);
}

static void what_is_wrong_is_named(void) {
    static const struct {
        const char *words[2];
        int count;
        int error;
        const char *culprit;
    } rows[] = {
        { { "--jsn" }, 1, ARGS_E_UNKNOWN, "--jsn" },
        { { "--jsn=1" }, 1, ARGS_E_UNKNOWN, "--jsn" },
        { { "--js" }, 1, ARGS_E_UNKNOWN, "--js" },
        { { "-qx" }, 1, ARGS_E_UNKNOWN, "-x" },
        { { "--hub" }, 1, ARGS_E_NO_VALUE, "--hub" },
        { { "-f" }, 1, ARGS_E_NO_VALUE, "-f" },
        { { "--json=yes" }, 1, ARGS_E_FLAG, "--json" },
        { { "a", "---" }, 2, ARGS_E_UNKNOWN, "---" },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct args *args = args_new();
        const char *words[2] = { rows[i].words[0], rows[i].words[1] };

        CHECK_INT(parse(args, rows[i].count, words), rows[i].error);
        CHECK_TEXT(args_culprit(args), rows[i].culprit);
        args_free(args);
    }
}

static void an_empty_value_is_a_value(void) {
    const char *words[] = { "--hub=", "-f", "" };
    struct args *args = args_new();

    CHECK_INT(parse(args, COUNT(words), words), 0);
    CHECK_TEXT(args_value(args, "hub"), "");
    CHECK_TEXT(args_value(args, "file"), "");
    args_free(args);
}

static void operands_are_seen_before_options_are_known(void) {
    const char *words[] = { "--hub",     "home",   "-x", "node",
                            "--unknown", "rename", "--", "a" };
    char **at = (char **)(void *)words;

    CHECK_TEXT(args_peek(tables, COUNT(words), at, 0), "node");
    CHECK_TEXT(args_peek(tables, COUNT(words), at, 1), "rename");
    CHECK(!args_peek(tables, COUNT(words), at, 2));
    CHECK(!args_peek(tables, 0, at, 0));
}

TESTS(TEST(operands_are_seen_before_options_are_known),
      TEST(options_may_stand_anywhere),
      TEST(letters_cluster_and_the_last_takes_the_rest),
      TEST(what_is_wrong_is_named),
      TEST(an_empty_value_is_a_value))
