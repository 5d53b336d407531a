/*
 * policy_needs - what the system has to grant an unprivileged agent for its policy
 *
 * Written from the policy alone: a drop-in of the agent's unit with capabilities and
 * groups, and a polkit rule. Each holds what the policy allows needs and nothing else; an
 * empty one is not to be there.
 */
#pragma once

#include "base/buf.h"

struct policy;

#define POLICY_NEEDS_MARK "Written by roost-agent policy apply."

/* Appends the drop-in for roost-agent.service; nothing when none is needed. */
void policy_needs_unit(const struct policy *policy, struct buf *out);

/* Appends the rule of polkit for the user of the service; nothing likewise. */
void policy_needs_polkit(const struct policy *policy, struct buf *out);
