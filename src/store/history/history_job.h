/*
 * history_job - something that the history has done on the store's thread
 *
 * Embedded first in what it works for. done() is called on the loop when run() has
 * ended; or at once by whoever waits for it, when the history ends, and then the loop
 * only releases what is left.
 */
#pragma once

#include <pthread.h>
#include <stdbool.h>

#include "loop/worker.h"

struct history;
struct store_database;

struct history_job {
    struct job job;
    struct history *history; /* borrowed: waits for its jobs before it goes */
    int result;
    size_t log_pages; /* that the database had in its log when it had run */
    bool is_running;  /* of the loop alone: given to the thread, and done() is due */
    bool is_given;    /* of the loop alone: the thread has not given it back */
    bool is_left;     /* of the loop alone: to be freed when the thread gives it back */

    /* On the store's thread: 0, -errno or STORE_E_*. */
    int (*run)(struct history_job *job, struct store_database *db);
    void (*done)(struct history_job *job);
    void (*free)(struct history_job *job);

    pthread_mutex_t lock;
    pthread_cond_t ended;
    bool has_run;
};

void history_job_init(struct history_job *job, struct history *history);
void history_job_done(struct history_job *job);

/* Gives it to the store's thread. */
void history_job_start(struct history_job *job);

/* Waits until it has run and calls done() now. Harmless when it is not running. */
void history_job_wait(struct history_job *job);

/* Frees it, now or when the thread gives it back. */
void history_job_leave(struct history_job *job);
