#include "chat/telegram/letters.h"

#include "base/buf.h"
#include "base/check.h"

static void units_are_those_of_utf16(void) {
    static const struct {
        const char *text;
        size_t units;
        size_t characters;
        size_t columns;
    } rows[] = {
        { "", 0, 0, 0 },
        { "abc", 3, 3, 3 },
        { "привет", 6, 6, 6 },
        { "日本", 2, 2, 4 },
        { "😀", 2, 1, 2 },
        { "a😀b", 4, 3, 4 },
        { "e\xcc\x81", 2, 2, 1 },                /* e and a combining acute */
        { "\xe2\x9a\xa0\xef\xb8\x8f", 2, 2, 2 }, /* a sign made an emoji */
        { "👩‍💻", 5, 3, 2 },              /* joined */
        { "🇩🇪", 4, 2, 2 },
        { "👍🏽", 4, 2, 2 },
        { "✅", 1, 1, 2 },
        { "\xff\xfe", 2, 2, 2 },
        { "\xf0\x9f\x98", 3, 3, 3 }, /* cut off */
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct slice text = slice_of_text(rows[i].text);
        CHECK_INT(letters_units(text), rows[i].units);
        CHECK_INT(letters_count(text), rows[i].characters);
        CHECK_INT(letters_width(text), rows[i].columns);
    }
}

static void what_fits_ends_with_a_whole_character(void) {
    struct slice text = slice_of_text("a😀é");

    CHECK_INT(letters_fit(text, 0), 0);
    CHECK_INT(letters_fit(text, 1), 1);
    CHECK_INT(letters_fit(text, 2), 1);
    CHECK_INT(letters_fit(text, 3), 5);
    CHECK_INT(letters_fit(text, 4), 7);
    CHECK_INT(letters_fit(text, 99), 7);
}

static void check_cut(const char *text, size_t count, const char *wanted) {
    struct buf out = { 0 };

    letters_add_cut(&out, slice_of_text(text), count);
    CHECK_TEXT(buf_text(&out), wanted);
    buf_done(&out);
}

static void a_cut_text_ends_with_a_mark(void) {
    check_cut("abc", 3, "abc");
    check_cut("abcd", 3, "ab…");
    check_cut("😀😀😀", 2, "😀…");
    check_cut("", 0, "");
}

static void controls_and_broken_bytes_are_made_harmless(void) {
    struct buf out = { 0 };

    letters_add_clean(&out, slice_of("a\0b\x1b[31m\n\t\x7f\xff", 12));
    CHECK_TEXT(buf_text(&out), "ab[31m\n\t\xef\xbf\xbd");
    buf_done(&out);
}

TESTS(TEST(units_are_those_of_utf16),
      TEST(what_fits_ends_with_a_whole_character),
      TEST(a_cut_text_ends_with_a_mark),
      TEST(controls_and_broken_bytes_are_made_harmless))
