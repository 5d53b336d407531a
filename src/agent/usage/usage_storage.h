/*
 * usage_storage - counts of folders for callers, each on a thread of its own
 *
 * The thread has the lowest priority for processors and disks. Its counters are sent
 * while it counts; the end of the call ends the count.
 */
#pragma once

#include <stdbool.h>

#include "wire/pb.h"

struct invocation;
struct loop;
struct usage_storage;

struct usage_storage_config {
    struct loop *loop; /* borrowed: outlives it */
    const char *root;  /* where the host's "/" is seen; borrowed likewise */
};

/* Starts nothing. Copies the config. */
struct usage_storage *usage_storage_new(const struct usage_storage_config *config);

/* Ends all counts. NULL is fine; always returns NULL. */
struct usage_storage *usage_storage_free(struct usage_storage *counts);

/* Answers a StorageUsageRequest. is_operator: the caller may look into what is not the
 * agent's own home. */
void usage_storage_begin(struct usage_storage *counts,
                         struct invocation *invocation,
                         const ProtobufCMessage *message,
                         bool is_operator);
