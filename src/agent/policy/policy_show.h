/*
 * policy_show - what the policy of this host comes to, and why, on the command line
 */
#pragma once

#include <stdbool.h>

/* Prints what is in force and where it comes from: the exit status. */
int policy_show(const char *state, bool json);

/*
 * Prints whether the verb is allowed for the object (NULL: for any at all), and which
 * line says so: the exit status, 0 when it is. A place of tcp or probe is HOST:PORT, and
 * its name is resolved.
 */
int policy_show_check(const char *state, const char *verb, const char *object, bool json);
