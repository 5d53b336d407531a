/*
 * ws_utf8 - is this UTF-8, as far as it has come?
 *
 * Checks a text that arrives in pieces and refuses it at the first byte that no valid
 * text can have there (RFC 3629: no overlong forms, no surrogates, nothing above
 * U+10FFFF). A text that is all here is for utf8.h.
 */
#pragma once

#include <stdbool.h>

#include "base/slice.h"

/* A plain value, zeroed at the beginning of a text. */
struct ws_utf8 {
    uint8_t missing; /* bytes until the character is whole */
    uint8_t low;     /* the bounds of the next of them */
    uint8_t high;
};

/* Takes the next piece; false when the text is invalid, which is for good. */
bool ws_utf8_feed(struct ws_utf8 *utf8, struct slice bytes);

/* May the text end here? */
bool ws_utf8_is_whole(const struct ws_utf8 *utf8);
