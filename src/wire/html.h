/*
 * html - text in a page of HTML
 *
 * Nothing of the text is a mark: it stands between tags as it was said. Not for the
 * values of attributes, where quotes end what they stand in.
 */
#pragma once

#include "base/buf.h"

enum html_lines {
    HTML_LINES_STAY, /* an end of line is white space, or the reader keeps it */
    HTML_LINES_BREAK /* <br> */
};

/* Appends the text. */
void html_add_text(struct buf *out, struct slice text, enum html_lines lines);
