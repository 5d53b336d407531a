#include "hub/samples/row_time.h"

enum {
    BACK_US = -2000000,   /* a kept offset that is so much too large is wrong */
    FORTH_US = 15000000,  /* one that is so much too small too: no link is so slow */
    HUB_STEP_MS = 1000,   /* what the hub's clock may gain at once, and 1000 ppm */
    SLEW_DIVISOR = 2,     /* 500 ppm: a microsecond in two milliseconds */
    WINDOW_MS = 300000,   /* a measure that nothing confirms lasts 5 to 10 minutes */
    LIVE_MS = 5000,       /* under way, with two intervals, and still of now */
    AHEAD_MS = 60000,     /* what a catalogue may have been under way at most */
    DRIFT_DIVISOR = 1000, /* a host's clock that is off by more is broken */
    ROWS_FOR_A_STEP = 3,  /* later measures than one that was slow to come */
    DAY_MS = 24 * 3600000,
};

static const int64_t old_ms = INT64_C(400) * DAY_MS;        /* no spool is longer */
static const int64_t plausible_ms = INT64_C(1577836800000); /* 2020: no clock was set */
static const int64_t boottime_max_ms = INT64_C(1) << 53;    /* some 285,000 years */

static int64_t clamp(int64_t value, int64_t low, int64_t high) {
    return value < low ? low : value > high ? high : value;
}

static int64_t floor_ms(int64_t us) {
    return us / 1000 - (us % 1000 < 0 ? 1 : 0);
}

static int64_t least_of(const struct row_time *time) {
    return time->least_ms < time->least_old_ms ? time->least_ms : time->least_old_ms;
}

/* Wall time minus boot time of the host, by what came fastest. */
static int64_t measured_us(const struct row_time *time, const struct row_time_now *now) {
    return (now->wall_ms - now->boot_ms + least_of(time)) * 1000;
}

/*
 * A boot that is over: its host's wall clock was wrong by what it is wrong by now, unless
 * that puts it where it cannot have been; then it ended as the present boot began.
 */
static int64_t past_wall_ms(const struct row_time *time, const struct row_time_now *now) {
    const struct row_time_boot *boot = &time->boot;
    int64_t wall_ms = boot->wall_ms + (now->wall_ms - boot->now_wall_ms);
    bool is_set = boot->wall_ms >= plausible_ms || boot->now_wall_ms < plausible_ms;

    if (is_set && wall_ms <= time->limit_ms && wall_ms >= now->wall_ms - old_ms)
        return wall_ms;
    return time->limit_ms;
}

static int64_t sane(int64_t ms) {
    return clamp(ms, 0, boottime_max_ms);
}

void row_time_init(struct row_time *time,
                   const struct row_time_boot *boot,
                   const struct row_time_now *now,
                   const int64_t *known_ms) {
    *time = (struct row_time) {
        .boot = {
            .boottime_ms = sane(boot->boottime_ms),
            .wall_ms = sane(boot->wall_ms),
            .now_boottime_ms = sane(boot->now_boottime_ms),
            .now_wall_ms = sane(boot->now_wall_ms),
            .interval_ms = boot->interval_ms,
        },
        .is_over = boot->now_wall_ms > 0,
        .heard_ms = now->boot_ms,
        .last = *now,
        .window_ms = now->boot_ms,
    };
    time->slewed_ms = time->boot.boottime_ms;
    time->least_ms = now->boot_ms - time->boot.boottime_ms;
    time->least_old_ms = time->least_ms;
    time->limit_ms = now->wall_ms - time->boot.now_boottime_ms;
    if (known_ms)
        time->offset_us = *known_ms * 1000;
    else if (time->is_over)
        time->offset_us = (past_wall_ms(time, now) - time->boot.boottime_ms) * 1000;
    else
        time->offset_us = measured_us(time, now);
}

static void measure(struct row_time *time, int64_t under_way_ms, int64_t now_ms) {
    if (now_ms - time->window_ms >= WINDOW_MS) {
        time->least_old_ms = time->least_ms;
        time->least_ms = under_way_ms;
        time->window_ms = now_ms;
    }
    if (under_way_ms < time->least_ms)
        time->least_ms = under_way_ms;
    if (time->live_rows < ROWS_FOR_A_STEP)
        time->live_rows++;
}

/* Moves the offset towards what is measured. */
static void follow(struct row_time *time,
                   const struct row_time_now *now,
                   int64_t boottime_ms) {
    int64_t gap_us = measured_us(time, now) - time->offset_us;
    int64_t room_us = 0;

    if (boottime_ms > time->slewed_ms) {
        room_us = (boottime_ms - time->slewed_ms) / SLEW_DIVISOR;
        time->slewed_ms = boottime_ms;
    }
    /* What is measured can be too much by a delay, but never too little. */
    bool is_step =
        gap_us <= BACK_US || (gap_us >= FORTH_US && time->live_rows >= ROWS_FOR_A_STEP);
    if (!is_step)
        gap_us = clamp(gap_us, -room_us, room_us);
    time->offset_us += gap_us;
}

/* How long the row was under way beyond what the fastest one needed. */
static bool is_late(const struct row_time *time, int64_t under_way_ms) {
    return under_way_ms - least_of(time) > 2 * time->boot.interval_ms + LIVE_MS;
}

/* What the hub's clock was set by, the boot lies elsewhere by. */
static void follow_hub(struct row_time *time, const struct row_time_now *now) {
    int64_t passed_ms = now->boot_ms - time->last.boot_ms;
    int64_t gained_ms = now->wall_ms - time->last.wall_ms - passed_ms;
    int64_t usual_ms = HUB_STEP_MS + passed_ms / DRIFT_DIVISOR;

    time->last = *now;
    if (gained_ms > usual_ms || gained_ms < -usual_ms)
        time->offset_us += gained_ms * 1000;
}

static int place_live(struct row_time *time,
                      const struct row_time_now *now,
                      int64_t boottime_ms,
                      struct row_time_place *ret_place) {
    int64_t heard_ago_ms = now->boot_ms - time->heard_ms;
    int64_t under_way_ms = now->boot_ms - boottime_ms;

    int64_t drift_ms = heard_ago_ms / DRIFT_DIVISOR;
    if (boottime_ms > time->boot.boottime_ms + heard_ago_ms + drift_ms + AHEAD_MS)
        return ROW_TIME_E_AHEAD;
    follow_hub(time, now);
    bool is_live = !is_late(time, under_way_ms);
    if (is_live) {
        measure(time, under_way_ms, now->boot_ms);
        follow(time, now, boottime_ms);
    }
    int64_t wall_ms = boottime_ms + row_time_offset_ms(time);
    if (wall_ms < now->wall_ms - old_ms)
        return ROW_TIME_E_OLD;
    *ret_place = (struct row_time_place) { .wall_ms = wall_ms, .is_live = is_live };
    return 0;
}

/* Rows that were taken after the pair that is known move the boot, not each other. */
static int place_past(struct row_time *time,
                      const struct row_time_now *now,
                      int64_t boottime_ms,
                      struct row_time_place *ret_place) {
    int64_t over_ms = boottime_ms + row_time_offset_ms(time) - time->limit_ms;

    if (over_ms > 0)
        time->offset_us -= over_ms * 1000;
    int64_t wall_ms = boottime_ms + row_time_offset_ms(time);
    if (wall_ms < now->wall_ms - old_ms)
        return ROW_TIME_E_OLD;
    *ret_place = (struct row_time_place) { .wall_ms = wall_ms };
    return 0;
}

int row_time_place(struct row_time *time,
                   const struct row_time_now *now,
                   uint64_t boottime_ms,
                   struct row_time_place *ret_place) {
    if (boottime_ms > (uint64_t)boottime_max_ms)
        return ROW_TIME_E_AHEAD;
    return time->is_over ? place_past(time, now, (int64_t)boottime_ms, ret_place)
                         : place_live(time, now, (int64_t)boottime_ms, ret_place);
}

int64_t row_time_offset_ms(const struct row_time *time) {
    return floor_ms(time->offset_us);
}
