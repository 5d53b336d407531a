/*
 * service_nodes - roost.v1.Nodes
 */
#pragma once

struct access;
struct activity;
struct registry;
struct service_nodes;
struct services;

struct service_nodes_config { /* all borrowed, all outlive it */
    struct services *services;
    struct registry *registry;
    struct activity *activity;
    struct access *access;
};

/* Adds the service to the set. */
struct service_nodes *service_nodes_new(const struct service_nodes_config *config);

/* NULL is fine; always returns NULL. */
struct service_nodes *service_nodes_free(struct service_nodes *service);
