/*
 * worker - blocking work on other threads, answered on the loop
 *
 * A worker is one thread with one bounded queue (the store has one; drawing has some).
 * A job carries copies in and one result out; the worker thread touches nothing else.
 */
#pragma once

#include <stdbool.h>

#include "loop/loop.h"

struct worker;

/* Zero it, set both functions; embed it and use container_of. */
struct job {
    struct list node;
    void (*run)(struct job *job); /* on the worker's thread */
    void (*done)(
        struct job *job); /* back on the loop; frees the job. Always called once */
};

/* Starts a thread with the given name (15 characters) and a queue of at most queue_max
 * jobs. */
struct worker *worker_new(struct loop *loop, const char *name, size_t queue_max);

/* Hands the job over; -EAGAIN when the queue is full (the job stays the caller's). */
int worker_add(struct worker *worker, struct job *job);

/* Every job that was handed over is done, and its done() was called or is being called.
 */
bool worker_is_idle(const struct worker *worker);

/* Waits for all jobs, delivers their done(), ends the thread. Always returns NULL. */
struct worker *worker_free(struct worker *worker);
