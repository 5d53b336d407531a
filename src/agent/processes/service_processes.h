/*
 * service_processes - roost.v1.Processes: looking at processes and signalling them
 *
 * Looking asks the policy for "look processes"; command lines are for operators where
 * "look commands" is allowed. A signal asks for "signal NAME" of each process that is to
 * get it.
 */
#pragma once

struct acts;
struct loop;
struct service_processes;
struct services;

struct service_processes_config {
    struct loop *loop;         /* borrowed: outlives it */
    struct services *services; /* borrowed: outlives it */
    struct acts *acts;         /* borrowed: outlives it */
    const char *root;          /* where the host's "/" is seen; copied */
};

/* Adds the service; nothing is opened before the first call. */
struct service_processes *service_processes_new(
    const struct service_processes_config *config);

/* NULL is fine; always returns NULL. */
struct service_processes *service_processes_free(struct service_processes *service);
