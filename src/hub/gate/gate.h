/*
 * gate - the one place where calls are let in and led to their target
 *
 * A target itself: every call of anybody outside starts here. It takes the hub
 * credential off the metadata, finds who is asking, and leads to the hub's own services
 * or, with `name` (or `roost-node`), to the session of that node, or of
 * a member of that group, if the actor's role suffices
 * (roles.h). Calls that act on their node are recorded first, and may be held (acts.h).
 * Methods of the older hub fail as older.h says. Calls for a node that is
 * being restarted wait (waiting.h).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct access;
struct activity;
struct approvals;
struct gate;
struct groups;
struct headers;
struct loop;
struct registry;
struct services;
struct store;
struct target;
struct traffic;
struct underway;

struct gate_config { /* all borrowed, all outlive it */
    struct loop *loop;
    struct access *access;
    struct underway *underway;
    struct store *store;
    struct activity *activity;
    struct approvals *approvals;
    uint64_t last_act_id; /* of the store */
    struct registry *registry;
    struct groups *groups;
    struct traffic *traffic;
    struct services *services;
    struct target *tests;    /* of methods that the hub leads, as roles.h has them */
    size_t calls_per_caller; /* with one credential at the same time */
};

struct gate *gate_new(const struct gate_config *config);
struct gate *gate_free(struct gate *gate);

/* Are callers without a credential led to anonymous nodes, on the plain listener? At
 * first they are not. */
void gate_let_anonymous(struct gate *gate, bool anonymous);

/* How many calls may be under way with one credential. */
void gate_limit(struct gate *gate, size_t calls_per_caller);

/* Does the head of a request carry a caller's credential that is good? */
bool gate_knows(const struct target *gate, const struct headers *head);

/* Our own services are another process's from now on; nodes are still called. */
void gate_close(struct gate *gate);

/* Acts that wait for somebody's word, or to be recorded, end; so do those to come. */
void gate_end_held(struct gate *gate);

/* Where every call from outside goes. Lent. */
struct target *gate_target(struct gate *gate);

/*
 * Where calls start that this process makes for somebody: call->actor says for whom, and
 * stands for his credential. What he may and what is recorded is as ever.
 */
struct target *gate_inside(struct gate *gate);

/* Under which address such calls are taken to have dialled this hub: for links. Copies;
 * NULL: none. */
void gate_name_inside(struct gate *gate, const char *authority);
