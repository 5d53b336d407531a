/*
 * timer - something to do at a time
 *
 * Embedded in the object that it serves. The loop keeps all timers in one heap on one
 * libuv timer, so starting and stopping cost no handle and end at once.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct loop;

/* Something to do at a time. Zero it, set fire; embed it and use container_of. */
struct timer {
    uint64_t at_ms;    /* loop time; 0 when not running */
    size_t place;      /* in the loop's heap */
    struct loop *loop; /* borrowed; set while running */
    void (*fire)(struct timer *timer);
};

/* (Re)starts the timer: it fires once, delay_ms from now. */
void timer_start(struct loop *loop, struct timer *timer, uint64_t delay_ms);
void timer_stop(struct timer *timer);
bool timer_is_running(const struct timer *timer);
