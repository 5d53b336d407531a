#include "base/hex.h"

#include <string.h>

#include "base/check.h"

static void bytes_survive_the_round_trip(void) {
    uint8_t bytes[256], back[256];
    char text[513];

    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)i;
    hex_encode(text, bytes, sizeof(bytes));
    CHECK_INT(strlen(text), 512);
    CHECK(hex_decode(back, sizeof(back), text));
    assert_memory_equal(bytes, back, sizeof(bytes));
}

static void only_exactly_the_digits_are_taken(void) {
    uint8_t bytes[2];

    CHECK(hex_decode(bytes, 2, "aBfF"));
    CHECK_INT(bytes[0], 0xab);
    CHECK_INT(bytes[1], 0xff);
    CHECK(hex_decode(bytes, 0, ""));
    CHECK(!hex_decode(bytes, 2, ""));
    CHECK(!hex_decode(bytes, 2, "abc"));
    CHECK(!hex_decode(bytes, 2, "abcde"));
    CHECK(!hex_decode(bytes, 2, "abcg"));
    CHECK(!hex_decode(bytes, 2, " abc"));
}

TESTS(TEST(bytes_survive_the_round_trip), TEST(only_exactly_the_digits_are_taken))
