#include "base/latency.h"

#include <string.h>

/* The first bits of a double are its power of two and how far it is to the next: what a
 * bucket is, without a logarithm. */
enum { STEP_BIT = 46 };

static const double SMALLEST_MS = 1.0 / 1024; /* what the first bucket begins with */

static uint64_t bits_of(double value) {
    uint64_t bits;
    memcpy(&bits, &value, sizeof(bits));
    return bits;
}

static size_t bucket_of(double rtt_ms) {
    if (rtt_ms <= SMALLEST_MS)
        return 0;
    uint64_t place = (bits_of(rtt_ms) - bits_of(SMALLEST_MS)) >> STEP_BIT;
    return place >= LATENCY_BUCKETS - 1 ? LATENCY_BUCKETS - 1 : (size_t)place;
}

static double middle_of(size_t bucket) {
    uint64_t bits = bits_of(SMALLEST_MS) + ((uint64_t)bucket << STEP_BIT) +
                    (UINT64_C(1) << (STEP_BIT - 1));
    double value;
    memcpy(&value, &bits, sizeof(value));
    return value;
}

static double distance(double a, double b) {
    return a < b ? b - a : a - b;
}

void latency_add(struct latency *latency, double rtt_ms) {
    if (!(rtt_ms >= 0))
        rtt_ms = 0;
    if (latency->count == 0 || rtt_ms < latency->min_ms)
        latency->min_ms = rtt_ms;
    if (latency->count == 0 || rtt_ms > latency->max_ms)
        latency->max_ms = rtt_ms;
    if (latency->count > 0)
        latency->jitter_sum_ms += distance(rtt_ms, latency->last_ms);
    latency->last_ms = rtt_ms;
    latency->sum_ms += rtt_ms;
    latency->count++;
    latency->buckets[bucket_of(rtt_ms)]++;
}

double latency_mean(const struct latency *latency) {
    return latency->count > 0 ? latency->sum_ms / latency->count : 0;
}

double latency_jitter(const struct latency *latency) {
    return latency->count > 1 ? latency->jitter_sum_ms / (latency->count - 1) : 0;
}

double latency_percentile(const struct latency *latency, double percent) {
    double wanted = latency->count * percent / 100;
    uint64_t seen = 0;

    if (latency->count == 0)
        return 0;
    for (size_t i = 0; i < LATENCY_BUCKETS; i++) {
        seen += latency->buckets[i];
        if (seen == 0 || (double)seen < wanted)
            continue;
        double middle = middle_of(i);
        return middle < latency->min_ms   ? latency->min_ms
               : middle > latency->max_ms ? latency->max_ms
                                          : middle;
    }
    return latency->max_ms;
}

size_t latency_outages(const float *rtts_ms,
                       size_t count,
                       size_t least,
                       struct latency_outage *ret_outages,
                       size_t cap) {
    size_t found = 0;
    size_t run = 0;

    for (size_t i = 0; i <= count; i++) {
        if (i < count && rtts_ms[i] < 0) {
            run++;
            continue;
        }
        if (run > 0 && run >= least) {
            if (found < cap)
                ret_outages[found] = (struct latency_outage) { i - run, run };
            found++;
        }
        run = 0;
    }
    return found;
}
