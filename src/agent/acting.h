/*
 * acting - the services by which this host is looked into and acted on, made together
 *
 * Processes, units, usage, power and probes: all of them ask the same acts (act.h).
 */
#pragma once

#include <stdbool.h>

struct acting;
struct identity;
struct loop;
struct policy;
struct services;

struct acting_config {
    struct loop *loop;         /* borrowed: outlives it */
    struct services *services; /* borrowed: outlives it */
    struct policy *policy;     /* borrowed: outlives it */
    const char *state;         /* the agent's folder; borrowed likewise */
    const char *root;          /* where the host's "/" is seen, "" as usual; borrowed */
    const char *nvml;          /* NVIDIA's library, NULL: the usual one; borrowed */
    const struct identity *identity; /* says where the hub is; borrowed likewise */
    unsigned udp_port;               /* of the hub's echo; 0: as the hub says */
    bool is_user;                    /* the agent of an ordinary user */
    const char *libsystemd;     /* its path, NULL: the usual one; borrowed likewise */
    const char *const *fluentd; /* where the unit of external.Fluentd stands; likewise */
};

/* Adds the services. */
struct acting *acting_new(const struct acting_config *config);

/* The agent stops: streams end, acts under way may finish. */
void acting_stop(struct acting *acting);

/* NULL is fine; always returns NULL. */
struct acting *acting_free(struct acting *acting);
