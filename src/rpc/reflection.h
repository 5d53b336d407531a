/*
 * reflection - grpc.reflection.v1 and v1alpha over a set of services
 *
 * Lists the services of the set and hands out the files that describe them.
 */
#pragma once

struct reflection;
struct services;

/* Adds both versions to the set and answers about it. The set outlives the result. */
struct reflection *reflection_new(struct services *services);

/* NULL is fine; always returns NULL. */
struct reflection *reflection_free(struct reflection *reflection);
