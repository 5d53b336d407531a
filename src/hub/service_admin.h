/*
 * service_admin - roost.v1.Admin: what the hub itself is asked
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "roost/v1/admin.pb-c.h"

struct history;
struct registry;
struct service_admin;
struct services;

/* Borrowed pointers, all outlive the service. */
struct service_admin_config {
    struct services *services;
    struct registry *registry;
    struct history *history;
    const char *database;         /* the file */
    const uint64_t *retention_ms; /* by tier; 0: for ever */
    /* How it goes with the bot; false: there is none. What it lends is for the call. */
    bool (*report_bot)(void *arg, Roost__V1__Bot *ret_bot);
    void *arg;
};

/* Adds the service to the set. */
struct service_admin *service_admin_new(const struct service_admin_config *config);

/* NULL is fine; always returns NULL. */
struct service_admin *service_admin_free(struct service_admin *service);
