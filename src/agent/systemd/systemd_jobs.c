#include "agent/systemd/systemd_jobs.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "agent/systemd/systemd_bus.h"
#include "agent/systemd/systemd_library.h"
#include "base/list.h"
#include "base/mem.h"

struct systemd_jobs {
    struct list all;
};

struct systemd_job {
    struct list node;
    struct systemd_bus *bus;   /* borrowed: outlives us */
    struct systemd_call *call; /* borrowed: the bus's, until it is answered */
    char *path;                /* owned; NULL until systemd took the job */
    systemd_job_fn *on_done;
    void *arg; /* borrowed: the caller's */
};

struct systemd_jobs *systemd_jobs_new(void) {
    struct systemd_jobs *jobs = mem_new(sizeof(*jobs));
    list_init(&jobs->all);
    return jobs;
}

struct systemd_jobs *systemd_jobs_free(struct systemd_jobs *jobs) {
    if (!jobs)
        return NULL;
    assert(list_is_empty(&jobs->all));
    free(jobs);
    return NULL;
}

static void finish(struct systemd_job *job,
                   const char *result,
                   const struct systemd_fault *fault) {
    struct systemd_job done = *job;

    list_remove(&job->node);
    free(job->path);
    free(job);
    systemd_bus_release(done.bus);
    done.on_done(done.arg, result, fault);
}

static void on_queued(void *arg,
                      struct sd_bus_message *reply,
                      const struct systemd_fault *fault) {
    struct systemd_job *job = arg;
    const char *path = "";

    job->call = NULL;
    if (fault) {
        finish(job, NULL, fault);
        return;
    }
    systemd_bus_library(job->bus)->message_read(reply, "o", &path);
    job->path = mem_strdup(path);
}

struct systemd_job *systemd_jobs_start(struct systemd_jobs *jobs,
                                       struct systemd_bus *bus,
                                       const char *member,
                                       const char *unit,
                                       systemd_job_fn *on_done,
                                       void *arg) {
    struct systemd_bus_method method = { .member = member };
    struct systemd_job *job = mem_new(sizeof(*job));

    *job = (struct systemd_job) { .bus = bus, .on_done = on_done, .arg = arg };
    list_add_tail(&jobs->all, &job->node);
    systemd_bus_hold(bus);
    job->call = systemd_bus_call(bus, &method, on_queued, job, "ss", unit, "replace");
    return job;
}

struct systemd_job *systemd_jobs_leave(struct systemd_job *job) {
    if (!job)
        return NULL;
    list_remove(&job->node);
    systemd_bus_cancel(job->call);
    systemd_bus_release(job->bus);
    free(job->path);
    free(job);
    return NULL;
}

void systemd_jobs_removed(struct systemd_jobs *jobs,
                          const char *path,
                          const char *result) {
    list_for_each_safe(node, after, &jobs->all) {
        struct systemd_job *job = container_of(node, struct systemd_job, node);
        if (job->path && strcmp(job->path, path) == 0) {
            finish(job, result, NULL);
            return;
        }
    }
}

void systemd_jobs_lost(struct systemd_jobs *jobs, const struct systemd_fault *fault) {
    list_for_each_safe(node, after, &jobs->all) {
        struct systemd_job *job = container_of(node, struct systemd_job, node);
        if (job->path)
            finish(job, NULL, fault);
    }
}
