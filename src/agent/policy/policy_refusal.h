/*
 * policy_refusal - a no of the host's owner, in words and with the way to a yes
 *
 * Both what calls services and what opens tunnels hear the same: why, and in the trailer
 * roost-remedy the command that would allow it.
 */
#pragma once

#include "agent/policy/policy_rules.h"

struct headers;
struct policy;

struct policy_refusal {
    char *why;    /* owned */
    char *remedy; /* owned: "roost-agent allow power" */
};

/* Words it. object: NULL for none; denied: the line that says no, NULL when none allows
 * it. */
void policy_refusal_make(const struct policy *policy,
                         enum policy_verb verb,
                         const char *object,
                         const struct policy_rule *denied,
                         struct policy_refusal *ret_refusal);

/* Appends the trailer. */
void policy_refusal_add(const struct policy_refusal *refusal, struct headers *trailers);

/* Tells the log who asked: "" is the hub itself. */
void policy_refusal_log(const struct policy_refusal *refusal, const char *user);

void policy_refusal_done(struct policy_refusal *refusal);
