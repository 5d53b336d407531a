#include "wire/json_writer.h"

#include "base/check.h"

static void write_all(struct buf *out, bool pretty) {
    struct json_writer writer;

    json_writer_init(&writer, out, pretty);
    json_writer_open_object(&writer);
    json_writer_name(&writer, slice_of_text("a"));
    json_writer_open_array(&writer);
    json_writer_raw(&writer, slice_of_text("1"));
    json_writer_open_object(&writer);
    json_writer_close_object(&writer);
    json_writer_text(&writer, slice_of_text("x"));
    json_writer_close_array(&writer);
    json_writer_name(&writer, slice_of_text("b"));
    json_writer_open_array(&writer);
    json_writer_close_array(&writer);
    json_writer_name(&writer, slice_of_text("c"));
    json_writer_raw(&writer, slice_of_text("null"));
    json_writer_close_object(&writer);
}

static void commas_and_breaks_stand_where_they_belong(void) {
    struct buf out = { 0 };

    write_all(&out, false);
    CHECK_TEXT(buf_text(&out), "{\"a\":[1,{},\"x\"],\"b\":[],\"c\":null}");
    buf_clear(&out);
    write_all(&out, true);
    CHECK_TEXT(buf_text(&out), "{\n  \"a\": [\n    1,\n    {},\n    \"x\"\n  ],\n"
                               "  \"b\": [],\n  \"c\": null\n}");
    buf_done(&out);
}

static void control_characters_are_escaped(void) {
    struct buf out = { 0 };

    json_writer_quote(
        &out, slice_of("\"\\/\b\f\n\r\t\0\x1b\x7f<\xc2\x9b\xc2\xa0\xe2\x82\xac", 19));
    CHECK_TEXT(
        buf_text(&out),
        "\"\\\"\\\\/\\b\\f\\n\\r\\t\\u0000\\u001b\\u007f<\\u009b\xc2\xa0\xe2\x82\xac\"");
    buf_done(&out);
}

TESTS(TEST(commas_and_breaks_stand_where_they_belong),
      TEST(control_characters_are_escaped))
