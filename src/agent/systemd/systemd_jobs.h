/*
 * systemd_jobs - jobs of a manager, from the request to their result
 */
#pragma once

struct systemd_bus;
struct systemd_fault;
struct systemd_job;
struct systemd_jobs;

/* "done", "failed" and so on as JobRemoved says it, or why it is not known. Called once,
 * never from inside systemd_jobs_start(). */
typedef void systemd_job_fn(void *arg,
                            const char *result,
                            const struct systemd_fault *fault);

struct systemd_jobs *systemd_jobs_new(void);

/* Asserts that none is left. NULL is fine; always returns NULL. */
struct systemd_jobs *systemd_jobs_free(struct systemd_jobs *jobs);

/* Asks for a job, "StartUnit"; lent until on_done. */
struct systemd_job *systemd_jobs_start(struct systemd_jobs *jobs,
                                       struct systemd_bus *bus,
                                       const char *member,
                                       const char *unit,
                                       systemd_job_fn *on_done,
                                       void *arg);

/* It goes on, and nobody waits. NULL is fine; always returns NULL. */
struct systemd_job *systemd_jobs_leave(struct systemd_job *job);

/* For the bus's on_job and on_lost. */
void systemd_jobs_removed(struct systemd_jobs *jobs,
                          const char *path,
                          const char *result);
void systemd_jobs_lost(struct systemd_jobs *jobs, const struct systemd_fault *fault);
