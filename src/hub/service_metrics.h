/*
 * service_metrics - roost.v1.Metrics
 */
#pragma once

struct history;
struct registry;
struct service_metrics;
struct services;
struct timekeeper;

/* Adds the service to the set; all are borrowed and outlive it. */
struct service_metrics *service_metrics_new(struct services *services,
                                            struct registry *registry,
                                            struct history *history,
                                            const struct timekeeper *timekeeper);

/* NULL is fine; always returns NULL. */
struct service_metrics *service_metrics_free(struct service_metrics *service);
