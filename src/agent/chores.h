/*
 * chores - short blocking work of services, on a thread that is there while it is needed
 *
 * One thread does one job after the other: names of users, quotas, files of /proc. It is
 * started by the first job and ended some seconds after the last, so that an agent that
 * nobody asks has none.
 */
#pragma once

#include "loop/worker.h"

struct chores;

/* Starts nothing. */
struct chores *chores_new(struct loop *loop);

/* Hands the job over as worker_add() does; -EAGAIN: too many wait (the job stays the
 * caller's). */
int chores_add(struct chores *chores, struct job *job);

/* Waits for all jobs, whose done() is called. NULL is fine; always returns NULL. */
struct chores *chores_free(struct chores *chores);
