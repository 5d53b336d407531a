/*
 * h2_guard - a budget against floods that needs no clock
 *
 * Frames that make work and carry nothing cost points; useful work and each feed give
 * some back, up to the initial budget. Reads are large when a peer floods and small when
 * it does not, so a feed stands for a moment of time: one PING a feed may go on for ever,
 * and a read full of them ends the connection after a few reads.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    H2_GUARD_BUDGET = 10000,     /* points: 1,000 resets or 10,000 PINGs for nothing */
    H2_GUARD_FEED = 10,          /* given back by each feed */
    H2_GUARD_USEFUL = 2,         /* a frame that carries something, either way */
    H2_GUARD_USEFUL_BYTES = 512, /* and one for so many bytes of it */
    H2_GUARD_DONE = 20,          /* an exchange that was answered to its end */
    H2_GUARD_FRAME = 1,          /* cost of PING, WINDOW_UPDATE, PRIORITY, empty DATA */
    H2_GUARD_RESET = 10,         /* cost of a stream that was begun for nothing */
    H2_GUARD_SETTINGS = 10,      /* cost of SETTINGS or GOAWAY: each walks the streams */
    H2_GUARD_HEAD = 50,          /* cost of a head over the limit */
};

struct h2_guard {
    int64_t points;
};

void h2_guard_init(struct h2_guard *guard);

void h2_guard_charge(struct h2_guard *guard, int64_t points);
void h2_guard_refill(struct h2_guard *guard, int64_t points);

/* A frame with len bytes of body passed. */
void h2_guard_useful(struct h2_guard *guard, size_t len);

/* Is the budget used up? */
bool h2_guard_is_empty(const struct h2_guard *guard);
