#include "agent/spool/spool_sync.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "loop/worker.h"

enum { WAITING_MAX = 64 }; /* files: a disk that is so far behind is no help */

struct spool_sync {
    struct worker *worker; /* owned */
};

struct sync_job {
    struct job job;
    int fd; /* owned */
    int error;
};

struct spool_sync *spool_sync_new(struct loop *loop) {
    struct spool_sync *sync = mem_new(sizeof(*sync));

    sync->worker = worker_new(loop, "spool", WAITING_MAX);
    return sync;
}

struct spool_sync *spool_sync_free(struct spool_sync *sync) {
    if (!sync)
        return NULL;
    worker_free(sync->worker);
    free(sync);
    return NULL;
}

static void run(struct job *job) { /* on the worker's thread */
    struct sync_job *it = container_of(job, struct sync_job, job);

    if (fsync(it->fd) < 0)
        it->error = errno;
    close(it->fd);
}

static void done(struct job *job) {
    struct sync_job *it = container_of(job, struct sync_job, job);

    if (it->error)
        log_warning("the spool may not survive a loss of power: %s", strerror(it->error));
    free(it);
}

void spool_sync_file(void *arg, int fd) {
    struct spool_sync *sync = arg;
    struct sync_job *it = mem_new(sizeof(*it));

    *it = (struct sync_job) { .job = { .run = run, .done = done }, .fd = fd };
    if (worker_add(sync->worker, &it->job) == 0)
        return;
    close(fd);
    free(it);
}
