/*
 * recorded - a sampler over a copy of a recorded tree, for tests
 *
 * TREES names the folder of the trees. The copy can be changed between ticks; a file is
 * rewritten in place, as the kernel would, so that open descriptors see it.
 */
#pragma once

#include <stdint.h>

#include "agent/collect/sampler.h"

struct recorded {
    char *root;              /* owned; the copy */
    struct sampler *sampler; /* owned */
    uint64_t now_ns;
};

/* Copies the tree; proc, sys and measure of the configuration are filled in. */
void recorded_init(struct recorded *host,
                   const char *tree,
                   const struct sampler_config *config);

/* Removes the copy. */
void recorded_done(struct recorded *host);

/* Takes a sample so much later. */
void recorded_tick(struct recorded *host, uint64_t after_ms);

/* Writes a file of the copy, or removes it (with all below) when the text is NULL. */
void recorded_put(struct recorded *host, const char *path, const char *text);

/* The value of a series; fails the test when there is no such series. */
int64_t recorded_value(const struct recorded *host, const char *series);

int recorded_has(const struct recorded *host, const char *series);
