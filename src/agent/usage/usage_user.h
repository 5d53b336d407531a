/*
 * usage_user - users by name, as this host's directory of users has them
 *
 * Asking may block (LDAP and the like): no use on a loop.
 */
#pragma once

#include <sys/types.h>

/* The home of the user, or of whoever the agent runs as (NULL): a new string, or NULL
 * and *ret_uid is untouched. */
char *usage_user_home(const char *user, uid_t *ret_uid);

/* The number of the user: 0, or -ENOENT. */
int usage_user_find(const char *user, uid_t *ret_uid);
