/*
 * service_usage - roost.v1.Usage: who uses what of this host
 *
 * Allowed by "look usage" of the policy. Nothing is read and no thread runs unless
 * somebody asks; what may block is done on threads.
 */
#pragma once

struct acts;
struct loop;
struct service_usage;
struct services;

struct service_usage_config {
    struct loop *loop;         /* borrowed: outlives it */
    struct services *services; /* borrowed: outlives it */
    struct acts *acts;         /* borrowed: outlives it */
    const char *root;          /* where the host's "/" is seen; borrowed likewise */
    const char *nvml;          /* path of NVIDIA's library; borrowed likewise */
};

struct service_usage *service_usage_new(const struct service_usage_config *config);

/* Waits for what runs. NULL is fine; always returns NULL. */
struct service_usage *service_usage_free(struct service_usage *service);
