/*
 * alert_rights - who may see and change what of the alerts
 *
 * Whatever is about a node follows the caller's role there. A rule for oneself needs no
 * more than to see its nodes; what all are told of, or no longer told of, is the matter
 * of who owns or operates all the nodes that it means.
 */
#pragma once

#include <stdbool.h>

#include "rpc/actor.h"

struct alerts;
struct incident;
struct registry;
struct rule;
struct silence;

/* The caller's role on the incident's node; of several nodes the highest. */
enum actor_role alert_rights_on(const struct registry *registry,
                                const struct actor *actor,
                                const struct incident *incident);

/* May he know of it: its node, and whose rule it is of (NULL: it is gone)? */
bool alert_rights_see(const struct registry *registry,
                      const struct alerts *alerts,
                      const struct actor *actor,
                      const struct incident *incident);

/* Is the role his on every node that the selection means now? Of all nodes only an
 * administrator's. */
bool alert_rights_all(const struct registry *registry,
                      const struct actor *actor,
                      const char *select,
                      enum actor_role role);

/* Does he see at least one node that it means? */
bool alert_rights_some(const struct registry *registry,
                       const struct actor *actor,
                       const char *select);

/* May he put such a rule, or take it away? NULL, or why not. Static. */
const char *alert_rights_rule(const struct registry *registry,
                              const struct actor *actor,
                              const struct rule *rule);

bool alert_rights_see_rule(const struct actor *actor, const struct rule *rule);

/* Likewise of a silence. */
const char *alert_rights_silence(const struct registry *registry,
                                 const struct actor *actor,
                                 const char *select,
                                 const char *created_by);
