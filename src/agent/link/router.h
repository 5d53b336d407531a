/*
 * router - where the agent leads each call of the hub
 *
 * A tunnel goes to the tunnels, a method of the agent's own services to these; an RPC of
 * any other service, or of one that yields, goes to what is exposed. The uplink knows
 * this one target and none of those behind it.
 */
#pragma once

struct router;
struct services;
struct target;

/* Makes a router to the agent's own services, which outlive it. */
struct router *router_new(struct services *services);

/* NULL is fine; always returns NULL. */
struct router *router_free(struct router *router);

/* Where RPCs of services go that are not ours: borrowed; NULL: nowhere, UNIMPLEMENTED. */
void router_expose(struct router *router, struct target *exposed);

/* Where tunnels go: borrowed; NULL: nowhere, UNIMPLEMENTED. */
void router_tunnel(struct router *router, struct target *tunnels);

/* The target of every call. Lent, lives as long as the router. */
struct target *router_target(struct router *router);
