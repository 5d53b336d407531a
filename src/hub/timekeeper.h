/*
 * timekeeper - hub_clock.h on the system's clocks, kept over restarts
 *
 * Reads the clocks every few seconds, logs steps, and keeps what is known under "clock"
 * in the store's meta.
 */
#pragma once

#include <stdint.h>

struct loop;
struct store;
struct timekeeper;

/* Reads what was kept; before store_start(). 0, -errno or STORE_E_DAMAGED. */
int timekeeper_new(struct loop *loop,
                   struct store *store,
                   struct timekeeper **ret_timekeeper);

/* Reads the clocks from now on; after store_start(). */
void timekeeper_start(struct timekeeper *timekeeper);

/* Keeps what is known. Before the store is closed; NULL is fine; always returns NULL. */
struct timekeeper *timekeeper_free(struct timekeeper *timekeeper);

/* The hub's wall time. */
int64_t timekeeper_now_ms(const struct timekeeper *timekeeper);

/* The same and CLOCK_BOOTTIME, of one instant. */
void timekeeper_read(const struct timekeeper *timekeeper,
                     int64_t *ret_boot_ms,
                     int64_t *ret_wall_ms);
