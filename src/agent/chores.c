#include "agent/chores.h"

#include <stdlib.h>

#include "base/mem.h"
#include "loop/loop.h"
#include "loop/timer.h"

enum {
    IDLE_MS = 10000, /* a person asks again within that, or not */
    QUEUE_MAX = 64,  /* each may take as long as a network's directory of users does */
};

struct chores {
    struct loop *loop;     /* borrowed: outlives it */
    struct worker *worker; /* owned; NULL: nothing to do for a while */
    struct timer idle;
};

static void on_idle(struct timer *timer) {
    struct chores *chores = container_of(timer, struct chores, idle);

    /* A job that still runs is waited for by the next tick, not by this thread. */
    if (worker_is_idle(chores->worker))
        chores->worker = worker_free(chores->worker);
    else
        timer_start(chores->loop, &chores->idle, IDLE_MS);
}

struct chores *chores_new(struct loop *loop) {
    struct chores *chores = mem_new(sizeof(*chores));

    chores->loop = loop;
    chores->idle.fire = on_idle;
    return chores;
}

int chores_add(struct chores *chores, struct job *job) {
    if (!chores->worker)
        chores->worker = worker_new(chores->loop, "chores", QUEUE_MAX);
    timer_start(chores->loop, &chores->idle, IDLE_MS);
    return worker_add(chores->worker, job);
}

struct chores *chores_free(struct chores *chores) {
    if (!chores)
        return NULL;
    timer_stop(&chores->idle);
    worker_free(chores->worker);
    free(chores);
    return NULL;
}
