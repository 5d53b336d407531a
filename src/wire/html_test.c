#include "wire/html.h"

#include "base/check.h"
#include "base/mem.h"

static void check_text(const char *text, enum html_lines lines, const char *html) {
    auto_(buf_done) struct buf out = { 0 };

    html_add_text(&out, slice_of_text(text), lines);
    CHECK_TEXT(buf_text(&out), html);
}

static void nothing_of_a_text_is_a_mark(void) {
    check_text("<b>a & b</b>", HTML_LINES_STAY, "&lt;b&gt;a &amp; b&lt;/b&gt;");
    check_text("&amp;", HTML_LINES_STAY, "&amp;amp;");
    check_text("\"a\" 'b' ü", HTML_LINES_STAY, "\"a\" 'b' ü");
    check_text("", HTML_LINES_STAY, "");
}

static void lines_break_where_that_is_asked(void) {
    check_text("a\n<b>\n", HTML_LINES_BREAK, "a<br>\n&lt;b&gt;<br>\n");
    check_text("a\nb", HTML_LINES_STAY, "a\nb");
}

TESTS(TEST(nothing_of_a_text_is_a_mark), TEST(lines_break_where_that_is_asked))
