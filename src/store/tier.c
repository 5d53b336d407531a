#include "store/tier.h"

#include <string.h>

#include "wire/sample.h"

enum { MINUTE_MS = 60 * 1000, HOUR_MS = 60 * MINUTE_MS, DAY_MS = 24 * HOUR_MS };

/* Spans are such that a chunk above raw holds some 400 buckets: few enough to be
 * rewritten each hour, enough to be compressed well. */
static const struct {
    const char *word;
    int64_t step_ms;
    int64_t span_ms;
} tiers[TIER_COUNT] = {
    [TIER_RAW] = { "raw", 0, HOUR_MS },
    [TIER_1M] = { "1m", MINUTE_MS, 6 * HOUR_MS },
    [TIER_15M] = { "15m", 15 * MINUTE_MS, 4 * (int64_t)DAY_MS },
    [TIER_2H] = { "2h", 2 * HOUR_MS, 32 * (int64_t)DAY_MS },
};

int64_t tier_step_ms(enum tier tier) {
    return tiers[tier].step_ms;
}

int64_t tier_span_ms(enum tier tier) {
    return tiers[tier].span_ms;
}

const char *tier_word(enum tier tier) {
    return tiers[tier].word;
}

int64_t tier_floor(int64_t time_ms, int64_t length_ms) {
    int64_t over = time_ms % length_ms;
    return time_ms - over - (over < 0 ? length_ms : 0);
}

/* The sum of a bucket's values, of 128 bits: a double's would lose what is small. */
struct pile {
    uint64_t low;
    int64_t high;
    struct tier_bucket *bucket;
};

static void take_sample(struct pile *pile, int64_t value) {
    struct tier_bucket *bucket = pile->bucket;

    if (bucket->count == 0 || value < bucket->min)
        bucket->min = value;
    if (bucket->count == 0 || value > bucket->max)
        bucket->max = value;
    bucket->count++;
    pile->low += (uint64_t)value;
    pile->high += (pile->low < (uint64_t)value) - (value < 0);
}

static double sum_of(const struct pile *pile) {
    static const double carry = 18446744073709551616.0; /* 2^64 */

    if (pile->high == 0)
        return (double)pile->low;
    if (pile->high == -1 && pile->low != 0) /* a small negative one has many bits set */
        return -(double)(0 - pile->low);
    return (double)pile->high * carry + (double)pile->low;
}

static void end_pile(struct pile *pile) {
    if (pile->bucket)
        pile->bucket->mean = sum_of(pile) / pile->bucket->count;
}

void tier_aggregate(const int64_t *times_ms,
                    const int64_t *values,
                    size_t samples,
                    int64_t first_ms,
                    int64_t step_ms,
                    struct tier_bucket *buckets,
                    size_t count) {
    struct pile pile = { 0 };

    if (count > 0)
        memset(buckets, 0, count * sizeof(*buckets));
    for (size_t i = 0; i < samples; i++) {
        if (times_ms[i] < first_ms || values[i] == SAMPLE_ABSENT)
            continue;
        uint64_t place = ((uint64_t)times_ms[i] - (uint64_t)first_ms) / (uint64_t)step_ms;
        if (place >= count)
            break;
        if (pile.bucket != &buckets[place]) {
            end_pile(&pile);
            pile = (struct pile) { .bucket = &buckets[place] };
        }
        take_sample(&pile, values[i]);
    }
    end_pile(&pile);
}

void tier_merge(struct tier_bucket *into, const struct tier_bucket *from) {
    if (from->count == 0)
        return;
    if (into->count == 0) {
        *into = *from;
        return;
    }
    double all = (double)into->count + from->count;
    into->mean += (from->mean - into->mean) * (from->count / all);
    into->min = from->min < into->min ? from->min : into->min;
    into->max = from->max > into->max ? from->max : into->max;
    into->count = all > UINT32_MAX ? UINT32_MAX : into->count + from->count;
}

enum tier tier_for_step(int64_t step_ms) {
    enum tier best = TIER_RAW;

    for (enum tier tier = TIER_RAW; tier < TIER_COUNT; tier++)
        if (tiers[tier].step_ms <= step_ms)
            best = tier;
    return best;
}
