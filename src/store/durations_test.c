#include "store/durations.h"

#include <string.h>

#include "base/buf.h"
#include "base/check.h"

static void a_quantile_of_one_length_is_near_it(void) {
    for (uint64_t length = 1; length < UINT64_C(30000000000); length += 1 + length / 7) {
        struct durations durations = { 0 };
        for (int i = 0; i < 10; i++)
            durations_add(&durations, length);
        double got = (double)durations_quantile(&durations, 0.5);
        CHECK(got >= (double)length * 0.8 - 1 && got <= (double)length * 1.2 + 1);
    }
}

static void quantiles_divide_what_was_counted(void) {
    struct durations durations = { 0 };

    CHECK_INT(durations_quantile(&durations, 0.5), 0);
    for (uint64_t i = 1; i <= 1000; i++)
        durations_add(&durations, i * 100);
    uint64_t half = durations_quantile(&durations, 0.5);
    uint64_t most = durations_quantile(&durations, 0.99);
    CHECK(half > 45000 && half < 55000);
    CHECK(most > 89000 && most < 109000);
}

static void what_is_too_long_goes_into_the_last_class(void) {
    struct durations durations = { 0 };

    durations_add(&durations, UINT64_MAX);
    CHECK_INT(durations.counts[DURATIONS_CLASSES - 1], 1);
}

static void counts_stop_at_their_highest(void) {
    struct durations durations = { .counts[3] = UINT32_MAX };

    durations_add(&durations, 3);
    CHECK(durations.counts[3] == UINT32_MAX);
}

static void packed_and_merged_is_the_same(void) {
    struct durations durations = { 0 }, again = { 0 };
    struct buf packed = { 0 };

    for (uint64_t i = 1; i < 100000; i *= 3)
        for (uint64_t n = 0; n < i % 200; n++)
            durations_add(&durations, i);
    durations_pack(&durations, &packed);
    durations_merge_packed(&again, buf_slice(&packed));
    CHECK(memcmp(&durations, &again, sizeof(again)) == 0);
    durations_merge(&again, &durations);
    for (int i = 0; i < DURATIONS_CLASSES; i++)
        CHECK_INT(again.counts[i], 2 * durations.counts[i]);
    buf_done(&packed);
}

static void damaged_bytes_write_nowhere_else(void) {
    static const char *const rows[] = {
        "\x88\x01\x01",
        "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x01",
        "\x01",
        "\x80",
        "\x05\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
        "\x87\x01\x01\x00\x01",
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct durations durations = { 0 };
        for (size_t len = 0; len <= strlen(rows[i]); len++)
            durations_merge_packed(&durations, slice_of(rows[i], len));
        CHECK_INT(durations.counts[0], 0);
    }
}

TESTS(TEST(a_quantile_of_one_length_is_near_it),
      TEST(quantiles_divide_what_was_counted),
      TEST(what_is_too_long_goes_into_the_last_class),
      TEST(counts_stop_at_their_highest),
      TEST(packed_and_merged_is_the_same),
      TEST(damaged_bytes_write_nowhere_else))
