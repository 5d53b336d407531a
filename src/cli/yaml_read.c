#include "cli/yaml_read.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "cli/yaml_scalar.h"
#include "wire/json_writer.h"
#include "wire/utf8.h"

enum { DEPTH_MAX = 128 }; /* more than a message may nest */

struct reader {
    struct slice text; /* borrowed: the caller */
    size_t at;
    struct json_writer json;
    unsigned depth;
    char *why; /* owned; what is wrong */
};

static int read_block(struct reader *reader, size_t column);
static int read_flow(struct reader *reader);

static int __attribute__((format(printf, 2, 3)))
fail(struct reader *reader, const char *format, ...) {
    struct buf why = { 0 };
    size_t line = 1;
    va_list args;

    if (reader->why)
        return YAML_READ_E_BAD;
    for (size_t i = 0; i < reader->at && i < reader->text.len; i++)
        line += reader->text.at[i] == '\n';
    buf_printf(&why, "line %zu: ", line);
    va_start(args, format);
    buf_vprintf(&why, format, args);
    va_end(args);
    reader->why = buf_take_text(&why);
    return YAML_READ_E_BAD;
}

static int peek_at(const struct reader *reader, size_t ahead) {
    size_t at = reader->at + ahead;
    return at < reader->text.len ? reader->text.at[at] : -1;
}

static int peek(const struct reader *reader) {
    return peek_at(reader, 0);
}

static bool is_break(int byte) {
    return byte == '\n' || byte == '\r' || byte < 0;
}

static bool is_blank(int byte) {
    return byte == ' ' || byte == '\t' || is_break(byte);
}

static size_t column_of(const struct reader *reader) {
    size_t start = reader->at;

    while (start > 0 && reader->text.at[start - 1] != '\n')
        start--;
    return reader->at - start;
}

/* Over spaces, and a comment when one follows: true when the line is over. */
static bool skip_to_word(struct reader *reader) {
    while (peek(reader) == ' ' || peek(reader) == '\t')
        reader->at++;
    bool is_comment = peek(reader) == '#' &&
                      (reader->at == 0 || is_blank(reader->text.at[reader->at - 1]));
    while (is_comment && !is_break(peek(reader)))
        reader->at++;
    return is_break(peek(reader));
}

/* Over empty lines and comments to the first word of the next line that has one. */
static void skip_lines(struct reader *reader) {
    while (skip_to_word(reader) && peek(reader) >= 0)
        reader->at++;
}

static bool is_mark(const struct reader *reader, const char *mark) {
    return column_of(reader) == 0 && reader->text.len - reader->at >= 3 &&
           memcmp(reader->text.at + reader->at, mark, 3) == 0 &&
           is_blank(peek_at(reader, 3));
}

/* The end of the document: of the text, or a mark. */
static bool is_over(const struct reader *reader) {
    return peek(reader) < 0 || is_mark(reader, "---") || is_mark(reader, "...");
}

static bool is_dash(const struct reader *reader) {
    return peek(reader) == '-' && is_blank(peek_at(reader, 1));
}

static int deeper(struct reader *reader) {
    if (reader->depth == DEPTH_MAX)
        return fail(reader, "nests more than %d levels deep", DEPTH_MAX);
    reader->depth++;
    return 0;
}

/* What this reader leaves out begins so. */
static int check_start(struct reader *reader) {
    switch (peek(reader)) {
    case '&':
    case '*':
        return fail(reader, "anchors and aliases are not read");
    case '!':
        return fail(reader, "tags are not read");
    case '@':
    case '`':
    case '%':
        return fail(reader, "a text that begins with %c needs quotes", peek(reader));
    case '?':
        if (is_blank(peek_at(reader, 1)))
            return fail(reader, "keys of several lines are not read");
        return 0;
    default:
        return 0;
    }
}

static int read_quoted(struct reader *reader, struct buf *out) {
    size_t len = yaml_scalar_unquote(out, slice_after(reader->text, reader->at));

    if (len == 0)
        return fail(reader, "a quoted text has no end, or holds a wrong escape");
    reader->at += len;
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
    size_t from = reader->at;
    struct buf skipped = { 0 };
    bool is_quoted = peek(reader) == '"' || peek(reader) == '\'';
    size_t len = is_quoted
                     ? yaml_scalar_unquote(&skipped, slice_after(reader->text, from))
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
        buf_add(&key, reader->text.at + reader->at, len);
        reader->at += len;
    }
    while (r == 0 && (peek(reader) == ' ' || peek(reader) == '\t'))
        reader->at++;
    if (r == 0 && peek(reader) != ':')
        r = fail(reader, "behind a key stands a colon");
    if (r == 0) {
        reader->at++;
        json_writer_name(&reader->json, buf_slice(&key));
    }
    buf_done(&key);
    return r;
}

/* --- flow: [a, b] and {a: b} --- */

static void skip_in_flow(struct reader *reader) {
    skip_lines(reader);
}

static int read_flow_map(struct reader *reader) {
    json_writer_open_object(&reader->json);
    for (;;) {
        skip_in_flow(reader);
        if (peek(reader) == '}')
            break;
        int r = read_key(reader, true);
        if (r == 0)
            r = read_flow(reader);
        if (r != 0)
            return r;
        skip_in_flow(reader);
        if (peek(reader) == ',')
            reader->at++;
        else if (peek(reader) != '}')
            return fail(reader, "a comma or } is missing");
    }
    reader->at++;
    json_writer_close_object(&reader->json);
    return 0;
}

static int read_flow_list(struct reader *reader) {
    json_writer_open_array(&reader->json);
    for (;;) {
        skip_in_flow(reader);
        if (peek(reader) == ']')
            break;
        int r = read_flow(reader);
        if (r != 0)
            return r;
        skip_in_flow(reader);
        if (peek(reader) == ',')
            reader->at++;
        else if (peek(reader) != ']')
            return fail(reader, "a comma or ] is missing");
    }
    reader->at++;
    json_writer_close_array(&reader->json);
    return 0;
}

static int read_flow_plain(struct reader *reader) {
    size_t len = plain_len(reader, true);

    if (len == 0 && peek(reader) != ',' && peek(reader) != '}')
        return fail(reader, "a value is missing");
    yaml_scalar_write(&reader->json, slice_of(reader->text.at + reader->at, len));
    reader->at += len;
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
    skip_in_flow(reader);
    int byte = peek(reader);
    if (byte == '{' || byte == '[') {
        reader->at++;
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

/* What "|2-" says behind its bar. */
struct block_head {
    bool is_folded;
    int chomp;     /* '-', '+' or 0 */
    size_t indent; /* 0: of the first line */
};

static int read_block_head(struct reader *reader, struct block_head *ret_head) {
    *ret_head = (struct block_head) { .is_folded = peek(reader) == '>' };
    for (reader->at++; !is_blank(peek(reader)); reader->at++) {
        int byte = peek(reader);
        if (byte >= '1' && byte <= '9' && ret_head->indent == 0)
            ret_head->indent = (size_t)(byte - '0');
        else if ((byte == '-' || byte == '+') && ret_head->chomp == 0)
            ret_head->chomp = byte;
        else
            return fail(reader, "behind | and > stand a digit, - or +");
    }
    if (!skip_to_word(reader))
        return fail(reader, "the text of | and > begins on the next line");
    if (peek(reader) >= 0)
        reader->at += peek(reader) == '\r' && peek_at(reader, 1) == '\n' ? 2 : 1;
    return 0;
}

/* The spaces that begin the line here; *ret_empty: nothing else is in it. */
static size_t line_indent(const struct reader *reader, bool *ret_empty) {
    size_t indent = 0;

    while (peek_at(reader, indent) == ' ')
        indent++;
    *ret_empty = is_break(peek_at(reader, indent));
    return indent;
}

/* The indentation of the first line of a block that has something in it. */
static size_t block_indent(const struct reader *reader, size_t parent) {
    struct reader ahead = *reader;

    for (;;) {
        bool is_empty;
        size_t indent = line_indent(&ahead, &is_empty);
        ahead.at += indent;
        if (!is_empty)
            return indent;
        if (peek(&ahead) < 0)
            return parent;
        ahead.at++;
    }
}

/* What stands between two lines of a folded text. */
static void add_fold(struct buf *out, size_t breaks, bool is_plain) {
    if (out->len == 0 || !is_plain)
        for (; breaks > 0; breaks--)
            buf_add_byte(out, '\n');
    else if (breaks == 1)
        buf_add_byte(out, ' ');
    else
        for (; breaks > 1; breaks--)
            buf_add_byte(out, '\n');
}

/* Takes the rest of the line with its break; *ret_more is whether there was one. */
static struct slice take_line(struct reader *reader) {
    size_t from = reader->at;

    while (peek(reader) >= 0 && peek(reader) != '\n')
        reader->at++;
    size_t len = reader->at - from;
    if (len > 0 && reader->text.at[from + len - 1] == '\r')
        len--;
    if (peek(reader) >= 0)
        reader->at++;
    return slice_of(reader->text.at + from, len);
}

static void read_block_lines(struct reader *reader,
                             const struct block_head *head,
                             size_t indent,
                             struct buf *out) {
    size_t breaks = 0;
    bool was_indented = true; /* lines that begin with a space are not folded */

    while (peek(reader) >= 0) {
        bool is_empty;
        size_t spaces = line_indent(reader, &is_empty);
        if (is_empty && spaces <= indent) {
            reader->at += spaces;
            take_line(reader);
            breaks++;
            continue;
        }
        if (spaces < indent || (spaces == 0 && is_over(reader)))
            break;
        reader->at += indent;
        bool is_indented = peek(reader) == ' ' || peek(reader) == '\t';
        add_fold(out, breaks, head->is_folded && !is_indented && !was_indented);
        buf_add_slice(out, take_line(reader));
        was_indented = is_indented;
        breaks = 1;
    }
    if (head->chomp == '-' || (out->len == 0 && head->chomp == 0))
        breaks = 0;
    else if (head->chomp == 0)
        breaks = 1;
    for (; breaks > 0; breaks--)
        buf_add_byte(out, '\n');
}

/* "|" and ">" with the lines below that are deeper than the parent. */
static int read_block_scalar(struct reader *reader, size_t parent) {
    struct block_head head;
    struct buf out = { 0 };

    int r = read_block_head(reader, &head);
    if (r != 0)
        return r;
    size_t indent = head.indent ? head.indent + (parent > 0 ? parent - 1 : 0)
                                : block_indent(reader, parent);
    if (indent >= parent)
        read_block_lines(reader, &head, indent, &out);
    json_writer_text(&reader->json, buf_slice(&out));
    buf_done(&out);
    return 0;
}

/* A plain scalar, over further lines that are deeper than the parent. */
static int read_plain(struct reader *reader, size_t parent) {
    struct buf out = { 0 };

    for (;;) {
        size_t len = plain_len(reader, false);
        buf_add(&out, reader->text.at + reader->at, len);
        reader->at += len;
        size_t before = reader->at;
        bool is_comment = !skip_to_word(reader) ? false : before != reader->at;
        if (peek(reader) == ':') {
            buf_done(&out);
            return fail(reader, "a colon inside a text needs quotes around the text");
        }
        skip_lines(reader);
        if (is_comment || is_over(reader) || column_of(reader) < parent ||
            column_of(reader) == 0)
            break;
        if (is_key(reader)) {
            buf_done(&out);
            return fail(reader, "this key is indented as no other");
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
        return fail(reader, "something follows the end of a value");
    skip_lines(reader);
    return 0;
}

/* A scalar or a flow collection; lines that go on are at least at column parent. */
static int read_scalar(struct reader *reader, size_t parent) {
    int r = check_start(reader);
    int byte = peek(reader);

    if (r == 0 && is_dash(reader))
        r = fail(reader, "a list begins on a line of its own");
    if (r != 0)
        return r;
    if (byte == '|' || byte == '>') {
        r = read_block_scalar(reader, parent);
        skip_lines(reader);
        return r;
    }
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
    for (size_t at = reader->at; at > 0 && reader->text.at[at - 1] != '\n'; at--)
        if (reader->text.at[at - 1] == '\t')
            return fail(reader, "indentation is made of spaces, not of tabs");
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
        reader->at++;
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
            r = fail(reader, "here a key and a colon are wanted");
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
        r = fail(reader, "this line is indented as no other");
    buf_add_byte(reader->json.out, '\n');
    return r;
}

/* Over "%YAML" lines, "---" and "..."; false when no document follows. */
static bool find_document(struct reader *reader) {
    for (;;) {
        skip_lines(reader);
        if (peek(reader) < 0)
            return false;
        if (is_mark(reader, "---") || is_mark(reader, "..."))
            reader->at += 3;
        else if (column_of(reader) == 0 && peek(reader) == '%')
            take_line(reader);
        else
            return true;
    }
}

int yaml_read(struct buf *out, struct slice text, char **ret_why) {
    struct reader reader = { .text = text };
    size_t len = out->len;
    int r = 0;

    if (text.len >= 3 && memcmp(text.at, "\xef\xbb\xbf", 3) == 0)
        reader.text = slice_after(text, 3);
    if (!utf8_is_valid(text))
        r = fail(&reader, "not UTF-8");
    while (r == 0 && find_document(&reader)) {
        json_writer_init(&reader.json, out, false);
        r = read_document(&reader);
    }
    if (r != 0) {
        out->len = len;
        *ret_why = reader.why;
    }
    return r;
}
