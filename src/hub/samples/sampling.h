/*
 * sampling - the stream on which a node's samples come
 *
 * Calls Host/Samples on the link behind what is durable, decodes catalogues and rows,
 * puts every row into the history and the newest values into node->latest, and tells the
 * agent what it may forget. Rows of a spool are history only: nothing live sees them. The
 * stream is opened again when it ends while the link lives.
 */
#pragma once

struct intake_shared;
struct node;
struct sampling;
struct target;

/* Starts; everything is borrowed and outlives the result. Only one may be there for a
 * node: that of its newest session. */
struct sampling *sampling_new(const struct intake_shared *shared,
                              struct target *target,
                              struct node *node);

/* Takes nothing more, tells the agent what is durable as soon as all of it is, and ends
 * the stream. */
void sampling_stop(struct sampling *sampling);

/* Ends it at once. NULL is fine; always returns NULL. */
struct sampling *sampling_free(struct sampling *sampling);
