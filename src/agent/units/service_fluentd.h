/*
 * service_fluentd - external.Fluentd of the older system, over a unit of this host
 *
 * Its values say what happened: no change when there was none, and after a restart that
 * failed whether the unit runs. What the policy refuses, and what cannot be asked for,
 * is an error of the call. A server of that name that is exposed comes first.
 */
#pragma once

struct service_fluentd;
struct services;
struct unit_host;

/* unit: where the name of the unit stands; borrowed, as the host is. */
struct service_fluentd *service_fluentd_new(struct services *services,
                                            struct unit_host *host,
                                            const char *const *unit);

/* NULL is fine; always returns NULL. */
struct service_fluentd *service_fluentd_free(struct service_fluentd *service);
