/*
 * painters - threads that draw
 *
 * Each has a queue of its own, since a thread that has drawn once has its fonts loaded;
 * a job goes to the one with the fewest.
 */
#pragma once

#include <stddef.h>

struct job;
struct loop;
struct painters;

enum { PAINTERS_MAX = 64 };

/* Starts count threads, from 1 to PAINTERS_MAX. */
struct painters *painters_new(struct loop *loop, size_t count);

/* Waits for all jobs and delivers them. NULL is fine; always returns NULL. */
struct painters *painters_free(struct painters *painters);

/*
 * Has run(arg) called on a thread and then done(arg) on the loop, once each; -EAGAIN when
 * all queues are full: then neither is.
 */
int painters_add(struct painters *painters,
                 void (*run)(void *arg),
                 void (*done)(void *arg),
                 void *arg);
