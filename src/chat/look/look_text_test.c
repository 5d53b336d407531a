#include "chat/look/look_text.h"

#include <math.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "chat/turn/turn_testing.h"

static char text[LOOK_TEXT_LEN]; /* what was printed last */

static void numbers_have_the_units_of_people(void) {
    CHECK_TEXT(look_text_percent(0, text), "0 %");
    CHECK_TEXT(look_text_percent(3.44, text), "3.4 %");
    CHECK_TEXT(look_text_percent(9.96, text), "10 %");
    CHECK_TEXT(look_text_percent(99.5, text), "100 %");
    CHECK_TEXT(look_text_percent(NAN, text), "-");
    CHECK_TEXT(look_text_bytes(0, text), "0 B");
    CHECK_TEXT(look_text_bytes(1023, text), "1023 B");
    CHECK_TEXT(look_text_bytes(1024, text), "1.0 KiB");
    CHECK_TEXT(look_text_bytes(1048575, text), "1.0 MiB");
    CHECK_TEXT(look_text_bytes(1.5 * 1024 * 1024 * 1024, text), "1.5 GiB");
    CHECK_TEXT(look_text_bytes(1e18, text), "888.2 PiB");
    CHECK_TEXT(look_text_bytes(INFINITY, text), "-");
    CHECK_TEXT(look_text_bits(125, text), "1.0 kbit/s");
    CHECK_TEXT(look_text_bits(1250000, text), "10.0 Mbit/s");
}

static void values_follow_their_units(void) {
    static const struct {
        const char *metric;
        const char *unit;
        double value;
        const char *wanted;
    } rows[] = {
        { "cpu", NULL, 12.3, "12 %" },
        { "mem.used", NULL, 1048576, "1.0 MiB" },
        { "net.rx:eth0", "By/s", 125, "1.0 kbit/s" },
        { "disk.read", "By/s", 2000, "2.0 kB/s" },
        { "temp.cpu", NULL, 54.5, "54.5 °C" },
        { "uptime", NULL, 3661, "1 h 1 min" },
        { "throttle", NULL, 1, "yes" },
        { "throttle", NULL, 0, "no" },
        { "load1", NULL, 0.52, "0.52" },
        { "cpu.freq", NULL, 2.4e9, "2.4 GHz" },
        { "my own", "W", 3, "3 W" },
        { "my own", NULL, 1e16, "1e+16" },
        { "my own", "a unit that is much too long for anybody", 1,
          "1 a unit that is much " },
        { "uptime", NULL, -1, "-1 s" },
        { "uptime", NULL, NAN, "-" },
    };
    struct turn *turn = turn_testing_new(NULL, "");

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        CHECK_TEXT(
            look_text_value(turn, rows[i].metric, rows[i].unit, rows[i].value, text),
            rows[i].wanted);
    turn_testing_free(turn);
}

static void bars_are_ten_cells(void) {
    CHECK_TEXT(look_text_bar(0, text), "░░░░░░░░░░");
    CHECK_TEXT(look_text_bar(50, text), "█████░░░░░");
    CHECK_TEXT(look_text_bar(250, text), "██████████");
    CHECK_TEXT(look_text_bar(-1, text), "░░░░░░░░░░");
    CHECK_TEXT(look_text_bar(NAN, text), "░░░░░░░░░░");
}

static void long_names_are_cut_between_characters(void) {
    static const struct {
        const char *text;
        size_t characters;
        const char *wanted;
    } rows[] = {
        { "", 3, "" },        { "abc", 3, "abc" },
        { "abcd", 3, "ab…" }, { "жжж", 3, "жжж" },
        { "жжжж", 3, "жж…" }, { "a\nb\001", 9, "a b " },
        { "a\xff", 9, "a " }, { "\xd0", 9, " " },
        { "ab", 1, "…" },     { "🟢🟢🟢", 2, "🟢…" },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char *cut = look_text_cut(rows[i].text, rows[i].characters);
        CHECK_TEXT(cut, rows[i].wanted);
        free(cut);
    }
}

static void times_are_told_from_now(void) {
    struct turn *turn = turn_testing_new(NULL, "");

    setenv("TZ", "UTC", 1);
    CHECK_TEXT(look_text_ago(turn, 0, text), "never");
    CHECK_TEXT(look_text_ago(turn, TURN_TESTING_NOW_MS, text), "just now");
    CHECK_TEXT(look_text_ago(turn, TURN_TESTING_NOW_MS + 9000, text), "just now");
    CHECK_TEXT(look_text_ago(turn, TURN_TESTING_NOW_MS - 180000, text), "3 min ago");
    CHECK_TEXT(look_text_clock(turn, TURN_TESTING_NOW_MS - 5000, text), "11:59:55");
    CHECK_TEXT(look_text_clock(turn, TURN_TESTING_NOW_MS - 86400000, text),
               "20.11. 12:00");
    CHECK_TEXT(look_text_clock(turn, INT64_C(1700000000000), text), "14.11.2023 22:13");
    turn_testing_free(turn);
}

static void numbers_are_only_digits(void) {
    uint64_t number = 7;

    CHECK(look_text_number("12", &number) && number == 12);
    CHECK(!look_text_number("", &number) && !look_text_number("-1", &number));
    CHECK(!look_text_number("1x", &number) &&
          !look_text_number("99999999999999999999", &number));
    CHECK_INT(number, 12);
}

TESTS(TEST(numbers_have_the_units_of_people),
      TEST(values_follow_their_units),
      TEST(bars_are_ten_cells),
      TEST(long_names_are_cut_between_characters),
      TEST(times_are_told_from_now),
      TEST(numbers_are_only_digits))
