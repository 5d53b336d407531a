/*
 * proc_users - the names of users by their numbers, remembered
 *
 * /etc/passwd under the root comes first; on the host itself the system's other sources
 * (LDAP and the like) are asked for what it lacks. That may block, so this is no use on a
 * loop; a source that is slow once is not asked again for a while.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct proc_users;

/* root: "" for this host. Copies. */
struct proc_users *proc_users_new(const char *root);

/* NULL is fine; always returns NULL. */
struct proc_users *proc_users_free(struct proc_users *users);

/* The name, or the number as text. Lent until proc_users_refresh(). */
const char *proc_users_name(struct proc_users *users, uint32_t uid);

/* Forgets what is old, or was read from another /etc/passwd than there is now. */
void proc_users_refresh(struct proc_users *users);

/* The number that a name or a number means: false when there is none. */
bool proc_users_find(struct proc_users *users, const char *name, uint32_t *ret_uid);
