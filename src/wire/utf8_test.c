#include "wire/utf8.h"

#include "base/check.h"

static void every_code_point_and_nothing_else_is_text(void) {
    for (uint32_t code = 0; code < 0x110000; code++) {
        struct buf text = { 0 };
        bool is_surrogate = code >= 0xd800 && code < 0xe000;

        utf8_add(&text, code);
        CHECK(utf8_is_valid(buf_slice(&text)) == !is_surrogate);
        CHECK(utf8_char_len(buf_slice(&text)) == (is_surrogate ? 0 : text.len));
        buf_done(&text);
    }
}

static void broken_text_is_refused(void) {
    static const char *const rows[] = {
        "\x80",
        "\xbf",
        "\xc0\x80",
        "\xc1\xbf",
        "\xc2",
        "\xc2 ",
        "\xe0\x9f\xbf",
        "\xe1\x80",
        "\xe1\x80 ",
        "\xed\xa0\x80",
        "\xf0\x8f\xbf\xbf",
        "\xf4\x90\x80\x80",
        "\xf5\x80\x80\x80",
        "\xff",
        "ok\xf0\x90\x80",
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        CHECK(!utf8_is_valid(slice_of_text(rows[i])));
    CHECK(utf8_is_valid(slice_of(NULL, 0)));
    CHECK(utf8_is_valid(slice_of("a\0b", 3)));
    CHECK(utf8_char_len(slice_of(NULL, 0)) == 0);
}

TESTS(TEST(every_code_point_and_nothing_else_is_text), TEST(broken_text_is_refused))
