#include "store/history/history_job.h"

#include <assert.h>

#include "store/history/history_private.h"
#include "store/history/sweep/history_tidy.h"
#include "store/store_backend.h"

static void on_run(struct job *at) { /* on the store's thread */
    struct history_job *job = container_of(at, struct history_job, job);
    struct store_database *db = store_database(job->history->store);
    int result = job->run(job, db);
    size_t log_pages = job->history->backend->log_pages(db);

    pthread_mutex_lock(&job->lock);
    job->result = result;
    job->log_pages = log_pages;
    job->has_run = true;
    pthread_cond_signal(&job->ended);
    pthread_mutex_unlock(&job->lock);
}

static void on_done(struct job *at) { /* on the loop */
    struct history_job *job = container_of(at, struct history_job, job);

    job->is_given = false;
    if (job->is_left) {
        job->free(job);
    } else if (job->is_running) {
        job->is_running = false;
        history_tidy_note(job->history, job->log_pages);
        job->done(job);
    }
}

void history_job_init(struct history_job *job, struct history *history) {
    job->history = history;
    pthread_mutex_init(&job->lock, NULL);
    pthread_cond_init(&job->ended, NULL);
}

void history_job_done(struct history_job *job) {
    pthread_mutex_destroy(&job->lock);
    pthread_cond_destroy(&job->ended);
}

void history_job_start(struct history_job *job) {
    assert(!job->is_given);
    job->job.run = on_run;
    job->job.done = on_done;
    job->has_run = false;
    job->is_running = true;
    job->is_given = true;
    int r = store_add_job(job->history->store, &job->job);
    assert(r == 0); /* we have two at most, and one more at the end */
    (void)r;
}

void history_job_wait(struct history_job *job) {
    if (!job->is_running)
        return;
    pthread_mutex_lock(&job->lock);
    while (!job->has_run)
        pthread_cond_wait(&job->ended, &job->lock);
    pthread_mutex_unlock(&job->lock);
    job->is_running = false;
    job->done(job);
}

void history_job_leave(struct history_job *job) {
    if (job->is_given)
        job->is_left = true;
    else
        job->free(job);
}
