#include "cli/terminal/table.h"

#include "base/check.h"

static const struct terminal plain = { 0 };

static void check_render(struct table *table,
                         const struct terminal *terminal,
                         const char *wanted) {
    struct buf out = { 0 };

    table_render(table, terminal, "\n", 0, &out);
    CHECK_TEXT(buf_text(&out), wanted);
    buf_done(&out);
    table_free(table);
}

static struct table *small(void) {
    struct table *table = table_new();

    table_column(table, "NAME", TABLE_FLEXIBLE);
    table_column(table, "NOTHING", TABLE_LEFT);
    table_column(table, "CPU", TABLE_RIGHT);
    table_cell(table, TERMINAL_BOLD, "pi");
    table_cell(table, TERMINAL_PLAIN, NULL);
    table_cell(table, TERMINAL_GREEN, "3 %");
    table_cell(table, TERMINAL_PLAIN, "a-much-longer-name");
    table_cell(table, TERMINAL_PLAIN, "");
    table_printf(table, TERMINAL_RED, "%d %%", 100);
    return table;
}

static void columns_are_aligned_and_empty_ones_left_out(void) {
    check_render(small(), &plain,
                 "NAME                  CPU\n"
                 "pi                    3 %\n"
                 "a-much-longer-name  100 %\n");
}

static void a_narrow_terminal_cuts_what_may_be_cut(void) {
    const struct terminal narrow = { .is_terminal = true, .columns = 17 };

    check_render(small(), &narrow,
                 "NAME          CPU\n"
                 "pi            3 %\n"
                 "a-much-lo~  100 %\n");
}

static void colours_do_not_count_as_width(void) {
    const struct terminal coloured = { .is_terminal = true, .colour = true };
    struct table *table = table_new();

    table_column(table, "", TABLE_LEFT);
    table_column(table, "", TABLE_LEFT);
    table_cell(table, TERMINAL_GREEN, "a");
    table_cell(table, TERMINAL_PLAIN, "b");
    table_cell(table, TERMINAL_PLAIN, "ccc");
    table_cell(table, TERMINAL_PLAIN, "");
    check_render(table, &coloured, "\x1b[32ma\x1b[0m    b\nccc\n");
}

static void a_name_cannot_move_the_cursor(void) {
    struct table *table = table_new();

    table_column(table, "", TABLE_LEFT);
    table_cell(table, TERMINAL_PLAIN, "a\x1b[2Jb");
    check_render(table, &plain, "a\xef\xbf\xbd[2Jb\n");
}

static void rows_stop_at_the_limit(void) {
    struct table *table = small();
    struct buf out = { 0 };

    table_render(table, &plain, "\r\n", 2, &out);
    CHECK_TEXT(buf_text(&out),
               "NAME                  CPU\r\npi                    3 %\r\n");
    CHECK_INT(table_row_count(table), 2);
    buf_done(&out);
    table_free(table);
}

TESTS(TEST(columns_are_aligned_and_empty_ones_left_out),
      TEST(a_narrow_terminal_cuts_what_may_be_cut),
      TEST(colours_do_not_count_as_width),
      TEST(a_name_cannot_move_the_cursor),
      TEST(rows_stop_at_the_limit))
