#include "agent/processes/processes_work.h"

#include <errno.h>
#include <stdlib.h>

#include "agent/collect/proc/proc_host.h"
#include "agent/collect/proc/proc_table.h"
#include "base/clock.h"
#include "base/mem.h"

enum { REUSE_MS = 2000 }; /* an old look tells little of now */

struct processes_work {
    struct loop *loop;       /* borrowed: outlives it */
    char *root;              /* owned */
    struct worker *worker;   /* owned; NULL when nobody asks */
    struct proc_host *host;  /* owned; of the thread while jobs are under way */
    struct proc_table *last; /* owned; likewise */
    struct timer idle;
    struct list asks; /* of struct processes_ask */
    size_t count;
    bool is_ending;
};

/* Ends the thread; no job is under way. */
static void rest(struct processes_work *work) {
    work->worker = work->worker ? worker_free(work->worker) : NULL;
    work->last = proc_table_free(work->last);
    work->host = proc_host_free(work->host);
}

static void on_idle(struct timer *timer) {
    struct processes_work *work = container_of(timer, struct processes_work, idle);

    rest(work);
    mem_trim();
}

struct processes_work *processes_work_new(struct loop *loop, const char *root) {
    struct processes_work *work = mem_new(sizeof(*work));

    work->loop = loop;
    work->root = mem_strdup(root);
    work->idle.fire = on_idle;
    list_init(&work->asks);
    return work;
}

/* Back on the loop: the ask is its owner's again. */
static void finish(struct processes_ask *ask) {
    struct processes_work *work = ask->work;

    list_remove(&ask->node);
    timer_stop(&ask->pause);
    ask->first = proc_table_free(ask->first);
    if (--work->count == 0 && !work->is_ending)
        timer_start(work->loop, &work->idle, PROCESSES_WORK_IDLE_MS);
    ask->done(ask, ask->error);
}

struct processes_work *processes_work_free(struct processes_work *work) {
    if (!work)
        return NULL;
    work->is_ending = true;
    timer_stop(&work->idle);
    work->worker = work->worker ? worker_free(work->worker) : NULL;
    list_for_each_safe(at, after, &work->asks) { /* those between two looks */
        struct processes_ask *ask = container_of(at, struct processes_ask, node);
        ask->error = -ECANCELED;
        finish(ask);
    }
    rest(work);
    free(work->root);
    free(work);
    return NULL;
}

/* Is the kept look as far back as is asked for, and not much farther? */
static bool can_reuse(const struct processes_work *work,
                      const struct processes_ask *ask) {
    if (!work->last || ask->look != PROCESSES_LOOK_ALL || ask->apart_ms == 0)
        return false;
    uint64_t age_ms = (clock_boot_ns() - work->last->taken_ns) / 1000000;
    uint64_t most_ms = 2 * ask->apart_ms > REUSE_MS ? 2 * ask->apart_ms : REUSE_MS;
    return age_ms >= ask->apart_ms - ask->apart_ms / 10 && age_ms <= most_ms;
}

/* Is it not yet as far back as is asked for? How long until it is; else 0. */
static uint64_t until_reuse_ms(const struct processes_work *work,
                               const struct processes_ask *ask) {
    if (!work->last || ask->look != PROCESSES_LOOK_ALL || ask->has_waited)
        return 0;
    uint64_t age_ms = (clock_boot_ns() - work->last->taken_ns) / 1000000;
    return age_ms < ask->apart_ms ? ask->apart_ms - age_ms : 0;
}

static struct proc_table *take(const struct processes_work *work,
                               const struct processes_ask *ask,
                               const struct proc_table *before) {
    return ask->look == PROCESSES_LOOK_ONE
               ? proc_table_take_one(work->host, ask->pid, before)
               : proc_table_take(work->host, before, before ? before : work->last);
}

static void make(struct processes_work *work, struct processes_ask *ask) {
    const struct proc_table *before =
        ask->first || !can_reuse(work, ask) ? ask->first : work->last;

    proc_host_refresh(work->host);
    ask->pause_ms = before ? 0 : until_reuse_ms(work, ask);
    if (ask->pause_ms > 0) {
        ask->has_waited = true;
        return;
    }
    if (ask->apart_ms > 0 && !before) {
        ask->pause_ms = ask->apart_ms;
        ask->first = take(work, ask, NULL);
        if (ask->first->count > 0) /* else there is nothing to wait for */
            return;
    }
    struct proc_table *table =
        ask->look == PROCESSES_LOOK_NONE ? NULL : take(work, ask, before);
    ask->make(ask, work->host, table);
    ask->is_made = true;
    if (ask->look == PROCESSES_LOOK_ALL) {
        proc_table_free(work->last);
        work->last = TAKE(table);
    }
    proc_table_free(table);
}

static void run(struct job *job) {
    struct processes_ask *ask = container_of(job, struct processes_ask, job);
    struct processes_work *work = ask->work;

    if (!work->host)
        ask->error = proc_host_open(work->root, &work->host);
    if (ask->error == 0)
        make(work, ask);
}

static void on_pause(struct timer *timer) {
    struct processes_ask *ask = container_of(timer, struct processes_ask, pause);

    ask->error = worker_add(ask->work->worker, &ask->job);
    if (ask->error != 0)
        finish(ask);
}

static void on_run(struct job *job) {
    struct processes_ask *ask = container_of(job, struct processes_ask, job);

    if (ask->error != 0 || ask->is_made)
        finish(ask);
    else if (!ask->work->is_ending)
        timer_start(ask->work->loop, &ask->pause, ask->pause_ms);
}

int processes_work_add(struct processes_work *work, struct processes_ask *ask) {
    if (work->is_ending || work->count >= PROCESSES_WORK_ASKS_MAX)
        return -EAGAIN;
    if (!work->worker)
        work->worker = worker_new(work->loop, "processes", PROCESSES_WORK_ASKS_MAX);
    ask->work = work;
    ask->job = (struct job) { .run = run, .done = on_run };
    ask->pause = (struct timer) { .fire = on_pause };
    ask->is_made = false;
    ask->has_waited = false;
    ask->error = 0;
    int r = worker_add(work->worker, &ask->job);
    if (r != 0)
        return r;
    timer_stop(&work->idle);
    work->count++;
    list_add_tail(&work->asks, &ask->node);
    return 0;
}
