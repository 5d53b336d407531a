/*
 * spool_arena - one piece of address space, lent out in pages
 *
 * Runs of pages are given back to the system as soon as they are free, so a spool that
 * was full and is empty again costs nothing, and one that stays full never grows.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct spool_arena;

enum { SPOOL_ARENA_PAGE = 4096 };

/* Reserves bytes, rounded up to pages; none is touched yet. */
struct spool_arena *spool_arena_new(size_t bytes);

/* Asserts nothing of what is lent: it is gone. NULL is fine; always returns NULL. */
struct spool_arena *spool_arena_free(struct spool_arena *arena);

/* Lends a run of pages, the lowest that is free; NULL when there is none that long. */
uint8_t *spool_arena_take(struct spool_arena *arena, size_t pages);

/* Gives pages of a run back, all or some of it. */
void spool_arena_give(struct spool_arena *arena, uint8_t *at, size_t pages);

/* How many bytes are lent. */
size_t spool_arena_used(const struct spool_arena *arena);
