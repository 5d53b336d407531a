/*
 * history_journal - one journal row: what all nodes' blocks grew by
 *
 *   byte    1, the format
 *   entries number node, number first position, number rows, fixed epoch,
 *           number first seq, number last seq, byte 1 when a block begins (else 0) and
 *           then 32 bytes of its catalogue's hash, and the bytes of the rows as a part
 *   8 bytes the checksum of all before
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

struct buf;

struct history_entry {
    int64_t node;
    uint64_t first_position;
    uint64_t rows;
    uint64_t epoch;
    uint64_t first_seq;
    uint64_t last_seq;
    struct slice catalogue; /* the hash when a block begins, else empty */
    struct slice bytes;
};

void history_journal_begin(struct buf *out);
void history_journal_add(struct buf *out, const struct history_entry *entry);
void history_journal_end(struct buf *out);

/* Checks the row and takes its ends off, so that entries are left; false: damaged. */
bool history_journal_open(struct slice *bytes);

/* Takes the next entry, whose bytes are lent; false when there is none that is whole:
 * then bytes is empty if and only if it was well. */
bool history_journal_next(struct slice *bytes, struct history_entry *ret_entry);
