/*
 * health - grpc.health.v1.Health over a set of services
 *
 * What is served is SERVING, until health_stop() says that the process is going away;
 * others that are reached through the set can be asked too.
 */
#pragma once

struct health;
struct services;
struct target;

/* Adds the service to the set and answers about it. The set outlives the result. */
struct health *health_new(struct services *services);

enum health_status {
    HEALTH_STATUS_UNKNOWN, /* there is no such service */
    HEALTH_STATUS_SERVING,
    HEALTH_STATUS_NOT_SERVING,
};

/* Services beside the set. */
struct health_others {
    /* What is known of one; told to watchers. */
    enum health_status (*status_of)(void *arg, const char *service);
    /* Who can be asked by Check; NULL: status_of() says all. */
    struct target *(*target_of)(void *arg, const char *service);
    void *arg; /* borrowed: outlives the health */
};

/* Answers about others too. They are borrowed and outlive the health. */
void health_add_others(struct health *health, const struct health_others *others);

/* What status_of() says may have changed: watchers are told. */
void health_changed(struct health *health);

/* Watchers learn NOT_SERVING, and their streams end. */
void health_stop(struct health *health);

/* Calls under way may end later. NULL is fine; always returns NULL. */
struct health *health_free(struct health *health);
