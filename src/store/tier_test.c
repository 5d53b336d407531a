#include "store/tier.h"

#include <math.h>
#include <string.h>

#include "base/check.h"
#include "wire/sample.h"

enum { HOUR_MS = 3600 * 1000 };

static void spans_are_whole_steps_and_hours_and_hold_some_hundred_buckets(void) {
    CHECK_INT(tier_step_ms(TIER_RAW), 0);
    CHECK_INT(tier_span_ms(TIER_RAW), HOUR_MS);
    for (enum tier tier = TIER_1M; tier < TIER_COUNT; tier++) {
        int64_t count = tier_span_ms(tier) / tier_step_ms(tier);
        CHECK(count >= 200 && count <= 800);
        CHECK_INT(tier_span_ms(tier) % tier_step_ms(tier), 0);
        CHECK_INT(tier_span_ms(tier) % HOUR_MS, 0);
    }
    CHECK_TEXT(tier_word(TIER_RAW), "raw");
    CHECK_TEXT(tier_word(TIER_2H), "2h");
}

static void spans_begin_at_multiples_also_before_1970(void) {
    static const struct {
        int64_t time, floor;
    } rows[] = {
        { 0, 0 },    { 1, 0 },     { 59, 0 },     { 60, 60 },     { 119, 60 },
        { -1, -60 }, { -60, -60 }, { -61, -120 }, { -120, -120 }, { 6000059, 6000000 }
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        CHECK_INT(tier_floor(rows[i].time, 60), rows[i].floor);
}

static void the_coarsest_tier_that_is_fine_enough_is_chosen(void) {
    CHECK_INT(tier_for_step(0), TIER_RAW);
    CHECK_INT(tier_for_step(59999), TIER_RAW);
    CHECK_INT(tier_for_step(60000), TIER_1M);
    CHECK_INT(tier_for_step(899999), TIER_1M);
    CHECK_INT(tier_for_step(900000), TIER_15M);
    CHECK_INT(tier_for_step(7200000), TIER_2H);
    CHECK_INT(tier_for_step(INT64_MAX), TIER_2H);
}

static void buckets_hold_least_mean_greatest_and_count(void) {
    static const int64_t times[] = { -1, 0, 5, 9, 20, 20, 29, 40, 41 };
    static const int64_t values[] = { 99, 1, -3, 5, 7, 7, SAMPLE_ABSENT, 100, 99 };
    struct tier_bucket buckets[4];

    memset(buckets, 0xff, sizeof(buckets));
    tier_aggregate(times, values, 9, 0, 10, buckets, 4);
    CHECK(buckets[0].min == -3 && buckets[0].max == 5 && buckets[0].count == 3);
    CHECK(buckets[0].mean == 1.0);
    CHECK_INT(buckets[1].count, 0);
    CHECK(buckets[2].min == 7 && buckets[2].max == 7 && buckets[2].count == 2);
    CHECK_INT(buckets[3].count, 0);
}

static void no_samples_and_no_buckets_are_fine(void) {
    static const int64_t time = 5, value = 1;
    struct tier_bucket bucket = { .count = 9 };

    tier_aggregate(NULL, NULL, 0, 0, 10, &bucket, 1);
    CHECK_INT(bucket.count, 0);
    tier_aggregate(&time, &value, 1, 0, 10, NULL, 0);
}

static void the_mean_of_huge_values_is_right(void) {
    static const int64_t times[] = { 0, 1, 2, 3 };
    static const int64_t values[] = { INT64_MAX, INT64_MAX, INT64_MAX, INT64_MIN + 1 };
    struct tier_bucket bucket;

    tier_aggregate(times, values, 4, INT64_MIN, INT64_MAX, &bucket, 1);
    CHECK_INT(bucket.count, 0);
    tier_aggregate(times, values, 4, 0, 10, &bucket, 1);
    CHECK(bucket.mean == (double)(INT64_MAX / 2 + 1));
    CHECK(bucket.min == INT64_MIN + 1 && bucket.max == INT64_MAX);
}

static void sums_of_both_signs_are_exact(void) {
    static const int64_t rows[][5] = {
        { -1, -1, -1, -1, -1 },
        { INT64_MIN + 1, INT64_MAX, -5, 0, 0 },
        { INT64_MIN + 1, INT64_MIN + 1, INT64_MAX, INT64_MAX, -4 },
        { INT64_MAX, INT64_MAX, INT64_MAX, INT64_MAX, INT64_MAX },
        { INT64_MIN + 1, INT64_MIN + 1, INT64_MIN + 1, INT64_MIN + 1, 7 },
        { 1, -1, INT64_MAX, INT64_MIN + 1, 0 },
        { INT64_MIN + 1, -1, 0, 0, 0 },
    };
    static const int64_t times[5] = { 0 };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct tier_bucket bucket;
        __int128 sum = 0;
        for (size_t j = 0; j < 5; j++)
            sum += rows[i][j];
        tier_aggregate(times, rows[i], 5, 0, 1, &bucket, 1);
        CHECK(bucket.mean == (double)sum / 5);
    }
}

/* Merging parts gives what aggregating the whole gives. */
static void merged_buckets_are_like_one(void) {
    int64_t times[60], values[60];
    for (int64_t i = 0; i < 60; i++) {
        times[i] = i;
        values[i] = i * i - 700;
    }
    struct tier_bucket parts[6], whole, merged = { 0 };
    tier_aggregate(times, values, 60, 0, 10, parts, 6);
    tier_aggregate(times, values, 60, 0, 60, &whole, 1);
    for (size_t i = 0; i < 6; i++)
        tier_merge(&merged, &parts[i]);
    CHECK(merged.min == whole.min && merged.max == whole.max);
    CHECK(merged.count == whole.count && fabs(merged.mean - whole.mean) < 1e-9);

    tier_merge(&merged, &(struct tier_bucket) { 0 });
    CHECK_INT(merged.count, 60);
}

static void counts_stay_at_the_greatest_number(void) {
    struct tier_bucket a = { .count = UINT32_MAX, .mean = 1 };
    struct tier_bucket b = { .count = UINT32_MAX, .mean = 3, .max = 5 };

    tier_merge(&a, &b);
    CHECK(a.count == UINT32_MAX && a.mean == 2 && a.max == 5);
}

TESTS(TEST(spans_are_whole_steps_and_hours_and_hold_some_hundred_buckets),
      TEST(spans_begin_at_multiples_also_before_1970),
      TEST(the_coarsest_tier_that_is_fine_enough_is_chosen),
      TEST(buckets_hold_least_mean_greatest_and_count),
      TEST(no_samples_and_no_buckets_are_fine),
      TEST(the_mean_of_huge_values_is_right),
      TEST(sums_of_both_signs_are_exact),
      TEST(merged_buckets_are_like_one),
      TEST(counts_stay_at_the_greatest_number))
