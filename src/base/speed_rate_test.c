#include "base/speed_rate.h"

#include <stdbool.h>

#include "base/check.h"

static bool is_near(double got, double wanted) {
    return got > wanted * 0.99 && got < wanted * 1.01;
}

static void nothing_is_no_rate(void) {
    struct speed_rate rate = { 0 };

    CHECK(speed_rate_now(&rate) == 0);
    CHECK(speed_rate_mean(&rate) == 0);
    speed_rate_add(&rate, 5, 100);
    CHECK(speed_rate_now(&rate) == 0);
    CHECK(speed_rate_mean(&rate) == 0);
}

static void two_counts_are_a_rate(void) {
    struct speed_rate rate = { 0 };

    speed_rate_add(&rate, 1000, 0);
    speed_rate_add(&rate, 51000, 6250);
    CHECK(is_near(speed_rate_mean(&rate), 1e6));
    CHECK(is_near(speed_rate_now(&rate), 1e6));
}

static void the_ramp_is_left_out(void) {
    struct speed_rate rate = { 0 };
    uint64_t bytes = 0;

    for (uint64_t at = 0; at < 80; at++) {
        bytes += at < 15 ? 2000 * at : 31250; /* 2.5 Mbit/s when it is in full flow */
        speed_rate_add(&rate, at * 100000, bytes);
    }
    CHECK(is_near(speed_rate_mean(&rate), 2.5e6));
    CHECK(is_near(speed_rate_now(&rate), 2.5e6));
}

static void a_rate_that_only_grows_is_of_its_second_half_at_most(void) {
    struct speed_rate rate = { 0 };
    uint64_t bytes = 0;

    for (uint64_t at = 0; at < 40; at++) {
        bytes += at * 1000;
        speed_rate_add(&rate, at * 100000, bytes);
    }
    CHECK(speed_rate_mean(&rate) > 20 * 1000 * 80);
}

static void counts_that_go_back_or_are_too_many_do_no_harm(void) {
    struct speed_rate rate = { 0 };

    for (uint64_t at = 0; at < 5000; at++) {
        speed_rate_add(&rate, at * 100000, at * 1250);
        speed_rate_add(&rate, at * 100000, at * 1250 / 2);
        speed_rate_add(&rate, at * 50000, at * 1250);
    }
    CHECK(is_near(speed_rate_mean(&rate), 1e5));
    CHECK_INT(rate.count, SPEED_RATE_STEPS_MAX);
}

TESTS(TEST(nothing_is_no_rate),
      TEST(two_counts_are_a_rate),
      TEST(the_ramp_is_left_out),
      TEST(a_rate_that_only_grows_is_of_its_second_half_at_most),
      TEST(counts_that_go_back_or_are_too_many_do_no_harm))
