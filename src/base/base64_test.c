#include "base/base64.h"

#include "base/check.h"

/* RFC 4648, 10, and what differs between the alphabets. */
static const struct {
    const char *bytes;
    size_t len;
    const char *standard;
    const char *url;
} pairs[] = {
    { "", 0, "", "" },
    { "f", 1, "Zg==", "Zg" },
    { "fo", 2, "Zm8=", "Zm8" },
    { "foo", 3, "Zm9v", "Zm9v" },
    { "foob", 4, "Zm9vYg==", "Zm9vYg" },
    { "fooba", 5, "Zm9vYmE=", "Zm9vYmE" },
    { "foobar", 6, "Zm9vYmFy", "Zm9vYmFy" },
    { "\xfb\xff\xfe", 3, "+//+", "-__-" },
    { "\0\0", 2, "AAA=", "AAA" },
};

enum { PAIRS = sizeof(pairs) / sizeof(pairs[0]) };

static void both_alphabets_encode_and_decode(void) {
    for (size_t i = 0; i < PAIRS; i++) {
        struct slice bytes = slice_of(pairs[i].bytes, pairs[i].len);
        struct buf out = { 0 };

        base64_encode(&out, bytes);
        CHECK_TEXT(buf_text(&out), pairs[i].standard);
        buf_clear(&out);
        base64_encode_url(&out, bytes);
        CHECK_TEXT(buf_text(&out), pairs[i].url);

        buf_clear(&out);
        CHECK_INT(base64_decode(&out, slice_of_text(pairs[i].standard)), 0);
        CHECK(slice_equal(buf_slice(&out), bytes));
        buf_clear(&out);
        CHECK_INT(base64_decode_url(&out, slice_of_text(pairs[i].url)), 0);
        CHECK(slice_equal(buf_slice(&out), bytes));
        buf_clear(&out);
        CHECK_INT(base64_decode_any(&out, slice_of_text(pairs[i].url)), 0);
        CHECK_INT(base64_decode_any(&out, slice_of_text(pairs[i].standard)), 0);
        CHECK_INT(out.len, 2 * bytes.len);
        buf_done(&out);
    }
}

static void damaged_text_is_refused_and_leaves_the_output(void) {
    static const char *const damaged[] = { "Z",      "Zg=",  "Zg",      "Zh==",
                                           "Zm9=",   "Z===", "====",    "Zg =",
                                           "Zm9v\n", "-__-", "Zg==Zg==" };
    static const char *const damaged_url[] = {
        "Z", "Zg==", "Zh", "+//+", "Zm 9", "Zm9="
    };
    struct buf out = { 0 };

    buf_add_text(&out, "x");
    for (size_t i = 0; i < sizeof(damaged) / sizeof(damaged[0]); i++) {
        CHECK_INT(base64_decode(&out, slice_of_text(damaged[i])), BASE64_E_DAMAGED);
        CHECK_TEXT(buf_text(&out), "x");
    }
    for (size_t i = 0; i < sizeof(damaged_url) / sizeof(damaged_url[0]); i++) {
        CHECK_INT(base64_decode_url(&out, slice_of_text(damaged_url[i])),
                  BASE64_E_DAMAGED);
        CHECK_TEXT(buf_text(&out), "x");
    }
    CHECK_INT(base64_decode(&out, slice_of("Zg\0=", 4)), BASE64_E_DAMAGED);
    buf_done(&out);
}

TESTS(TEST(both_alphabets_encode_and_decode),
      TEST(damaged_text_is_refused_and_leaves_the_output))
