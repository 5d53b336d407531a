/*
 * service_host - roost.v1.Host of this agent: what the host is, and its samples
 *
 * Takes a sample into the spool at the interval, whether or not somebody listens, and
 * lets every stream send what it has not sent yet. Samples fall on multiples of the
 * interval of CLOCK_BOOTTIME (plus the phase): the wall clock has no say.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "agent/spool/spool.h"

struct loop;
struct metric_info;
struct service_host;
struct services;

/* Where samples come from: a sampler, or what a bench makes up. */
struct service_host_source {
    /* Reads everything anew; the sample will be called next. */
    void (*take)(void *arg, uint64_t now_boottime_ns, struct spool_cursor next);
    /* The series of what was taken; the id changes when they do. Lent until take(). */
    const struct metric_info *(*catalogue)(void *arg,
                                           size_t *ret_count,
                                           uint32_t *ret_id);
    /* Their values, lent likewise. */
    const int64_t *(*values)(void *arg);
    /* The sample is in the spool. May be NULL. */
    void (*taken)(void *arg, struct spool_cursor cursor, struct spool_anchor at);
    void *arg; /* borrowed: outlives the service */
};

struct service_host_config {
    struct loop *loop;         /* borrowed: outlives the service */
    struct services *services; /* borrowed: outlives the service */
    const char *root;          /* borrowed: where the host's "/" is seen, "" as usual */
    struct spool *spool;       /* borrowed: outlives the service and its calls */
    struct service_host_source source;
    const char *capabilities; /* borrowed: comma-separated verbs */
    uint64_t interval_ms;
    uint64_t phase_ms; /* how far behind the multiples of the interval ticks are */
    uint64_t batch_ms; /* how long a live row waits for others; 0: not at all */
};

struct service_host *service_host_new(const struct service_host_config *config);

/* Other settings, or another source behind the same functions: takes a sample at once;
 * the next rows of every stream follow a fresh catalogue. */
void service_host_renew(struct service_host *service, uint64_t interval_ms);

/* Takes no more samples; streams go on sending those that there are. */
void service_host_pause(struct service_host *service);

/* No more samples: ends the streams, so that the link can drain. */
void service_host_stop(struct service_host *service);

/* NULL is fine; always returns NULL. */
struct service_host *service_host_free(struct service_host *service);

/*
 * Milliseconds to the next tick: more than a tenth of the interval, so that a timer which
 * fires a little early does not take a sample twice; a late one does not move the ticks
 * that follow.
 */
uint64_t service_host_next_tick(uint64_t now_ms, uint64_t interval_ms, uint64_t phase_ms);
