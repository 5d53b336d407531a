#include "store/durations.h"

#include "base/buf.h"
#include "base/varint.h"

enum {
    LINEAR = 4, /* lengths below this have a class each */
    PER_DOUBLING = 4,
};

static unsigned class_of(uint64_t length_us) {
    if (length_us < LINEAR)
        return (unsigned)length_us;
    unsigned exponent = 63 - (unsigned)__builtin_clzll(length_us);
    unsigned place = (exponent - 1) * PER_DOUBLING + (length_us >> (exponent - 2) & 3);
    return place < DURATIONS_CLASSES ? place : DURATIONS_CLASSES - 1;
}

/* The least length of the class. */
static uint64_t least_of(unsigned place) {
    if (place < LINEAR)
        return place;
    unsigned exponent = place / PER_DOUBLING + 1;
    return (uint64_t)(PER_DOUBLING + place % PER_DOUBLING) << (exponent - 2);
}

static void count(struct durations *durations, unsigned place, uint64_t more) {
    uint64_t sum = durations->counts[place] + more;
    durations->counts[place] = sum < UINT32_MAX ? (uint32_t)sum : UINT32_MAX;
}

void durations_add(struct durations *durations, uint64_t length_us) {
    count(durations, class_of(length_us), 1);
}

void durations_merge(struct durations *durations, const struct durations *other) {
    for (unsigned i = 0; i < DURATIONS_CLASSES; i++)
        count(durations, i, other->counts[i]);
}

static uint64_t total_of(const struct durations *durations) {
    uint64_t total = 0;
    for (unsigned i = 0; i < DURATIONS_CLASSES; i++)
        total += durations->counts[i];
    return total;
}

uint64_t durations_quantile(const struct durations *durations, double part) {
    double wanted = part * (double)total_of(durations);
    double before = 0;

    for (unsigned i = 0; i < DURATIONS_CLASSES; i++) {
        double here = durations->counts[i];
        if (here > 0 && before + here >= wanted) {
            double least = (double)least_of(i);
            double width = (double)least_of(i + 1) - least;
            return (uint64_t)(least + width * (wanted - before) / here);
        }
        before += here;
    }
    return 0;
}

/* Pairs: how many classes to go on, how many are in that one. */
void durations_pack(const struct durations *durations, struct buf *out) {
    unsigned next = 0;

    for (unsigned i = 0; i < DURATIONS_CLASSES; i++) {
        if (durations->counts[i] == 0)
            continue;
        varint_add(out, i - next);
        varint_add(out, durations->counts[i]);
        next = i + 1;
    }
}

void durations_merge_packed(struct durations *durations, struct slice bytes) {
    uint64_t skip, more;

    for (unsigned at = 0; varint_take(&bytes, &skip) && varint_take(&bytes, &more);) {
        if (skip >= DURATIONS_CLASSES - at || more > UINT32_MAX)
            return;
        at += (unsigned)skip;
        count(durations, at++, more);
    }
}
