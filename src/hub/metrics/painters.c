#include "hub/metrics/painters.h"

#include <errno.h>
#include <stdlib.h>

#include "base/mem.h"
#include "loop/worker.h"

enum { QUEUE_MAX = 32 }; /* half a second's work; who comes later is told so */

struct painter {
    struct worker *worker; /* owned */
    size_t jobs;           /* that it has */
};

struct painters {
    size_t count;
    struct painter all[];
};

struct painting {
    struct job job;
    struct painter *painter; /* borrowed: waits for its jobs before it goes */
    void (*run)(void *arg);
    void (*done)(void *arg);
    void *arg; /* borrowed: the caller's */
};

struct painters *painters_new(struct loop *loop, size_t count) {
    struct painters *painters =
        mem_new(sizeof(*painters) + count * sizeof(painters->all[0]));

    painters->count = count;
    for (size_t i = 0; i < count; i++)
        painters->all[i].worker = worker_new(loop, "draw", QUEUE_MAX);
    return painters;
}

struct painters *painters_free(struct painters *painters) {
    if (!painters)
        return NULL;
    for (size_t i = 0; i < painters->count; i++)
        worker_free(painters->all[i].worker);
    free(painters);
    return NULL;
}

static void on_run(struct job *job) { /* on the painter's thread */
    struct painting *painting = container_of(job, struct painting, job);
    painting->run(painting->arg);
}

static void on_done(struct job *job) {
    struct painting *painting = container_of(job, struct painting, job);

    painting->painter->jobs--;
    painting->done(painting->arg);
    free(painting);
}

static struct painter *least_busy(struct painters *painters) {
    struct painter *best = &painters->all[0];

    for (size_t i = 1; i < painters->count; i++)
        if (painters->all[i].jobs < best->jobs)
            best = &painters->all[i];
    return best;
}

int painters_add(struct painters *painters,
                 void (*run)(void *arg),
                 void (*done)(void *arg),
                 void *arg) {
    struct painter *painter = least_busy(painters);
    struct painting *painting = mem_new(sizeof(*painting));

    *painting = (struct painting) {
        .job = { .run = on_run, .done = on_done },
        .painter = painter,
        .run = run,
        .done = done,
        .arg = arg,
    };
    int r = worker_add(painter->worker, &painting->job);
    if (r < 0) {
        free(painting);
        return r;
    }
    painter->jobs++;
    return 0;
}
