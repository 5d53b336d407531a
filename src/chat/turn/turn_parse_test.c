#include "chat/turn/turn_parse.h"

#include <string.h>

#include "base/buf.h"
#include "base/check.h"
#include "base/mem.h"
#include "chat/view.h"

static char *print(const char *line) {
    struct turn_parse parse;
    struct buf out = { 0 };

    turn_parse_init(&parse, line);
    buf_printf(&out, "%s%s", parse.is_command ? "/" : "", parse.is_addressed ? "@" : "");
    for (size_t i = 0; i < parse.count; i++)
        buf_printf(&out, "<%s>", parse.words[i].text);
    for (size_t i = 0; i < parse.flag_count; i++)
        buf_printf(&out, "{%s=%s}", parse.flags[i].name, parse.flags[i].value);
    turn_parse_done(&parse);
    return buf_take_text(&out);
}

static void lines_are_cut_as_people_mean_them(void) {
    static const char *const rows[][2] = {
        { "", "" },
        { " \t\n ", "" },
        { "/", "/<>" },
        { "/kill@roost_bot nas 1234 --force", "/@<kill><nas><1234>{force=}" },
        { "kill nas", "<kill><nas>" },
        { "@roost_bot status nas", "@<status><nas>" },
        { "@roost_bot", "<@roost_bot>" },
        { "/@", "/@<>" },
        { "a \"b c\" d", "<a><b c><d>" },
        { "a \"b\\\"c\\\\\" d", "<a><b\"c\\><d>" },
        { "a \"--b\"", "<a><--b>" },
        { "a \"\"", "<a><>" },
        { "a \"b", "<a><b>" },
        { "a \"b\\", "<a><b\\>" },
        { "a b\"c d\"", "<a><b\"c><d\">" },
        { "a \u201cb c\u201d", "<a><b c>" },
        { "a \u00abb c\u00bb d", "<a><b c><d>" },
        { "a \u2014force b", "<a><b>{force=}" },
        { "a --for 3 b", "<a><b>{for=3}" },
        { "a --for=3 b", "<a><b>{for=3}" },
        { "a --for --name x", "<a>{for=}{name=x}" },
        { "a --force 1234", "<a><1234>{force=}" },
        { "a --text \"b c\"", "<a>{text=b c}" },
        { "a -- b", "<a><--><b>" },
        { "a -5", "<a><-5>" },
        { "a\nb\tc", "<a><b><c>" },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        auto_(mem_freep) char *got = print(rows[i][0]);
        CHECK_TEXT(got, rows[i][1]);
    }
}

static void the_rest_is_as_typed(void) {
    struct turn_parse parse;

    turn_parse_init(&parse, "/rename nas  The  \"big\"   one --quiet ");
    auto_(mem_freep) char *rest = turn_parse_rest(&parse, 2);
    auto_(mem_freep) char *last = turn_parse_rest(&parse, 4);
    CHECK_TEXT(rest, "The  \"big\"   one --quiet");
    CHECK_TEXT(last, "one");
    CHECK(!turn_parse_rest(&parse, 5));
    CHECK_TEXT(turn_parse_flag(&parse, "quiet"), "");
    CHECK(!turn_parse_flag(&parse, "loud"));
    turn_parse_done(&parse);
}

/* Whatever a word holds, quoted it comes back. */
static void quoted_words_come_back(void) {
    static const char *const words[] = {
        "",       "a",      "a b", "--x",           "-",       "\"", "\\",
        "\\\"",   "a\nb",   "a\\", "\u201ca\u201d", "\u2014x", "@a", "/a",
        "\u00ab", "a\"b c", "\t",
    };

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        struct turn_parse parse;
        struct buf line = { 0 };

        buf_add_text(&line, "cmd ");
        view_quote(&line, words[i]);
        buf_add_text(&line, " end");
        turn_parse_init(&parse, buf_text(&line));
        CHECK_INT(parse.count, 3);
        CHECK_INT(parse.flag_count, 0);
        CHECK_TEXT(parse.words[1].text, words[i]);
        turn_parse_done(&parse);
        buf_done(&line);
    }
}

TESTS(TEST(lines_are_cut_as_people_mean_them),
      TEST(the_rest_is_as_typed),
      TEST(quoted_words_come_back))
