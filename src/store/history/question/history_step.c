#include "store/history/question/history_step.h"

enum { SECOND_MS = 1000, MINUTE_MS = 60 * SECOND_MS, HOUR_MS = 60 * MINUTE_MS };

/* From a tier's step on all are multiples of it. Agents take no more than a sample a
 * second; who sends more is seen as it is with raw. */
static const int64_t steps_ms[] = {
    SECOND_MS,      2 * SECOND_MS,  5 * SECOND_MS,  10 * SECOND_MS, 15 * SECOND_MS,
    20 * SECOND_MS, 30 * SECOND_MS, MINUTE_MS,      2 * MINUTE_MS,  3 * MINUTE_MS,
    5 * MINUTE_MS,  10 * MINUTE_MS, 15 * MINUTE_MS, 30 * MINUTE_MS, HOUR_MS,
    2 * HOUR_MS,    4 * HOUR_MS,    6 * HOUR_MS,    12 * HOUR_MS,   24 * HOUR_MS,
};

enum { STEPS = sizeof(steps_ms) / sizeof(steps_ms[0]) };

/* Past the table steps double. */
static int64_t next_step(int64_t step_ms) {
    for (size_t i = 0; i < STEPS; i++)
        if (steps_ms[i] > step_ms)
            return steps_ms[i];
    return 2 * step_ms;
}

static void lay_grid(int64_t since_ms,
                     int64_t until_ms,
                     int64_t step_ms,
                     struct history_grid *grid) {
    grid->step_ms = step_ms;
    grid->since_ms = tier_floor(since_ms, step_ms);
    grid->points = (size_t)((until_ms - grid->since_ms + step_ms - 1) / step_ms);
    grid->until_ms = grid->since_ms + (int64_t)grid->points * step_ms;
}

enum tier history_step_choose(int64_t since_ms,
                              int64_t until_ms,
                              size_t points,
                              int64_t now_ms,
                              const int64_t retention_ms[static TIER_COUNT],
                              struct history_grid *ret_grid) {
    int64_t step_ms = steps_ms[0];

    lay_grid(since_ms, until_ms, step_ms, ret_grid);
    while (ret_grid->points > points) {
        step_ms = next_step(step_ms);
        lay_grid(since_ms, until_ms, step_ms, ret_grid);
    }
    enum tier tier = tier_for_step(step_ms);
    while (tier + 1 < TIER_COUNT && retention_ms[tier] > 0 &&
           since_ms < now_ms - retention_ms[tier]) {
        tier = (enum tier)(tier + 1);
        if (step_ms < tier_step_ms(tier))
            step_ms = tier_step_ms(tier);
    }
    /* A step between two tiers is round for the finer one alone. */
    while (tier != TIER_RAW && step_ms % tier_step_ms(tier) != 0)
        step_ms = next_step(step_ms);
    lay_grid(since_ms, until_ms, step_ms, ret_grid);
    return tier;
}
