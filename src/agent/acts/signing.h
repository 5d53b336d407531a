/*
 * signing - did an operator sign this request?
 *
 * The agent issues challenges, each good for one request of one method within a minute
 * by the boot clock. A signature (wire/signed_act.h) is of this agent, this method, these
 * very bytes and such a challenge, by a key that the policy names. Nothing that the hub
 * says counts here.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "agent/policy/policy_rules.h"
#include "wire/signed_act.h"

struct identity;
struct invocation;
struct policy;
struct signing;

enum {
    SIGNING_LIFETIME_MS = 60000,
    SIGNING_USER_MAX = 32, /* challenges of one caller; his oldest goes for a newer one */
    SIGNING_MAX = 256,     /* of all */
};

/* What makes a signature none. */
enum signing_fault {
    SIGNING_FINE,
    SIGNING_MISSING,
    SIGNING_DAMAGED,
    SIGNING_NO_KEY,    /* the policy does not know it */
    SIGNING_CHALLENGE, /* never issued, used, too old, or for another method */
    SIGNING_WRONG,     /* of another key, another request or another agent */
};

/* What is asked. */
struct signing_question {
    const char *value; /* of the metadata field; NULL: there is none */
    const char *method;
    struct slice request;
    uint64_t now_ms; /* boot time */
};

/* Both outlive it. */
struct signing *signing_new(const struct policy *policy, const struct identity *identity);

/* NULL is fine; always returns NULL. */
struct signing *signing_free(struct signing *signing);

/* Issues a challenge to this user for the method. */
void signing_issue(struct signing *signing,
                   const char *user,
                   const char *method,
                   uint64_t now_ms,
                   uint8_t ret_challenge[static SIGNED_ACT_CHALLENGE_LEN]);

/* Looks at a signature. Whatever comes out, its challenge is used up. */
enum signing_fault signing_check(struct signing *signing,
                                 const struct signing_question *question);

/* The same of an invocation: true when it is signed, now or before; false: it was
 * answered, with the trailer that says what has to be signed. */
bool signing_is_signed(struct signing *signing,
                       struct invocation *invocation,
                       enum policy_verb verb);
