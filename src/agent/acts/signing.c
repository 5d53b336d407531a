#include "agent/acts/signing.h"

#include <stdlib.h>
#include <string.h>

#include "agent/policy/policy.h"
#include "agent/setup/identity.h"
#include "base/clock.h"
#include "base/crypto.h"
#include "base/list.h"
#include "base/log.h"
#include "base/mem.h"
#include "rpc/call.h"
#include "rpc/invocation.h"

struct signing {
    const struct policy *policy;     /* borrowed: outlives us */
    const struct identity *identity; /* borrowed: outlives us */
    struct list challenges;          /* of struct challenge, the oldest first */
    size_t count;
    struct list passed; /* of struct passed */
};

struct challenge {
    struct list node;
    uint8_t bytes[SIGNED_ACT_CHALLENGE_LEN];
    char *user;   /* owned */
    char *method; /* owned */
    uint64_t until_ms;
};

/* A call that was found signed: one act may ask more than once. */
struct passed {
    struct list node;
    struct call *call; /* reference */
};

struct signing *signing_new(const struct policy *policy,
                            const struct identity *identity) {
    struct signing *signing = mem_new(sizeof(*signing));

    signing->policy = policy;
    signing->identity = identity;
    list_init(&signing->challenges);
    list_init(&signing->passed);
    return signing;
}

static void forget(struct signing *signing, struct challenge *challenge) {
    list_remove(&challenge->node);
    signing->count--;
    free(challenge->user);
    free(challenge->method);
    free(challenge);
}

static void forget_passed(struct passed *passed) {
    list_remove(&passed->node);
    call_unref(passed->call);
    free(passed);
}

struct signing *signing_free(struct signing *signing) {
    if (!signing)
        return NULL;
    list_for_each_safe(node, after, &signing->challenges) {
        forget(signing, container_of(node, struct challenge, node));
    }
    list_for_each_safe(node, after, &signing->passed) {
        forget_passed(container_of(node, struct passed, node));
    }
    free(signing);
    return NULL;
}

/* --- challenges --- */

static void forget_old(struct signing *signing, uint64_t now_ms) {
    list_for_each_safe(node, after, &signing->challenges) {
        struct challenge *challenge = container_of(node, struct challenge, node);
        if (challenge->until_ms > now_ms)
            return;
        forget(signing, challenge);
    }
}

/* The user's oldest goes when he has too many, and the oldest of all likewise. */
static void make_room(struct signing *signing, const char *user) {
    struct challenge *oldest = NULL;
    size_t count = 0;

    list_for_each_safe(node, after, &signing->challenges) {
        struct challenge *challenge = container_of(node, struct challenge, node);
        if (strcmp(challenge->user, user) != 0)
            continue;
        oldest = oldest ? oldest : challenge;
        count++;
    }
    if (count >= SIGNING_USER_MAX)
        forget(signing, oldest);
    else if (signing->count >= SIGNING_MAX)
        forget(signing, container_of(signing->challenges.next, struct challenge, node));
}

void signing_issue(struct signing *signing,
                   const char *user,
                   const char *method,
                   uint64_t now_ms,
                   uint8_t ret_challenge[static SIGNED_ACT_CHALLENGE_LEN]) {
    forget_old(signing, now_ms);
    make_room(signing, user);
    struct challenge *challenge = mem_new(sizeof(*challenge));
    crypto_random(challenge->bytes, sizeof(challenge->bytes));
    challenge->user = mem_strdup(user);
    challenge->method = mem_strdup(method);
    challenge->until_ms = now_ms + SIGNING_LIFETIME_MS;
    list_add_tail(&signing->challenges, &challenge->node);
    signing->count++;
    memcpy(ret_challenge, challenge->bytes, sizeof(challenge->bytes));
}

/* Uses up a challenge: was it one of ours, for this method, and still good? */
static bool use(struct signing *signing, const uint8_t *bytes, const char *method) {
    list_for_each_safe(node, after, &signing->challenges) {
        struct challenge *challenge = container_of(node, struct challenge, node);
        if (memcmp(challenge->bytes, bytes, SIGNED_ACT_CHALLENGE_LEN) != 0)
            continue;
        bool is_for_it = strcmp(challenge->method, method) == 0;
        forget(signing, challenge);
        return is_for_it;
    }
    return false;
}

enum signing_fault signing_check(struct signing *signing,
                                 const struct signing_question *question) {
    struct signed_act_signature signature;

    if (!question->value)
        return SIGNING_MISSING;
    if (!signed_act_read(question->value, &signature))
        return SIGNING_DAMAGED;
    forget_old(signing, question->now_ms);
    if (!use(signing, signature.challenge, question->method))
        return SIGNING_CHALLENGE;
    const struct policy_key *key = policy_key(signing->policy, signature.key);
    if (!key)
        return SIGNING_NO_KEY;
    struct signed_act act = {
        .instance_id = signing->identity->instance,
        .method = question->method,
        .request = question->request,
        .challenge = slice_of(signature.challenge, sizeof(signature.challenge)),
    };
    if (!signed_act_verify(&act, &signature, key->key))
        return SIGNING_WRONG;
    log_info("%s is signed with the key of %s", question->method, key->name);
    return SIGNING_FINE;
}

/* --- invocations --- */

static bool has_passed(struct signing *signing, const struct call *call) {
    bool has = false;

    list_for_each_safe(node, after, &signing->passed) {
        struct passed *passed = container_of(node, struct passed, node);
        has |= passed->call == call;
        if (passed->call->finished)
            forget_passed(passed);
    }
    return has;
}

static void remember(struct signing *signing, struct call *call) {
    struct passed *passed = mem_new(sizeof(*passed));

    passed->call = call_ref(call);
    list_add_tail(&signing->passed, &passed->node);
}

static const char *const faults[] = {
    [SIGNING_MISSING] =
        "has to be signed with an operator's key (roost key new makes one)",
    [SIGNING_DAMAGED] = "has to be signed: operator-signature-bin is no signature",
    [SIGNING_NO_KEY] = "has to be signed: the policy of this host does not know the key",
    [SIGNING_CHALLENGE] =
        "has to be signed: its challenge is not ours, was used or is too old",
    [SIGNING_WRONG] =
        "has to be signed: the signature is of another request, host or key",
};

static void refuse(struct invocation *invocation,
                   enum policy_verb verb,
                   enum signing_fault fault) {
    bool is_wrong = fault == SIGNING_NO_KEY || fault == SIGNING_WRONG;
    const char *name = policy_rules_verb(verb);
    auto_(mem_freep) char *why = mem_printf("%s %s", name, faults[fault]);
    struct headers trailers;

    headers_init(&trailers);
    headers_add(&trailers, SIGNED_ACT_TRAILER, name);
    log_info("refused %s: %s", invocation_call(invocation)->method, why);
    invocation_refuse(invocation,
                      is_wrong ? GRPC_PERMISSION_DENIED : GRPC_UNAUTHENTICATED, why,
                      &trailers);
    headers_done(&trailers);
}

bool signing_is_signed(struct signing *signing,
                       struct invocation *invocation,
                       enum policy_verb verb) {
    struct call *call = invocation_call(invocation);
    struct signing_question question = {
        .value = headers_get(&call->metadata, SIGNED_ACT_METADATA),
        .method = call->method,
        .request = invocation_request(invocation),
        .now_ms = clock_boot_ms(),
    };

    if (has_passed(signing, call))
        return true;
    enum signing_fault fault = signing_check(signing, &question);
    if (fault != SIGNING_FINE)
        refuse(invocation, verb, fault);
    else
        remember(signing, call);
    return fault == SIGNING_FINE;
}
