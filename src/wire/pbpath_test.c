#include "wire/pbpath.h"

#include "base/check.h"

static void a_path_is_read_from_the_top(void) {
    struct pbpath users = { .kind = PBPATH_FIELD, .name = slice_of_text("users") };
    struct pbpath second = { .up = &users, .kind = PBPATH_INDEX, .index = 2 };
    struct pbpath labels = { &second, PBPATH_FIELD, slice_of_text("labels"), 0 };
    struct pbpath key = { &labels, PBPATH_KEY, slice_of_text("a\"b"), 0 };
    struct pbpath name = { &key, PBPATH_FIELD, slice_of_text("name"), 0 };
    struct buf out = { 0 };

    pbpath_add(&out, NULL);
    CHECK(out.len == 0);
    pbpath_add(&out, &name);
    CHECK_TEXT(buf_text(&out), "users[2].labels[\"a\\\"b\"].name");
    buf_done(&out);
}

static void a_long_key_is_cut_between_characters(void) {
    char text[202];
    for (size_t i = 0; i < 200; i += 2)
        memcpy(text + 1 + i, "\xc3\xa4", 2);
    text[0] = 'x';
    struct pbpath key = { .kind = PBPATH_KEY, .name = slice_of(text, 201) };
    struct buf out = { 0 };

    pbpath_add(&out, &key);
    CHECK_INT(out.len, 63 + 4);
    buf_done(&out);
}

TESTS(TEST(a_path_is_read_from_the_top), TEST(a_long_key_is_cut_between_characters))
