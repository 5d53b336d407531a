/*
 * policy_edit - the policy on the command line: one line more
 */
#pragma once

#include <stdbool.h>

#include "agent/policy/policy_rules.h"

struct policy;

/*
 * Adds "allow VERB [OBJECT]" (or deny) to the file that counts, beside the other lines of
 * the verb; the same line with the other word goes. Tells which file it was: the exit
 * status.
 */
int policy_edit_add(const char *state,
                    enum policy_act act,
                    const char *verb,
                    const char *object);

/* The same for each item of "look,units nginx*,tcp=127.0.0.1:22"; all of them or none. */
int policy_edit_allow_list(const char *state, const char *list);

/* Does such a list make sense? 0, or the exit status after telling why not. */
int policy_edit_check_list(const char *list);

/* What the policy allows, "look,tcp"; to be freed. A damaged file is told on standard
 * error. */
char *policy_edit_capabilities(const char *state);

/* The policy of the agent with this state folder, as it would read it. */
struct policy *policy_edit_open(const char *state);

/* Is this agent an ordinary user's own? */
bool policy_edit_is_user(void);
