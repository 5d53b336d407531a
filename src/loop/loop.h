/*
 * loop - the one thread that owns sockets and state
 *
 * A shell around libuv. Tasks and timers are embedded in the objects that they serve
 * and are cancelled at once, so no object waits for a close callback because of them.
 * The order of a turn: timers, input and output events, tasks until none is left,
 * flushes, sleep. A turn that takes over 50 ms is logged.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"

struct buf;
struct loop;

/* Something to do later in this turn. Zero it, set run; embed it and use container_of. */
struct task {
    struct list node;
    void (*run)(struct task *task);
};

/* Makes a loop. Also makes the process ignore SIGPIPE: writing to a dead peer is an error
 * code. */
struct loop *loop_new(void);

/* Ends the loop: asserts that no handle, task or timer is left. Conns that were left to
 * end by themselves are closed. Always returns NULL. */
struct loop *loop_free(struct loop *loop);

/* Runs until loop_stop(), or until nothing is left to wait for (timers count). */
void loop_run(struct loop *loop);
void loop_stop(struct loop *loop);

/* Runs what was posted, and what that posts, without waiting for events: for the end of a
 * program, when everything that is told of an end is still there. */
void loop_settle(struct loop *loop);

/* Milliseconds of the monotonic clock as read at the start of this turn; never goes back.
 */
uint64_t loop_now_ms(const struct loop *loop);

/* Microseconds of the same clock now, and not at the start of the turn. */
uint64_t loop_clock_us(void);

/* Runs the task in this turn, after the code that posts it has returned; idempotent. */
void loop_post(struct loop *loop, struct task *task);

/* Runs the task once, just before the loop sleeps, after all tasks; idempotent. */
void loop_flush_later(struct loop *loop, struct task *task);

/* A buffer to put together what is sent at once: lent until the caller returns to the
 * loop, and used by nobody that he calls meanwhile but conn_send(). */
struct buf *loop_gather(struct loop *loop);

/* Takes a task out of either queue; harmless when it is in none. */
void loop_cancel(struct task *task);

/* Calls on_signal(arg, signo) on the loop; signo 0 is never given. One call a process and
 * signal. */
struct loop_signal;
struct loop_signal *loop_signal_new(struct loop *loop,
                                    int signo,
                                    void (*on_signal)(void *arg, int signo),
                                    void *arg);
struct loop_signal *loop_signal_free(struct loop_signal *signal);

/* Watches a descriptor that another library owns; events are POLLIN and POLLOUT of
 * poll(2). */
struct loop_poll;
struct loop_poll *loop_poll_new(struct loop *loop,
                                int fd,
                                void (*on_events)(void *arg, int events),
                                void *arg);
void loop_poll_set(struct loop_poll *poll, int events);
struct loop_poll *loop_poll_free(struct loop_poll *poll);
