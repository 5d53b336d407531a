#include "agent/spool/spool_clock.h"

#include <string.h>

#include "agent/spool/spool_parts.h"

static const int64_t sane_from_ms = 1704067200000; /* 2024: older than this program */
static const int64_t sane_to_ms = 7258118400000;   /* 2200 */

bool spool_clock_is_sane(int64_t wall_ms) {
    return wall_ms >= sane_from_ms && wall_ms < sane_to_ms;
}

static bool is_same_boot(const struct spool_era *a, const struct spool_era *b) {
    return memcmp(a->start.boot_id, b->start.boot_id, SPOOL_BOOT_ID_LEN) == 0;
}

bool spool_clock_is_now(const struct spool *spool, const struct spool_era *era) {
    return is_same_boot(spool->current, era);
}

static const struct spool_era *before(const struct spool *spool,
                                      const struct spool_era *era) {
    return era->node.prev == &spool->eras
               ? NULL
               : container_of(era->node.prev, struct spool_era, node);
}

/* A pair for the boot whose newest era is last; next_start_ms is the wall time at which
 * the boot after it began. */
static struct spool_anchor anchor_boot(const struct spool *spool,
                                       const struct spool_era *last,
                                       int64_t next_start_ms) {
    const struct spool_era *era = last;

    for (; era && is_same_boot(era, last); era = before(spool, era))
        if (spool_clock_is_sane(era->anchor.wall_ms))
            return era->anchor;
    return (struct spool_anchor) { .boot_ms = last->last_ms,
                                   .wall_ms = next_start_ms - 1 };
}

struct spool_anchor spool_clock_of(const struct spool *spool,
                                   const struct spool_era *era,
                                   const struct spool_anchor *now) {
    const struct spool_era *at = spool->current;
    struct spool_anchor anchor = *now;

    while (at && !is_same_boot(at, era)) {
        const struct spool_era *boot = at;
        while (at && is_same_boot(at, boot))
            at = before(spool, at);
        if (at)
            anchor = anchor_boot(spool, at, anchor.wall_ms - (int64_t)anchor.boot_ms);
    }
    return anchor;
}
