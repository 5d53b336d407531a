/*
 * spool_load - puts the samples of segments back into a spool
 *
 * Segments come in the order in which they were written; the spool has no era of its own
 * yet. What a segment repeats is taken once. Stops at the first thing that cannot be.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

struct spool;

/* Where the newest row of a segment stands; both 0 when it has none. */
struct spool_load_place {
    uint64_t order;
    uint64_t seq;
};

/* Loads one segment: 0 or SPOOL_SEGMENT_E_TORN or _DAMAGED, and in any case the place and
 * how many bytes were good. */
int spool_load(struct spool *spool,
               struct slice file,
               struct spool_load_place *ret_place,
               size_t *ret_good);
