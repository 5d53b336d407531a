#include "wire/json_reader.h"

#include "wire/utf8.h"

/* What the grammar allows next. */
enum expect {
    VALUE,
    VALUE_OR_END, /* after '[' */
    NAME_OR_END,  /* after '{' */
    COMMA_OR_END,
    NOTHING, /* the one value is complete */
    BROKEN,
};

void json_reader_init(struct json_reader *reader, struct slice json) {
    *reader = (struct json_reader) { .json = json, .expect = VALUE };
}

void json_reader_done(struct json_reader *reader) {
    buf_done(&reader->text);
}

struct slice json_reader_value(const struct json_reader *reader) {
    return reader->value;
}

const char *json_reader_why(const struct json_reader *reader) {
    return reader->why;
}

static enum json_token fail(struct json_reader *reader, const char *why) {
    reader->expect = BROKEN;
    reader->why = why;
    return JSON_BAD;
}

static struct slice rest(const struct json_reader *reader) {
    return slice_after(reader->json, reader->at);
}

/* The next byte that is no white space, or -1 at the end. */
static int look(struct json_reader *reader) {
    while (reader->at < reader->json.len) {
        uint8_t byte = reader->json.at[reader->at];
        if (byte != ' ' && byte != '\t' && byte != '\n' && byte != '\r')
            return byte;
        reader->at++;
    }
    return -1;
}

static void after_value(struct json_reader *reader) {
    reader->expect = reader->depth == 0 ? NOTHING : COMMA_OR_END;
}

static enum json_token open_level(struct json_reader *reader, bool is_object) {
    if (reader->depth == JSON_READER_DEPTH_MAX)
        return fail(reader, "nests too deep");
    reader->in_object[reader->depth++] = is_object;
    reader->at++;
    reader->expect = is_object ? NAME_OR_END : VALUE_OR_END;
    return is_object ? JSON_OBJECT : JSON_ARRAY;
}

static enum json_token close_level(struct json_reader *reader) {
    bool is_object = reader->in_object[--reader->depth];

    reader->at++;
    after_value(reader);
    return is_object ? JSON_OBJECT_END : JSON_ARRAY_END;
}

static int hex_digit(uint8_t byte) {
    if (byte >= '0' && byte <= '9')
        return byte - '0';
    byte |= 0x20;
    return byte >= 'a' && byte <= 'f' ? byte - 'a' + 10 : -1;
}

/* Reads the four digits after \u; false when they are not there. */
static bool take_unit(struct json_reader *reader, uint32_t *ret_unit) {
    struct slice left = rest(reader);
    uint32_t unit = 0;

    if (left.len < 4)
        return false;
    for (size_t i = 0; i < 4; i++) {
        int digit = hex_digit(left.at[i]);
        if (digit < 0)
            return false;
        unit = unit << 4 | (uint32_t)digit;
    }
    reader->at += 4;
    *ret_unit = unit;
    return true;
}

/* What follows \u: a code unit, or two that are a surrogate pair. */
static const char *take_code(struct json_reader *reader) {
    static const char lone[] = "half of a surrogate pair";
    uint32_t high;
    uint32_t low;

    if (!take_unit(reader, &high))
        return "\\u without four digits";
    if (high >= 0xdc00 && high <= 0xdfff)
        return lone;
    if (high < 0xd800 || high > 0xdbff) {
        utf8_add(&reader->text, high);
        return NULL;
    }
    struct slice left = rest(reader);
    if (left.len < 2 || left.at[0] != '\\' || left.at[1] != 'u')
        return lone;
    reader->at += 2;
    if (!take_unit(reader, &low))
        return "\\u without four digits";
    if (low < 0xdc00 || low > 0xdfff)
        return lone;
    utf8_add(&reader->text, 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00));
    return NULL;
}

/* Behind a backslash. NULL, or what is wrong. */
static const char *take_escape(struct json_reader *reader) {
    static const char letters[] = "\"\\/bfnrt";
    static const char meanings[] = "\"\\/\b\f\n\r\t";

    if (reader->at == reader->json.len)
        return "a text without its end";
    uint8_t letter = reader->json.at[reader->at++];
    if (letter == 'u')
        return take_code(reader);
    const char *found = letter ? strchr(letters, letter) : NULL;
    if (!found)
        return "an unknown escape";
    buf_add_byte(&reader->text, (uint8_t)meanings[found - letters]);
    return NULL;
}

/* Steps over characters that stand for themselves. NULL, or what is wrong. */
static const char *take_plain(struct json_reader *reader) {
    while (reader->at < reader->json.len) {
        uint8_t byte = reader->json.at[reader->at];
        if (byte == '"' || byte == '\\')
            return NULL;
        if (byte < 0x20)
            return "a control character in a text";
        size_t len = utf8_char_len(rest(reader));
        if (len == 0)
            return "a text that is not UTF-8";
        reader->at += len;
    }
    return "a text without its end";
}

/* Behind the first quote. Texts without escapes, nearly all, are lent as they stand. */
static const char *take_text(struct json_reader *reader) {
    buf_clear(&reader->text);
    for (bool escaped = false;; escaped = true) {
        size_t from = reader->at;
        const char *why = take_plain(reader);
        if (why)
            return why;
        struct slice part = slice_of(reader->json.at + from, reader->at - from);
        bool is_end = reader->json.at[reader->at++] == '"';
        if (is_end && !escaped) {
            reader->value = part;
            return NULL;
        }
        buf_add_slice(&reader->text, part);
        if (is_end) {
            reader->value = buf_slice(&reader->text);
            return NULL;
        }
        why = take_escape(reader);
        if (why)
            return why;
    }
}

static size_t digits_len(struct slice text) {
    size_t len = 0;

    while (len < text.len && text.at[len] >= '0' && text.at[len] <= '9')
        len++;
    return len;
}

size_t json_reader_number_len(struct slice text) {
    size_t at = text.len > 0 && text.at[0] == '-' ? 1 : 0;
    size_t digits = digits_len(slice_after(text, at));

    if (digits == 0)
        return 0;
    at += text.at[at] == '0' ? 1 : digits;
    if (at < text.len && text.at[at] == '.') {
        digits = digits_len(slice_after(text, at + 1));
        if (digits == 0)
            return 0;
        at += 1 + digits;
    }
    if (at < text.len && (text.at[at] | 0x20) == 'e') {
        at++;
        if (at < text.len && (text.at[at] == '+' || text.at[at] == '-'))
            at++;
        digits = digits_len(slice_after(text, at));
        if (digits == 0)
            return 0;
        at += digits;
    }
    return at;
}

static enum json_token take_number(struct json_reader *reader) {
    struct slice left = rest(reader);
    size_t len = json_reader_number_len(left);

    if (len == 0)
        return fail(reader, "a number that is none");
    reader->value = slice_of(left.at, len);
    reader->at += len;
    after_value(reader);
    return JSON_NUMBER;
}

static enum json_token take_word(struct json_reader *reader) {
    static const struct {
        const char *word;
        enum json_token token;
    } words[] = { { "true", JSON_TRUE }, { "false", JSON_FALSE }, { "null", JSON_NULL } };
    struct slice left = rest(reader);

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        size_t len = strlen(words[i].word);
        if (left.len < len || memcmp(left.at, words[i].word, len) != 0)
            continue;
        reader->at += len;
        after_value(reader);
        return words[i].token;
    }
    return fail(reader, "a value is missing");
}

static enum json_token take_value(struct json_reader *reader, int byte) {
    const char *why;

    switch (byte) {
    case '{':
    case '[':
        return open_level(reader, byte == '{');
    case '"':
        reader->at++;
        why = take_text(reader);
        if (why)
            return fail(reader, why);
        after_value(reader);
        return JSON_TEXT;
    case '-':
    case '0' ... '9':
        return take_number(reader);
    default:
        return take_word(reader);
    }
}

static enum json_token take_name(struct json_reader *reader, int byte) {
    if (byte != '"')
        return fail(reader, "a name is missing");
    reader->at++;
    const char *why = take_text(reader);
    if (why)
        return fail(reader, why);
    if (look(reader) != ':')
        return fail(reader, "a colon is missing");
    reader->at++;
    reader->expect = VALUE;
    return JSON_NAME;
}

static enum json_token take_next(struct json_reader *reader, int byte) {
    bool in_object = reader->in_object[reader->depth - 1];

    if (byte == (in_object ? '}' : ']'))
        return close_level(reader);
    if (byte != ',')
        return fail(reader, byte < 0 ? "it ends too early" : "a comma is missing");
    reader->at++;
    byte = look(reader);
    return in_object ? take_name(reader, byte) : take_value(reader, byte);
}

enum json_token json_reader_next(struct json_reader *reader) {
    int byte = look(reader);

    reader->value = (struct slice) { 0 };
    switch ((enum expect)reader->expect) {
    case VALUE_OR_END:
        return byte == ']' ? close_level(reader) : take_value(reader, byte);
    case VALUE:
        return take_value(reader, byte);
    case NAME_OR_END:
        return byte == '}' ? close_level(reader) : take_name(reader, byte);
    case COMMA_OR_END:
        return take_next(reader, byte);
    case NOTHING:
        return byte < 0 ? JSON_END : fail(reader, "something follows the value");
    default:
        return JSON_BAD;
    }
}

bool json_reader_skip(struct json_reader *reader, enum json_token token) {
    if (token != JSON_OBJECT && token != JSON_ARRAY)
        return token != JSON_BAD;

    unsigned outside = reader->depth - 1;
    while (reader->depth > outside)
        if (json_reader_next(reader) == JSON_BAD)
            return false;
    return true;
}

void json_reader_where(const struct json_reader *reader,
                       unsigned *ret_line,
                       unsigned *ret_column) {
    unsigned line = 1;
    unsigned column = 1;

    for (size_t i = 0; i < reader->at; i++) {
        column++;
        if (reader->json.at[i] == '\n') {
            line++;
            column = 1;
        }
    }
    *ret_line = line;
    *ret_column = column;
}
