/*
 * chunk_column - one column of whole numbers, in few bytes
 *
 * The numbers that are there are turned into smaller ones by the transform that suits
 * them (the distance from the least, from a line, from the number before, from a line
 * through the two before), all divided by what divides them all, and these go through
 * chunk_coder. All arithmetic is modulo 2^64: any numbers come back as they were.
 *
 *   head      transform, way of the coder, whether numbers are absent; a column of
 *             nothing but absent numbers has not even a head
 *   runs      when numbers are absent: how many are there, are absent, are there, ...:
 *             how many runs that are, how many bytes they take, and they, coded
 *   starts    what the transform needs to start, as varints
 *   numbers   coded
 *
 * Holds models and scratch memory: one a thread.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct buf;
struct slice;
struct chunk_column;

enum { CHUNK_COLUMN_E_DAMAGED = 1 };

struct chunk_column *chunk_column_new(void);

/* NULL is fine; always returns NULL. */
struct chunk_column *chunk_column_free(struct chunk_column *column);

/* Appends count values; SAMPLE_ABSENT is absent. */
void chunk_column_encode(struct chunk_column *column,
                         const int64_t *values,
                         size_t count,
                         struct buf *out);

/* Reads count values from all of the bytes: 0 or CHUNK_COLUMN_E_DAMAGED, and then values
 * hold anything. */
int chunk_column_decode(struct chunk_column *column,
                        struct slice bytes,
                        int64_t *values,
                        size_t count);
