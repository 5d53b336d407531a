/*
 * service_internal - internal.Hub and internal.Activity
 *
 * What the older hub serves about itself. A caller with a credential hears of the nodes
 * that he may see, one without of those that registered without one.
 */
#pragma once

struct presence;
struct registry;
struct service_internal;
struct services;
struct traffic;

struct service_internal_config { /* all borrowed, all outlive it */
    struct services *services;
    struct registry *registry;
    struct presence *presence;
    struct traffic *traffic;
};

struct service_internal *service_internal_new(
    const struct service_internal_config *config);

/* The hub stops: each stream ends with OK, which is what the older clients wait for. */
void service_internal_stop(struct service_internal *service);

/* NULL is fine; always returns NULL. */
struct service_internal *service_internal_free(struct service_internal *service);
