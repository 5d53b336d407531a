/*
 * unit_host - what everything that handles units shares: the manager, its jobs and logs
 */
#pragma once

#include <stdbool.h>

#include "agent/systemd/systemd_fault.h"
#include "agent/systemd/systemd_name.h"
#include "base/list.h"

struct acts;
struct loop;
struct policy;
struct systemd_bus;
struct systemd_jobs;
struct systemd_logs;
struct systemd_unit;

struct unit_host_config {
    struct loop *loop; /* borrowed: outlives it, as all */
    struct acts *acts;
    struct policy *policy;
    const char *root;    /* where the host's "/" is seen */
    const char *library; /* path of libsystemd; NULL: the usual one */
    bool is_user;
};

struct unit_host {
    struct unit_host_config config;
    struct systemd_bus *bus; /* owned, as what follows */
    struct systemd_jobs *jobs;
    struct systemd_logs *logs;
    struct list orders;         /* of struct unit_order: what is under way */
    char own[SYSTEMD_NAME_CAP]; /* the unit that this process is of; "": none */
    bool knows_own;
};

/* Opens and reads nothing yet. Copies the config. */
struct unit_host *unit_host_new(const struct unit_host_config *config);

/* Orders under way are given up; systemd goes on with their jobs. NULL is fine; always
 * returns NULL. */
struct unit_host *unit_host_free(struct unit_host *host);

/* Is it the unit that this agent runs as? */
bool unit_host_is_own(struct unit_host *host, const char *name);

/* The first of the unit's names that a line of the policy denies for the verb, or its
 * real one if nothing allows that; NULL: it may be touched. Lent. */
const char *unit_host_denied(struct unit_host *host, const struct systemd_unit *unit);
