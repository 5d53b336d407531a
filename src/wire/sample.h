/*
 * sample - pack rows of numbers as differences from the row before
 *
 * A chain is what both ends remember of the row before: they start it at zero when a
 * catalogue is sent and run each row through it, in order. A row is
 *
 *   varint  zigzag of (time step in ms - the step before)
 *   mask    which values are not as expected, in two levels: one bit for each group of 8
 *           series, then a byte for each group whose bit is set; low bits first
 *   varint  for each of these: zigzag of its difference from what was expected, modulo
 *           2^64; 0 toggles presence: "absent now", or "back, and as expected"
 *
 * Expected is the value before (the last one that was there, at first 0), and for a
 * follower that plus what its leader changed by in this row: the only series
 * "disk.read:X" follows "disk.read", and "mem.available" goes the opposite way of
 * "mem.used".
 *
 * Rows are not framed: they follow each other in one run of bytes.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct buf;
struct slice;

enum {
    SAMPLE_SERIES_MAX = 4096, /* of one catalogue; what a node can make us allocate */
};

/* A value that is not there. */
#define SAMPLE_ABSENT INT64_MIN

enum {
    SAMPLE_E_DAMAGED = 1, /* not a whole, proper row: the chain is dead for good */
};

struct sample_chain;

/* A chain at its start for rows of count values, at most SAMPLE_SERIES_MAX. */
struct sample_chain *sample_chain_new(size_t count);

/* Frees the chain; NULL is fine. Always returns NULL. */
struct sample_chain *sample_chain_free(struct sample_chain *chain);

/*
 * Finds leaders and followers by the names of the series, count of them. Both ends must
 * do so, before the first row, or neither.
 */
void sample_chain_pair(struct sample_chain *chain, const char *const *names);

/* Goes back to the start, as if new; pairs stay. */
void sample_chain_reset(struct sample_chain *chain);

/* Appends the row; time_ms may be anything, also before the row before. */
void sample_encode(struct sample_chain *chain,
                   uint64_t time_ms,
                   const int64_t *values,
                   struct buf *out);

/*
 * Takes one row off the front of bytes: 0, and the chain holds it, or SAMPLE_E_DAMAGED,
 * now and from now on.
 */
int sample_decode(struct sample_chain *chain, struct slice *bytes);

/* The row that was encoded or decoded last; the values are lent until the next one. */
uint64_t sample_chain_time_ms(const struct sample_chain *chain);
const int64_t *sample_chain_values(const struct sample_chain *chain);
size_t sample_chain_count(const struct sample_chain *chain);
