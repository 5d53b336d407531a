/*
 * history_sweep - bring rows from memory and journal into chunks, and old ones out
 *
 * A sweep goes over all nodes, one small transaction after another: it closes their
 * blocks, waits until these are durable, merges them into the hour's chunk and the tiers
 * above, deletes what of the journal is merged, then chunks past their time, and gives
 * room back. The work of merging is done on a thread of its own.
 */
#pragma once

struct history;

/* The next sweep comes with the timer, or now. */
void history_sweep_schedule(struct history *history);
void history_sweep_want(struct history *history);

/* A flush has ended well. */
void history_sweep_on_flushed(struct history *history);

/* Waits for what runs; the rest is for the next start. */
void history_sweep_finish(struct history *history);
