/*
 * power_command - reboot and shutdown by the system's commands
 *
 * For hosts without logind. Commands are looked for in fixed places and run without a
 * shell, with an empty environment; each function waits for them, so call it on a thread.
 */
#pragma once

#include "agent/power/power_kind.h"

/* Folders apart by colons, in the order in which they are searched. */
#define POWER_COMMAND_PLACES "/usr/sbin:/usr/bin:/sbin:/bin"

/* Is there a command for it? 0 or -ENOENT. */
int power_command_find(const char *places, enum power_kind kind);

/* Runs the commands that there are until one ends well: 0, or -ENOENT, -EPERM (each of
 * them refused) or -errno. */
int power_command_run(const char *places, enum power_kind kind);

/* Tells those who are logged in, where there is `wall`. */
void power_command_tell(const char *places, const char *message);
