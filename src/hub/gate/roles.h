/*
 * roles - which role a method needs, on the hub and on a node
 *
 * Two tables and nothing else. Who has which role is the actor's matter; what an agent
 * allows at all is its own (architecture, "Acting on a host").
 */
#pragma once

#include <stdbool.h>

#include "rpc/actor.h"

/* May the method of the hub be called without a credential? */
bool roles_is_open(const char *method);

/* Is it what agents call, with the credential of a node? */
bool roles_is_for_agents(const char *method);

/* Is the method of the hub for administrators alone? The rest looks at the actor itself.
 */
bool roles_is_admin_only(const char *method);

/* Does a node serve the method to its hub alone, and to nobody through it? */
bool roles_is_hub_only(const char *method);

/* Does the hub itself answer it, for the node that is named, by methods of the node that
 * are the hub's alone? */
bool roles_is_hub_led(const char *method);

/* The role on a node that a method of that node needs: what is not in the table, an
 * exposed service say, needs the operator. */
enum actor_role roles_needed(const char *method);
