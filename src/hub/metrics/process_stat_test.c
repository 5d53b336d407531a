#include "hub/metrics/process_stat.h"

#include <math.h>
#include <sys/prctl.h>

#include "base/check.h"
#include "base/clock.h"

static void what_is_read_is_plausible(void) {
    struct process_stat stat;

    CHECK_INT(process_stat_read(&stat), 0);
    CHECK(stat.cpu_s >= 0);
    CHECK(stat.resident_bytes > 64 * 1024);
    CHECK(stat.fds > 0);
    CHECK(stat.fds <= stat.fds_max);
    double now_s = (double)clock_wall_ms() / 1000;
    CHECK(stat.start_s <= now_s + 2);
    CHECK(stat.start_s >= now_s - 24 * 3600);
}

static void the_name_may_look_like_fields(void) {
    struct process_stat before, after;

    CHECK_INT(process_stat_read(&before), 0);
    prctl(PR_SET_NAME, "x) R 1 (2 3) ");
    CHECK_INT(process_stat_read(&after), 0);
    CHECK(fabs(after.start_s - before.start_s) < 10);
    CHECK(after.resident_bytes > 64 * 1024);
}

TESTS(TEST(what_is_read_is_plausible), TEST(the_name_may_look_like_fields))
