#include "wire/json_reader.h"

#include "base/check.h"
#include "base/mem.h"

static const char letters[] = "_{}[]NT#tf0!";

/* The tokens as letters of the list above, a '!' for JSON_BAD. */
static void read_tokens(struct slice json, struct buf *out) {
    struct json_reader reader;
    enum json_token token;

    json_reader_init(&reader, json);
    do {
        token = json_reader_next(&reader);
        buf_add_byte(out, (uint8_t)letters[token]);
        if (token == JSON_NAME || token == JSON_TEXT || token == JSON_NUMBER) {
            buf_add_slice(out, json_reader_value(&reader));
            buf_add_byte(out, '.');
        }
    } while (token != JSON_END && token != JSON_BAD);
    if (token == JSON_BAD) {
        CHECK(json_reader_next(&reader) == JSON_BAD);
        CHECK(json_reader_why(&reader) != NULL);
    }
    json_reader_done(&reader);
}

static void json_becomes_tokens(void) {
    static const struct {
        const char *json;
        const char *tokens;
    } rows[] = {
        { "null", "0_" },
        { " true ", "t_" },
        { "\tfalse\r\n", "f_" },
        { "0", "#0._" },
        { "-0", "#-0._" },
        { "-12.50e+3", "#-12.50e+3._" },
        { "18446744073709551616", "#18446744073709551616._" },
        { "1E400", "#1E400._" },
        { "\"\"", "T._" },
        { "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "T\"\\/\b\f\n\r\t._" },
        { "\"\\u00e4\\u20AC\\ud83d\\ude00\"", "T\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80._" },
        { "\"\xc3\xa4\x7f\"", "T\xc3\xa4\x7f._" },
        { "[]", "[]_" },
        { "{}", "{}_" },
        { "[ 1 , \"a\", [ ], {} ]", "[#1.Ta.[]{}]_" },
        { "{\"a\":1,\"b\":{\"c\":[null]},\"a\":2}", "{Na.#1.Nb.{Nc.[0]}Na.#2.}_" },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct buf got = { 0 };
        read_tokens(slice_of_text(rows[i].json), &got);
        CHECK_TEXT(buf_text(&got), rows[i].tokens);
        buf_done(&got);
    }
}

static const char *const broken[] = {
    "",
    " ",
    "nul",
    "True",
    "'a'",
    "a",
    "+1",
    "01",
    "-",
    "1.",
    ".5",
    "1e",
    "1e+",
    "0x10",
    "NaN",
    "Infinity",
    "1 2",
    "\"",
    "\"a",
    "\"\\",
    "\"\\x\"",
    "\"\\u12\"",
    "\"\\u12g4\"",
    "\"\\ud800\"",
    "\"\\ud800x\"",
    "\"\\ud800\\n\"",
    "\"\\ud800\\u0041\"",
    "\"\\udc00\"",
    "\"\n\"",
    "\"\x01\"",
    "\"\xff\"",
    "\"\xc3\"",
    "\"\xed\xa0\x80\"",
    "\xef\xbb\xbf{}",
    "[",
    "]",
    "[1",
    "[1,",
    "[1,]",
    "[,1]",
    "[1 2]",
    "[1}",
    "{",
    "}",
    "{\"a\"",
    "{\"a\":",
    "{\"a\":1",
    "{\"a\":1,",
    "{\"a\":1,}",
    "{\"a\" 1}",
    "{a:1}",
    "{1:1}",
    "{,}",
    "{\"a\":}",
    "{]",
    "{} {}",
    "[] ,",
    "// x\n1",
    "/* x */ 1",
};

static void what_is_not_json_is_refused(void) {
    for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
        struct buf got = { 0 };
        print_message("# %s\n", broken[i]);
        read_tokens(slice_of_text(broken[i]), &got);
        CHECK(got.data[got.len - 1] == '!');
        buf_done(&got);
    }
}

/* Each prefix of an object is refused, and nothing behind the end is read. */
static void truncated_json_is_refused(void) {
    static const char whole[] = "{\"a\": [1.5e3, \"\\u00e4\\ud83d\\ude00\xc3\xa4\", "
                                "true, false, null], \"b\": {}}";

    for (size_t len = 0; len < sizeof(whole) - 1; len++) {
        struct buf got = { 0 };
        uint8_t *copy = mem_grow(NULL, len);
        memcpy(copy, whole, len);
        read_tokens(slice_of(copy, len), &got);
        CHECK(got.data[got.len - 1] == '!');
        buf_done(&got);
        free(copy);
    }
}

static void nesting_is_limited(void) {
    for (size_t extra = 0; extra < 2; extra++) {
        struct json_reader reader;
        struct buf json = { 0 };
        size_t depth = JSON_READER_DEPTH_MAX + extra;
        enum json_token token = JSON_ARRAY;

        for (size_t i = 0; i < depth; i++)
            buf_add_byte(&json, '[');
        for (size_t i = 0; i < depth; i++)
            buf_add_byte(&json, ']');
        json_reader_init(&reader, buf_slice(&json));
        while (token != JSON_END && token != JSON_BAD)
            token = json_reader_next(&reader);
        CHECK(token == (extra ? JSON_BAD : JSON_END));
        json_reader_done(&reader);
        buf_done(&json);
    }
}

static void a_value_can_be_skipped(void) {
    struct json_reader reader;
    unsigned line;
    unsigned column;

    json_reader_init(&reader, slice_of_text("{\"a\": [1, {\"b\": []}],\n \"c\": 2}"));
    CHECK(json_reader_next(&reader) == JSON_OBJECT);
    CHECK(json_reader_next(&reader) == JSON_NAME);
    CHECK(json_reader_skip(&reader, json_reader_next(&reader)));
    CHECK(json_reader_next(&reader) == JSON_NAME);
    CHECK(slice_is_text(json_reader_value(&reader), "c"));
    json_reader_where(&reader, &line, &column);
    CHECK_INT(line, 2);
    CHECK_INT(column, 6);
    CHECK(json_reader_skip(&reader, json_reader_next(&reader)));
    CHECK(json_reader_next(&reader) == JSON_OBJECT_END);
    CHECK(json_reader_next(&reader) == JSON_END);
    CHECK(json_reader_next(&reader) == JSON_END);
    json_reader_done(&reader);

    json_reader_init(&reader, slice_of_text("[[1}]"));
    CHECK(!json_reader_skip(&reader, json_reader_next(&reader)));
    CHECK_TEXT(json_reader_why(&reader), "a comma is missing");
    json_reader_done(&reader);
}

TESTS(TEST(json_becomes_tokens),
      TEST(what_is_not_json_is_refused),
      TEST(truncated_json_is_refused),
      TEST(nesting_is_limited),
      TEST(a_value_can_be_skipped))
