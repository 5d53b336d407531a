/*
 * refusal - why the gate does not lead a call on, for whoever called
 *
 * Each ends the call with the status and the text that say what to do about it; calls of
 * the older hub's methods end as its clients expect (older.h).
 */
#pragma once

#include <stddef.h>

#include "rpc/actor.h"

struct call;
struct node;

/* No node or group of that name, or none that the caller may see. */
void refusal_unknown(struct call *call, const char *name);

/* The node cannot be called: since when. */
void refusal_offline(struct call *call, const struct node *node);

/* The caller's role on the node or group is less than what is needed. */
void refusal_role(struct call *call,
                  const char *name,
                  enum actor_role role,
                  enum actor_role needed);

/* Agents serve it to the hub alone. */
void refusal_hub_only(struct call *call);

/* More calls than max would be under way with the caller's credential. */
void refusal_many(struct call *call, size_t max);

/* The hub does not serve the method, and no node is named. */
void refusal_homeless(struct call *call);
