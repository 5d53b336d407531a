#include "base/latency.h"

#include <math.h>
#include <stdlib.h>

#include "base/check.h"

static bool is_near(double got, double wanted, double share) {
    return fabs(got - wanted) <= fabs(wanted) * share + 1e-9;
}

static void nothing_has_no_figures(void) {
    struct latency latency = { 0 };

    CHECK(latency_mean(&latency) == 0);
    CHECK(latency_jitter(&latency) == 0);
    CHECK(latency_percentile(&latency, 99) == 0);
}

static void one_answer_is_all_its_figures(void) {
    struct latency latency = { 0 };

    latency_add(&latency, 12.5);
    CHECK(latency_mean(&latency) == 12.5);
    CHECK(latency_percentile(&latency, 50) == 12.5);
    CHECK(latency_percentile(&latency, 99) == 12.5);
    CHECK(latency_jitter(&latency) == 0);
    CHECK(latency.min_ms == 12.5 && latency.max_ms == 12.5);
}

static void jitter_is_the_mean_difference_of_neighbours(void) {
    static const double rtts[] = { 10, 14, 11, 11, 21 };
    struct latency latency = { 0 };

    for (size_t i = 0; i < sizeof(rtts) / sizeof(rtts[0]); i++)
        latency_add(&latency, rtts[i]);
    CHECK(is_near(latency_jitter(&latency), (4 + 3 + 0 + 10) / 4.0, 0));
    CHECK(is_near(latency_mean(&latency), 13.4, 1e-9));
}

static int compare(const void *a, const void *b) {
    double x = *(const double *)a;
    double y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static void percentiles_are_near_those_of_a_sort(void) {
    enum { COUNT = 5000 };
    double *all = malloc(COUNT * sizeof(*all));
    struct latency latency = { 0 };
    uint32_t dice = 1;

    for (size_t i = 0; i < COUNT; i++) {
        dice = dice * 1664525 + 1013904223;
        double share = (double)(dice >> 8) / (1 << 24);
        all[i] = 0.05 + 3000 * share * share * share;
        latency_add(&latency, all[i]);
    }
    qsort(all, COUNT, sizeof(*all), compare);
    static const double percents[] = { 1, 50, 95, 99, 100 };
    for (size_t i = 0; i < sizeof(percents) / sizeof(percents[0]); i++) {
        size_t at = (size_t)(COUNT * percents[i] / 100) - 1;
        CHECK(is_near(latency_percentile(&latency, percents[i]), all[at], 0.01));
    }
    free(all);
}

static void what_is_no_time_does_no_harm(void) {
    struct latency latency = { 0 };

    latency_add(&latency, -5);
    latency_add(&latency, NAN);
    latency_add(&latency, 1e12);
    CHECK_INT(latency.count, 3);
    CHECK(latency.min_ms == 0 && latency.max_ms == 1e12);
    CHECK(latency_percentile(&latency, 50) == 0.001 ||
          latency_percentile(&latency, 50) < 0.002);
}

static void runs_of_lost_packets_are_outages_from_a_length_on(void) {
    static const struct {
        const char *packets; /* '.': answered, 'x': lost */
        size_t least;
        size_t found;
        struct latency_outage first;
        struct latency_outage last;
    } rows[] = {
        { "", 3, 0, { 0, 0 }, { 0, 0 } },
        { "......", 3, 0, { 0, 0 }, { 0, 0 } },
        { ".xx.xx.x", 3, 0, { 0, 0 }, { 0, 0 } },
        { ".xxx..", 3, 1, { 1, 3 }, { 1, 3 } },
        { "xxx", 3, 1, { 0, 3 }, { 0, 3 } },
        { "xxxx.xx.xxx", 3, 2, { 0, 4 }, { 8, 3 } },
        { ".x.x", 1, 2, { 1, 1 }, { 3, 1 } },
        { "....", 0, 0, { 0, 0 }, { 0, 0 } },
    };

    for (size_t row = 0; row < sizeof(rows) / sizeof(rows[0]); row++) {
        float rtts[16];
        size_t count = 0;
        struct latency_outage outages[4] = { 0 };
        for (; rows[row].packets[count]; count++)
            rtts[count] = rows[row].packets[count] == 'x' ? -1.0F : 1.0F;
        size_t found = latency_outages(rtts, count, rows[row].least, outages, 4);
        CHECK_INT(found, rows[row].found);
        if (found == 0)
            continue;
        CHECK_INT(outages[0].first, rows[row].first.first);
        CHECK_INT(outages[0].count, rows[row].first.count);
        CHECK_INT(outages[found - 1].first, rows[row].last.first);
        CHECK_INT(outages[found - 1].count, rows[row].last.count);
    }
}

static void more_outages_than_room_are_counted(void) {
    static const float rtts[] = { -1, 1, -1, 1, -1 };
    struct latency_outage outages[2] = { 0 };

    CHECK_INT(latency_outages(rtts, 5, 1, outages, 2), 3);
    CHECK_INT(outages[1].first, 2);
}

TESTS(TEST(nothing_has_no_figures),
      TEST(one_answer_is_all_its_figures),
      TEST(jitter_is_the_mean_difference_of_neighbours),
      TEST(percentiles_are_near_those_of_a_sort),
      TEST(what_is_no_time_does_no_harm),
      TEST(runs_of_lost_packets_are_outages_from_a_length_on),
      TEST(more_outages_than_room_are_counted))
