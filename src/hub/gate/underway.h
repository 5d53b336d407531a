/*
 * underway - the calls that the gate let in, by whom and to which node
 *
 * A call goes on only as long as its caller may make it: when a credential is revoked or
 * expires, a user is removed, a grant is taken away or a tag changes, the calls that are
 * not allowed any more end at once, whatever they are.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/list.h"
#include "rpc/actor.h"

struct call;
struct loop;
struct node;
struct registry;
struct underway;
struct users;

/* One call. Of the gate, and of who records and holds acts. */
struct underway_call {
    struct list in_list;
    struct underway *underway; /* borrowed: owns us */
    struct call *call;         /* borrowed: until it finishes */
    struct node *node;         /* borrowed: the registry; NULL: it is for the hub */
    struct node *gone; /* never looked at: what node was before it left the registry */
    enum actor_role needed; /* on that node */
    struct acts_act *act;   /* owned: acts.c; NULL: it does not act, or not yet */
    bool is_checked;        /* nobody has to be asked for his word any more */
};

struct underway *underway_new(struct loop *loop,
                              struct registry *registry,
                              struct users *users);

/* Calls may still be under way: they are forgotten. Always returns NULL. */
struct underway *underway_free(struct underway *underway);

/* The call, which has an actor, was let in. */
void underway_begin(struct underway *underway, struct call *call);

/* What was begun of the call; NULL: it has no actor. */
struct underway_call *underway_of(const struct call *call);

/* The call is led to the node, where that role is needed. */
void underway_lead(struct call *call, struct node *node, enum actor_role needed);

/* Told when the call has finished, before it is forgotten; NULL: nobody. */
void underway_on_end(struct underway *underway,
                     void (*on_end)(void *arg, struct underway_call *entry),
                     void *arg);

/* Ends the calls that are not allowed any more. */
void underway_review(struct underway *underway);

size_t underway_count(const struct underway *underway);
