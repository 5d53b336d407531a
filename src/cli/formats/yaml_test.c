#include "cli/formats/yaml.h"

#include "base/check.h"

static void json_becomes_blocks(void) {
    static const struct {
        const char *json;
        const char *yaml;
    } rows[] = {
        { "{}", "{}\n" },
        { "[]", "[]\n" },
        { "12.5", "12.5\n" },
        { "{\"a\": 1}", "a: 1\n" },
        { "{\"a\":{\"b\":[]},\"c\":{}}", "a:\n  b: []\nc: {}\n" },
        { "{\"m\":[{\"a\":1,\"b\":2},{\"a\":3}]}", "m:\n  - a: 1\n    b: 2\n  - a: 3\n" },
        { "{\"l\":[1,[2,3]]}", "l:\n  - 1\n  - - 2\n    - 3\n" },
        { "{\"s\":\"plain text\"}", "s: plain text\n" },
        { "{\"s\":\"yes\",\"t\":\"12\",\"u\":\"\"}", "s: \"yes\"\nt: \"12\"\nu: \"\"\n" },
        { "{\"s\":\"a: b\",\"t\":\"x\\ny\",\"u\":\"#\"}",
          "s: \"a: b\"\nt: \"x\\ny\"\nu: \"#\"\n" },
        { "{\"t\":true,\"m\":null}", "t: true\nm: null\n" },
        { "{\n  \"a\": [\n    1\n  ]\n}\n", "a:\n  - 1\n" },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct buf out = { 0 };
        CHECK_INT(yaml_add_json(&out, slice_of_text(rows[i].json), false), 0);
        CHECK_TEXT(buf_text(&out), rows[i].yaml);
        buf_done(&out);
    }
}

/* Every truncated prefix of a document is refused, and none is read beyond its end. */
static void what_is_cut_off_is_refused(void) {
    const char json[] = "{\"a\":[1,{\"b\":\"c\\\"d\"}],\"e\":{}}";

    for (size_t len = 0; len + 1 < sizeof(json); len++) {
        struct buf out = { 0 };
        uint8_t *copy = malloc(len ? len : 1);
        memcpy(copy, json, len);
        CHECK(yaml_add_json(&out, slice_of(copy, len), false) < 0);
        free(copy);
        buf_done(&out);
    }
}

static void bottomless_nesting_is_refused(void) {
    struct buf json = { 0 };
    struct buf out = { 0 };

    for (int i = 0; i < 100000; i++)
        buf_add_byte(&json, '[');
    CHECK(yaml_add_json(&out, buf_slice(&json), false) < 0);
    buf_done(&json);
    buf_done(&out);
}

TESTS(TEST(json_becomes_blocks),
      TEST(what_is_cut_off_is_refused),
      TEST(bottomless_nesting_is_refused))
