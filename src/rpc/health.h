/*
 * health - grpc.health.v1.Health over a set of services
 *
 * What is served is SERVING, until health_stop() says that the process is going away.
 */
#pragma once

struct health;
struct services;

/* Adds the service to the set and answers about it. The set outlives the result. */
struct health *health_new(struct services *services);

/* Watchers learn NOT_SERVING, and their streams end. */
void health_stop(struct health *health);

/* Calls under way may end later. NULL is fine; always returns NULL. */
struct health *health_free(struct health *health);
