#include "store/history/sweep/history_tidy.h"

#include "store/history/history_private.h"

enum { PAGES_MAX = 1000 /* 4 MiB, as SQLite would by itself */ };

static void on_run(struct job *job) { /* on the merger's thread */
    struct history *history = container_of(job, struct history, tidying);
    /* A failure is one of the disk, which the next flush meets and tells. */
    history->backend->tidy(history->merger_db);
}

static void on_done(struct job *job) { /* on the loop */
    container_of(job, struct history, tidying)->is_tidying = false;
}

void history_tidy_note(struct history *history, size_t log_pages) {
    if (log_pages < PAGES_MAX || history->is_tidying || history->is_closing)
        return;
    history->tidying = (struct job) { .run = on_run, .done = on_done };
    history->is_tidying = worker_add(history->merger, &history->tidying) == 0;
}
