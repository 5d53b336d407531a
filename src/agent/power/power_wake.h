/*
 * power_wake - Power.Wake: a machine of this host's networks turned on, as an act
 */
#pragma once

#include "roost/v1/power.pb-c.h"

struct acts;
struct invocation;

/* Answers the invocation: at once, or as the act is let go on. */
void power_wake(struct acts *acts,
                struct invocation *invocation,
                const Roost__V1__WakeRequest *request);
