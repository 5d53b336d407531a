#include "store/history/question/history_step.h"

#include "base/check.h"

/* 2026-01-01 00:00 UTC */
#define DAY_MS  INT64_C(1767225600000)
#define HOUR_MS INT64_C(3600000)

/* Whatever is asked for: not more points than that, over all of the span, at steps that
 * the tier's divides, and from a tier that reaches back far enough. */
static void steps_keep_their_promises(void) {
    static const int64_t kept_ms[TIER_COUNT] = { 48 * HOUR_MS, 720 * HOUR_MS,
                                                 8760 * HOUR_MS, 43800 * HOUR_MS };
    int64_t now_ms = DAY_MS + 12345678;
    uint64_t random = 1;

    for (int i = 0; i < 20000; i++) {
        struct history_grid grid;
        random = random * 6364136223846793005u + 1442695040888963407u;
        int64_t until_ms = now_ms - (int64_t)((random >> 20) % (1u << (random % 31)));
        int64_t since_ms =
            until_ms - 1 - (int64_t)((random >> 30) % (INT64_C(1) << (random >> 8) % 38));
        size_t points = 1 + (random >> 40) % (1 + random % 10000);
        enum tier tier =
            history_step_choose(since_ms, until_ms, points, now_ms, kept_ms, &grid);

        CHECK(grid.points >= 1 && grid.points <= points);
        CHECK(grid.since_ms <= since_ms && grid.until_ms >= until_ms);
        CHECK_INT(grid.since_ms % grid.step_ms, 0);
        CHECK_INT(grid.until_ms - grid.since_ms, (int64_t)grid.points * grid.step_ms);
        CHECK(tier == TIER_RAW || grid.step_ms % tier_step_ms(tier) == 0);
        CHECK(tier == TIER_2H || since_ms >= now_ms - kept_ms[tier]);
    }
}

TESTS(TEST(steps_keep_their_promises))
