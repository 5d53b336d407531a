#include "draw/reduce.h"

#include <errno.h>
#include <math.h>

#include "base/check.h"
#include "base/mem.h"

enum { COUNT = 17280, COLUMNS = 1100, STEP_MS = 5000 };

/* A day of samples that a test changes before it reduces them. */
struct day {
    int64_t *times;
    double *values;
    struct reduce_input input;
    struct reduced out;
};

static void day_init(struct day *day, size_t count) {
    *day = (struct day) {
        .times = mem_new_array(count, sizeof(int64_t)),
        .values = mem_new_array(count, sizeof(double)),
    };
    for (size_t i = 0; i < count; i++) {
        day->times[i] = (int64_t)i * STEP_MS;
        day->values[i] = sin((double)i / 700) * 10 + (double)(i * 7919 % 13);
    }
    day->input = (struct reduce_input) {
        .times_ms = day->times,
        .mean = day->values,
        .count = count,
        .since_ms = 0,
        .until_ms = (int64_t)count * STEP_MS,
        .gap_ms = STEP_MS * 5 / 2,
        .columns = COLUMNS,
    };
}

static void day_reduce(struct day *day) {
    CHECK_INT(reduce_series(&day->input, NULL, &day->out), 0);
}

static void day_done(struct day *day) {
    reduce_done(&day->out);
    free(day->times);
    free(day->values);
}

static void a_day_becomes_a_point_a_column(void) {
    struct day day;
    day_init(&day, COUNT);
    day_reduce(&day);
    CHECK_INT(day.out.point_count, COLUMNS);
    CHECK_INT(day.out.run_count, 1);
    CHECK_INT(day.out.gap_count, 0);
    CHECK(day.out.has_band);
    for (size_t i = 1; i < day.out.point_count; i++)
        CHECK(day.out.points[i].x > day.out.points[i - 1].x);
    day_done(&day);
}

/* Wherever one sample sticks out, its column shows it in full. */
static void no_peak_is_lost(void) {
    struct day day;
    day_init(&day, COUNT);
    for (size_t place = 0; place < COUNT; place += 97) {
        double before = day.values[place];
        day.values[place] = place % 2 ? 1e6 : -1e6;
        day_reduce(&day);
        double found = 0;
        for (size_t i = 0; i < day.out.point_count; i++) {
            struct reduce_point *point = &day.out.points[i];
            if (fabs(point->x - (double)place * COLUMNS / COUNT) < 1)
                found = place % 2 ? fmax(found, point->max) : fmin(found, point->min);
        }
        CHECK(found == day.values[place]);
        CHECK(day.out.highest == 1e6 || day.out.lowest == -1e6);
        day.values[place] = before;
        reduce_done(&day.out);
    }
    day_done(&day);
}

static void few_samples_stay_as_they_are(void) {
    struct day day;
    day_init(&day, 100);
    day_reduce(&day);
    CHECK_INT(day.out.point_count, 100);
    CHECK(!day.out.has_band);
    for (size_t i = 0; i < 100; i++) {
        CHECK(day.out.points[i].mean == day.values[i]);
        CHECK(fabs(day.out.points[i].x - (double)i * COLUMNS / 100) < 1e-6);
    }
    day_done(&day);
}

static void a_missing_value_is_a_gap(void) {
    for (size_t count = 100; count <= COUNT; count += COUNT - 100) {
        struct day day;
        size_t from = count * 4 / 10;
        size_t to = count * 6 / 10;
        day_init(&day, count);
        for (size_t i = from; i < to; i++)
            day.values[i] = i % 3 ? NAN : i % 2 ? INFINITY : -INFINITY;
        day.input.gap_ms = 0;
        day_reduce(&day);
        CHECK_INT(day.out.run_count, 2);
        CHECK_INT(day.out.gap_count, 1);
        CHECK(fabs(day.out.gaps[0].from - (double)(from - 1) * COLUMNS / (double)count) <
              1);
        CHECK(fabs(day.out.gaps[0].to - (double)to * COLUMNS / (double)count) < 1);
        day_done(&day);
    }
}

static void a_long_step_is_a_gap(void) {
    struct day day;
    day_init(&day, 100);
    for (size_t i = 50; i < 100; i++)
        day.times[i] += STEP_MS * 2; /* a step of three: more than two and a half */
    day.input.until_ms += STEP_MS * 2;
    day_reduce(&day);
    CHECK_INT(day.out.run_count, 2);
    CHECK_INT(day.out.gap_count, 1);
    reduce_done(&day.out);
    day.input.gap_ms = STEP_MS * 3;
    day_reduce(&day);
    CHECK_INT(day.out.run_count, 1);
    day_done(&day);
}

static void edges_without_samples_are_gaps(void) {
    struct day day;
    day_init(&day, 100);
    day.input.since_ms = -20 * STEP_MS;
    day.input.until_ms = 120 * STEP_MS;
    day_reduce(&day);
    CHECK_INT(day.out.gap_count, 2);
    CHECK(day.out.gaps[0].from == 0);
    CHECK(day.out.gaps[1].to == COLUMNS);
    day_done(&day);
}

static void nothing_is_one_gap(void) {
    struct reduce_input input = { .until_ms = 1000, .columns = 50, .gap_ms = 10 };
    struct reduced out;

    CHECK_INT(reduce_series(&input, NULL, &out), 0);
    CHECK_INT(out.run_count, 0);
    CHECK_INT(out.gap_count, 1);
    CHECK(out.gaps[0].from == 0 && out.gaps[0].to == 50);
    CHECK(isnan(out.last) && isnan(out.lowest) && isnan(out.average));
    reduce_done(&out);
}

/* The line goes on to the samples just outside, the figures do not. */
static void the_period_is_cut_out(void) {
    struct day day;
    day_init(&day, 100);
    day.values[29] = 1e6;
    day.values[71] = -1e6;
    day.input.since_ms = 30 * STEP_MS - 1;
    day.input.until_ms = 70 * STEP_MS + 1;
    day_reduce(&day);
    CHECK_INT(day.out.point_count, 43);
    CHECK(day.out.points[0].x < 0);
    CHECK(day.out.points[42].x > COLUMNS);
    CHECK(day.out.highest < 1e6 && day.out.lowest > -1e6);
    CHECK(day.out.last == day.values[70]);
    day_done(&day);
}

static void figures_are_those_of_all_samples(void) {
    struct day day;
    double sum = 0;
    day_init(&day, COUNT);
    for (size_t i = 0; i < COUNT; i++)
        sum += day.values[i];
    day_reduce(&day);
    CHECK(fabs(day.out.average - sum / COUNT) < 1e-9);
    CHECK(day.out.last == day.values[COUNT - 1]);
    day_done(&day);
}

static void tiers_keep_their_band(void) {
    double min[100];
    double max[100];
    struct day day;
    day_init(&day, 100);
    for (size_t i = 0; i < 100; i++) {
        min[i] = i == 7 ? NAN : day.values[i] - 2;
        max[i] = day.values[i] + 3;
    }
    day.input.min = min;
    day.input.max = max;
    day_reduce(&day);
    CHECK(day.out.has_band);
    CHECK(day.out.points[5].min == min[5] && day.out.points[5].max == max[5]);
    CHECK(day.out.points[7].min == day.values[7]);
    day_done(&day);
}

/* A sample now and a gap then, thousands of times, must not need more room. */
static void flicker_within_a_column_is_bounded(void) {
    struct day day;
    day_init(&day, COUNT);
    for (size_t i = 1; i < COUNT; i += 2)
        day.values[i] = NAN;
    day_reduce(&day);
    CHECK(day.out.point_count <= COLUMNS);
    day_done(&day);
    day_init(&day, COLUMNS * 2);
    for (size_t i = 1; i < COLUMNS * 2; i += 2)
        day.values[i] = NAN;
    day_reduce(&day);
    CHECK_INT(day.out.run_count, COLUMNS);
    day_done(&day);
}

static void times_that_go_back_are_refused(void) {
    struct day day;
    day_init(&day, 100);
    day.times[50] = day.times[48];
    CHECK_INT(reduce_series(&day.input, NULL, &day.out), -EINVAL);
    day_done(&day);
}

static void neighbours_may_be_ages_away(void) {
    static const int64_t times[] = { -900000000000000, 500, 900000000000000 };
    static const double values[] = { 1, 2, 3 };
    struct reduce_input input = {
        .times_ms = times, .mean = values, .count = 3, .until_ms = 1000, .columns = 4000
    };
    struct reduced out;

    CHECK_INT(reduce_series(&input, NULL, &out), 0);
    CHECK_INT(out.point_count, 3);
    CHECK(out.points[0].x == -1e9 && out.points[2].x == 1e9);
    reduce_done(&out);
}

static void what_is_no_time_is_refused(void) {
    static const int64_t rows[][2] = { { INT64_MIN, 5 }, { 5, INT64_MAX } };
    static const double values[] = { 1, 2 };

    for (size_t i = 0; i < 2; i++) {
        struct reduce_input input = { .times_ms = rows[i],
                                      .mean = values,
                                      .count = 2,
                                      .until_ms = 1000,
                                      .columns = 100 };
        struct reduced out;
        CHECK_INT(reduce_series(&input, NULL, &out), -EINVAL);
    }
}

static void it_stops_when_nobody_waits(void) {
    atomic_bool cancelled = true;
    struct day day;
    day_init(&day, COUNT);
    CHECK_INT(reduce_series(&day.input, &cancelled, &day.out), -ECANCELED);
    day_done(&day);
}

TESTS(TEST(a_day_becomes_a_point_a_column),
      TEST(no_peak_is_lost),
      TEST(few_samples_stay_as_they_are),
      TEST(a_missing_value_is_a_gap),
      TEST(a_long_step_is_a_gap),
      TEST(edges_without_samples_are_gaps),
      TEST(nothing_is_one_gap),
      TEST(the_period_is_cut_out),
      TEST(figures_are_those_of_all_samples),
      TEST(tiers_keep_their_band),
      TEST(flicker_within_a_column_is_bounded),
      TEST(times_that_go_back_are_refused),
      TEST(neighbours_may_be_ages_away),
      TEST(what_is_no_time_is_refused),
      TEST(it_stops_when_nobody_waits))
