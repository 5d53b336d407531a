#include "dialect/stream_metadata.h"

#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "wire/headers.h"

static void fields_of_grpc_itself_are_left_out(void) {
    Roost__V1__MetadataField **fields;
    struct headers metadata = { 0 };

    headers_add(&metadata, "content-type", "application/grpc");
    headers_add(&metadata, "grpc-timeout", "1S");
    headers_add(&metadata, "te", "trailers");
    headers_add(&metadata, "roost-user", "ada");
    headers_add(&metadata, "x-one", "1");
    headers_add(&metadata, "x-one", "2");
    size_t count = stream_metadata_write(&metadata, &fields);
    CHECK_INT(count, 2);
    CHECK_TEXT(fields[1]->name, "x-one");
    CHECK(fields[1]->value.len == 1 && fields[1]->value.data[0] == '2');
    stream_metadata_free(fields, count);
    headers_done(&metadata);
}

static void binary_fields_are_bytes(void) {
    static const struct {
        const char *text;
        size_t count;
    } rows[] = {
        { "AAH/", 1 }, { "AAE=", 1 }, { "AAE", 1 }, { "AAE,/w==", 2 },
        { "", 1 },     { "????", 0 }, { ",", 2 },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        Roost__V1__MetadataField **fields;
        struct headers metadata = { 0 };
        headers_add(&metadata, "x-bin", rows[i].text);
        size_t count = stream_metadata_write(&metadata, &fields);
        CHECK_INT(count, rows[i].count);
        if (i == 0)
            CHECK(fields[0]->value.len == 3 && fields[0]->value.data[2] == 255);
        stream_metadata_free(fields, count);
        headers_done(&metadata);
    }
}

/* Reads one field: true and its value in ret_text, or false. */
static bool read_one(const char *name,
                     const char *value,
                     size_t len,
                     char ret_text[static 32]) {
    Roost__V1__MetadataField field = ROOST__V1__METADATA_FIELD__INIT;
    Roost__V1__MetadataField *fields[] = { &field };
    struct headers metadata = { 0 };

    field.name = (char *)name;
    field.value.data = (uint8_t *)value;
    field.value.len = len;
    bool is_good = stream_metadata_read(fields, 1, 1000, &metadata);
    const char *got = headers_get(&metadata, name[0] ? name : "x");
    snprintf(ret_text, 32, "%s", got ? got : "-");
    headers_done(&metadata);
    return is_good;
}

static void what_no_field_may_hold_is_refused(void) {
    static const struct {
        const char *name;
        const char *value;
        size_t len;
        bool is_good;
        const char *text;
    } rows[] = {
        { "x-a", "b", 1, true, "b" },
        { "x-a", "", 0, true, "" },
        { "x-bin", "\0\xff", 2, true, "AP8" },
        { "grpc-status", "0", 1, true, "-" },
        { "content-type", "text/html", 9, true, "-" },
        { ":path", "/", 1, true, "-" },
        { "", "b", 1, false, "-" },
        { "X-A", "b", 1, false, "-" },
        { "x a", "b", 1, false, "-" },
        { "x-a", "\r\n", 2, false, "-" },
        { "x-a", "\xc3\xa4", 2, false, "-" },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char text[32];
        CHECK(read_one(rows[i].name, rows[i].value, rows[i].len, text) ==
              rows[i].is_good);
        CHECK_TEXT(text, rows[i].text);
    }
}

static void more_bytes_than_the_limit_are_refused(void) {
    char value[1001];
    char text[32];

    memset(value, 'a', sizeof(value));
    CHECK(read_one("x", value, 900, text));
    CHECK(!read_one("x", value, sizeof(value), text));
}

TESTS(TEST(fields_of_grpc_itself_are_left_out),
      TEST(binary_fields_are_bytes),
      TEST(what_no_field_may_hold_is_refused),
      TEST(more_bytes_than_the_limit_are_refused))
