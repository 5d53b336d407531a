/*
 * unit_order - one thing to be done with one unit, until its result is known
 *
 *   look -> job (or unit files, then job) -> look again -> last lines, when it failed
 *
 * Says what happened and leaves who may ask, and what was asked before, to the caller,
 * but for the unit's other names and the agent's own unit, which only show on the way.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "roost/v1/units.pb-c.h"

struct invocation;
struct systemd_fault;
struct unit_host;
struct unit_order;

enum unit_order_verb {
    UNIT_ORDER_START,
    UNIT_ORDER_STOP,
    UNIT_ORDER_RESTART,
    UNIT_ORDER_RELOAD,
    UNIT_ORDER_ENABLE,
    UNIT_ORDER_DISABLE,
};

struct unit_order_config {
    enum unit_order_verb verb;
    const char *name;  /* a whole one; copied */
    uint64_t limit_ms; /* then the result is "running" */
    bool force;        /* also the agent's own unit */
    bool now;          /* UNIT_ORDER_ENABLE and _DISABLE: start or stop it as well */
    /* The result, lent, or why nothing was done. Once, and not from inside new(). */
    void (*on_done)(void *arg,
                    const Roost__V1__UnitResult *result,
                    const struct systemd_fault *fault);
    void *arg; /* borrowed: until then */
};

/* "restart" */
const char *unit_order_word(enum unit_order_verb verb);

/* Can this be done to a unit of that name? NULL, or a sentence on why not. Static. */
const char *unit_order_check(enum unit_order_verb verb, const char *name);

/* How long an order may take so that its answer is back before the caller's deadline. */
uint64_t unit_order_limit_ms(const struct invocation *invocation);

/* Begins; it ends by itself. */
void unit_order_start(struct unit_host *host, const struct unit_order_config *config);

/* Gives up all of them; nobody is told. */
void unit_order_free_all(struct unit_host *host);
