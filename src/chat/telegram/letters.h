/*
 * letters - characters as Telegram counts them, and as wide as they are shown
 *
 * Lengths are counted in UTF-16 units there, so an emoji is two. In letters of one width
 * East Asian characters and emoji take two columns, and combining ones none. What is not
 * UTF-8 counts as U+FFFD, byte by byte.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

struct buf;

/* The first character: its length in bytes (0 at the end) and its code. */
size_t letters_next(struct slice text, uint32_t *ret_code);

/* UTF-16 units of the text. */
size_t letters_units(struct slice text);

/* Columns in letters of one width. */
size_t letters_width(struct slice text);

/* Bytes of the text that come to at most that many units; whole characters. */
size_t letters_fit(struct slice text, size_t units);

/* Characters, however many units each has. */
size_t letters_count(struct slice text);

/* Appends at most that many characters; what does not fit ends with "…". */
void letters_add_cut(struct buf *out, struct slice text, size_t count);

/* Appends valid UTF-8 without control characters; line breaks and tabs stay. */
void letters_add_clean(struct buf *out, struct slice text);
