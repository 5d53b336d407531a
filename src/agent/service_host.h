/*
 * service_host - roost.v1.Host of this agent: what the host is, and its samples
 *
 * Takes a sample at the interval whether or not somebody listens, so that rates are right
 * from the first row on, and sends it to every stream. Each stream has its own chain of
 * differences, which begins with a catalogue.
 */
#pragma once

#include <stdint.h>

struct loop;
struct sampler;
struct service_host;
struct services;

struct service_host_config {
    struct loop *loop;         /* borrowed: outlives the service */
    struct services *services; /* borrowed: outlives the service */
    struct sampler *sampler;   /* borrowed: outlives the service */
    const char *root;          /* borrowed: where the host's "/" is seen, "" as usual */
    const char *capabilities;  /* borrowed: comma-separated verbs */
    uint64_t interval_ms;
};

struct service_host *service_host_new(const struct service_host_config *config);

/* Other settings: the next rows of every stream follow a fresh catalogue. */
void service_host_renew(struct service_host *service,
                        struct sampler *sampler,
                        uint64_t interval_ms);

/* No more samples: ends the streams, so that the link can drain. */
void service_host_stop(struct service_host *service);

/* NULL is fine; always returns NULL. */
struct service_host *service_host_free(struct service_host *service);
