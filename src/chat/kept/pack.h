/*
 * pack - texts and numbers as the value of a record
 *
 * A version first, then fields in order: a text is its length and its bytes, a number a
 * varint. What is read behind the end is "" and 0, so that a newer field may be missing
 * in an older record.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/slice.h"

void pack_text(struct buf *out, const char *text); /* NULL is "" */
void pack_number(struct buf *out, int64_t number);

struct pack_reader {
    struct slice rest; /* borrowed: the record's bytes */
    bool is_bad;       /* something was no field; for good */
};

/* A new string, never NULL. */
char *pack_take_text(struct pack_reader *reader);
int64_t pack_take_number(struct pack_reader *reader);
