/*
 * reduce - many samples to the columns of a picture
 *
 * A chart has a thousand columns and perhaps a million samples. What falls into one
 * column becomes its lowest, highest and mean value, so that no peak is lost; where
 * samples are scarcer than columns they stay as they are. Samples come out as runs: a
 * gap lies between two runs and nothing is drawn across it.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct reduce_input {
    const int64_t *times_ms; /* borrowed, rising; count of them, as of the others */
    const double *mean;      /* borrowed; not finite: nothing was measured */
    const double *min;       /* borrowed; NULL: the samples are raw */
    const double *max;       /* borrowed; NULL likewise */
    size_t count;
    int64_t since_ms;
    int64_t until_ms;
    int64_t gap_ms; /* a longer step between samples is a gap; 0: none is */
    int columns;
};

/* One point of a line: x in columns from the left edge, values in the metric's unit. */
struct reduce_point {
    double x;
    double mean;
    double min;
    double max;
};

struct reduce_run {
    size_t first; /* place in points */
    size_t count;
};

/* A span without samples, in columns. */
struct reduce_gap {
    double from;
    double to;
};

struct reduced {
    struct reduce_point *points; /* owned */
    struct reduce_run *runs;     /* owned */
    struct reduce_gap *gaps;     /* owned */
    size_t point_count;
    size_t run_count;
    size_t gap_count;
    bool has_band; /* min and max differ from mean somewhere */

    /* Over the samples inside the period; NAN when there is none. */
    double last;
    double lowest;
    double highest;
    double average;
};

/* 0, -ECANCELED, or -EINVAL when times do not rise or are none. cancelled may be NULL. */
int reduce_series(const struct reduce_input *input,
                  const atomic_bool *cancelled,
                  struct reduced *ret_reduced);

/* Frees what reduce_series() made; a zeroed one is fine. */
void reduce_done(struct reduced *reduced);
