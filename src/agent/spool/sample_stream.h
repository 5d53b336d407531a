/*
 * sample_stream - one Samples call being answered from the spool
 *
 * Sends what was missed first, then live rows as they are taken, with a catalogue before
 * the first row and whenever the epoch or the series change. It is paced by what the hub
 * takes: a little per turn of the loop, never much waiting. Streams know nothing of each
 * other.
 */
#pragma once

#include "roost/v1/host.pb-c.h"

struct invocation;
struct list;
struct loop;
struct metric_info;
struct spool;

struct sample_stream_config {
    struct loop *loop;    /* borrowed: outlives the streams */
    struct spool *spool;  /* borrowed: outlives the streams */
    struct list *streams; /* borrowed: where they stand until their calls are over */
    unsigned batch_ms;    /* how long a live row waits for others; 0: not at all */
};

/* A series as messages that borrow its names. */
struct sample_stream_infos {
    Roost__V1__MetricInfo *parts;     /* owned */
    Roost__V1__MetricInfo **pointers; /* owned */
    size_t count;
};

/* Takes one message of the hub; the first one makes the stream. */
void sample_stream_take(const struct sample_stream_config *config,
                        struct invocation *invocation,
                        const Roost__V1__SamplesRequest *request);

/* A sample was taken: each stream of the list sends what it can, now or with the batch.
 */
void sample_stream_wake_all(const struct list *streams);

/* Ends each stream of the list, so that the link can drain. */
void sample_stream_stop_all(const struct list *streams);

void sample_stream_infos_init(struct sample_stream_infos *infos,
                              const struct metric_info *series,
                              size_t count);
void sample_stream_infos_done(struct sample_stream_infos *infos);
