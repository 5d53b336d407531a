#include "cli/terminal/bars.h"

#include "base/check.h"
#include "cli/terminal/text.h"

static void a_bar_has_the_width_it_was_given(void) {
    for (int percent = -20; percent <= 120; percent++) {
        struct buf blocks = { 0 };
        struct buf letters = { 0 };

        bars_add(&blocks, percent / 100.0, 10, true);
        bars_add(&letters, percent / 100.0, 10, false);
        CHECK_INT(text_width(buf_text(&blocks)), 10);
        CHECK_INT(letters.len, 10);
        buf_done(&blocks);
        buf_done(&letters);
    }
}

static void the_newest_values_are_on_the_right(void) {
    struct bars_history history = { 0 };
    struct buf out = { 0 };

    for (int i = 0; i <= 7; i++)
        bars_history_add(&history, i);
    bars_add_spark(&out, &history, 7, 10, false);
    CHECK_TEXT(buf_text(&out), "  _.-=+*%#");
    buf_clear(&out);
    bars_add_spark(&out, &history, 0, 3, false);
    CHECK_TEXT(buf_text(&out), "*%#");
    buf_done(&out);
}

static void an_old_history_forgets(void) {
    struct bars_history history = { 0 };
    struct buf out = { 0 };

    for (int i = 0; i < BARS_HISTORY * 2 + 3; i++)
        bars_history_add(&history, 0);
    CHECK_INT(history.count, BARS_HISTORY);
    bars_add_spark(&out, &history, 0, 4, false);
    CHECK_TEXT(buf_text(&out), "____");
    buf_done(&out);
}

TESTS(TEST(a_bar_has_the_width_it_was_given),
      TEST(the_newest_values_are_on_the_right),
      TEST(an_old_history_forgets))
