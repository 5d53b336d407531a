/*
 * service_activity - roost.v1.Activity
 *
 * A watcher of calls that is too slow misses some, and is told how many.
 */
#pragma once

struct activity;
struct registry;
struct service_activity;
struct services;
struct store;
struct traffic;

struct service_activity_config { /* all borrowed, all outlive it */
    struct services *services;
    struct activity *activity;
    struct store *store;
    struct traffic *traffic;
    struct registry *registry;
};

/* Adds the service to the set. */
struct service_activity *service_activity_new(
    const struct service_activity_config *config);

/* NULL is fine; always returns NULL. */
struct service_activity *service_activity_free(struct service_activity *service);
