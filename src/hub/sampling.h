/*
 * sampling - the stream on which a node's samples come
 *
 * Calls Host/Samples on the link, decodes catalogue and rows, and puts the newest
 * values into node->latest. The stream is opened again when it ends while the link lives.
 */
#pragma once

struct loop;
struct node;
struct registry;
struct sampling;
struct target;

/* Starts; everything is borrowed and outlives the result. */
struct sampling *sampling_new(struct loop *loop,
                              struct target *target,
                              struct registry *registry,
                              struct node *node);

/* NULL is fine; always returns NULL. */
struct sampling *sampling_free(struct sampling *sampling);
