#include "hub/hub_clock.h"

#include <string.h>

#include "base/check.h"

enum { MINUTE = 60000, HOUR = 60 * MINUTE, TICK = 10000 };

static const char boot[] = "11111111-2222-3333-4444-555555555555";
static const char other_boot[] = "99999999-2222-3333-4444-555555555555";
static const int64_t start_ms = INT64_C(1790000000000);

/* What the system's clocks do: the wall clock is ahead by so much from then on. */
struct event {
    int64_t at_ms; /* since the start, in boot time */
    int64_t wall_ahead_ms;
    bool is_synchronised;
};

struct row {
    const char *what;
    int64_t wall_ahead_ms; /* at the start */
    bool is_synchronised;
    struct event events[4];
    int64_t look_ms;  /* when to look */
    int64_t ahead_ms; /* how far the hub's clock is then ahead of the true time */
    unsigned follows; /* how many steps it followed */
};

static const struct row rows[] = {
    { "steady", 0, true, { { 0 } }, HOUR, 0, 0 },
    { "an hour ahead, not yet", 0, true, { { MINUTE, HOUR, true } }, 15 * MINUTE, 0, 0 },
    { "an hour ahead, held", 0, true, { { MINUTE, HOUR, true } }, 17 * MINUTE, HOUR, 1 },
    { "an hour back, held", 0, true, { { MINUTE, -HOUR, true } }, 17 * MINUTE, -HOUR, 1 },
    { "an hour ahead and back again",
      0,
      true,
      { { MINUTE, HOUR, true }, { 10 * MINUTE, 0, true } },
      40 * MINUTE,
      0,
      0 },
    { "two steps: the second one counts anew",
      0,
      true,
      { { MINUTE, HOUR, true }, { 10 * MINUTE, 2 * HOUR, true } },
      20 * MINUTE,
      0,
      0 },
    { "two steps, the second one held",
      0,
      true,
      { { MINUTE, HOUR, true }, { 10 * MINUTE, 2 * HOUR, true } },
      26 * MINUTE,
      2 * HOUR,
      1 },
    { "1970, then synchronised",
      -INT64_C(1790000000000),
      false,
      { { 20000, 0, true } },
      30000,
      0,
      1 },
    { "1970, then set by hand: not at once",
      -INT64_C(1790000000000),
      false,
      { { 20000, 0, false } },
      10 * MINUTE,
      -INT64_C(1790000000000),
      0 },
    { "1970, then set by hand",
      -INT64_C(1790000000000),
      false,
      { { 20000, 0, false } },
      16 * MINUTE,
      0,
      1 },
    { "synchronised without a step, then a step",
      0,
      false,
      { { MINUTE, 0, true }, { 2 * MINUTE, HOUR, true } },
      10 * MINUTE,
      0,
      0 },
    { "a second ahead is made up for slowly",
      0,
      true,
      { { TICK, 1000, true } },
      1010000,
      500,
      0 },
    { "a second back in the end", 0, true, { { TICK, -1000, true } }, HOUR, -1000, 0 },
};

static int64_t ahead_at(const struct row *row, int64_t at_ms, bool *ret_synchronised) {
    int64_t ahead_ms = row->wall_ahead_ms;

    *ret_synchronised = row->is_synchronised;
    for (size_t i = 0; i < 4 && (row->events[i].at_ms > 0); i++)
        if (row->events[i].at_ms <= at_ms) {
            ahead_ms = row->events[i].wall_ahead_ms;
            *ret_synchronised = row->events[i].is_synchronised;
        }
    return ahead_ms;
}

static struct hub_clock_reading read_row(const struct row *row, int64_t at_ms) {
    struct hub_clock_reading reading = { .boot_ms = 5000 + at_ms };
    reading.wall_ms = start_ms + at_ms + ahead_at(row, at_ms, &reading.is_synchronised);
    return reading;
}

static void play(const struct row *row) {
    struct hub_clock_reading reading = read_row(row, 0);
    struct hub_clock clock;
    unsigned follows = 0;
    int64_t by_ms, before_ms = INT64_MIN;

    hub_clock_init(&clock, boot, NULL, &reading);
    for (int64_t at_ms = 0; at_ms <= row->look_ms; at_ms += TICK) {
        reading = read_row(row, at_ms);
        int64_t just_ms = hub_clock_at(&clock, reading.boot_ms);
        bool is_followed =
            hub_clock_observe(&clock, &reading, &by_ms) == HUB_CLOCK_FOLLOWED;
        int64_t now_ms = hub_clock_at(&clock, reading.boot_ms);
        follows += is_followed ? 1 : 0;
        if (!is_followed) {
            CHECK(just_ms == now_ms);
            CHECK(now_ms > before_ms);
        }
        before_ms = now_ms;
    }
    int64_t ahead_ms =
        hub_clock_at(&clock, 5000 + row->look_ms) - (start_ms + row->look_ms);
    if (ahead_ms < row->ahead_ms - 5 || ahead_ms > row->ahead_ms + 5)
        print_error("%s: %lld ms ahead\n", row->what, (long long)ahead_ms);
    CHECK(ahead_ms >= row->ahead_ms - 5 && ahead_ms <= row->ahead_ms + 5);
    CHECK_INT(follows, row->follows);
}

static void steps_are_followed_when_they_are_meant(void) {
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        play(&rows[i]);
}

/* Boot time counts while the machine sleeps, as wall time does. */
static void a_suspend_is_no_step(void) {
    struct hub_clock_reading reading = { start_ms, 5000, true };
    struct hub_clock clock;
    int64_t by_ms;

    hub_clock_init(&clock, boot, NULL, &reading);
    reading.wall_ms += 8 * HOUR;
    reading.boot_ms += 8 * HOUR;
    CHECK_INT(hub_clock_observe(&clock, &reading, &by_ms), HUB_CLOCK_STEADY);
    CHECK(by_ms == 0);
    CHECK(hub_clock_at(&clock, reading.boot_ms) == start_ms + 8 * HOUR);
}

/* 100 ppm for 30 days: a quarter of an hour on the whole, and never more than a little
 * behind, nor backwards. */
static void a_slow_drift_is_followed_without_steps(void) {
    struct hub_clock_reading reading = { start_ms, 5000, true };
    struct hub_clock clock;
    int64_t by_ms, before_ms = 0;

    for (int sign = -1; sign <= 1; sign += 2) {
        hub_clock_init(&clock, boot, NULL, &reading);
        for (int64_t at_ms = 0; at_ms < INT64_C(30) * 24 * HOUR; at_ms += TICK) {
            struct hub_clock_reading now = {
                start_ms + at_ms + sign * (at_ms / 10000),
                5000 + at_ms,
                true,
            };
            CHECK_INT(hub_clock_observe(&clock, &now, &by_ms), HUB_CLOCK_STEADY);
            CHECK(by_ms >= -2 && by_ms <= 2);
            int64_t now_ms = hub_clock_at(&clock, now.boot_ms);
            CHECK(at_ms == 0 || now_ms > before_ms);
            before_ms = now_ms;
        }
    }
}

static void time_never_goes_back_while_it_is_slewed(void) {
    struct hub_clock_reading reading = { start_ms, 5000, true };
    struct hub_clock clock;
    int64_t by_ms, before_ms = 0;

    hub_clock_init(&clock, boot, NULL, &reading);
    for (int64_t at_ms = 0; at_ms < 100000; at_ms++) {
        struct hub_clock_reading now = { start_ms + at_ms - 1500, 5000 + at_ms, true };
        if (at_ms % 7777 == 0)
            hub_clock_observe(&clock, &now, &by_ms);
        int64_t now_ms = hub_clock_at(&clock, now.boot_ms);
        CHECK(now_ms >= before_ms);
        before_ms = now_ms;
    }
}

static void a_restart_in_the_same_boot_goes_on(void) {
    struct hub_clock_reading reading = { start_ms, 5000, false };
    struct hub_clock clock, next;
    char text[HUB_CLOCK_TEXT_LEN];
    int64_t by_ms;

    hub_clock_init(&clock, boot, NULL, &reading);
    reading =
        (struct hub_clock_reading) { start_ms + HOUR + MINUTE, 5000 + MINUTE, false };
    CHECK_INT(hub_clock_observe(&clock, &reading, &by_ms), HUB_CLOCK_STEPPED);
    CHECK(by_ms == HOUR);
    hub_clock_print(&clock, 5000 + MINUTE, text);

    reading = (struct hub_clock_reading) { start_ms + 3 * HOUR, 5000 + 2 * HOUR, false };
    hub_clock_init(&next, boot, text, &reading);
    CHECK(hub_clock_at(&next, 5000 + 2 * HOUR) == start_ms + 2 * HOUR);
    /* The step has held all the while. */
    CHECK_INT(hub_clock_observe(&next, &reading, &by_ms), HUB_CLOCK_FOLLOWED);
    CHECK(hub_clock_at(&next, 5000 + 2 * HOUR) == start_ms + 3 * HOUR);
}

static void another_boot_begins_with_the_wall_clock(void) {
    struct hub_clock_reading reading = { start_ms, 5000, true };
    struct hub_clock clock;
    char text[HUB_CLOCK_TEXT_LEN];

    hub_clock_init(&clock, boot, NULL, &reading);
    hub_clock_print(&clock, 5000, text);

    reading = (struct hub_clock_reading) { start_ms + HOUR, 70, false };
    hub_clock_init(&clock, other_boot, text, &reading);
    CHECK(hub_clock_at(&clock, 70) == start_ms + HOUR);

    /* Time cannot have gone back, unless the kernel is sure of it. */
    reading = (struct hub_clock_reading) { 12345, 70, false };
    hub_clock_init(&clock, other_boot, text, &reading);
    CHECK(hub_clock_at(&clock, 70) == start_ms);
    reading = (struct hub_clock_reading) { start_ms - HOUR, 70, true };
    hub_clock_init(&clock, other_boot, text, &reading);
    CHECK(hub_clock_at(&clock, 70) == start_ms - HOUR);
}

static void what_was_kept_may_be_anything(void) {
    static const char *const texts[] = {
        NULL,
        "",
        "1",
        "2 11111111-2222-3333-4444-555555555555 0 0 0 -1 0",
        "1 11111111-2222-3333-4444-555555555555 0 0 0 -1",
        "1 11111111-2222-3333-4444-555555555555 0 0 0 -1 0x",
        "1 11111111-2222-3333-4444-555555555555 9223372036854775807 0 0 -1 0",
        "1 11111111-2222-3333-4444-555555555555 0 0 0 -1 9223372036854775807",
        "1 11111111-2222-3333-4444-5555555555551111 0 0 0 -1 0",
    };
    struct hub_clock_reading reading = { start_ms, 5000, true };
    struct hub_clock clock;

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        hub_clock_init(&clock, boot, texts[i], &reading);
        CHECK(hub_clock_at(&clock, 5000) == start_ms);
    }
}

TESTS(TEST(steps_are_followed_when_they_are_meant),
      TEST(a_suspend_is_no_step),
      TEST(a_slow_drift_is_followed_without_steps),
      TEST(time_never_goes_back_while_it_is_slewed),
      TEST(a_restart_in_the_same_boot_goes_on),
      TEST(another_boot_begins_with_the_wall_clock),
      TEST(what_was_kept_may_be_anything))
