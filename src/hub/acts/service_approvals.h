/*
 * service_approvals - roost.v1.Approvals
 */
#pragma once

struct approvals;
struct service_approvals;
struct services;

struct service_approvals_config { /* all borrowed, all outlive it */
    struct services *services;
    struct approvals *approvals;
};

/* Adds the service to the set. */
struct service_approvals *service_approvals_new(
    const struct service_approvals_config *config);

/* NULL is fine; always returns NULL. */
struct service_approvals *service_approvals_free(struct service_approvals *service);
