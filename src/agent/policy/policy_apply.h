/*
 * policy_apply - lets the system grant the agent what its policy needs, and no more
 *
 * The service runs as a user without rights. What its policy allows beyond looking may
 * need a capability, a group or a rule of polkit: these are written, and taken away when
 * the policy needs them no longer (policy_needs.h). What others wrote is left alone.
 */
#pragma once

#include <stdbool.h>

/*
 * Brings the system in line with the policy of the service with this state folder, and
 * restarts the service if that changed something; dry_run: prints what would change
 * alone. root: where "/" is, "" as usual; elsewhere nothing is restarted. The exit
 * status.
 */
int policy_apply(const char *state, const char *root, bool dry_run);

/* Takes all of it away: the exit status. */
int policy_apply_undo(const char *root);
