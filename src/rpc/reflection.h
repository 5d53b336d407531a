/*
 * reflection - grpc.reflection.v1 and v1alpha over a set of services
 *
 * Lists the services of the set and hands out the files that describe them; and those of
 * others that are reached through it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/slice.h"

struct reflection;
struct services;

/* Adds both versions to the set and answers about it. The set outlives the result. */
struct reflection *reflection_new(struct services *services);

/* Services beside the set, asked anew for each question. */
struct reflection_others {
    const char *(*service_at)(void *arg, size_t i); /* NULL at the end; lent */
    /* FileDescriptorSets in which to look, sound ones: false at the end; lent. */
    bool (*files_at)(void *arg, size_t i, struct slice *ret_files);
    void *arg; /* borrowed: outlives the reflection */
};

/* Answers about others too. They are borrowed and outlive the reflection. */
void reflection_add_others(struct reflection *reflection,
                           const struct reflection_others *others);

/* NULL is fine; always returns NULL. */
struct reflection *reflection_free(struct reflection *reflection);
