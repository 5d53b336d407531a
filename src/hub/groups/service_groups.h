/*
 * service_groups - roost.v1.Groups
 */
#pragma once

struct activity;
struct groups;
struct loop;
struct registry;
struct service_groups;
struct services;

struct service_groups_config { /* all borrowed, all outlive it */
    struct loop *loop;
    struct services *services;
    struct registry *registry;
    struct groups *groups;
    struct activity *activity;
};

/* Adds the service to the set. */
struct service_groups *service_groups_new(const struct service_groups_config *config);

/* NULL is fine; always returns NULL. */
struct service_groups *service_groups_free(struct service_groups *service);
