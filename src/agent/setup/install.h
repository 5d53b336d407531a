/*
 * install - the agent as a systemd service
 *
 * Writes the unit, makes the state folder, enables and starts the service; or takes all
 * that back. For the system (as root), or for the calling user.
 */
#pragma once

#include <stdbool.h>

/* Prints what it does. 0, or 1 after telling on standard error what failed and the
 * remedy. */
int install_run(const char *state, bool user);

/* purge: the state folder goes too, after a question on a terminal unless yes. */
int install_undo(const char *state, bool user, bool purge, bool yes);
