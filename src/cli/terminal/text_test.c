#include "cli/terminal/text.h"

#include "base/check.h"

static void what_could_move_the_cursor_is_replaced(void) {
    static const struct {
        const char *in;
        const char *out;
    } rows[] = {
        { "plain", "plain" },
        { "a\x1b[31mb", "a\xef\xbf\xbd[31mb" },
        { "line\nbreak", "line\xef\xbf\xbd"
                         "break" },
        { "\xc3\xa4", "\xc3\xa4" },
        { "\xc2\x9b"
          "2J",
          "\xef\xbf\xbd"
          "2J" }, /* CSI as one character */
        { "\xff", "\xef\xbf\xbd" },
        { "\xc3", "\xef\xbf\xbd" },                                 /* cut off */
        { "\xc0\xaf", "\xef\xbf\xbd\xef\xbf\xbd" },                 /* overlong */
        { "\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" }, /* a surrogate */
        { "\xe2\x80\xae"
          "gpj",
          "\xef\xbf\xbd"
          "gpj" }, /* right to left */
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct buf out = { 0 };
        text_add_clean(&out, rows[i].in);
        CHECK_TEXT(buf_text(&out), rows[i].out);
        buf_done(&out);
    }
}

static void a_cut_text_never_is_too_wide(void) {
    const char *text = "abc\xc3\xa4\xc3\xb6xyz";

    for (size_t columns = 0; columns < 12; columns++) {
        struct buf out = { 0 };
        size_t used = text_add_cut(&out, text, columns, "~");
        CHECK(used <= columns);
        CHECK_INT(text_width(buf_text(&out)), used);
        CHECK(columns < 8 || strcmp(buf_text(&out), text) == 0);
        buf_done(&out);
    }
}

TESTS(TEST(what_could_move_the_cursor_is_replaced), TEST(a_cut_text_never_is_too_wide))
