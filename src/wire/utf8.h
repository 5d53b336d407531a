/*
 * utf8 - text as strict UTF-8
 *
 * Strict as RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF. What
 * comes from outside as text passes here before it is text.
 */
#pragma once

#include <stdbool.h>

#include "base/buf.h"

/* Whether all of the bytes are UTF-8; no bytes are. */
bool utf8_is_valid(struct slice text);

/* The length of the valid character that begins the text, 0 when there is none. */
size_t utf8_char_len(struct slice text);

/* Appends a code point, which must be a Unicode scalar value. */
void utf8_add(struct buf *out, uint32_t code);
