/*
 * acts - all that is done to this host, and what is remembered of it
 *
 * What act.h asks and service_acts.h tells: the policy, the ledger of operations, the
 * challenges, and the acts under way.
 */
#pragma once

#include "base/list.h"

struct acts;
struct identity;
struct ledger;
struct loop;
struct policy;
struct signing;

struct acts_config {
    struct loop *loop;               /* borrowed: outlives it */
    struct policy *policy;           /* borrowed: outlives it */
    const struct identity *identity; /* borrowed: outlives it */
    const char *state;               /* the folder of the record; copied */
};

/* For act.c and service_acts.c alone. */
struct acts {
    struct loop *loop;       /* borrowed */
    struct policy *policy;   /* borrowed */
    const char *instance;    /* borrowed: the identity's */
    struct ledger *ledger;   /* owned */
    struct signing *signing; /* owned */
    struct list running;     /* of struct act */
};

struct acts *acts_new(const struct acts_config *config);

/* Acts under way are over: their answers come to nothing. Always returns NULL. */
struct acts *acts_free(struct acts *acts);
