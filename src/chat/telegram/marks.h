/*
 * marks - text with a few marks, written as Telegram's HTML, and cut to a length
 *
 * A list of runs, each with one style, so that a cut never splits a tag. Lengths count
 * UTF-16 units of the text alone.
 */
#pragma once

#include <stddef.h>

#include "base/buf.h"

enum marks_style { MARKS_PLAIN, MARKS_BOLD, MARKS_ITALIC, MARKS_CODE, MARKS_BLOCK };

struct marks_run {
    enum marks_style style;
    size_t from; /* of the text */
    size_t len;
};

/* Zeroed: empty. */
struct marks {
    struct buf text;
    struct marks_run *runs; /* owned */
    size_t count;
};

/* Appends the text, cleaned; nothing of it is a mark. */
void marks_add(struct marks *marks, enum marks_style style, struct slice text);

/* A line break, unless nothing stands there yet. */
void marks_break(struct marks *marks);

void marks_done(struct marks *marks);

/* Everything without marks; lent. */
struct slice marks_text(const struct marks *marks);

/*
 * Writes it as HTML and as plain text, at most that many units; when it is longer, it is
 * cut and ends with the note. Returns whether it was cut.
 */
bool marks_write(const struct marks *marks,
                 size_t units,
                 const char *note,
                 struct buf *html,
                 struct buf *plain);
