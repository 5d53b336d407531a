/*
 * keep - the engine's records on their way to the store
 *
 * One batch is written at a time, in one transaction; what changes meanwhile makes the
 * next. What nobody waits for is written again when the store refused it; whoever waits
 * is told instead, and his rows are gone.
 */
#pragma once

#include <stddef.h>

#include "base/slice.h"

struct keep;
struct loop;
struct records;
struct store;

struct keep *keep_new(struct loop *loop, struct store *store);

/* Hands what waits to the store and tells nobody any more. NULL is fine; always returns
 * NULL. */
struct keep *keep_free(struct keep *keep);

/* Written at the end of the turn of the loop; copies. */
void keep_put(struct keep *keep, const char *space, const char *key, struct slice value);
void keep_remove(struct keep *keep, const char *space, const char *key);

/* Takes the rows. done: 0 when they and all before them are durable, else -errno; never
 * from inside this function. */
void keep_write(struct keep *keep,
                struct records *records,
                void (*done)(void *arg, int result),
                void *arg);
