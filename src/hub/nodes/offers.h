/*
 * offers - the services that a node serves beside Roost's own
 *
 * An agent pushes what it exposes (roost.v1.Link/Services); any other gRPC server is
 * asked once by reflection, and one without it has no list. What is serving stands in
 * node->services, and watchers of the registry are told of each change.
 */
#pragma once

struct loop;
struct node;
struct offers;
struct registry;
struct target;

/* Starts asking for the node's newest session; everything is borrowed and outlives the
 * result. What is known from an older session is forgotten. */
struct offers *offers_new(struct loop *loop,
                          struct registry *registry,
                          struct target *target,
                          struct node *node);

/* Asks no more. NULL is fine; always returns NULL. */
struct offers *offers_free(struct offers *offers);
