/*
 * text - strings on a terminal: how wide they are, and what of them is harmless
 *
 * Texts are UTF-8. Control characters and broken sequences become U+FFFD (or '?' for a
 * caller that prints ASCII), so that a name chosen by somebody else cannot move the
 * cursor.
 */
#pragma once

#include <stdbool.h>

#include "base/buf.h"

/*
 * Reads one character: its length in bytes (0 at the end), and *ret_rune, or U+FFFD for a
 * byte that begins no valid character.
 */
size_t text_next(const char *text, unsigned *ret_rune);

/* Columns that the cleaned text takes. */
size_t text_width(const char *text);

/* Appends the text without what could harm. */
void text_add_clean(struct buf *out, const char *text);

/* The same, cut to at most `columns` with the mark ("…" or "~") at the end when it does
 * not fit. Returns the columns used. */
size_t text_add_cut(struct buf *out, const char *text, size_t columns, const char *mark);

/* Appends n spaces. */
void text_add_spaces(struct buf *out, size_t n);
