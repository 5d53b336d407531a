/*
 * service_metrics - roost.v1.Metrics
 */
#pragma once

struct history;
struct painters;
struct registry;
struct service_metrics;
struct services;
struct timekeeper;

struct service_metrics_config { /* all borrowed, all outlive it */
    struct services *services;
    struct registry *registry;
    struct history *history;
    struct painters *painters;
    const struct timekeeper *timekeeper;
};

/* Adds the service to the set. */
struct service_metrics *service_metrics_new(const struct service_metrics_config *config);

/* NULL is fine; always returns NULL. */
struct service_metrics *service_metrics_free(struct service_metrics *service);
