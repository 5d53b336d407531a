/*
 * process_stat - what this process costs
 */
#pragma once

#include <stdint.h>

struct process_stat {
    double cpu_s;   /* of all threads, programs and kernel */
    double start_s; /* wall time of the start, since 1970 */
    uint64_t resident_bytes;
    uint64_t fds;
    uint64_t fds_max;
};

/* Reads /proc/self: 0 or -errno. */
int process_stat_read(struct process_stat *ret);
