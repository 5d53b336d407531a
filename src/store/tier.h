/*
 * tier - one history at four resolutions
 *
 * Raw samples are kept as they came; above them each tier keeps, for every bucket of its
 * step, the least, mean and greatest value and how many samples there were. Buckets are
 * always computed from raw samples, so late data changes them as if it had been in time.
 * Pure arithmetic: no I/O, no clock.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum tier {
    TIER_RAW,
    TIER_1M,
    TIER_15M,
    TIER_2H,
    TIER_COUNT,
};

/* Of one series in one bucket; in the series' integers, the mean in between as well. */
struct tier_bucket {
    int64_t min;
    int64_t max;
    double mean;
    uint32_t count; /* 0: nothing is known; the other fields mean nothing */
};

/* Length of a bucket: 0 for TIER_RAW. */
int64_t tier_step_ms(enum tier tier);

/* Length of the span that one chunk of this tier covers: a multiple of the step and of
 * an hour. Spans and buckets begin at multiples of their length since 1970 (UTC). */
int64_t tier_span_ms(enum tier tier);

/* "raw", "1m", "15m", "2h". */
const char *tier_word(enum tier tier);

/* The start of the bucket, or span, of length_ms that holds the time, also before 1970.
 */
int64_t tier_floor(int64_t time_ms, int64_t length_ms);

/*
 * Fills count buckets of step_ms from first_ms on with the samples of one series: times
 * rising (equal ones allowed), SAMPLE_ABSENT where there is no value. Samples outside are
 * passed over. Buckets need not be zero before.
 */
void tier_aggregate(const int64_t *times_ms,
                    const int64_t *values,
                    size_t samples,
                    int64_t first_ms,
                    int64_t step_ms,
                    struct tier_bucket *buckets,
                    size_t count);

/* Makes one bucket of two, weighting the means by their counts. */
void tier_merge(struct tier_bucket *into, const struct tier_bucket *from);

/* The coarsest tier whose step is not longer than step_ms; TIER_RAW for less than a
 * minute. */
enum tier tier_for_step(int64_t step_ms);
