#include "base/varint.h"

#include "base/check.h"

static const uint64_t numbers[] = {
    0,          1,         0x7f,       0x80,       0x3fff,          0x4000,
    UINT32_MAX, INT64_MAX, UINT64_MAX, 1ULL << 63, (1ULL << 63) - 1
};
enum { NUMBERS = sizeof(numbers) / sizeof(numbers[0]) };

static void numbers_come_back_and_prefixes_do_not(void) {
    for (size_t i = 0; i < NUMBERS; i++) {
        struct buf buf = { 0 };
        uint64_t number = 0;
        varint_add(&buf, numbers[i]);
        for (size_t len = 0; len < buf.len; len++) {
            struct slice part = slice_of(buf.data, len);
            CHECK(!varint_take(&part, &number));
        }
        struct slice whole = buf_slice(&buf);
        CHECK(varint_take(&whole, &number));
        CHECK(number == numbers[i] && whole.len == 0);
        buf_done(&buf);
    }
}

static void more_than_64_bits_are_refused(void) {
    static const uint8_t bytes[] = { 0xff, 0xff, 0xff, 0xff, 0xff,
                                     0xff, 0xff, 0xff, 0xff, 2 };
    struct slice slice = slice_of(bytes, sizeof(bytes));
    uint64_t number = 5;

    CHECK(!varint_take(&slice, &number));
    CHECK(number == 5 && slice.len == sizeof(bytes));
}

static void zigzag_keeps_small_numbers_small(void) {
    CHECK(varint_zigzag(0) == 0 && varint_zigzag((uint64_t)-1) == 1 &&
          varint_zigzag(1) == 2);
    for (size_t i = 0; i < NUMBERS; i++)
        CHECK(varint_unzigzag(varint_zigzag(numbers[i])) == numbers[i]);
}

TESTS(TEST(numbers_come_back_and_prefixes_do_not),
      TEST(more_than_64_bits_are_refused),
      TEST(zigzag_keeps_small_numbers_small))
