/*
 * braille - a canvas of dots on a terminal, two across and four down in each character
 *
 * Each character has one colour, that of the strongest ink in it. Where the locale is not
 * UTF-8, three characters of ASCII stand for where in the cell dots are.
 */
#pragma once

#include <stddef.h>

#include "base/buf.h"
#include "cli/terminal/terminal.h"

struct braille;

enum { BRAILLE_ACROSS = 2, BRAILLE_DOWN = 4 };

/* What draws: the stronger one gives a character its colour. */
struct braille_ink {
    enum terminal_colour colour;
    unsigned char strength; /* from 1 */
};

/* So many characters, all empty; dot 0, 0 is at the top left. */
struct braille *braille_new(size_t columns, size_t rows);

/* NULL is fine; always returns NULL. */
struct braille *braille_free(struct braille *canvas);

/* Sets a dot; one that is outside is passed over. */
void braille_dot(struct braille *canvas, int x, int y, struct braille_ink ink);

/* A line from dot to dot, both included; what is outside is passed over. */
void braille_line(
    struct braille *canvas, int x, int y, int to_x, int to_y, struct braille_ink ink);

/* Appends one row of characters, without what is empty at its end. */
void braille_add_row(const struct braille *canvas,
                     size_t row,
                     const struct terminal *terminal,
                     struct buf *out);
