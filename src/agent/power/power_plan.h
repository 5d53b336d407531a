/*
 * power_plan - a reboot or shutdown that this agent does itself when its time comes
 *
 * One at most: another takes its place. Done by logind or by commands; what comes of it
 * is logged, for nobody waits for an answer any more.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "agent/power/power_kind.h"

struct chores;
struct loop;
struct power_logind;
struct power_plan;

struct power_plan_config {
    struct loop *loop;           /* borrowed: outlives it */
    struct power_logind *logind; /* borrowed: outlives it */
    struct chores *chores;       /* borrowed: ends before it */
};

/* What is to be done. */
struct power_plan_deed {
    enum power_kind kind;
    bool by_logind; /* else by commands */
    bool force;
    int64_t at_ms; /* wall time, for people */
};

/* Plans nothing. Copies the config. */
struct power_plan *power_plan_new(const struct power_plan_config *config);

/* NULL is fine; always returns NULL. */
struct power_plan *power_plan_free(struct power_plan *plan);

/* Does it in delay_ms. */
void power_plan_set(struct power_plan *plan,
                    const struct power_plan_deed *deed,
                    uint64_t delay_ms);

/* Does nothing any more. */
void power_plan_drop(struct power_plan *plan);

/* What is planned, lent until it is done, set or dropped; NULL: nothing. */
const struct power_plan_deed *power_plan_get(const struct power_plan *plan);

/* Has the message told to those who are logged in, by a command. */
void power_plan_tell(struct power_plan *plan, const char *message);
