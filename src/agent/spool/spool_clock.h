/*
 * spool_clock - where the boot times of an era lie on the wall clock
 *
 * Boot times need no wall clock to be ordered or told apart; this is only for people who
 * want to know when a sample of an earlier boot was taken.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "agent/spool/spool.h"

/* Could it be now? Boards without a clock begin in 1970, some with the day they were
 * built. */
bool spool_clock_is_sane(int64_t wall_ms);

/* Does the boot of the era last? */
bool spool_clock_is_now(const struct spool *spool, const struct spool_era *era);

/*
 * The best pair known of both clocks for the boot that the era belongs to: of this boot
 * now itself, of an earlier one its newest anchor. If the wall clock of that was never
 * set, the boot is placed so that its last sample comes just before the start of the boot
 * after it.
 */
struct spool_anchor spool_clock_of(const struct spool *spool,
                                   const struct spool_era *era,
                                   const struct spool_anchor *now);
