#include "alerts/judge/forecast.h"

#include <math.h>

#include "base/check.h"

enum { POINTS = 360, MINUTE_MS = 60000 };

static int64_t times_ms[POINTS];
static double values[POINTS];

static double noise(unsigned at) {
    return (double)((at * 7919u) % 101u) / 101.0 - 0.5;
}

/* Percent; a day's slope, and what is laid over it. */
static void make(double first, double slope_a_day, double noise_size) {
    for (unsigned i = 0; i < POINTS; i++) {
        times_ms[i] = INT64_C(1700000000000) + (int64_t)i * MINUTE_MS;
        values[i] = first + slope_a_day * i / 1440.0 + noise_size * noise(i);
    }
}

static double days_until(double level, size_t count) {
    struct forecast forecast;

    if (!forecast_make(times_ms, values, count, &forecast))
        return -1;
    return forecast_reach(&forecast, level) / 86400e3;
}

static bool is_about(double value, double wanted) {
    return fabs(value - wanted) <= 0.15 * wanted;
}

static void a_straight_line_goes_on(void) {
    make(80, 10, 0);
    CHECK(is_about(days_until(100, POINTS), 1.75));
    make(80, 10, 0.4);
    CHECK(is_about(days_until(100, POINTS), 1.75));
    make(80, -10, 0);
    CHECK(is_about(days_until(0, POINTS), 7.75));
}

static void what_stands_still_never_comes_there(void) {
    make(80, 0, 0);
    CHECK(isinf(days_until(100, POINTS)));
    make(80, 0, 0.2);
    CHECK(days_until(100, POINTS) > 30);
    make(80, -5, 0);
    CHECK(isinf(days_until(100, POINTS)));
}

static void single_outliers_mean_nothing(void) {
    make(80, 10, 0.1);
    for (size_t i = 5; i < POINTS; i += 40)
        values[i] += i % 80 == 5 ? 15 : -30;
    CHECK(is_about(days_until(100, POINTS), 1.75));
}

static void what_was_deleted_begins_it_anew(void) {
    make(80, 10, 0.05);
    for (size_t i = 100; i < POINTS; i++)
        values[i] -= 40;
    CHECK(is_about(days_until(100, POINTS), 5.75));
    /* And just after it nobody can say. */
    make(80, 10, 0.05);
    for (size_t i = POINTS - 30; i < POINTS; i++)
        values[i] -= 40;
    CHECK(days_until(100, POINTS) < 0);
}

/* A backup writes 8 % in three minutes; then it is still again. */
static void a_jump_is_no_trend(void) {
    make(60, 0.1, 0.02);
    for (size_t i = 200; i < POINTS; i++)
        values[i] += 8;
    CHECK(days_until(100, POINTS) > 30);
}

/* Logs that are rotated every hour: up and down around the same level. */
static void a_saw_is_no_trend(void) {
    make(70, 0, 0.02);
    for (size_t i = 0; i < POINTS; i++)
        values[i] += 3.0 * (double)(i % 60) / 60.0;
    double days = days_until(100, POINTS);
    CHECK(days < 0 || days > 3);
}

/* A step of the scale now and then, as percent with one decimal have it. */
static void stairs_are_a_line(void) {
    make(90, 2, 0);
    for (size_t i = 0; i < POINTS; i++)
        values[i] = floor(values[i] * 10) / 10;
    CHECK(is_about(days_until(100, POINTS), 4.75));
}

static void less_than_an_hour_says_nothing(void) {
    make(80, 10, 0);
    CHECK(days_until(100, 1) < 0);
    CHECK(days_until(100, 59) < 0);
    CHECK(days_until(100, 62) > 0);
}

static void what_has_just_been_passed_is_reached(void) {
    make(90, 40, 0);
    CHECK(days_until(95, POINTS) == 0);
    CHECK(isinf(days_until(50, POINTS)));
}

TESTS(TEST(a_straight_line_goes_on),
      TEST(what_stands_still_never_comes_there),
      TEST(single_outliers_mean_nothing),
      TEST(what_was_deleted_begins_it_anew),
      TEST(a_jump_is_no_trend),
      TEST(a_saw_is_no_trend),
      TEST(stairs_are_a_line),
      TEST(less_than_an_hour_says_nothing),
      TEST(what_has_just_been_passed_is_reached))
