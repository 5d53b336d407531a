#include "base/checksum.h"

#include "base/check.h"

static uint64_t of_text(const char *text) {
    return checksum_xxh64(slice_of_text(text));
}

/* Computed with xxhsum of the package xxhash. */
static void known_texts_have_their_known_sums(void) {
    CHECK(of_text("") == 0xef46db3751d8e999);
    CHECK(of_text("a") == 0xd24ec4f1a98c6e5b);
    CHECK(of_text("abc") == 0x44bc2cf5ad770999);
    CHECK(of_text("Nobody inspects the spammish repetition") == 0xfbcea83c8a378bf1);
}

static void any_changed_bit_changes_the_sum(void) {
    uint8_t bytes[100] = { 0 };

    for (size_t len = 1; len <= sizeof(bytes); len++) {
        uint64_t sum = checksum_xxh64(slice_of(bytes, len));
        for (size_t bit = 0; bit < len * 8; bit++) {
            bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
            CHECK(checksum_xxh64(slice_of(bytes, len)) != sum);
            bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
        }
    }
}

TESTS(TEST(known_texts_have_their_known_sums), TEST(any_changed_bit_changes_the_sum))
