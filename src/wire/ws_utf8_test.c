#include "wire/ws_utf8.h"

#include "base/check.h"
#include "wire/utf8.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static bool is_text(struct slice bytes, size_t cut) {
    struct ws_utf8 utf8 = { 0 };
    return ws_utf8_feed(&utf8, slice_of(bytes.at, cut)) &&
           ws_utf8_feed(&utf8, slice_after(bytes, cut)) && ws_utf8_is_whole(&utf8);
}

static void check(const char *text, bool wanted) {
    struct slice bytes = slice_of_text(text);
    for (size_t cut = 0; cut <= bytes.len; cut++)
        CHECK(is_text(bytes, cut) == wanted);
}

static void texts_are_told_from_others_at_any_split(void) {
    static const char *const good[] = { "",
                                        "plain",
                                        "\x7f",
                                        "\xc2\x80",
                                        "\xdf\xbf",
                                        "\xe0\xa0\x80",
                                        "\xed\x9f\xbf",
                                        "\xee\x80\x80",
                                        "\xef\xbf\xbf",
                                        "\xf0\x90\x80\x80",
                                        "\xf4\x8f\xbf\xbf",
                                        "\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5" };
    static const char *const bad[] = { "\x80",
                                       "\xbf",
                                       "\xc0\x80",
                                       "\xc1\xbf",
                                       "\xc2",
                                       "\xc2x",
                                       "\xc2\xc2",
                                       "\xe0\x80\x80",
                                       "\xe0\x9f\xbf",
                                       "\xe1\x80",
                                       "\xed\xa0\x80",
                                       "\xed\xbf\xbf",
                                       "\xf0\x80\x80\x80",
                                       "\xf0\x8f\xbf\xbf",
                                       "\xf0\x90\x80",
                                       "\xf4\x90\x80\x80",
                                       "\xf5\x80\x80\x80",
                                       "\xf8\x88\x80\x80\x80",
                                       "\xfe",
                                       "\xff" };
    for (size_t i = 0; i < COUNT(good); i++)
        check(good[i], true);
    for (size_t i = 0; i < COUNT(bad); i++)
        check(bad[i], false);
}

/* Each three bytes, and each two before a last one, against the check of whole texts. */
static void it_agrees_with_the_check_of_whole_texts(void) {
    for (unsigned n = 0; n < 1u << 24; n += n < 0xc00000 ? 251 : 3) {
        uint8_t bytes[] = { (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n,
                            (uint8_t)(n * 7) };
        struct slice three = slice_of(bytes, 3);
        struct slice four = slice_of(bytes, 4);
        CHECK(is_text(three, 1) == utf8_is_valid(three));
        CHECK(is_text(four, 2) == utf8_is_valid(four));
    }
}

/* The byte that spoils the text is refused, not one behind it. */
static void a_text_is_refused_at_once(void) {
    static const char *const spoiled[] = { "\xed\xa0", "\xf4\x90", "\xf5", "a\xc3 " };
    for (size_t i = 0; i < COUNT(spoiled); i++) {
        struct ws_utf8 utf8 = { 0 };
        size_t len = strlen(spoiled[i]);
        CHECK(ws_utf8_feed(&utf8, slice_of(spoiled[i], len - 1)));
        CHECK(!ws_utf8_feed(&utf8, slice_of(spoiled[i] + len - 1, 1)));
    }
}

TESTS(TEST(texts_are_told_from_others_at_any_split),
      TEST(it_agrees_with_the_check_of_whole_texts),
      TEST(a_text_is_refused_at_once))
