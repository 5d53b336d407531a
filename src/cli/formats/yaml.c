#include "cli/formats/yaml.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

enum { DEPTH_MAX = 128 };

struct reader {
    struct slice left;
    struct buf *out;
    bool lower_keys;
};

static int add_value(struct reader *reader, unsigned depth, bool in_line);

static int peek(struct reader *reader) {
    while (reader->left.len > 0 && strchr(" \t\r\n", reader->left.at[0]))
        reader->left = slice_after(reader->left, 1);
    return reader->left.len > 0 ? reader->left.at[0] : -1;
}

static bool take(struct reader *reader, int byte) {
    if (peek(reader) != byte)
        return false;
    reader->left = slice_after(reader->left, 1);
    return true;
}

/* The string with its quotes; empty when it has no end. */
static struct slice take_string(struct reader *reader) {
    struct slice all = reader->left;

    for (size_t i = 1; i < all.len; i++) {
        if (all.at[i] == '\\') {
            i++;
        } else if (all.at[i] == '"') {
            reader->left = slice_after(all, i + 1);
            return slice_of(all.at, i + 1);
        }
    }
    return slice_of(NULL, 0);
}

/* Words that YAML (1.1 as well) reads as something other than a string. */
static bool is_reserved(const char *text, size_t len) {
    static const char *const words[] = { "true", "false", "null", "yes", "no",
                                         "on",   "off",   "y",    "n",   "~" };
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (strlen(words[i]) == len && strncasecmp(words[i], text, len) == 0)
            return true;
    return false;
}

static bool is_plain(struct slice quoted) {
    const char *text = (const char *)quoted.at + 1;
    size_t len = quoted.len - 2;

    if (len == 0 || is_reserved(text, len))
        return false;
    if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_/", text[0]))
        return false;
    for (size_t i = 0; i < len; i++)
        if (text[i] == '\0' ||
            !strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                    "_-./@+() ",
                    text[i]))
            return false;
    return text[len - 1] != ' ';
}

static int add_string(struct reader *reader) {
    struct slice quoted = take_string(reader);

    if (quoted.len == 0)
        return -EINVAL;
    if (is_plain(quoted))
        buf_add(reader->out, quoted.at + 1, quoted.len - 2);
    else
        buf_add_slice(reader->out, quoted);
    return 0;
}

static int add_word(struct reader *reader) {
    size_t len = 0;

    while (len < reader->left.len &&
           strchr("+-.0123456789abcdefghijklmnopqrstuvwxyzE", reader->left.at[len]))
        len++;
    if (len == 0)
        return -EINVAL;
    buf_add(reader->out, reader->left.at, len);
    reader->left = slice_after(reader->left, len);
    return 0;
}

static void indent(struct reader *reader, unsigned depth) {
    for (unsigned i = 0; i < depth; i++)
        buf_add_text(reader->out, "  ");
}

static int add_key(struct reader *reader) {
    size_t from = reader->out->len;
    int r = add_string(reader);

    for (size_t i = from; reader->lower_keys && i < reader->out->len; i++)
        if (reader->out->data[i] >= 'A' && reader->out->data[i] <= 'Z')
            reader->out->data[i] |= 0x20;
    return r;
}

/* in_line: the first entry goes on the line that was begun ("- "). */
static int add_map(struct reader *reader, unsigned depth, bool in_line) {
    do {
        if (!in_line)
            indent(reader, depth);
        in_line = false;
        if (peek(reader) != '"' || add_key(reader) < 0 || !take(reader, ':'))
            return -EINVAL;
        buf_add_byte(reader->out, ':');
        int r = add_value(reader, depth + 1, false);
        if (r < 0)
            return r;
    } while (take(reader, ','));
    return take(reader, '}') ? 0 : -EINVAL;
}

static int add_sequence(struct reader *reader, unsigned depth, bool in_line) {
    do {
        if (!in_line)
            indent(reader, depth);
        in_line = false;
        buf_add_byte(reader->out, '-');
        int r = add_value(reader, depth + 1, true);
        if (r < 0)
            return r;
    } while (take(reader, ','));
    return take(reader, ']') ? 0 : -EINVAL;
}

/* A non-empty map or sequence after its opening bracket. */
static int add_block(struct reader *reader, int open, unsigned depth, bool in_line) {
    if (depth > DEPTH_MAX)
        return -EINVAL;
    if (in_line)
        buf_add_byte(reader->out, ' ');
    else if (depth > 0)
        buf_add_byte(reader->out, '\n');
    return open == '{' ? add_map(reader, depth, in_line)
                       : add_sequence(reader, depth, in_line);
}

/* What follows "key:" or "-" (or nothing, at depth 0), with its line end. */
static int add_value(struct reader *reader, unsigned depth, bool in_line) {
    int byte = peek(reader);

    if (byte == '{' || byte == '[') {
        take(reader, byte);
        if (peek(reader) != byte + 2) /* '}' and ']' are two behind their openers */
            return add_block(reader, byte, depth, in_line);
        take(reader, byte + 2);
        buf_printf(reader->out, "%s%s\n", depth > 0 ? " " : "",
                   byte == '{' ? "{}" : "[]");
        return 0;
    }
    if (depth > 0)
        buf_add_byte(reader->out, ' ');
    int r = byte == '"' ? add_string(reader) : byte < 0 ? -EINVAL : add_word(reader);
    buf_add_byte(reader->out, '\n');
    return r;
}

int yaml_add_json(struct buf *out, struct slice json, bool lower_keys) {
    struct reader reader = { .left = json, .out = out, .lower_keys = lower_keys };
    int r = add_value(&reader, 0, false);

    if (r == 0 && peek(&reader) >= 0)
        return -EINVAL;
    return r;
}
