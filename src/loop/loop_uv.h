/*
 * loop_uv - the inside of a loop, for the files of this folder
 *
 * Everything that one loop owns: libuv's loop, the queues, the heap of timers, and the
 * scratch space that connections use in turns instead of owning buffers.
 */
#pragma once

#include <uv.h>

#include "base/buf.h"
#include "loop/loop.h"
#include "loop/timer.h"

enum { LOOP_READ_CHUNK = 65536 };

struct conn_scratch;

struct loop {
    uv_loop_t uv;
    uv_prepare_t before_sleep; /* runs the queues */
    uv_check_t after_sleep;    /* reads the time of waking up */
    uv_idle_t no_sleep;        /* active while a turn left something over */
    uv_timer_t alarm;          /* the earliest timer of the heap */
    uint64_t alarm_ms;         /* when it rings; 0: not set */
    uint64_t woke_ms;
    uint64_t turn; /* counts turns */
    struct list tasks;
    struct list flushes;
    struct list graves;    /* tasks that free what was closed */
    struct list orphans;   /* owned: conns that end by themselves */
    struct timer **timers; /* owned array of borrowed timers: a heap by at_ms */
    size_t timer_count;
    size_t timer_cap;
    uint8_t *read_chunk;          /* owned; NULL until the first read */
    struct conn_scratch *scratch; /* owned: what TLS works in; NULL until the first use */
    struct buf gather;            /* what loop_gather() lends */
    bool stopping;
};

/* Frees an object after the turn that closed it: like loop_post(), but also run by
 * loop_free(). */
void loop_bury(struct loop *loop, struct task *task);

/* LOOP_READ_CHUNK bytes that libuv may fill; valid until the read callback returns. */
uint8_t *loop_read_chunk(struct loop *loop);
