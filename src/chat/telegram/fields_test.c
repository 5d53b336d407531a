#include "chat/telegram/fields.h"

#include <stdlib.h>

#include "base/check.h"

struct row {
    char *id;
    char *deep;
    char *last;
    char *whole;
    char *flag;
};

static const struct fields_want wants[] = {
    { "id", offsetof(struct row, id) },         { "a.b.c", offsetof(struct row, deep) },
    { "list.*.x", offsetof(struct row, last) }, { "whole", offsetof(struct row, whole) },
    { "flag", offsetof(struct row, flag) },
};

enum { WANTS = sizeof(wants) / sizeof(wants[0]) };

static const char json[] =
    "{\"id\":12345678901234567,\"a\":{\"x\":[1,{\"c\":2}],\"b\":{\"c\":\"q\\\"\\u0000z\"}"
    "},"
    "\"list\":[{\"x\":1},7,{\"y\":{\"x\":9}},{\"x\":\"two\"}],"
    "\"whole\":{\"k\":[1,2]},\"flag\":false,\"a.b.c\":\"forged\",\"nil\":null}";

static void what_is_asked_for_is_found_by_its_path(void) {
    struct row row = { 0 };

    CHECK(fields_read(slice_of_text(json), wants, WANTS, &row));
    CHECK_TEXT(row.id, "12345678901234567");
    CHECK_TEXT(row.deep, "q\" z");
    CHECK_TEXT(row.last, "two");
    CHECK_TEXT(row.whole, "{\"k\":[1,2]}");
    CHECK_TEXT(row.flag, "");
    fields_done(wants, WANTS, &row);
    CHECK(!row.id);
}

static void a_cut_text_is_refused_wherever_it_is_cut(void) {
    for (size_t len = 0; len < sizeof(json) - 1; len++) {
        struct row row = { 0 };
        CHECK(!fields_read(slice_of(json, len), wants, WANTS, &row));
        fields_done(wants, WANTS, &row);
    }
}

static void other_shapes_come_to_nothing(void) {
    static const char *const shapes[] = {
        "[]",
        "1",
        "null",
        "\"id\"",
        "[{\"id\":1}]",
        "{\"id\":null}",
        "{\"a\":{\"b\":1}}",
        "{\"list\":{\"*\":{\"x\":1}}}",
        "{\"\":{\"id\":1}}",
    };

    for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
        struct row row = { 0 };
        CHECK(fields_read(slice_of_text(shapes[i]), wants, WANTS, &row));
        CHECK(!row.id);
        CHECK(!row.deep);
        fields_done(wants, WANTS, &row);
    }
}

static bool count_it(void *arg, struct slice element) {
    size_t *count = arg;

    CHECK(element.at[0] == '{' && element.at[element.len - 1] == '}');
    return ++*count < 3;
}

static void elements_are_lent_one_by_one(void) {
    size_t count = 0;

    CHECK(fields_each(slice_of_text("[{},{\"a\":[{}]}, {}, {}]"), count_it, &count));
    CHECK_INT(count, 3);
    CHECK(!fields_each(slice_of_text("{}"), count_it, &count));
    count = 0;
    CHECK(!fields_each(slice_of_text("[{},{\"a\":"), count_it, &count));
}

TESTS(TEST(what_is_asked_for_is_found_by_its_path),
      TEST(a_cut_text_is_refused_wherever_it_is_cut),
      TEST(other_shapes_come_to_nothing),
      TEST(elements_are_lent_one_by_one))
