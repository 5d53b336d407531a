/*
 * act - one thing done to this host: allowed by its owner, done once, told to both ends
 *
 * Services ask here before they do anything. The host's policy decides (policy.h), who
 * is refused hears which line would allow it, and the refusal is logged. An act that
 * carries an operation id is recorded before it is done and again with its result: the
 * same id gets that result, or "the outcome is not known", never a second act. Where the
 * policy wants a signature of the verb, requests without one go no further.
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

#include "agent/policy/policy_rules.h"
#include "rpc/actor.h"
#include "wire/grpc.h"
#include "wire/pb.h"

struct act;
struct acts; /* acts.h */
struct invocation;

struct act_question {
    enum policy_verb verb;
    const char *object;       /* what globs are compared with; NULL: none. Copied */
    const char *operation_id; /* of the request; "": it has none. Copied */
    const char *what;         /* for people: "SIGTERM to 812 (nginx)". Copied */
};

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

/* Is the request signed, where the policy wants that of the verb? For what asks the
 * policy elsewhere (places); act_begin() and act_may() ask it themselves. False: the
 * invocation was answered. */
bool act_signed(struct acts *acts, struct invocation *invocation, enum policy_verb verb);

/* May the caller be told this (verbs look, logs; not places)? False: the invocation was
 * answered. */
bool act_may(struct acts *acts,
             struct invocation *invocation,
             enum policy_verb verb,
             const char *object);

/* The same without an answer: for parts of one. It asks for no signature. */
bool act_would(struct acts *acts, enum policy_verb verb, const char *object);

/* Ends the invocation with PERMISSION_DENIED, the reason and the remedy; logs it. For
 * what is asked of the policy elsewhere. */
void act_refuse(struct acts *acts,
                struct invocation *invocation,
                enum policy_verb verb,
                const char *object);

/* Is an operation of this id under way? */
bool act_is_running(const struct acts *acts, const char *operation_id);

/* For acts.c: the agent ends. */
void act_drop_all(struct acts *acts);

/* Whom the hub asks for, "" for the hub itself; lent for the call. */
const char *act_user(const struct invocation *invocation);

/* The role of that user on this node; ACTOR_OWNER of the hub itself. */
enum actor_role act_role(const struct invocation *invocation);
