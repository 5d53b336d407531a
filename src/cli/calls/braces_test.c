#include "cli/calls/braces.h"

#include "base/check.h"

static const char stream[] = " {\"a\":\"}{\\\"\"}\n{\"b\":[{},{\"c\":1}]}{}\r\n";
static const char *const objects[] = { "{\"a\":\"}{\\\"\"}", "{\"b\":[{},{\"c\":1}]}",
                                       "{}" };

static size_t take_all(struct braces *braces, size_t seen) {
    struct slice object;

    while (braces_next(braces, &object) == 0) {
        CHECK(seen < 3);
        CHECK(slice_is_text(object, objects[seen]));
        seen++;
    }
    return seen;
}

static void any_split_gives_the_same_objects(void) {
    for (size_t cut = 0; cut + 1 <= sizeof(stream) - 1; cut++) {
        struct braces braces;
        size_t len = sizeof(stream) - 1;

        braces_init(&braces, 64);
        braces_feed(&braces, slice_of(stream, cut));
        size_t seen = take_all(&braces, 0);
        braces_feed(&braces, slice_of(stream + cut, len - cut));
        CHECK_INT(take_all(&braces, seen), 3);
        CHECK(braces_is_empty(&braces));
        braces_done(&braces);
    }
}

static void byte_by_byte_gives_the_same_objects(void) {
    struct braces braces;
    size_t seen = 0;

    braces_init(&braces, 64);
    for (size_t i = 0; i + 1 < sizeof(stream); i++) {
        braces_feed(&braces, slice_of(stream + i, 1));
        seen = take_all(&braces, seen);
    }
    CHECK_INT(seen, 3);
    CHECK_INT(braces.line, 3);
    braces_done(&braces);
}

static void what_is_cut_off_is_not_empty(void) {
    const char *rows[] = { "{", "{\"a", "{\"a\\", "{} {", "{[}" };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct braces braces;
        struct slice object;

        braces_init(&braces, 64);
        braces_feed(&braces, slice_of_text(rows[i]));
        while (braces_next(&braces, &object) == 0)
            ;
        CHECK(!braces_is_empty(&braces));
        braces_done(&braces);
    }
}

static void a_refusal_is_for_good(void) {
    static const struct {
        const char *text;
        int error;
    } rows[] = {
        { "nonsense", BRACES_E_BAD },
        { "[1]", BRACES_E_BAD },
        { "}", BRACES_E_BAD },
        { "{},{}", BRACES_E_BAD },
        { "{\"a\":\"0123456789012345678901234567890123456789\"}", BRACES_E_TOO_LONG },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct braces braces;
        struct slice object;
        int r;

        braces_init(&braces, 32);
        braces_feed(&braces, slice_of_text(rows[i].text));
        while ((r = braces_next(&braces, &object)) == 0)
            ;
        CHECK_INT(r, rows[i].error);
        braces_feed(&braces, slice_of_text("{}"));
        CHECK_INT(braces_next(&braces, &object), rows[i].error);
        CHECK(!braces_is_empty(&braces));
        braces_done(&braces);
    }
}

TESTS(TEST(any_split_gives_the_same_objects),
      TEST(byte_by_byte_gives_the_same_objects),
      TEST(what_is_cut_off_is_not_empty),
      TEST(a_refusal_is_for_good))
