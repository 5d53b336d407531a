#include "base/speed_rate.h"

#include <stdlib.h>

enum { LATE_US = 500000 };

static const double MOST = 0.8; /* of the usual rate: the ramp is over */

void speed_rate_add(struct speed_rate *rate, uint64_t at_us, uint64_t bytes) {
    const struct speed_rate_point *newest =
        rate->count > 0 ? &rate->points[rate->count - 1] : NULL;

    if (newest && (at_us < rate->last.at_us || bytes < rate->last.bytes))
        return;
    rate->last = (struct speed_rate_point) { at_us, bytes };
    if (rate->count < SPEED_RATE_STEPS_MAX &&
        (!newest || at_us - newest->at_us >= SPEED_RATE_STEP_US))
        rate->points[rate->count++] = rate->last;
}

static double rate_between(struct speed_rate_point from, struct speed_rate_point to) {
    if (to.at_us <= from.at_us)
        return 0;
    return (double)(to.bytes - from.bytes) * 8e6 / (double)(to.at_us - from.at_us);
}

double speed_rate_now(const struct speed_rate *rate) {
    size_t at = rate->count;

    if (at == 0)
        return 0;
    do
        at--;
    while (at > 0 && rate->last.at_us - rate->points[at].at_us < LATE_US);
    return rate_between(rate->points[at], rate->last);
}

static int compare(const void *a, const void *b) {
    double x = *(const double *)a;
    double y = *(const double *)b;
    return x < y ? -1 : x > y;
}

/* The median of the steps of the second half. */
static double usual_of(const struct speed_rate *rate) {
    double rates[SPEED_RATE_STEPS_MAX];
    size_t count = 0;

    for (size_t i = rate->count / 2; i + 1 < rate->count; i++)
        rates[count++] = rate_between(rate->points[i], rate->points[i + 1]);
    if (count == 0)
        return 0;
    qsort(rates, count, sizeof(*rates), compare);
    return rates[count / 2];
}

double speed_rate_mean(const struct speed_rate *rate) {
    double usual = usual_of(rate);
    size_t first = 0;

    if (rate->count == 0)
        return 0;
    while (first < rate->count / 2 &&
           rate_between(rate->points[first], rate->points[first + 1]) < usual * MOST)
        first++;
    return rate_between(rate->points[first], rate->last);
}
