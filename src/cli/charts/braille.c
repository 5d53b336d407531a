#include "cli/charts/braille.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/mem.h"
#include "cli/terminal/text.h"

enum {
    FIRST = 0x2800,       /* the empty character of Unicode's braille block */
    UPPER = 0x1b,         /* the dots of the upper half */
    LONGEST_LINE = 16384, /* dots: longer than any screen */
};

struct cell {
    uint8_t dots; /* bits of Unicode */
    struct braille_ink ink;
};

struct braille {
    struct cell *cells; /* owned; row after row */
    size_t columns;
    size_t rows;
};

struct braille *braille_new(size_t columns, size_t rows) {
    struct braille *canvas = mem_new(sizeof(*canvas));

    canvas->cells = mem_new_array(columns * rows, sizeof(*canvas->cells));
    canvas->columns = columns;
    canvas->rows = rows;
    return canvas;
}

struct braille *braille_free(struct braille *canvas) {
    if (canvas)
        free(canvas->cells);
    free(canvas);
    return NULL;
}

void braille_dot(struct braille *canvas, int x, int y, struct braille_ink ink) {
    static const uint8_t bits[BRAILLE_DOWN][BRAILLE_ACROSS] = {
        { 0x01, 0x08 }, { 0x02, 0x10 }, { 0x04, 0x20 }, { 0x40, 0x80 }
    };

    if (x < 0 || y < 0 || (size_t)x >= canvas->columns * BRAILLE_ACROSS ||
        (size_t)y >= canvas->rows * BRAILLE_DOWN)
        return;
    struct cell *cell = &canvas->cells[(size_t)(y / BRAILLE_DOWN) * canvas->columns +
                                       (size_t)(x / BRAILLE_ACROSS)];
    cell->dots |= bits[y % BRAILLE_DOWN][x % BRAILLE_ACROSS];
    if (ink.strength >= cell->ink.strength)
        cell->ink = ink;
}

void braille_line(
    struct braille *canvas, int x, int y, int to_x, int to_y, struct braille_ink ink) {
    int wide = abs(to_x - x), high = abs(to_y - y);
    int steps = wide > high ? wide : high;

    if (steps > LONGEST_LINE)
        return;
    for (int i = 0; i <= steps; i++) {
        double share = steps > 0 ? (double)i / steps : 0;
        braille_dot(canvas, x + (int)((to_x - x) * share + (to_x < x ? -0.5 : 0.5)),
                    y + (int)((to_y - y) * share + (to_y < y ? -0.5 : 0.5)), ink);
    }
}

static void add_cell(const struct cell *cell, bool unicode, struct buf *out) {
    unsigned rune = FIRST + cell->dots;

    if (!unicode) {
        bool upper = cell->dots & UPPER, lower = cell->dots & ~UPPER;
        buf_add_byte(out, upper && lower ? ':' : upper ? '\'' : '.');
        return;
    }
    buf_add_byte(out, (uint8_t)(0xe0 | rune >> 12));
    buf_add_byte(out, (uint8_t)(0x80 | (rune >> 6 & 0x3f)));
    buf_add_byte(out, (uint8_t)(0x80 | (rune & 0x3f)));
}

void braille_add_row(const struct braille *canvas,
                     size_t row,
                     const struct terminal *terminal,
                     struct buf *out) {
    const struct cell *cells = canvas->cells + row * canvas->columns;
    enum terminal_colour colour = TERMINAL_PLAIN;
    size_t empty = 0;

    for (size_t i = 0; i < canvas->columns; i++) {
        if (cells[i].dots == 0) {
            empty++;
            continue;
        }
        if (colour != TERMINAL_PLAIN && cells[i].ink.colour != colour)
            buf_add_text(out, terminal_colour(terminal, TERMINAL_PLAIN));
        text_add_spaces(out, empty);
        if (cells[i].ink.colour != colour && cells[i].ink.colour != TERMINAL_PLAIN)
            buf_add_text(out, terminal_colour(terminal, cells[i].ink.colour));
        add_cell(&cells[i], terminal->unicode, out);
        colour = cells[i].ink.colour;
        empty = 0;
    }
    if (colour != TERMINAL_PLAIN)
        buf_add_text(out, terminal_colour(terminal, TERMINAL_PLAIN));
}
