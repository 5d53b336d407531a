/*
 * processes_work - looks at the processes of the host, on a thread of its own
 *
 * Whoever asks embeds a struct processes_ask. make() runs on the thread with a fresh
 * look, done() afterwards on the loop. Two looks are looked apart without a thread that
 * sleeps; who asks again and again gets by with one, since the last look is kept for
 * seconds, and reads only of those who have run since. The thread and all memory are
 * gone when nobody has asked for a while.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "loop/loop.h"
#include "loop/timer.h"
#include "loop/worker.h"

struct proc_host;
struct proc_table;
struct processes_work;

enum {
    PROCESSES_WORK_ASKS_MAX = 64,  /* at the same time: each may hold a look */
    PROCESSES_WORK_IDLE_MS = 6000, /* who asks each 5 s still finds the look before */
};

enum processes_look {
    PROCESSES_LOOK_NONE, /* make() has a host and no table */
    PROCESSES_LOOK_ONE,  /* at `pid` alone */
    PROCESSES_LOOK_ALL,
};

/* Zero it, fill the upper part. */
struct processes_ask {
    enum processes_look look;
    uint32_t pid;
    uint64_t apart_ms; /* between two looks; 0: one is enough */
    /* On the thread; the table is lent. */
    void (*make)(struct processes_ask *ask,
                 struct proc_host *host,
                 struct proc_table *table);
    /* On the loop, once; error: 0, or -errno: /proc could not be read and make() was
     * not called. */
    void (*done)(struct processes_ask *ask, int error);

    struct job job;
    struct list node;
    struct timer pause;
    struct processes_work *work; /* borrowed: it outlives its asks */
    struct proc_table *first;    /* owned; the first of two looks */
    uint64_t pause_ms;           /* before the second */
    int error;
    bool is_made;
    bool has_waited; /* for the look of another to be old enough */
};

/* root: where the host's "/" is seen. Copies it. Starts nothing. */
struct processes_work *processes_work_new(struct loop *loop, const char *root);

/* Waits for what is under way; done() is called for all. Always returns NULL. */
struct processes_work *processes_work_free(struct processes_work *work);

/* 0, or -EAGAIN when too many ask. */
int processes_work_add(struct processes_work *work, struct processes_ask *ask);
