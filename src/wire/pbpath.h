/*
 * pbpath - where in a message something is wrong: "users[2].labels["x"].name"
 *
 * Steps are linked on the stack while the transcoder descends, and made text only when
 * there is something to say.
 */
#pragma once

#include "base/buf.h"

struct pbpath {
    const struct pbpath *up; /* borrowed: the frame above; NULL at the top */
    enum { PBPATH_FIELD, PBPATH_INDEX, PBPATH_KEY } kind;
    struct slice name; /* borrowed: of a field, or a map's key */
    size_t index;
};

/* Appends the path; the top itself (NULL) is nothing. */
void pbpath_add(struct buf *out, const struct pbpath *path);

/* Appends a text in quotes that somebody else chose: escaped, and not all of a long one.
 */
void pbpath_quote(struct buf *out, struct slice text);

/* "PATH: what", or "what" at the top, as a text to free. */
char *pbpath_explain(const struct pbpath *path, const char *format, va_list args)
    __attribute__((format(printf, 2, 0)));
