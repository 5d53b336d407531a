/*
 * check_loop - running a loop in a unit test until something is so
 */
#pragma once

#include <stdbool.h>

#include "base/check.h"
#include "loop/loop.h"
#include "loop/timer.h"

enum { CHECK_LOOP_LOOK_MS = 2, CHECK_LOOP_PATIENCE_MS = 30000 };

struct check_loop {
    struct loop *loop; /* borrowed: the test */
    struct timer look;
    bool (*is_so)(void *arg);
    void *arg; /* borrowed: the test */
    uint64_t until_ms;
};

static inline void check_loop_look(struct timer *timer) {
    struct check_loop *wait = container_of(timer, struct check_loop, look);

    if (wait->is_so(wait->arg)) {
        loop_stop(wait->loop);
        return;
    }
    if (loop_now_ms(wait->loop) > wait->until_ms)
        fail_msg("it is not so after %d ms", CHECK_LOOP_PATIENCE_MS);
    timer_start(wait->loop, timer, CHECK_LOOP_LOOK_MS);
}

/* Runs the loop until is_so(arg); fails the test when that takes half a minute. */
static inline void check_loop_until(struct loop *loop,
                                    bool (*is_so)(void *arg),
                                    void *arg) {
    struct check_loop wait = {
        .loop = loop,
        .look.fire = check_loop_look,
        .is_so = is_so,
        .arg = arg,
        .until_ms = loop_now_ms(loop) + CHECK_LOOP_PATIENCE_MS,
    };

    timer_start(loop, &wait.look, 0);
    loop_run(loop);
}
