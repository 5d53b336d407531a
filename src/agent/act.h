/*
 * act - one thing done to this host: allowed by its owner, done once, told to both ends
 *
 * Services ask here before they do anything. The host's policy decides (policy.h), who
 * is refused hears which line would allow it, and the refusal is logged. An act that
 * carries an operation id is recorded before it is done and again with its result: the
 * same id gets that result, or "the outcome is not known", never a second act.
 *
 *   if (!act_begin(acts, invocation, &question, &act))
 *       return;                         (answered already)
 *   ... do it, now or later ...
 *   act_reply(act, &response.base);     or act_fail(act, GRPC_..., "...")
 *
 * The caller may leave meanwhile; the act goes on, and its result is recorded.
 */
#pragma once

#include <stdbool.h>

#include "agent/policy_rules.h"
#include "rpc/actor.h"
#include "wire/grpc.h"
#include "wire/pb.h"

struct act;
struct acts;
struct invocation;
struct loop;
struct policy;

struct acts_config {
    struct loop *loop;     /* borrowed: outlives it */
    struct policy *policy; /* borrowed: outlives it */
    const char *state;     /* the folder of the record; copied */
};

struct act_question {
    enum policy_verb verb;
    const char *object;       /* what globs are compared with; NULL: none. Copied */
    const char *operation_id; /* of the request; "": it has none. Copied */
    const char *what;         /* for people: "SIGTERM to 812 (nginx)". Copied */
};

struct acts *acts_new(const struct acts_config *config);

/* Acts under way are over: their answers come to nothing. Always returns NULL. */
struct acts *acts_free(struct acts *acts);

/* True, and *ret_act, which is to be answered once: it may be done, now. False: the
 * invocation was answered. */
bool act_begin(struct acts *acts,
               struct invocation *invocation,
               const struct act_question *question,
               struct act **ret_act);

/* It was done: OK and the response. Ends the act. */
void act_reply(struct act *act, const ProtobufCMessage *response);

/* It was not, or not wholly. Ends the act. */
void act_fail(struct act *act, enum grpc_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* May the caller be told this (verbs look, logs; not places)? False: the invocation was
 * answered. */
bool act_may(struct acts *acts,
             struct invocation *invocation,
             enum policy_verb verb,
             const char *object);

/* The same without an answer: for parts of one. */
bool act_would(struct acts *acts, enum policy_verb verb, const char *object);

/* Ends the invocation with PERMISSION_DENIED, the reason and the remedy; logs it. For
 * what is asked of the policy elsewhere. */
void act_refuse(struct acts *acts,
                struct invocation *invocation,
                enum policy_verb verb,
                const char *object);

/* Whom the hub asks for, "" for the hub itself; lent for the call. */
const char *act_user(const struct invocation *invocation);

/* The role of that user on this node; ACTOR_OWNER of the hub itself. */
enum actor_role act_role(const struct invocation *invocation);
