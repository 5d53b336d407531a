/*
 * service_units - roost.v1.Units of this agent, and external.Fluentd over it
 *
 * What systemd manages here: looked at, acted on under the policy, and its journal read.
 * Nothing is loaded, opened or started before the first request.
 */
#pragma once

#include <stdbool.h>

struct acts;
struct loop;
struct policy;
struct service_units;
struct services;

struct service_units_config {
    struct loop *loop; /* borrowed: outlives the service, as all */
    struct services *services;
    struct acts *acts;
    struct policy *policy;
    const char *root;    /* where the host's "/" is seen, "" as usual */
    const char *library; /* path of libsystemd; NULL: the usual one */
    bool is_user;        /* the manager of this process's user */
    /* The unit that external.Fluentd means, as a person writes it. Follows a reload. */
    const char *const *fluentd;
};

struct service_units *service_units_new(const struct service_units_config *config);

/* Logs that are followed end. */
void service_units_stop(struct service_units *service);

/* NULL is fine; always returns NULL. */
struct service_units *service_units_free(struct service_units *service);
