/*
 * trouble - events of samples that cannot be made durable, and that can again
 *
 * Agents keep their samples meanwhile and live values go on, so that who looks at nodes
 * alone would not see it.
 */
#pragma once

struct activity;
struct history;
struct loop;
struct trouble;

/* Looks every few seconds; everything is borrowed and outlives the result. */
struct trouble *trouble_new(struct loop *loop,
                            struct history *history,
                            struct activity *activity);

/* NULL is fine; always returns NULL. */
struct trouble *trouble_free(struct trouble *trouble);
