#include "cli/formats/yaml_scalar.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "wire/json_reader.h"
#include "wire/utf8.h"

enum { DIGITS_MAX = 16 }; /* of a hexadecimal or octal number: 64 bits */

static bool is_one_of(struct slice text, const char *const *words) {
    for (; *words; words++)
        if (slice_is_text(text, *words))
            return true;
    return false;
}

/* "0x1f" and "0o17" as JSON's decimal; false for anything else. */
static bool write_based(struct json_writer *json, struct slice text) {
    char digits[DIGITS_MAX + 1];
    char decimal[24];
    char *end;

    if (text.len < 3 || text.len - 2 > DIGITS_MAX || text.at[0] != '0' ||
        (text.at[1] != 'x' && text.at[1] != 'o'))
        return false;
    bool is_hex = text.at[1] == 'x';
    memcpy(digits, text.at + 2, text.len - 2);
    digits[text.len - 2] = '\0';
    if (strspn(digits, is_hex ? "0123456789abcdefABCDEF" : "01234567") != text.len - 2)
        return false;
    unsigned long long number = strtoull(digits, &end, is_hex ? 16 : 8);
    int len = snprintf(decimal, sizeof(decimal), "%llu", number);
    json_writer_raw(json, slice_of(decimal, (size_t)len));
    return true;
}

static bool is_digit_at(struct slice text, size_t at) {
    return at < text.len && text.at[at] >= '0' && text.at[at] <= '9';
}

/* What JSON's grammar leaves out: "+1", ".5", "1.", "007". */
static bool write_loose_number(struct json_writer *json, struct slice text) {
    bool is_negative = text.len > 0 && text.at[0] == '-';
    bool has_sign = is_negative || (text.len > 0 && text.at[0] == '+');
    size_t i = has_sign ? 1 : 0;
    struct buf strict = { 0 };

    while (i + 1 < text.len && text.at[i] == '0' && is_digit_at(text, i + 1))
        i++;
    buf_add_text(&strict, is_negative ? "-" : "");
    if (i < text.len && text.at[i] == '.' && is_digit_at(text, i + 1))
        buf_add_byte(&strict, '0');
    struct slice rest = slice_after(text, i);
    bool ends_in_dot = rest.len > 1 && rest.at[rest.len - 1] == '.';
    buf_add(&strict, rest.at, rest.len - ends_in_dot);
    bool is_number =
        strict.len > 0 && json_reader_number_len(buf_slice(&strict)) == strict.len;
    if (is_number)
        json_writer_raw(json, buf_slice(&strict));
    buf_done(&strict);
    return is_number;
}

/* Infinities and what is no number, which the JSON mapping has as texts. */
static const char *special_of(struct slice text) {
    static const char *const nans[] = { ".nan", ".NaN", ".NAN", NULL };
    static const char *const infinities[] = { ".inf", ".Inf", ".INF", NULL };

    if (is_one_of(text, nans))
        return "NaN";
    bool is_negative = text.len > 0 && text.at[0] == '-';
    bool has_sign = is_negative || (text.len > 0 && text.at[0] == '+');
    if (!is_one_of(slice_after(text, has_sign ? 1 : 0), infinities))
        return NULL;
    return is_negative ? "-Infinity" : "Infinity";
}

void yaml_scalar_write(struct json_writer *json, struct slice text) {
    static const char *const nulls[] = { "", "~", "null", "Null", "NULL", NULL };
    static const char *const yes[] = { "true", "True", "TRUE", NULL };
    static const char *const no[] = { "false", "False", "FALSE", NULL };
    const char *special = special_of(text);

    if (special)
        json_writer_text(json, slice_of_text(special));
    else if (is_one_of(text, nulls))
        json_writer_raw(json, slice_of_text("null"));
    else if (is_one_of(text, yes))
        json_writer_raw(json, slice_of_text("true"));
    else if (is_one_of(text, no))
        json_writer_raw(json, slice_of_text("false"));
    else if (!write_based(json, text) && !write_loose_number(json, text))
        json_writer_text(json, text);
}

/* A line break inside quotes is a space, and each further one a newline. */
static size_t fold(struct buf *out, struct slice text, size_t at, size_t kept) {
    size_t breaks = 0;

    while (out->len > kept && strchr(" \t", out->data[out->len - 1]))
        out->len--;
    for (; at < text.len && strchr(" \t\r\n", text.at[at]); at++)
        breaks += text.at[at] == '\n';
    if (breaks == 1)
        buf_add_byte(out, ' ');
    for (; breaks > 1; breaks--)
        buf_add_byte(out, '\n');
    return at;
}

/* The escapes of one letter. */
static bool add_letter(struct buf *out, uint8_t letter) {
    static const char letters[] = "0abtnvfre \"/\\NLP_\t";
    static const uint16_t codes[] = {
        0, 7, 8, 9, 10, 11, 12, 13, 27, ' ', '"', '/', '\\', 0x85, 0x2028, 0x2029, 0xa0, 9
    };
    const char *found = letter ? strchr(letters, letter) : NULL;

    if (found)
        utf8_add(out, codes[found - letters]);
    return found;
}

/* \x41, \u0041, \U00000041; \u in pairs as JSON has them. */
static size_t read_code(struct slice text, size_t digits, uint32_t *ret_code) {
    uint32_t code = 0;

    if (text.len < digits)
        return 0;
    for (size_t i = 0; i < digits; i++) {
        uint8_t byte = text.at[i];
        uint8_t lower = byte | 0x20;
        if (byte >= '0' && byte <= '9')
            code = code << 4 | (uint32_t)(byte - '0');
        else if (lower >= 'a' && lower <= 'f')
            code = code << 4 | (uint32_t)(lower - 'a' + 10);
        else
            return 0;
    }
    *ret_code = code;
    return digits;
}

/* The second half of a surrogate pair behind its first: its length, or 0. */
static size_t read_low(struct slice text, uint32_t *ret_low) {
    bool is_escape = text.len >= 6 && text.at[0] == '\\' && text.at[1] == 'u';

    if (!is_escape || read_code(slice_after(text, 2), 4, ret_low) == 0)
        return 0;
    return *ret_low >= 0xdc00 && *ret_low < 0xe000 ? 6 : 0;
}

static size_t add_code(struct buf *out, struct slice text, uint8_t letter) {
    uint32_t code, low;
    size_t len = read_code(text, letter == 'x' ? 2 : letter == 'u' ? 4 : 8, &code);

    if (len == 0)
        return 0;
    if (letter == 'u' && code >= 0xd800 && code < 0xdc00) {
        size_t more = read_low(slice_after(text, len), &low);
        if (more == 0)
            return 0;
        code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
        len += more;
    }
    if ((code >= 0xd800 && code < 0xe000) || code > 0x10ffff)
        return 0;
    utf8_add(out, code);
    return len;
}

/* Behind a backslash: how many bytes the escape has, 0 when it is none. */
static size_t add_escape(struct buf *out, struct slice text) {
    if (text.len == 0)
        return 0;
    uint8_t letter = text.at[0];
    if (letter == 'x' || letter == 'u' || letter == 'U') {
        size_t len = add_code(out, slice_after(text, 1), letter);
        return len ? len + 1 : 0;
    }
    if (letter == '\r' || letter == '\n') {
        size_t i = letter == '\r' && text.len > 1 && text.at[1] == '\n' ? 2 : 1;
        while (i < text.len && strchr(" \t", text.at[i]))
            i++;
        return i;
    }
    return add_letter(out, letter) ? 1 : 0;
}

static size_t unquote_single(struct buf *out, struct slice text) {
    size_t i = 1, kept = out->len;

    while (i < text.len) {
        uint8_t byte = text.at[i];
        if (byte == '\'' && (i + 1 == text.len || text.at[i + 1] != '\''))
            return i + 1;
        if (byte == '\r' || byte == '\n') {
            i = fold(out, text, i, kept);
            continue;
        }
        buf_add_byte(out, byte);
        i += byte == '\'' ? 2 : 1;
    }
    return 0;
}

static size_t unquote_double(struct buf *out, struct slice text) {
    size_t i = 1, kept = out->len;

    while (i < text.len) {
        uint8_t byte = text.at[i];
        if (byte == '"')
            return i + 1;
        if (byte == '\r' || byte == '\n') {
            i = fold(out, text, i, kept);
            continue;
        }
        if (byte != '\\') {
            buf_add_byte(out, byte);
            i++;
            continue;
        }
        size_t len = add_escape(out, slice_after(text, i + 1));
        if (len == 0)
            return 0;
        i += 1 + len;
        kept = out->len; /* spaces that were escaped stay */
    }
    return 0;
}

size_t yaml_scalar_unquote(struct buf *out, struct slice text) {
    if (text.len == 0)
        return 0;
    return text.at[0] == '"' ? unquote_double(out, text) : unquote_single(out, text);
}
