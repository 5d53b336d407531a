/*
 * chunk_relation - a column as a sum of others, and what is left
 *
 * Many series of a host tell the same once more: what is available of the memory is what
 * is not used, the cores add up to the processor. A related column keeps only its
 * distance from what one or two others, times a factor each, let expect:
 *
 *   expected[i] = sum of floor(factor * (other[i] - first of other) / 2^shift)
 *
 * modulo 2^64; the first one that is not absent. Others are columns of the same chunk
 * that are not related themselves. In the chunk a related column begins with a head of
 * its own, which no chunk_column has:
 *
 *   head       kind, and how many others
 *   others     for each: zigzag of how many places before this one it is, zigzag of the
 *              factor, as varints, and the shift in a byte
 *   distances  as chunk_column has them
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;
struct slice;

enum {
    CHUNK_RELATION_OTHERS = 2, /* at most */
    CHUNK_RELATION_SHIFT_MAX = 62,
};

struct chunk_relation {
    size_t count; /* of others; 0: not related */
    struct {
        size_t place;
        int32_t factor;
        unsigned shift;
    } others[CHUNK_RELATION_OTHERS];
};

/* Is this a related column? */
bool chunk_relation_is(struct slice bytes);

void chunk_relation_add(const struct chunk_relation *relation,
                        size_t place,
                        struct buf *out);

/* Takes head and others off the front; places are below series_count. False: damaged. */
bool chunk_relation_take(struct slice *bytes,
                         size_t place,
                         size_t series_count,
                         struct chunk_relation *ret_relation);

/*
 * Takes what the other at index lets expect off count values, or puts it back. Values
 * that are absent stay so.
 */
void chunk_relation_subtract(const struct chunk_relation *relation,
                             size_t index,
                             const int64_t *other,
                             int64_t *values,
                             size_t count);
void chunk_relation_restore(const struct chunk_relation *relation,
                            size_t index,
                            const int64_t *other,
                            int64_t *values,
                            size_t count);
