/*
 * history_step - how far apart the points of an answer are, and from which tier
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "store/history/question/history_curve.h"

/*
 * The finest round step that gives at most so many points, from the tier that has them:
 * the coarsest that is fine enough, or the finest that still reaches back to since_ms
 * (retention 0: for ever).
 */
enum tier history_step_choose(int64_t since_ms,
                              int64_t until_ms,
                              size_t points,
                              int64_t now_ms,
                              const int64_t retention_ms[static TIER_COUNT],
                              struct history_grid *ret_grid);
