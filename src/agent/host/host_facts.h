/*
 * host_facts - what this host is
 *
 * Read anew each time it is asked: nothing here is kept in memory between calls.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum { HOST_FACTS_GPUS_MAX = 16 };

struct host_facts { /* every string is owned, and "" when unknown */
    char *hostname;
    char *os_release; /* "Debian GNU/Linux 12 (bookworm)" */
    char *kernel;
    char *architecture;
    char *cpu_model;
    char *hardware;       /* the board's model, or vendor and product by DMI */
    char *virtualization; /* "none", "kvm", "docker"; see virtualization.h */
    char *user;           /* whom the agent runs as */
    char *gpus[HOST_FACTS_GPUS_MAX];
    size_t gpu_count;
    uint32_t cpu_count;
    uint64_t memory_bytes;
    int64_t boot_time_ms; /* wall time */
};

/* root is "" or a folder that stands in for / (tests). End it with host_facts_done(). */
void host_facts_read(struct host_facts *facts, const char *root);
void host_facts_done(struct host_facts *facts);
