#include "wire/pbpath.h"

#include "wire/json_writer.h"

enum { KEY_SHOWN_MAX = 64 }; /* of a map's key or an unknown name in an error */

static struct slice shorten(struct slice text) {
    if (text.len <= KEY_SHOWN_MAX)
        return text;
    size_t len = KEY_SHOWN_MAX;
    /* Not within a character. */
    while (len > 0 && (text.at[len] & 0xc0) == 0x80)
        len--;
    return slice_of(text.at, len);
}

void pbpath_quote(struct buf *out, struct slice text) {
    json_writer_quote(out, shorten(text));
}

/* Without quotes, but still with escapes: names may come from anywhere. */
static void add_name(struct buf *out, struct slice name) {
    struct buf quoted = { 0 };

    pbpath_quote(&quoted, name);
    if (name.len == 0)
        buf_add_slice(out, buf_slice(&quoted));
    buf_add(out, quoted.data + 1, quoted.len - 2);
    buf_done(&quoted);
}

void pbpath_add(struct buf *out, const struct pbpath *path) {
    if (!path)
        return;
    pbpath_add(out, path->up);
    switch (path->kind) {
    case PBPATH_INDEX:
        buf_printf(out, "[%zu]", path->index);
        break;
    case PBPATH_KEY:
        buf_add_byte(out, '[');
        pbpath_quote(out, path->name);
        buf_add_byte(out, ']');
        break;
    case PBPATH_FIELD:
        if (out->len > 0)
            buf_add_byte(out, '.');
        add_name(out, path->name);
        break;
    }
}

char *pbpath_explain(const struct pbpath *path, const char *format, va_list args) {
    struct buf text = { 0 };

    pbpath_add(&text, path);
    if (text.len > 0)
        buf_add_text(&text, ": ");
    buf_vprintf(&text, format, args);
    return buf_take_text(&text);
}
