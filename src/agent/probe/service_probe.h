/*
 * service_probe - roost.v1.Probe of this agent: what can be measured from its host
 *
 * The table of methods; each kind of probe is a file of its own. What a handler gets as
 * its argument are the probes (probes.h).
 */
#pragma once

struct probes_config;
struct service_probe;
struct services;

/* Adds the service. */
struct service_probe *service_probe_new(struct services *services,
                                        const struct probes_config *config);

/* The agent stops: probes under way end. */
void service_probe_stop(struct service_probe *service);

/* NULL is fine; always returns NULL. */
struct service_probe *service_probe_free(struct service_probe *service);
