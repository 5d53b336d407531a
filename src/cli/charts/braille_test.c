#include "cli/charts/braille.h"

#include "base/check.h"

static const struct terminal wide = { .unicode = true };
static const struct terminal plain = { .unicode = false };
static const struct braille_ink ink = { TERMINAL_CYAN, 1 };

static void expect(const struct braille *canvas,
                   size_t row,
                   const struct terminal *terminal,
                   const char *text) {
    struct buf out = { 0 };
    braille_add_row(canvas, row, terminal, &out);
    CHECK_TEXT(buf_text(&out), text);
    buf_done(&out);
}

static void each_dot_has_its_bit(void) {
    static const char *const dots[4][2] = {
        { "⠁", "⠈" }, { "⠂", "⠐" }, { "⠄", "⠠" }, { "⡀", "⢀" }
    };
    for (int y = 0; y < 4; y++)
        for (int x = 0; x < 2; x++) {
            struct braille *canvas = braille_new(1, 1);
            braille_dot(canvas, x, y, ink);
            expect(canvas, 0, &wide, dots[y][x]);
            expect(canvas, 0, &plain, y < 2 ? "'" : ".");
            braille_free(canvas);
        }
}

static void lines_join_both_ends_and_leave_the_rest_empty(void) {
    struct braille *canvas = braille_new(4, 1);
    braille_line(canvas, 0, 3, 7, 0, ink);
    expect(canvas, 0, &wide, "⣀⠤⠒⠉");
    expect(canvas, 0, &plain, "..''");
    braille_free(canvas);

    canvas = braille_new(4, 2);
    braille_line(canvas, 2, 0, 2, 7, ink);
    braille_dot(canvas, -1, 0, ink);
    braille_dot(canvas, 0, 8, ink);
    braille_dot(canvas, 8, 0, ink);
    expect(canvas, 0, &wide, " ⡇");
    expect(canvas, 1, &wide, " ⡇");
    braille_free(canvas);
}

static void the_strongest_ink_colours_a_character(void) {
    struct terminal colours = { .unicode = true, .colour = true };
    struct braille_ink band = { TERMINAL_DIM, 1 }, line = { TERMINAL_CYAN, 2 };
    struct braille *canvas = braille_new(5, 1);

    braille_dot(canvas, 0, 0, line);
    braille_dot(canvas, 1, 0, band);
    braille_dot(canvas, 2, 0, band);
    braille_dot(canvas, 6, 0, band);
    expect(canvas, 0, &colours, "\x1b[36m⠉\x1b[0m\x1b[2m⠁ ⠁\x1b[0m");
    braille_free(canvas);
}

TESTS(TEST(each_dot_has_its_bit),
      TEST(lines_join_both_ends_and_leave_the_rest_empty),
      TEST(the_strongest_ink_colours_a_character))
