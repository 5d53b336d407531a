/*
 * group_lead - from a call for a group to the node that answers it
 *
 * Looks for a member on which the caller has the role that is needed, that can be
 * reached, serves the service and does not say that it is unwell; and learns from how
 * each call ended.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rpc/actor.h"

struct call;
struct group;
struct group_health;
struct group_member;
struct node;

/* Who was found, or how far the best of the members came. */
struct group_lead_answer {
    struct group_member *member; /* its call is counted: give it to group_lead_begin();
                                    NULL: nobody */
    size_t visible;              /* members of which the caller may know */
    size_t allowed;              /* of those: with the role */
    size_t reachable;            /* of those */
    size_t serving;              /* of those */
    enum actor_role role;        /* the caller's highest on any member */
    const struct node *down;     /* one that is allowed and not reachable: the one that is
                                    most likely back in a moment */
};

/* Chooses a member. A call that was led before goes to another one, if there is any. */
void group_lead_choose(struct group *group,
                       struct group_health *health,
                       struct call *call,
                       uint64_t now_ms,
                       struct group_lead_answer *ret_answer);

/* The call goes to the member: how it ends is noted. */
void group_lead_begin(struct call *call, struct group_member *member);

/* Nobody was found: ends the call. */
void group_lead_refuse(struct call *call,
                       const char *name,
                       const struct group_lead_answer *answer);
