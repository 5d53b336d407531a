/*
 * durations - how long many things took, as counts in classes
 *
 * A plain value. A class is at most a quarter of its own length wide, from a microsecond
 * to nine hours, so that a quantile is as right for short ones as for long ones. Packed
 * it is as long as there are classes in use.
 */
#pragma once

#include <stdint.h>

#include "base/slice.h"

struct buf;

enum { DURATIONS_CLASSES = 136 };

struct durations {
    uint32_t counts[DURATIONS_CLASSES];
};

/* Counts one; what is too long for any class goes into the last. */
void durations_add(struct durations *durations, uint64_t length_us);

/* Adds all of other. */
void durations_merge(struct durations *durations, const struct durations *other);

/* The length that a part of them (0.99) do not exceed; 0 when there are none. */
uint64_t durations_quantile(const struct durations *durations, double part);

/* Appends the packed form. */
void durations_pack(const struct durations *durations, struct buf *out);

/* Adds what was packed; of bytes that are damaged only what could be read. */
void durations_merge_packed(struct durations *durations, struct slice bytes);
