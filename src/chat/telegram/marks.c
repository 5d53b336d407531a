#include "chat/telegram/marks.h"

#include <stdlib.h>

#include "base/mem.h"
#include "chat/telegram/letters.h"
#include "wire/html.h"

enum { LINE_LOOK_BACK = 200 }; /* bytes: a cut is at a line's end when one is so near */

void marks_add(struct marks *marks, enum marks_style style, struct slice text) {
    size_t from = marks->text.len;

    letters_add_clean(&marks->text, text);
    if (marks->text.len == from)
        return;
    if (marks->count > 0 && marks->runs[marks->count - 1].style == style) {
        marks->runs[marks->count - 1].len += marks->text.len - from;
        return;
    }
    marks->runs = mem_grow(marks->runs, (marks->count + 1) * sizeof(*marks->runs));
    marks->runs[marks->count++] = (struct marks_run) {
        .style = style,
        .from = from,
        .len = marks->text.len - from,
    };
}

void marks_break(struct marks *marks) {
    if (marks->text.len > 0)
        marks_add(marks, MARKS_PLAIN, slice_of_text("\n"));
}

void marks_done(struct marks *marks) {
    buf_done(&marks->text);
    free(marks->runs);
    *marks = (struct marks) { 0 };
}

struct slice marks_text(const struct marks *marks) {
    return buf_slice(&marks->text);
}

static void write_run(enum marks_style style,
                      struct slice text,
                      struct buf *html,
                      struct buf *plain) {
    static const char *const tags[] = {
        [MARKS_BOLD] = "b",
        [MARKS_ITALIC] = "i",
        [MARKS_CODE] = "code",
        [MARKS_BLOCK] = "pre",
    };

    buf_add_slice(plain, text);
    if (text.len == 0)
        return;
    if (style != MARKS_PLAIN)
        buf_printf(html, "<%s>", tags[style]);
    html_add_text(html, text, HTML_LINES_STAY);
    if (style != MARKS_PLAIN)
        buf_printf(html, "</%s>", tags[style]);
}

/* How many bytes of the text there is room for. */
static size_t room_for(const struct marks *marks, size_t units) {
    struct slice text = marks_text(marks);
    size_t len = letters_fit(text, units);

    if (len == text.len)
        return len;
    for (size_t back = 0; back < LINE_LOOK_BACK && back < len; back++)
        if (text.at[len - back - 1] == '\n')
            return len - back - 1;
    return len;
}

bool marks_write(const struct marks *marks,
                 size_t units,
                 const char *note,
                 struct buf *html,
                 struct buf *plain) {
    bool is_cut = letters_units(marks_text(marks)) > units;
    size_t left = marks->text.len;

    if (is_cut)
        left = room_for(marks, units - letters_units(slice_of_text(note)));
    for (size_t i = 0; i < marks->count && left > 0; i++) {
        const struct marks_run *run = &marks->runs[i];
        size_t len = run->len < left ? run->len : left;
        write_run(run->style, slice_of(marks->text.data + run->from, len), html, plain);
        left -= len;
    }
    if (is_cut)
        write_run(MARKS_PLAIN, slice_of_text(note), html, plain);
    return is_cut;
}
