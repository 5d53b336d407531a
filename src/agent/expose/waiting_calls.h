/*
 * waiting_calls - calls that wait for a stream to their back end
 *
 * Each waits for some seconds, and on for as long as the owner lets it. It leaves when
 * it is taken, when it has waited too long, or when its caller gives up.
 */
#pragma once

#include <stdbool.h>

#include "base/list.h"

struct call;
struct loop;

/* Filled by the owner, who also calls list_init(&calls). */
struct waiting_calls {
    struct loop *loop; /* borrowed: outlives this */
    struct list calls; /* owned */
    /* Its time is over: may a call wait as long again? */
    bool (*may_wait_on)(const void *arg);
    /* Ends a call that has waited in vain. */
    void (*fail)(void *arg, struct call *call);
    void *arg; /* borrowed: the owner */
};

bool waiting_calls_is_empty(const struct waiting_calls *waiting);

/* The call's callee is whoever holds it here. */
void waiting_calls_add(struct waiting_calls *waiting, struct call *call);

/* The one that has waited longest, for call_pass_on(); not when there is none. */
struct call *waiting_calls_take(struct waiting_calls *waiting);

/* Fails all of them. */
void waiting_calls_fail(struct waiting_calls *waiting);
