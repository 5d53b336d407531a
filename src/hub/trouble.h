/*
 * trouble - tells when samples cannot be made durable, and when they can again
 *
 * The store never logs; agents keep their samples meanwhile, so nothing else shows it.
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
