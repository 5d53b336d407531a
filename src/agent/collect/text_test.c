#include "agent/collect/text.h"

#include <string.h>

#include "base/check.h"

static void numbers_are_taken_and_clipped(void) {
    const char *at = "  12\t18446744073709551615 99999999999999999999999 x";
    uint64_t number;

    CHECK(text_number(&at, &number) && number == 12);
    CHECK(text_number(&at, &number) && number == UINT64_MAX);
    CHECK(text_number(&at, &number) && number == UINT64_MAX);
    CHECK(!text_number(&at, &number));
    CHECK_TEXT(at, "x");
}

static void a_number_is_never_taken_from_the_next_line(void) {
    const char *at = "1 \n2";
    uint64_t numbers[2];

    CHECK_INT(text_numbers(&at, numbers, 2), 1);
    at = text_next_line(at);
    CHECK_INT(text_numbers(&at, numbers, 2), 1);
    CHECK_INT(numbers[0], 2);
    CHECK_TEXT(text_next_line(at), "");
    CHECK_TEXT(text_next_line(""), "");
}

static void points_are_shifted(void) {
    static const struct {
        const char *text;
        unsigned decimals;
        int64_t number;
    } rows[] = {
        { "0.52", 2, 52 },  { "12", 2, 1200 }, { "1.5 ", 2, 150 },
        { "0.529", 2, 52 }, { "3.", 1, 30 },   { "0.007", 3, 7 },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const char *at = rows[i].text;
        int64_t number;
        CHECK(text_fixed(&at, rows[i].decimals, &number));
        CHECK_INT(number, rows[i].number);
        CHECK(*at == '\0' || *at == ' ');
    }
    const char *bad = "-1";
    int64_t number;
    CHECK(!text_fixed(&bad, 2, &number));
}

static void words_end_at_blanks(void) {
    const char *at = " eth0:1 \nx", *word;
    size_t len;

    CHECK(text_word(&at, &word, &len) && len == 6 && memcmp(word, "eth0:1", 6) == 0);
    CHECK(!text_word(&at, &word, &len));
    CHECK(!text_skip(&at, "x"));
    at = text_next_line(at);
    CHECK(text_skip(&at, "x") && *at == '\0');
}

static void lists_are_of_patterns_or_of_words(void) {
    CHECK(text_list_matches("lo, veth*,br-*", "veth1"));
    CHECK(text_list_matches("/mnt/*", "/mnt/a/b"));
    CHECK(!text_list_matches("lo,veth*", "wlo1"));
    CHECK(!text_list_matches(NULL, "lo") && !text_list_matches("", ""));
    CHECK(!text_list_matches(" , ,", "x"));
    CHECK(text_list_inside("docker, lo", "wlo1"));
    CHECK(!text_list_inside(",", "wlo1") && !text_list_inside(NULL, "x"));
}

TESTS(TEST(numbers_are_taken_and_clipped),
      TEST(a_number_is_never_taken_from_the_next_line),
      TEST(points_are_shifted),
      TEST(words_end_at_blanks),
      TEST(lists_are_of_patterns_or_of_words))
