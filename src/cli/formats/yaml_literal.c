#include "cli/formats/yaml_literal.h"

/* What "|2-" says behind its bar. */
struct block_head {
    bool is_folded;
    int chomp;     /* '-', '+' or 0 */
    size_t indent; /* 0: of the first line */
};

static int read_block_head(struct yaml_cursor *cursor, struct block_head *ret_head) {
    *ret_head = (struct block_head) { .is_folded = yaml_cursor_peek(cursor) == '>' };
    for (cursor->at++; !yaml_cursor_is_blank(yaml_cursor_peek(cursor)); cursor->at++) {
        int byte = yaml_cursor_peek(cursor);
        if (byte >= '1' && byte <= '9' && ret_head->indent == 0)
            ret_head->indent = (size_t)(byte - '0');
        else if ((byte == '-' || byte == '+') && ret_head->chomp == 0)
            ret_head->chomp = byte;
        else
            return yaml_cursor_fail(cursor, "behind | and > stand a digit, - or +");
    }
    if (!yaml_cursor_skip_to_word(cursor))
        return yaml_cursor_fail(cursor, "the text of | and > begins on the next line");
    if (yaml_cursor_peek(cursor) >= 0)
        cursor->at +=
            yaml_cursor_peek(cursor) == '\r' && yaml_cursor_peek_at(cursor, 1) == '\n'
                ? 2
                : 1;
    return 0;
}

/* The spaces that begin the line here; *ret_empty: nothing else is in it. */
static size_t line_indent(const struct yaml_cursor *cursor, bool *ret_empty) {
    size_t indent = 0;

    while (yaml_cursor_peek_at(cursor, indent) == ' ')
        indent++;
    *ret_empty = yaml_cursor_is_break(yaml_cursor_peek_at(cursor, indent));
    return indent;
}

/* The indentation of the first line of a block that has something in it. */
static size_t block_indent(const struct yaml_cursor *cursor, size_t parent) {
    struct yaml_cursor ahead = *cursor;

    for (;;) {
        bool is_empty;
        size_t indent = line_indent(&ahead, &is_empty);
        ahead.at += indent;
        if (!is_empty)
            return indent;
        if (yaml_cursor_peek(&ahead) < 0)
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

static void read_block_lines(struct yaml_cursor *cursor,
                             const struct block_head *head,
                             size_t indent,
                             struct buf *out) {
    size_t breaks = 0;
    bool was_indented = true; /* lines that begin with a space are not folded */

    while (yaml_cursor_peek(cursor) >= 0) {
        bool is_empty;
        size_t spaces = line_indent(cursor, &is_empty);
        if (is_empty && spaces <= indent) {
            cursor->at += spaces;
            yaml_cursor_take_line(cursor);
            breaks++;
            continue;
        }
        if (spaces < indent || (spaces == 0 && yaml_cursor_is_over(cursor)))
            break;
        cursor->at += indent;
        bool is_indented =
            yaml_cursor_peek(cursor) == ' ' || yaml_cursor_peek(cursor) == '\t';
        add_fold(out, breaks, head->is_folded && !is_indented && !was_indented);
        buf_add_slice(out, yaml_cursor_take_line(cursor));
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

int yaml_literal_read(struct yaml_cursor *cursor, size_t parent, struct buf *out) {
    struct block_head head;

    int r = read_block_head(cursor, &head);
    if (r != 0)
        return r;
    size_t indent = head.indent ? head.indent + (parent > 0 ? parent - 1 : 0)
                                : block_indent(cursor, parent);
    if (indent >= parent)
        read_block_lines(cursor, &head, indent, out);
    return 0;
}
