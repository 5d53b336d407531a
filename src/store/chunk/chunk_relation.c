#include "store/chunk/chunk_relation.h"

#include "base/buf.h"
#include "base/slice.h"
#include "base/varint.h"
#include "wire/sample.h"

enum {
    HEAD_KIND = 7, /* no transform of chunk_column */
    HEAD_KIND_MASK = 7,
    HEAD_COUNT_SHIFT = 3,
};

bool chunk_relation_is(struct slice bytes) {
    return bytes.len > 0 && (bytes.at[0] & HEAD_KIND_MASK) == HEAD_KIND;
}

void chunk_relation_add(const struct chunk_relation *relation,
                        size_t place,
                        struct buf *out) {
    buf_add_byte(out, (uint8_t)(HEAD_KIND | relation->count << HEAD_COUNT_SHIFT));
    for (size_t i = 0; i < relation->count; i++) {
        varint_add(out, varint_zigzag(place - relation->others[i].place));
        varint_add(out, varint_zigzag((uint64_t)relation->others[i].factor));
        buf_add_byte(out, (uint8_t)relation->others[i].shift);
    }
}

bool chunk_relation_take(struct slice *bytes,
                         size_t place,
                         size_t series_count,
                         struct chunk_relation *ret_relation) {
    struct chunk_relation relation = { .count = bytes->at[0] >> HEAD_COUNT_SHIFT };

    if (relation.count < 1 || relation.count > CHUNK_RELATION_OTHERS)
        return false;
    *bytes = slice_after(*bytes, 1);
    for (size_t i = 0; i < relation.count; i++) {
        uint64_t before, factor;
        if (!varint_take(bytes, &before) || !varint_take(bytes, &factor) ||
            bytes->len < 1 || bytes->at[0] > CHUNK_RELATION_SHIFT_MAX)
            return false;
        relation.others[i].place = place - varint_unzigzag(before);
        if (relation.others[i].place >= series_count || factor > UINT32_MAX)
            return false;
        relation.others[i].factor = (int32_t)(int64_t)varint_unzigzag(factor);
        relation.others[i].shift = bytes->at[0];
        *bytes = slice_after(*bytes, 1);
    }
    *ret_relation = relation;
    return true;
}

/* The product has 96 bits: two halves of it, shifted apart. */
static uint64_t expected(int64_t factor, unsigned shift, uint64_t difference) {
    int64_t high = factor * ((int64_t)difference >> 32);
    int64_t low = factor * (int64_t)(difference & UINT32_MAX);

    if (shift <= 32)
        return ((uint64_t)high << (32 - shift)) + (uint64_t)(low >> shift);
    return (uint64_t)((high + (low >> 32)) >> (shift - 32));
}

static uint64_t first_of(const int64_t *values, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (values[i] != SAMPLE_ABSENT)
            return (uint64_t)values[i];
    return 0;
}

/* Adds so many times (-1: takes away once) what the other column foretells. */
static void add_expected(const struct chunk_relation *relation,
                         size_t index,
                         const int64_t *other,
                         int64_t *values,
                         size_t count,
                         int times) {
    int32_t factor = relation->others[index].factor;
    unsigned shift = relation->others[index].shift;
    uint64_t first = first_of(other, count);

    for (size_t i = 0; i < count; i++) {
        uint64_t difference = (uint64_t)other[i] - first;
        if (values[i] != SAMPLE_ABSENT)
            values[i] = (int64_t)((uint64_t)values[i] +
                                  (uint64_t)times * expected(factor, shift, difference));
    }
}

void chunk_relation_subtract(const struct chunk_relation *relation,
                             size_t index,
                             const int64_t *other,
                             int64_t *values,
                             size_t count) {
    add_expected(relation, index, other, values, count, -1);
}

void chunk_relation_restore(const struct chunk_relation *relation,
                            size_t index,
                            const int64_t *other,
                            int64_t *values,
                            size_t count) {
    add_expected(relation, index, other, values, count, 1);
}
