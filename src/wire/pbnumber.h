/*
 * pbnumber - numbers of protobuf as text, without losing a digit
 *
 * Writes the shortest decimal that reads back as the same number. Reads integers exactly,
 * also when they come as "1e3" or "5.0"; what is not whole or does not fit is refused.
 */
#pragma once

#include "base/buf.h"

enum {
    PBNUMBER_E_BAD = 1, /* not a JSON number */
    PBNUMBER_E_RANGE,   /* not whole, or too big for the type */
};

/* Appends the number; NaN and infinities come in quotes, as JSON has no others. */
void pbnumber_add_double(struct buf *out, double value);
void pbnumber_add_float(struct buf *out, float value);

/* 0 or PBNUMBER_E_*. */
int pbnumber_read_int64(struct slice text, int64_t min, int64_t max, int64_t *ret_value);
int pbnumber_read_uint64(struct slice text, uint64_t max, uint64_t *ret_value);

/* Also "NaN", "Infinity" and "-Infinity", which only a JSON string can say. */
int pbnumber_read_double(struct slice text, double *ret_value);
int pbnumber_read_float(struct slice text, float *ret_value);
