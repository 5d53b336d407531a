/*
 * spool_catalogue - the series of a row, kept as long as rows of it are
 *
 * A counted copy of what a sampler says: blocks of a spool, its readers and streams share
 * one as long as the series stay the same, also over a restart of the agent.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct metric_info;
struct sample_chain;

struct spool_catalogue {
    unsigned refs;
    size_t count;
    size_t bytes;               /* what it costs in memory, about */
    struct metric_info *series; /* owned; its texts are in text */
    char *text;                 /* owned */
};

/* Copies the series; the caller holds the one reference. */
struct spool_catalogue *spool_catalogue_new(const struct metric_info *series,
                                            size_t count);

struct spool_catalogue *spool_catalogue_ref(struct spool_catalogue *catalogue);

/* NULL is fine; always returns NULL. */
struct spool_catalogue *spool_catalogue_unref(struct spool_catalogue *catalogue);

/* The same names, units and scales in the same order? */
bool spool_catalogue_equals(const struct spool_catalogue *catalogue,
                            const struct metric_info *series,
                            size_t count);

/* A chain at its start for rows of this catalogue, paired; the caller owns it. */
struct sample_chain *spool_catalogue_chain(const struct spool_catalogue *catalogue);
