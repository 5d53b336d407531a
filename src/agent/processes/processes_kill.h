/*
 * processes_kill - a signal to a process, or to it and all below it, as one act
 *
 * First it is looked at on the thread of processes_work.h: its name, for the policy, and
 * whether it is safe. Then the act begins, and the thread signals.
 */
#pragma once

#include "roost/v1/processes.pb-c.h"

struct acts;
struct invocation;
struct processes_work;

enum { PROCESSES_KILL_MAX = 10000 }; /* in one tree */

/* Answers the invocation, now or later. */
void processes_kill_start(struct processes_work *work,
                          struct acts *acts,
                          struct invocation *invocation,
                          const Roost__V1__SignalRequest *request);
