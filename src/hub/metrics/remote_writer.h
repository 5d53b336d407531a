/*
 * remote_writer - every sample on its way to somebody else's store
 *
 * Sends what it is given to a receiver of Prometheus' remote write (Prometheus,
 * VictoriaMetrics, Mimir, ...): in order, in batches, one request at a time. When the
 * receiver is away or busy the samples wait, up to a limit of memory; beyond it the
 * oldest go, counted. What the receiver refuses for good (4xx) is not sent again.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/settings.h"
#include "base/slice.h"

struct loop;
struct remote_series;
struct remote_writer;

struct remote_writer_config { /* copied, but for the loop, which outlives it */
    struct loop *loop;
    const char *url;
    const char *bearer; /* a token, or NULL */
    const char *user;   /* Basic authentication, or NULL */
    const char *password;
    const char *ca_file;                 /* PEM; NULL: the system's */
    const struct settings_list *headers; /* more, "Name: value" */
    const struct settings_list *nodes;   /* globs of nodes; empty: all */
    const struct settings_list *metrics; /* globs of metrics; empty: all */
    uint64_t queue_bytes_max;
    unsigned batch_ms; /* how long a sample may wait for company; 0: 5,000 */
    size_t batch_max;  /* values in a request; 0: 5,000 */
};

struct remote_writer *remote_writer_new(const struct remote_writer_config *config);

/* Drops what waits. NULL is fine; always returns NULL. */
struct remote_writer *remote_writer_free(struct remote_writer *writer);

/* A metric of a catalogue. */
struct remote_metric {
    const char *name;
    const char *unit;
    unsigned scale; /* the value is an integer times 10^-scale */
};

/*
 * The series of a node's catalogue in the receiver's words: what rows are given with. A
 * reference to release; NULL when nothing of it is wanted. Copies.
 */
struct remote_series *remote_writer_describe(struct remote_writer *writer,
                                             const char *node,
                                             const struct remote_metric *metrics,
                                             size_t count);

/* NULL is fine; always returns NULL. */
struct remote_series *remote_writer_release(struct remote_series *series);

/* Takes a row: values in the catalogue's order, SAMPLE_ABSENT where there is none. */
void remote_writer_take(struct remote_writer *writer,
                        struct remote_series *series,
                        int64_t time_ms,
                        const int64_t *values);

struct remote_writer_stats {
    uint64_t sent; /* samples: values of rows */
    uint64_t refused;
    uint64_t dropped;
    uint64_t retries; /* requests */
    uint64_t waiting_bytes;
};

void remote_writer_stats(const struct remote_writer *writer,
                         struct remote_writer_stats *ret);
