/*
 * latency - round trips of packets that were sent one after the other: their figures
 *
 * Answers are added in the order in which their packets were sent. Mean, least, greatest
 * and jitter are exact; percentiles come from buckets and are within 1 % of the value
 * that they stand for. A fixed size, so that a day of packets costs no more than ten.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    LATENCY_STEPS = 64, /* buckets from one power of two to the next */
    LATENCY_POWERS = 26,
    LATENCY_BUCKETS = LATENCY_STEPS * LATENCY_POWERS, /* from 1 us to a minute */
};

/* Zero it. Fields are for reading, but for the buckets. */
struct latency {
    uint32_t count; /* answers */
    double sum_ms;
    double min_ms;
    double max_ms;
    double last_ms;
    double jitter_sum_ms; /* of differences between answers that follow each other */
    uint32_t buckets[LATENCY_BUCKETS];
};

/* Adds an answer; below zero counts as zero. */
void latency_add(struct latency *latency, double rtt_ms);

/* 0 of none. */
double latency_mean(const struct latency *latency);

/* The mean absolute difference of answers that follow each other; 0 of one. */
double latency_jitter(const struct latency *latency);

/* The time within which so many of a hundred answers came; 0 of none. */
double latency_percentile(const struct latency *latency, double percent);

/* A run of packets that were lost. */
struct latency_outage {
    size_t first;
    size_t count;
};

/*
 * Finds the runs of at least `least` lost packets (below zero) among count round trips;
 * writes cap of them and returns how many there are.
 */
size_t latency_outages(const float *rtts_ms,
                       size_t count,
                       size_t least,
                       struct latency_outage *ret_outages,
                       size_t cap);
