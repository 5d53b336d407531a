/*
 * acts - calls that act on a node, recorded before they are sent
 *
 * The gate gives each call of an acting method here before it leads it on. Its request is
 * read whole; if a second person's consent or a signature is needed, the call is held
 * until it is decided; then it is recorded in the store, and only when that is durable
 * does it go on, once. How it ends becomes an activity. What was begun and has no end
 * when the hub starts is told as unclear.
 *
 *   reading -> [held ->] keeping -> ready -> sent -> (an activity)
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct activity;
struct acts;
struct approvals;
struct call;
struct loop;
struct node;
struct registry;
struct store;
struct store_act;
struct target;
struct underway;
struct underway_call;

enum { ACTS_REQUEST_MAX = 60 * 1024 }; /* framed, in one window of its stream */

struct acts_config { /* all borrowed, all outlive it */
    struct loop *loop;
    struct store *store;
    struct activity *activity;
    struct approvals *approvals;
    struct registry *registry;
    struct underway *underway;
    struct target *again; /* where a recorded call goes */
    uint64_t last_id;     /* of the store */
};

struct acts *acts_new(const struct acts_config *config);

/* Calls that wait end with UNAVAILABLE. NULL is fine; always returns NULL. */
struct acts *acts_free(struct acts *acts);

/* The same to calls that wait, and to those that come later. */
void acts_close(struct acts *acts);

/* Takes the call, which was let in and may be made: true. It comes back by `again`.
 * False: it goes on at once, for it does not act, or is recorded already. */
bool acts_take(struct acts *acts, struct call *call, const struct node *node);

/* The call goes to its node now. */
void acts_send(struct call *call);

/* The caller's role on the node did not suffice: an activity, if the call acts. */
void acts_refuse(struct acts *acts, const struct call *call, const struct node *node);

/* At start: tells of an act that was begun by the hub before and has no end. */
void acts_tell_unclear(struct activity *activity, const struct store_act *row);
