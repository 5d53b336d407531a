/*
 * service_power - roost.v1.Power: the end of this host, and the start of its neighbours
 *
 * Reboot and shutdown go through logind, or where there is none through the system's
 * commands. What is to happen at once happens a second after the answer. A later one is
 * planned with logind and outlives the agent; without logind the agent keeps the time.
 */
#pragma once

struct acts;
struct loop;
struct service_power;
struct services;

struct service_power_config {
    struct loop *loop;         /* borrowed: outlives it */
    struct services *services; /* borrowed: outlives it */
    struct acts *acts;         /* borrowed: outlives it */
    const char *root;          /* where the host's "/" is seen; borrowed likewise */
    const char *library;       /* path of libsystemd; NULL: the usual one; likewise */
};

struct service_power *service_power_new(const struct service_power_config *config);

/* What waits for its second is not done any more. NULL is fine; always returns NULL. */
struct service_power *service_power_free(struct service_power *service);
