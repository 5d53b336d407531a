/*
 * yaml_cursor - a place in a text of YAML: the inside of yaml_read
 *
 * Knows lines, columns, comments and the marks between documents, and no values.
 */
#pragma once

#include <stdbool.h>

#include "base/buf.h"

enum { YAML_CURSOR_E_BAD = 1 };

struct yaml_cursor {
    struct slice text; /* borrowed: the caller of yaml_read() */
    size_t at;
    char *why; /* owned; what is wrong first */
};

/* Notes what is wrong, with its line, unless something was already: YAML_CURSOR_E_BAD. */
int yaml_cursor_fail(struct yaml_cursor *cursor, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* The byte here, or so many further; -1 behind the end. */
int yaml_cursor_peek(const struct yaml_cursor *cursor);
int yaml_cursor_peek_at(const struct yaml_cursor *cursor, size_t ahead);

/* Is the byte (or -1) the end of a line; that, or a space or tab? */
bool yaml_cursor_is_break(int byte);
bool yaml_cursor_is_blank(int byte);

/* Bytes of this line before the cursor. */
size_t yaml_cursor_column(const struct yaml_cursor *cursor);

/* Goes over spaces, and a comment when one follows: true when the line is over. */
bool yaml_cursor_skip_to_word(struct yaml_cursor *cursor);

/* Goes over empty lines and comments to the next word. */
void yaml_cursor_skip_lines(struct yaml_cursor *cursor);

/* Does "---" or "..." stand here, at the start of a line? */
bool yaml_cursor_is_mark(const struct yaml_cursor *cursor, const char *mark);

/* The end of the document: of the text, or a mark. */
bool yaml_cursor_is_over(const struct yaml_cursor *cursor);

/* Takes the rest of the line and steps over its break, which is no part of it. */
struct slice yaml_cursor_take_line(struct yaml_cursor *cursor);
