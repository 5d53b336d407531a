/*
 * usage_gpu - processes on graphics processors, by NVIDIA's library
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct invocation;
struct usage_gpu;

/* Zero it; end it with usage_gpu_done(). */
struct usage_gpus {
    struct usage_gpu *items; /* owned */
    size_t count;
};

/* Reads them, most memory first. It blocks. library: NULL is the usual one. Without it,
 * or without GPUs, there are none. */
void usage_gpu_read(struct usage_gpus *gpus, const char *library, const char *root);

/* Answers with a GpuUsageResponse. */
void usage_gpu_reply(const struct usage_gpus *gpus, struct invocation *invocation);

void usage_gpu_done(struct usage_gpus *gpus);
