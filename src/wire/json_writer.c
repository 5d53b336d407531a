#include "wire/json_writer.h"

void json_writer_init(struct json_writer *writer, struct buf *out, bool pretty) {
    *writer = (struct json_writer) { .out = out, .pretty = pretty };
}

static void break_line(struct json_writer *writer) {
    if (!writer->pretty)
        return;
    buf_add_byte(writer->out, '\n');
    for (unsigned i = 0; i < writer->depth; i++)
        buf_add_text(writer->out, "  ");
}

/* Before each value and each name. */
static void begin_item(struct json_writer *writer) {
    if (writer->has_name) {
        writer->has_name = false;
        return;
    }
    if (writer->has_items)
        buf_add_byte(writer->out, ',');
    if (writer->depth > 0)
        break_line(writer);
    writer->has_items = true;
}

static void open_level(struct json_writer *writer, uint8_t bracket) {
    begin_item(writer);
    buf_add_byte(writer->out, bracket);
    writer->depth++;
    writer->has_items = false;
}

static void close_level(struct json_writer *writer, uint8_t bracket) {
    writer->depth--;
    if (writer->has_items)
        break_line(writer);
    buf_add_byte(writer->out, bracket);
    writer->has_items = true;
}

void json_writer_open_object(struct json_writer *writer) {
    open_level(writer, '{');
}

void json_writer_close_object(struct json_writer *writer) {
    close_level(writer, '}');
}

void json_writer_open_array(struct json_writer *writer) {
    open_level(writer, '[');
}

void json_writer_close_array(struct json_writer *writer) {
    close_level(writer, ']');
}

void json_writer_name(struct json_writer *writer, struct slice name) {
    begin_item(writer);
    json_writer_quote(writer->out, name);
    buf_add_text(writer->out, writer->pretty ? ": " : ":");
    writer->has_name = true;
}

void json_writer_text(struct json_writer *writer, struct slice text) {
    begin_item(writer);
    json_writer_quote(writer->out, text);
}

void json_writer_raw(struct json_writer *writer, struct slice value) {
    begin_item(writer);
    buf_add_slice(writer->out, value);
}

/* The letter behind the backslash; 0 for those that have none. */
static uint8_t short_escape(uint8_t byte) {
    switch (byte) {
    case '"':
    case '\\':
        return byte;
    case '\b':
        return 'b';
    case '\f':
        return 'f';
    case '\n':
        return 'n';
    case '\r':
        return 'r';
    case '\t':
        return 't';
    default:
        return 0;
    }
}

/* C1 controls are U+0080 to U+009F: two bytes, the first 0xc2. */
static bool is_c1(struct slice left) {
    return left.len >= 2 && left.at[0] == 0xc2 && left.at[1] < 0xa0;
}

/* How many bytes from here stand for themselves. */
static size_t plain_len(struct slice left) {
    size_t len = 0;

    while (len < left.len) {
        uint8_t byte = left.at[len];
        if (byte < 0x20 || byte == 0x7f || byte == '"' || byte == '\\')
            break;
        if (byte == 0xc2 && is_c1(slice_after(left, len)))
            break;
        len++;
    }
    return len;
}

/* Escapes the first character; answers how many bytes it has. */
static size_t escape(struct buf *out, struct slice left) {
    uint8_t letter = short_escape(left.at[0]);

    if (letter) {
        buf_add_byte(out, '\\');
        buf_add_byte(out, letter);
        return 1;
    }
    if (is_c1(left)) {
        buf_printf(out, "\\u%04x", left.at[1]);
        return 2;
    }
    buf_printf(out, "\\u%04x", left.at[0]);
    return 1;
}

void json_writer_quote(struct buf *out, struct slice text) {
    buf_add_byte(out, '"');
    for (size_t at = 0; at < text.len;) {
        struct slice left = slice_after(text, at);
        size_t plain = plain_len(left);
        buf_add(out, left.at, plain);
        at += plain;
        if (plain < left.len)
            at += escape(out, slice_after(text, at));
    }
    buf_add_byte(out, '"');
}
