#include "cli/formats/yaml_read.h"

#include "base/check.h"
#include "cli/formats/yaml.h"

static const struct row {
    const char *yaml;
    const char *json;
} rows[] = {
    { "", "" },
    { "# nothing\n\n", "" },
    { "---\n", "" },
    { "{}", "{}\n" },
    { "a: 1", "{\"a\":1}\n" },
    { "\xef\xbb\xbf%YAML 1.2\n---\na: 1\r\nb: x y\r\n", "{\"a\":1,\"b\":\"x y\"}\n" },
    { "a: 1 # one\n# between\nb: two#2\n", "{\"a\":1,\"b\":\"two#2\"}\n" },
    { "a:\n  b:\n    c: 1\n  d: 2\ne: 3\n",
      "{\"a\":{\"b\":{\"c\":1},\"d\":2},\"e\":3}\n" },
    { "a:\n- 1\n- 2\nb: 3", "{\"a\":[1,2],\"b\":3}\n" },
    { "a:\n  - b: 1\n    c: 2\n  - b: 3\n", "{\"a\":[{\"b\":1,\"c\":2},{\"b\":3}]}\n" },
    { "- - 1\n  - 2\n- - 3", "[[1,2],[3]]\n" },
    { "-\n  a: 1\n-\n", "[{\"a\":1},null]\n" },
    { "a:\nb: ~\nc: null", "{\"a\":null,\"b\":null,\"c\":null}\n" },
    { "a: true\nb: False\nc: yes\nd: off",
      "{\"a\":true,\"b\":false,\"c\":\"yes\",\"d\":\"off\"}\n" },
    { "a: 0x1F\nb: 0o17\nc: 007\nd: +1\ne: .5\nf: 1.\ng: -2e3\nh: 1_000",
      "{\"a\":31,\"b\":15,\"c\":7,\"d\":1,\"e\":0.5,\"f\":1,\"g\":-2e3,\"h\":\"1_000\"}"
      "\n" },
    { "a: .inf\nb: -.Inf\nc: .NaN\nd: 12:30\ne: 1.2.3",
      "{\"a\":\"Infinity\",\"b\":\"-Infinity\",\"c\":\"NaN\",\"d\":\"12:30\",\"e\":\"1.2."
      "3\"}"
      "\n" },
    { "a: 'it''s'\nb: \"x\\ty\\u00e4\\x41\\ud83d\\ude00\"\n'c d': \"\"",
      "{\"a\":\"it's\",\"b\":\"x\\ty\xc3\xa4"
      "A\xf0\x9f\x98\x80\",\"c d\":\"\"}\n" },
    { "a: \"one\n  two\n\n  three\\\n  four\"\nb: 'one\n  two'",
      "{\"a\":\"one two\\nthreefour\",\"b\":\"one two\"}\n" },
    { "a: one\n  two\n  three\nb: 1", "{\"a\":\"one two three\",\"b\":1}\n" },
    { "a: |\n  one\n   two\n\n  three\nb: 1",
      "{\"a\":\"one\\n two\\n\\nthree\\n\",\"b\":1}\n" },
    { "a: |-\n  one\nb: |+\n  two\n\nc: >\n  three\n  four\n\n  five\n",
      "{\"a\":\"one\",\"b\":\"two\\n\\n\",\"c\":\"three four\\nfive\\n\"}\n" },
    { "- |\n one\n- |2\n   two", "[\"one\\n\",\" two\\n\"]\n" },
    { "a: [1, two, 'three', {b: c}, ]\nd: {e: [], \"f\":1, g: }",
      "{\"a\":[1,\"two\",\"three\",{\"b\":\"c\"}],\"d\":{\"e\":[],\"f\":1,\"g\":null}}"
      "\n" },
    { "{\n  \"a\": [\n    1,\n    {\"b\": \"c\"}\n  ]\n}",
      "{\"a\":[1,{\"b\":\"c\"}]}\n" },
    { "a: 1\n---\na: 2\n...\n---\n# last\na: 3", "{\"a\":1}\n{\"a\":2}\n{\"a\":3}\n" },
    { "a: http://x/y:z?q=1#f", "{\"a\":\"http://x/y:z?q=1#f\"}\n" },
    { "a: -1\nb: - x", NULL },
    { "a: &x 1\nb: *x", NULL },
    { "a: !!str 1", NULL },
    { "? a\n: b", NULL },
    { "a: 1\n b: 2", NULL },
    { "  a: 1\nb: 2", NULL },
    { "a:\n\tb: 1", NULL },
    { "a: 1\nb", NULL },
    { "a: b: c", NULL },
    { "a: [1, 2", NULL },
    { "a: {b: 1", NULL },
    { "a: 'x", NULL },
    { "a: \"\\q\"", NULL },
    { "a: \"\\ud800\"", NULL },
    { "a: 'x' y", NULL },
    { "a: [1] 2", NULL },
    { "a: |x\n  b", NULL },
    { "a: @b", NULL },
    { "a: \xff", NULL },
};

static void documents_become_lines_of_json(void) {
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct buf out = { 0 };
        char *why = NULL;
        int r = yaml_read(&out, slice_of_text(rows[i].yaml), &why);

        if (rows[i].json && r != 0)
            print_message("# %s: %s\n", rows[i].yaml, why);
        if (!rows[i].json && r == 0)
            print_message("# %s: %s\n", rows[i].yaml, buf_text(&out));
        CHECK_INT(r, rows[i].json ? 0 : YAML_READ_E_BAD);
        CHECK_TEXT(buf_text(&out), rows[i].json ? rows[i].json : "");
        CHECK(!rows[i].json == !!why);
        free(why);
        buf_done(&out);
    }
}

static void a_fault_is_told_with_its_line(void) {
    static const struct row faults[] = {
        { "a: 1\nb: &x 2", "line 2: anchors and aliases are not read" },
        { "a: 1\n\n  b: 2", "line 3: this key is indented as no other" },
        { "a: [1", "line 1: a comma or ] is missing" },
    };

    for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
        struct buf out = { 0 };
        char *why = NULL;
        CHECK_INT(yaml_read(&out, slice_of_text(faults[i].yaml), &why), YAML_READ_E_BAD);
        CHECK_TEXT(why, faults[i].json);
        free(why);
        buf_done(&out);
    }
}

/* Each prefix ends well or with a reason, and none is read beyond its end. */
static void every_prefix_is_safe(void) {
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        for (size_t len = 0; len <= strlen(rows[i].yaml); len++) {
            struct buf out = { 0 };
            char *why = NULL;
            uint8_t *copy = malloc(len ? len : 1);
            memcpy(copy, rows[i].yaml, len);
            int r = yaml_read(&out, slice_of(copy, len), &why);
            CHECK((r == 0) == !why);
            free(copy);
            free(why);
            buf_done(&out);
        }
    }
}

static void bottomless_nesting_is_refused(void) {
    static const char *const units[] = { "[", "{a: ", "- " };

    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        struct buf yaml = { 0 };
        struct buf out = { 0 };
        char *why = NULL;

        for (int k = 0; k < 100000; k++)
            buf_add_text(&yaml, units[i]);
        CHECK_INT(yaml_read(&out, buf_slice(&yaml), &why), YAML_READ_E_BAD);
        CHECK(why);
        free(why);
        buf_done(&yaml);
        buf_done(&out);
    }
}

static void what_we_write_is_read_back(void) {
    static const char *const jsons[] = {
        "{\"a\":{\"b\":[],\"c\":[1,[2,3],{\"d\":null}]},\"e\":{}}",
        "{\"s\":\"yes\",\"t\":\"12\",\"u\":\"\",\"v\":\"a: b #c\",\"w\":\"x\\ny\"}",
        "{\"- x\":\"- y\",\"z\":[\"~\",true,-1.5e3]}",
    };

    for (size_t i = 0; i < sizeof(jsons) / sizeof(jsons[0]); i++) {
        struct buf yaml = { 0 };
        struct buf again = { 0 };
        char *why = NULL;

        CHECK_INT(yaml_add_json(&yaml, slice_of_text(jsons[i]), false), 0);
        CHECK_INT(yaml_read(&again, buf_slice(&yaml), &why), 0);
        again.len--;
        CHECK_TEXT(buf_text(&again), jsons[i]);
        buf_done(&yaml);
        buf_done(&again);
    }
}

TESTS(TEST(documents_become_lines_of_json),
      TEST(a_fault_is_told_with_its_line),
      TEST(every_prefix_is_safe),
      TEST(bottomless_nesting_is_refused),
      TEST(what_we_write_is_read_back))
