#include "hub/samples/row_time.h"

#include "base/check.h"
#include "hub/samples/row_pace.h"

enum { SECOND = 1000, MINUTE = 60000, HOUR = 60 * MINUTE, DAY = 24 * HOUR };

static const int64_t wall_start_ms = INT64_C(1790000000000);

/* The hub `at` after the start: its boot time began at 7,000,000. */
static struct row_time_now at(int64_t at_ms) {
    return (struct row_time_now) { 7000000 + at_ms, wall_start_ms + at_ms };
}

/* The host's boot time at that moment; it booted an hour before the start. */
static int64_t host(int64_t at_ms) {
    return HOUR + at_ms;
}

static const struct row_time_boot live = {
    .boottime_ms = HOUR,
    .wall_ms = 1234, /* nothing depends on it */
    .interval_ms = 5000,
};

static void begin(struct row_time *time, const int64_t *known_ms) {
    struct row_time_now now = at(30); /* the catalogue was under way for 30 ms */
    row_time_init(time, &live, &now, known_ms);
}

static struct row_time_place place(struct row_time *time,
                                   int64_t taken_ms,
                                   int64_t came_ms) {
    struct row_time_place place = { .wall_ms = -1 };
    struct row_time_now now = at(came_ms);
    CHECK_INT(row_time_place(time, &now, (uint64_t)host(taken_ms), &place), 0);
    return place;
}

static void a_live_row_lies_where_it_was_taken(void) {
    struct row_time time;
    begin(&time, NULL);
    struct row_time_place row = place(&time, 5000, 5020);
    CHECK(row.is_live);
    CHECK(row.wall_ms >= wall_start_ms + 5000 && row.wall_ms <= wall_start_ms + 5030);
}

static void a_replayed_row_is_not_live(void) {
    struct row_time time;
    begin(&time, NULL);
    struct row_time_place row = place(&time, -HOUR / 2, 100);
    CHECK(!row.is_live);
    CHECK(row.wall_ms == wall_start_ms - HOUR / 2 + 30);
    CHECK(!place(&time, -20000, 100).is_live);
    CHECK(place(&time, -14000, 100).is_live); /* 2 intervals + 5 s */
}

static void a_known_offset_is_kept(void) {
    int64_t known_ms = wall_start_ms - HOUR - 1500;
    struct row_time time;
    begin(&time, &known_ms);
    CHECK(place(&time, -HOUR / 2, 40).wall_ms == wall_start_ms - HOUR / 2 - 1500);
    CHECK(place(&time, 0, 50).wall_ms == wall_start_ms - 1500);
}

/* The hub's clock was put ahead by an hour since: what is new lies there, once it is
 * sure that no delay is to blame. */
static void an_offset_that_is_far_off_is_measured_anew(void) {
    int64_t known_ms = wall_start_ms - 2 * HOUR;
    struct row_time time;
    begin(&time, &known_ms);
    CHECK(place(&time, -HOUR / 2, 40).wall_ms == wall_start_ms - 3 * HOUR / 2);
    for (int i = 0; i < 5; i++)
        place(&time, i * 5000, i * 5000 + 20);
    CHECK(place(&time, 30000, 30020).wall_ms == wall_start_ms + 30020);

    known_ms = wall_start_ms;
    begin(&time, &known_ms);
    CHECK(place(&time, 0, 40).wall_ms == wall_start_ms + 30);
}

/* A slow link: the catalogue took 10 s, so did the first rows. */
static void a_late_catalogue_moves_nothing_that_is_known(void) {
    int64_t known_ms = wall_start_ms - HOUR;
    struct row_time_now now = at(10000);
    struct row_time time;
    row_time_init(&time, &live, &now, &known_ms);
    CHECK(place(&time, 0, 10000).wall_ms == wall_start_ms);
    CHECK(place(&time, 10000, 10030).wall_ms - wall_start_ms - 10000 <= 5);
    CHECK(place(&time, 15000, 15030).wall_ms - wall_start_ms - 15000 <= 8);
}

/* The host's clock runs 100 ppm fast for 30 days, rows jitter by up to 200 ms. */
static void drift_of_a_month_moves_nothing(void) {
    for (int sign = -1; sign <= 1; sign += 2) {
        struct row_time time;
        int64_t before_ms = 0;
        begin(&time, NULL);
        for (int64_t i = 0; i < INT64_C(30) * DAY; i += 5 * SECOND) {
            int64_t boottime_ms = i + sign * (i / 10000);
            int64_t jitter_ms = (i / 5000 * 7919) % 200;
            struct row_time_now now = at(i + 5 + jitter_ms);
            struct row_time_place row;
            CHECK_INT(row_time_place(&time, &now, (uint64_t)host(boottime_ms), &row), 0);
            CHECK(row.is_live);
            int64_t off_ms = row.wall_ms - (wall_start_ms + i);
            CHECK(off_ms > -150 && off_ms < 150);
            CHECK(row.wall_ms > before_ms);
            before_ms = row.wall_ms;
        }
    }
}

/* hub_clock followed a step while the stream was open. */
static void a_step_of_the_hub_moves_what_comes_then(void) {
    static const int64_t steps_ms[] = { HOUR, -HOUR, 5000, -5000 };

    for (size_t i = 0; i < sizeof(steps_ms) / sizeof(steps_ms[0]); i++) {
        struct row_time time;
        struct row_time_place row;
        begin(&time, NULL);
        for (int at_ms = 5000; at_ms < 50000; at_ms += 5000)
            place(&time, at_ms, at_ms + 20);
        struct row_time_now now = at(50020);
        now.wall_ms += steps_ms[i];
        CHECK_INT(row_time_place(&time, &now, (uint64_t)host(50000), &row), 0);
        CHECK(row.is_live);
        CHECK(row.wall_ms >= wall_start_ms + 50000 + steps_ms[i]);
        CHECK(row.wall_ms <= wall_start_ms + 50030 + steps_ms[i]);
    }
}

/* Every row is three seconds late for an hour, then none is. */
static void a_slow_link_moves_little_and_never_back(void) {
    int64_t known_ms = wall_start_ms - HOUR, before_ms = 0;
    struct row_time_now now = at(3000);
    struct row_time time;

    row_time_init(&time, &live, &now, &known_ms);
    for (int64_t at_ms = 0; at_ms < 2 * (int64_t)HOUR; at_ms += 5000) {
        int64_t late_ms = at_ms < HOUR ? 3000 : 30;
        int64_t wall_ms = place(&time, at_ms, at_ms + late_ms).wall_ms;
        CHECK(wall_ms > before_ms);
        CHECK(wall_ms - wall_start_ms - at_ms < 1900);
        before_ms = wall_ms;
    }
}

static void an_agent_cannot_be_ahead_of_itself(void) {
    struct row_time time;
    struct row_time_place row = { .wall_ms = 7 };
    struct row_time_now now = at(100);
    static const uint64_t bad[] = {
        HOUR + 61 * MINUTE,
        UINT64_MAX,
        UINT64_C(1) << 63,
        UINT64_C(1) << 54,
    };
    begin(&time, NULL);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        CHECK_INT(row_time_place(&time, &now, bad[i], &row), ROW_TIME_E_AHEAD);
    CHECK(row.wall_ms == 7);
}

static void rows_of_years_ago_are_refused(void) {
    struct row_time_boot boot = live;
    struct row_time time;
    struct row_time_place row;
    struct row_time_now now = at(0);
    boot.boottime_ms = INT64_C(401) * DAY;
    row_time_init(&time, &boot, &now, NULL);
    CHECK_INT(row_time_place(&time, &now, 5000, &row), ROW_TIME_E_OLD);
    CHECK_INT(row_time_place(&time, &now, (uint64_t)(3 * (int64_t)DAY), &row), 0);
}

struct past {
    const char *what;
    int64_t wall_ms;     /* of the old boot, at its boot time of one hour */
    int64_t now_wall_ms; /* now */
    int64_t is_at_ms;    /* where that hour lies, from the start */
};

/* Booted again ten minutes ago. */
static const struct past pasts[] = {
    { "right both times", wall_start_ms - 20 * MINUTE, wall_start_ms, -20 * MINUTE },
    { "an hour ahead both times", wall_start_ms + 40 * MINUTE, wall_start_ms + HOUR,
      -20 * MINUTE },
    { "1970 and going on", 5 * MINUTE, 25 * MINUTE, -20 * MINUTE },
    { "1970 both times, from the start", 2 * HOUR, 10 * MINUTE, -10 * MINUTE },
    { "1970 then, right now", 5 * MINUTE, wall_start_ms, -10 * MINUTE },
    { "of the future", wall_start_ms + DAY, wall_start_ms, -10 * MINUTE },
    { "absurd", INT64_MAX, 1, -10 * MINUTE },
    { "absurd as well", INT64_MIN, INT64_MAX, -10 * MINUTE },
};

static void a_boot_that_is_over_lies_before_this_one(void) {
    for (size_t i = 0; i < sizeof(pasts) / sizeof(pasts[0]); i++) {
        struct row_time_boot boot = {
            .boottime_ms = HOUR,
            .wall_ms = pasts[i].wall_ms,
            .now_boottime_ms = 10 * MINUTE,
            .now_wall_ms = pasts[i].now_wall_ms,
            .interval_ms = 5000,
        };
        struct row_time_now now = at(0);
        struct row_time time;
        struct row_time_place row;

        row_time_init(&time, &boot, &now, NULL);
        CHECK_INT(row_time_place(&time, &now, HOUR, &row), 0);
        if (row.wall_ms != wall_start_ms + pasts[i].is_at_ms)
            print_error("%s: %lld\n", pasts[i].what,
                        (long long)(row.wall_ms - wall_start_ms));
        CHECK(row.wall_ms == wall_start_ms + pasts[i].is_at_ms);
        CHECK(!row.is_live);
        /* What was taken after the last known pair pushes the boot, at most to its end.
         */
        CHECK_INT(row_time_place(&time, &now, 2 * HOUR, &row), 0);
        CHECK(row.wall_ms <= wall_start_ms - 10 * MINUTE);
    }
}

static void a_past_boot_that_was_seen_live_stays(void) {
    struct row_time_boot boot = { HOUR, wall_start_ms, 10 * MINUTE, wall_start_ms, 5000 };
    int64_t known_ms = wall_start_ms - 3 * (int64_t)HOUR;
    struct row_time_now now = at(0);
    struct row_time time;
    struct row_time_place row;
    row_time_init(&time, &boot, &now, &known_ms);
    CHECK_INT(row_time_place(&time, &now, 2 * HOUR, &row), 0);
    CHECK(row.wall_ms == wall_start_ms - HOUR);
}

static void ten_rows_a_second_are_enough(void) {
    struct row_pace pace = { 0 };
    for (int64_t i = 0; i < 100000; i++)
        CHECK(row_pace_take(&pace, wall_start_ms + i * 100));
    int taken = 0;
    while (taken < 10000 && row_pace_take(&pace, wall_start_ms))
        taken++;
    CHECK(taken > 500 && taken <= 600); /* standing still */

    struct row_pace twice = { 0 };
    taken = 0;
    while (taken < 10000 && row_pace_take(&twice, wall_start_ms + taken * 50))
        taken++;
    CHECK(taken > 600 && taken < 1300);
}

TESTS(TEST(a_live_row_lies_where_it_was_taken),
      TEST(a_replayed_row_is_not_live),
      TEST(a_known_offset_is_kept),
      TEST(an_offset_that_is_far_off_is_measured_anew),
      TEST(a_late_catalogue_moves_nothing_that_is_known),
      TEST(drift_of_a_month_moves_nothing),
      TEST(a_step_of_the_hub_moves_what_comes_then),
      TEST(a_slow_link_moves_little_and_never_back),
      TEST(an_agent_cannot_be_ahead_of_itself),
      TEST(rows_of_years_ago_are_refused),
      TEST(a_boot_that_is_over_lies_before_this_one),
      TEST(a_past_boot_that_was_seen_live_stays),
      TEST(ten_rows_a_second_are_enough))
