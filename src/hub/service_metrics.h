/*
 * service_metrics - roost.v1.Metrics
 */
#pragma once

struct registry;
struct service_metrics;
struct services;

/* Adds the service to the set; both are borrowed and outlive it. */
struct service_metrics *service_metrics_new(struct services *services,
                                            struct registry *registry);

/* NULL is fine; always returns NULL. */
struct service_metrics *service_metrics_free(struct service_metrics *service);
