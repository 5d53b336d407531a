/*
 * service_nodes - roost.v1.Nodes
 */
#pragma once

#include <stdbool.h>

struct access;
struct activity;
struct actor;
struct registry;
struct service_nodes;
struct services;
struct users;

struct service_nodes_config { /* all borrowed, all outlive it */
    struct services *services;
    struct registry *registry;
    struct activity *activity;
    struct access *access;
    struct users *users;
    /* May the actor take the tag off the node? Not when acts there need a second word. */
    bool (*may_untag)(void *arg, const struct actor *actor, const char *tag);
    void *arg;
};

/* Adds the service to the set. */
struct service_nodes *service_nodes_new(const struct service_nodes_config *config);

/* NULL is fine; always returns NULL. */
struct service_nodes *service_nodes_free(struct service_nodes *service);
