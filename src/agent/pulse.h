/*
 * pulse - how a staying agent hears its supervisor and is heard by it
 *
 * SIGTERM and SIGINT end, SIGHUP reads settings anew, or ends too when it says that the
 * terminal is gone on which the agent was started; systemd learns that the service is
 * ready, and by the watchdog that its loop turns. One at a time a process.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "loop/timer.h"

struct loop;
struct loop_signal;

struct pulse {
    struct loop *loop; /* borrowed: outlives the pulse */
    void (*on_stop)(void *arg, int signo);
    void (*on_hangup)(void *arg); /* NULL: SIGHUP is of no interest */
    void *arg;                    /* borrowed: whoever starts it */
    struct loop_signal *term;     /* owned, as the others */
    struct loop_signal *interrupt;
    struct loop_signal *hangup;
    struct timer watchdog;
    uint64_t watchdog_ms;
    bool on_terminal; /* was started on one */
};

/* The first four fields are set, the rest is zero. */
void pulse_start(struct pulse *pulse);

/* Fine when it was never started. */
void pulse_stop(struct pulse *pulse);
