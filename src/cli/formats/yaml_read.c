#include "cli/formats/yaml_read.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "cli/formats/yaml_cursor.h"
#include "cli/formats/yaml_literal.h"
#include "cli/formats/yaml_scalar.h"
#include "wire/json_writer.h"
#include "wire/utf8.h"

enum { DEPTH_MAX = 128 }; /* more than a message may nest */

struct reader {
    struct yaml_cursor cursor;
    struct json_writer json;
    unsigned depth;
};

static int read_block(struct reader *reader, size_t column);
static int read_flow(struct reader *reader);

static int peek(const struct reader *reader) {
    return yaml_cursor_peek(&reader->cursor);
}

static int peek_at(const struct reader *reader, size_t ahead) {
    return yaml_cursor_peek_at(&reader->cursor, ahead);
}

static bool is_break(int byte) {
    return yaml_cursor_is_break(byte);
}

static bool is_blank(int byte) {
    return yaml_cursor_is_blank(byte);
}

static bool is_over(const struct reader *reader) {
    return yaml_cursor_is_over(&reader->cursor);
}

static size_t column_of(const struct reader *reader) {
    return yaml_cursor_column(&reader->cursor);
}

static bool skip_to_word(struct reader *reader) {
    return yaml_cursor_skip_to_word(&reader->cursor);
}

static void skip_lines(struct reader *reader) {
    yaml_cursor_skip_lines(&reader->cursor);
}

static bool is_dash(const struct reader *reader) {
    return peek(reader) == '-' && is_blank(peek_at(reader, 1));
}

static int deeper(struct reader *reader) {
    if (reader->depth == DEPTH_MAX)
        return yaml_cursor_fail(&reader->cursor, "nests more than %d levels deep",
                                DEPTH_MAX);
    reader->depth++;
    return 0;
}

/* What this reader leaves out begins so. */
static int check_start(struct reader *reader) {
    switch (peek(reader)) {
    case '&':
    case '*':
        return yaml_cursor_fail(&reader->cursor, "anchors and aliases are not read");
    case '!':
        return yaml_cursor_fail(&reader->cursor, "tags are not read");
    case '@':
    case '`':
    case '%':
        return yaml_cursor_fail(&reader->cursor,
                                "a text that begins with %c needs quotes", peek(reader));
    case '?':
        if (is_blank(peek_at(reader, 1)))
            return yaml_cursor_fail(&reader->cursor,
                                    "keys of several lines are not read");
        return 0;
    default:
        return 0;
    }
}

static int read_quoted(struct reader *reader, struct buf *out) {
    size_t len =
        yaml_scalar_unquote(out, slice_after(reader->cursor.text, reader->cursor.at));

    if (len == 0)
        return yaml_cursor_fail(&reader->cursor,
                                "a quoted text has no end, or holds a wrong escape");
    reader->cursor.at += len;
    return 0;
}

/* The length of a plain scalar on this line. */
static size_t plain_len(const struct reader *reader, bool in_flow) {
    size_t len = 0, end = 0;

    for (;; len++) {
        int byte = peek_at(reader, len);
        int next = peek_at(reader, len + 1);
        if (is_break(byte))
            return end;
        if (byte == ':' && (is_blank(next) || (in_flow && strchr(",[]{}", next))))
            return end;
        if (byte == '#' && len > 0 && is_blank(peek_at(reader, len - 1)))
            return end;
        if (in_flow && strchr(",[]{}", byte))
            return end;
        if (byte != ' ' && byte != '\t')
            end = len + 1;
    }
}

/* Is the word here a key: does a colon follow it on its line? */
static bool is_key(struct reader *reader) {
    size_t from = reader->cursor.at;
    struct buf skipped = { 0 };
    bool is_quoted = peek(reader) == '"' || peek(reader) == '\'';
    size_t len =
        is_quoted ? yaml_scalar_unquote(&skipped, slice_after(reader->cursor.text, from))
                  : plain_len(reader, false);

    buf_done(&skipped);
    if (!is_quoted && (peek(reader) == '[' || peek(reader) == '{'))
        return false;
    while (peek_at(reader, len) == ' ' || peek_at(reader, len) == '\t')
        len++;
    return len > 0 && peek_at(reader, len) == ':' && is_blank(peek_at(reader, len + 1));
}

/* A key and its colon. */
static int read_key(struct reader *reader, bool in_flow) {
    struct buf key = { 0 };
    int r = check_start(reader);

    if (r == 0 && (peek(reader) == '"' || peek(reader) == '\'')) {
        r = read_quoted(reader, &key);
    } else if (r == 0) {
        size_t len = plain_len(reader, in_flow);
        buf_add(&key, reader->cursor.text.at + reader->cursor.at, len);
        reader->cursor.at += len;
    }
    while (r == 0 && (peek(reader) == ' ' || peek(reader) == '\t'))
        reader->cursor.at++;
    if (r == 0 && peek(reader) != ':')
        r = yaml_cursor_fail(&reader->cursor, "behind a key stands a colon");
    if (r == 0) {
        reader->cursor.at++;
        json_writer_name(&reader->json, buf_slice(&key));
    }
    buf_done(&key);
    return r;
}

/* --- flow: [a, b] and {a: b} --- */

static int read_flow_map(struct reader *reader) {
    json_writer_open_object(&reader->json);
    for (;;) {
        skip_lines(reader);
        if (peek(reader) == '}')
            break;
        int r = read_key(reader, true);
        if (r == 0)
            r = read_flow(reader);
        if (r != 0)
            return r;
        skip_lines(reader);
        if (peek(reader) == ',')
            reader->cursor.at++;
        else if (peek(reader) != '}')
            return yaml_cursor_fail(&reader->cursor, "a comma or } is missing");
    }
    reader->cursor.at++;
    json_writer_close_object(&reader->json);
    return 0;
}

static int read_flow_list(struct reader *reader) {
    json_writer_open_array(&reader->json);
    for (;;) {
        skip_lines(reader);
        if (peek(reader) == ']')
            break;
        int r = read_flow(reader);
        if (r != 0)
            return r;
        skip_lines(reader);
        if (peek(reader) == ',')
            reader->cursor.at++;
        else if (peek(reader) != ']')
            return yaml_cursor_fail(&reader->cursor, "a comma or ] is missing");
    }
    reader->cursor.at++;
    json_writer_close_array(&reader->json);
    return 0;
}

static int read_flow_plain(struct reader *reader) {
    size_t len = plain_len(reader, true);

    if (len == 0 && peek(reader) != ',' && peek(reader) != '}')
        return yaml_cursor_fail(&reader->cursor, "a value is missing");
    yaml_scalar_write(&reader->json,
                      slice_of(reader->cursor.text.at + reader->cursor.at, len));
    reader->cursor.at += len;
    return 0;
}

static int read_quoted_value(struct reader *reader) {
    struct buf text = { 0 };
    int r = read_quoted(reader, &text);

    if (r == 0)
        json_writer_text(&reader->json, buf_slice(&text));
    buf_done(&text);
    return r;
}

static int read_flow(struct reader *reader) {
    int r = deeper(reader);

    if (r != 0)
        return r;
    skip_lines(reader);
    int byte = peek(reader);
    if (byte == '{' || byte == '[') {
        reader->cursor.at++;
        r = byte == '{' ? read_flow_map(reader) : read_flow_list(reader);
    } else if (byte == '"' || byte == '\'') {
        r = read_quoted_value(reader);
    } else {
        r = check_start(reader);
        r = r == 0 ? read_flow_plain(reader) : r;
    }
    reader->depth--;
    return r;
}

/* --- scalars in blocks --- */

/* A plain scalar, over further lines that are deeper than the parent. */
static int read_plain(struct reader *reader, size_t parent) {
    struct buf out = { 0 };

    for (;;) {
        size_t len = plain_len(reader, false);
        buf_add(&out, reader->cursor.text.at + reader->cursor.at, len);
        reader->cursor.at += len;
        size_t before = reader->cursor.at;
        bool is_comment = !skip_to_word(reader) ? false : before != reader->cursor.at;
        if (peek(reader) == ':') {
            buf_done(&out);
            return yaml_cursor_fail(&reader->cursor,
                                    "a colon inside a text needs quotes around the text");
        }
        skip_lines(reader);
        if (is_comment || is_over(reader) || column_of(reader) < parent ||
            column_of(reader) == 0)
            break;
        if (is_key(reader)) {
            buf_done(&out);
            return yaml_cursor_fail(&reader->cursor, "this key is indented as no other");
        }
        buf_add_byte(&out, ' ');
    }
    yaml_scalar_write(&reader->json, buf_slice(&out));
    buf_done(&out);
    return 0;
}

/* A flow collection or a quoted text ends its line. */
static int end_line(struct reader *reader) {
    if (!skip_to_word(reader))
        return yaml_cursor_fail(&reader->cursor, "something follows the end of a value");
    skip_lines(reader);
    return 0;
}

static int read_literal(struct reader *reader, size_t parent) {
    struct buf text = { 0 };
    int r = yaml_literal_read(&reader->cursor, parent, &text);

    if (r == 0)
        json_writer_text(&reader->json, buf_slice(&text));
    buf_done(&text);
    skip_lines(reader);
    return r;
}

/* A scalar or a flow collection; lines that go on are at least at column parent. */
static int read_scalar(struct reader *reader, size_t parent) {
    int r = check_start(reader);
    int byte = peek(reader);

    if (r == 0 && is_dash(reader))
        r = yaml_cursor_fail(&reader->cursor, "a list begins on a line of its own");
    if (r != 0)
        return r;
    if (byte == '|' || byte == '>')
        return read_literal(reader, parent);
    if (byte == '{' || byte == '[')
        r = read_flow(reader);
    else if (byte == '"' || byte == '\'')
        r = read_quoted_value(reader);
    else
        return read_plain(reader, parent);
    return r == 0 ? end_line(reader) : r;
}

/* --- collections in blocks --- */

/* No tab may stand before the word that begins a line: its width is anybody's guess. */
static int check_indent(struct reader *reader) {
    for (size_t at = reader->cursor.at; at > 0 && reader->cursor.text.at[at - 1] != '\n';
         at--)
        if (reader->cursor.text.at[at - 1] == '\t')
            return yaml_cursor_fail(&reader->cursor,
                                    "indentation is made of spaces, not of tabs");
    return 0;
}

/* What belongs to a key or a dash and stands on lines of its own, or nothing: null. */
static int read_below(struct reader *reader, size_t column, bool dashes_may_align) {
    skip_lines(reader);
    size_t at = column_of(reader);
    bool is_below =
        !is_over(reader) &&
        (at > column || (at == column && dashes_may_align && is_dash(reader)));

    if (!is_below) {
        json_writer_raw(&reader->json, slice_of_text("null"));
        return 0;
    }
    int r = check_indent(reader);
    return r == 0 ? read_block(reader, at) : r;
}

static int read_list(struct reader *reader, size_t column) {
    json_writer_open_array(&reader->json);
    while (!is_over(reader) && column_of(reader) == column && is_dash(reader)) {
        reader->cursor.at++;
        int r = skip_to_word(reader) ? read_below(reader, column, false)
                : is_dash(reader) || is_key(reader)
                    ? read_block(reader, column_of(reader))
                    : read_scalar(reader, column + 1);
        if (r != 0)
            return r;
    }
    json_writer_close_array(&reader->json);
    return 0;
}

static int read_map(struct reader *reader, size_t column) {
    json_writer_open_object(&reader->json);
    while (!is_over(reader) && column_of(reader) == column && !is_dash(reader)) {
        int r = check_start(reader);
        if (r == 0 && !is_key(reader))
            r = yaml_cursor_fail(&reader->cursor, "here a key and a colon are wanted");
        if (r == 0)
            r = read_key(reader, false);
        if (r == 0)
            r = skip_to_word(reader) ? read_below(reader, column, true)
                                     : read_scalar(reader, column + 1);
        if (r != 0)
            return r;
    }
    json_writer_close_object(&reader->json);
    return 0;
}

/* The node whose first word is here, at this column. */
static int read_block(struct reader *reader, size_t column) {
    int r = deeper(reader);

    if (r != 0)
        return r;
    if (is_dash(reader))
        r = read_list(reader, column);
    else if (is_key(reader))
        r = read_map(reader, column);
    else
        r = read_scalar(reader, column);
    reader->depth--;
    return r;
}

/* --- documents --- */

static int read_document(struct reader *reader) {
    int r = check_indent(reader);

    if (r == 0)
        r = read_block(reader, column_of(reader));
    skip_lines(reader);
    if (r == 0 && !is_over(reader))
        r = yaml_cursor_fail(&reader->cursor, "this line is indented as no other");
    buf_add_byte(reader->json.out, '\n');
    return r;
}

/* Over "%YAML" lines, "---" and "..."; false when no document follows. */
static bool find_document(struct reader *reader) {
    for (;;) {
        skip_lines(reader);
        if (peek(reader) < 0)
            return false;
        if (yaml_cursor_is_mark(&reader->cursor, "---") ||
            yaml_cursor_is_mark(&reader->cursor, "..."))
            reader->cursor.at += 3;
        else if (column_of(reader) == 0 && peek(reader) == '%')
            yaml_cursor_take_line(&reader->cursor);
        else
            return true;
    }
}

int yaml_read(struct buf *out, struct slice text, char **ret_why) {
    struct reader reader = { .cursor.text = text };
    size_t len = out->len;
    int r = 0;

    if (text.len >= 3 && memcmp(text.at, "\xef\xbb\xbf", 3) == 0)
        reader.cursor.text = slice_after(text, 3);
    if (!utf8_is_valid(text))
        r = yaml_cursor_fail(&reader.cursor, "not UTF-8");
    while (r == 0 && find_document(&reader)) {
        json_writer_init(&reader.json, out, false);
        r = read_document(&reader);
    }
    if (r != 0) {
        out->len = len;
        *ret_why = reader.cursor.why;
    }
    return r;
}
