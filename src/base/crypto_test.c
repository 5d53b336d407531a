#include "base/crypto.h"

#include <string.h>

#include "base/check.h"
#include "base/hex.h"

static void digests_are_those_of_the_standard(void) {
    uint8_t digest[32];
    char text[65];

    crypto_sha1("abc", 3, digest);
    hex_encode(text, digest, 20);
    CHECK_TEXT(text, "a9993e364706816aba3e25717850c26c9cd0d89d");
    crypto_sha256("", 0, digest);
    hex_encode(text, digest, 32);
    CHECK_TEXT(text, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

static void random_bytes_differ(void) {
    uint8_t a[32] = { 0 }, b[32] = { 0 };

    crypto_random(a, sizeof(a));
    crypto_random(b, sizeof(b));
    CHECK(memcmp(a, b, sizeof(a)) != 0);
}

static void comparison_sees_each_byte(void) {
    CHECK(crypto_equal("abc", "abc", 3));
    CHECK(crypto_equal("abc", "abd", 2));
    CHECK(!crypto_equal("abc", "abd", 3));
    CHECK(!crypto_equal("xbc", "abc", 3));
}

TESTS(TEST(digests_are_those_of_the_standard),
      TEST(random_bytes_differ),
      TEST(comparison_sees_each_byte))
