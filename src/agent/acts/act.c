#include "agent/acts/act.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "agent/acts/acts.h"
#include "agent/acts/ledger.h"
#include "agent/acts/signing.h"
#include "agent/policy/policy.h"
#include "agent/policy/policy_refusal.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/crypto.h"
#include "base/list.h"
#include "base/log.h"
#include "base/mem.h"
#include "loop/loop.h"
#include "rpc/call.h"
#include "rpc/invocation.h"

struct act {
    struct list node;
    struct acts *acts;             /* borrowed: outlives its acts */
    struct invocation *invocation; /* borrowed; NULL: the caller has gone */
    struct list waiters;           /* of struct waiter */
    char *user;                    /* owned */
    char *what;                    /* owned */
    char *method;                  /* owned */
    char *id;                      /* owned; "": it is not recorded */
    uint8_t request[CRYPTO_SHA256_LEN];
    int64_t begun_ms;
};

/* Somebody who asked for the same operation while it was under way. */
struct waiter {
    struct list node;
    struct invocation *invocation; /* borrowed: until it has gone */
};

/* How an act ended. */
struct outcome {
    enum grpc_status status;
    const char *message;
    struct slice response; /* packed; with GRPC_OK */
};

/* --- who asks --- */

const char *act_user(const struct invocation *invocation) {
    const char *user = headers_get(&invocation_call(invocation)->metadata, "roost-user");
    return user ? user : "";
}

enum actor_role act_role(const struct invocation *invocation) {
    const struct headers *metadata = &invocation_call(invocation)->metadata;
    const char *name = headers_get(metadata, "roost-role");

    if (!headers_get(metadata, "roost-user"))
        return ACTOR_OWNER;
    for (enum actor_role role = ACTOR_OWNER; name && role > ACTOR_NOBODY; role--)
        if (strcmp(name, actor_role_name(role)) == 0)
            return role;
    return ACTOR_NOBODY;
}

/* --- may it be done --- */

void act_refuse(struct acts *acts,
                struct invocation *invocation,
                enum policy_verb verb,
                const char *object) {
    const struct policy_rule *denied =
        policy_rules_has_places(verb) ? NULL : policy_denial(acts->policy, verb, object);
    struct policy_refusal refusal;
    struct headers trailers;

    policy_refusal_make(acts->policy, verb, object, denied, &refusal);
    headers_init(&trailers);
    policy_refusal_add(&refusal, &trailers);
    policy_refusal_log(&refusal, act_user(invocation));
    auto_(mem_freep) char *text =
        mem_printf("%s: on the host, %s", refusal.why, refusal.remedy);
    invocation_refuse(invocation, GRPC_PERMISSION_DENIED, text, &trailers);
    headers_done(&trailers);
    policy_refusal_done(&refusal);
}

bool act_would(struct acts *acts, enum policy_verb verb, const char *object) {
    policy_refresh(acts->policy, loop_now_ms(acts->loop));
    return policy_allows(acts->policy, verb, object);
}

bool act_signed(struct acts *acts, struct invocation *invocation, enum policy_verb verb) {
    policy_refresh(acts->policy, loop_now_ms(acts->loop));
    return !policy_wants_signature(acts->policy, verb) ||
           signing_is_signed(acts->signing, invocation, verb);
}

bool act_may(struct acts *acts,
             struct invocation *invocation,
             enum policy_verb verb,
             const char *object) {
    if (act_would(acts, verb, object))
        return act_signed(acts, invocation, verb);
    act_refuse(acts, invocation, verb, object);
    return false;
}

/* --- an act under way --- */

static void on_gone(struct invocation *invocation, void *user) {
    struct act *act = user;
    act->invocation = NULL;
}

static void on_waiter_gone(struct invocation *invocation, void *user) {
    struct waiter *waiter = user;
    list_remove(&waiter->node);
    free(waiter);
}

static struct act *find_running(const struct acts *acts, const char *id) {
    list_for_each_safe(node, after, &acts->running) {
        struct act *act = container_of(node, struct act, node);
        if (strcmp(act->id, id) == 0)
            return act;
    }
    return NULL;
}

bool act_is_running(const struct acts *acts, const char *operation_id) {
    return operation_id[0] && find_running(acts, operation_id);
}

static void wait_for(struct act *act, struct invocation *invocation) {
    struct waiter *waiter = mem_new(sizeof(*waiter));

    waiter->invocation = invocation;
    list_add_tail(&act->waiters, &waiter->node);
    invocation_set_user(invocation, waiter, on_waiter_gone);
}

static struct act *new_act(struct acts *acts,
                           struct invocation *invocation,
                           const struct act_question *question) {
    struct slice request = invocation_request(invocation);
    struct act *act = mem_new(sizeof(*act));

    act->acts = acts;
    act->invocation = invocation;
    list_init(&act->waiters);
    act->user = mem_strdup(act_user(invocation));
    act->what = mem_strdup(question->what);
    act->method = mem_strdup(invocation_call(invocation)->method);
    act->id = mem_strdup(question->operation_id ? question->operation_id : "");
    crypto_sha256(request.at, request.len, act->request);
    act->begun_ms = clock_wall_ms();
    list_init(&act->node);
    return act;
}

static void free_act(struct act *act) {
    while (!list_is_empty(&act->waiters)) {
        struct waiter *waiter = container_of(act->waiters.next, struct waiter, node);
        invocation_set_user(waiter->invocation, NULL, NULL);
        list_remove(&waiter->node);
        free(waiter);
    }
    if (act->invocation)
        invocation_set_user(act->invocation, NULL, NULL);
    list_remove(&act->node);
    free(act->user);
    free(act->what);
    free(act->method);
    free(act->id);
    free(act);
}

void act_drop_all(struct acts *acts) {
    while (!list_is_empty(&acts->running))
        free_act(container_of(acts->running.next, struct act, node));
}

/* --- the record --- */

static void answer(struct invocation *invocation, const struct outcome *outcome) {
    if (outcome->status == GRPC_OK)
        invocation_reply_packed(invocation, outcome->response);
    else
        invocation_finish(invocation, outcome->status, "%s", outcome->message);
}

static struct ledger_record record_of(const struct act *act) {
    struct ledger_record record = {
        .id = slice_of_text(act->id),
        .method = slice_of_text(act->method),
        .user = slice_of_text(act->user),
        .what = slice_of_text(act->what),
        .begun_ms = act->begun_ms,
    };

    memcpy(record.request, act->request, sizeof(record.request));
    return record;
}

/* Puts the act on record, before it is done: false when the invocation was answered. */
static bool record_begin(struct act *act) {
    struct ledger *ledger = act->acts->ledger;
    struct ledger_record record = record_of(act);

    int r = ledger_put(ledger, &record);
    if (r == LEDGER_E_FULL)
        invocation_finish(act->invocation, GRPC_RESOURCE_EXHAUSTED,
                          "this host was asked for %d operations within a day and "
                          "keeps a record of each: nothing was done",
                          LEDGER_COUNT_MAX);
    else if (r < 0)
        invocation_finish(act->invocation, GRPC_UNAVAILABLE,
                          "what is done to this host is recorded first, and that failed "
                          "(%s: %s): nothing was done",
                          ledger_path(ledger), strerror(-r));
    if (r != 0)
        log_error("%s, for %s: not done: %s: %s", act->what, act->user,
                  ledger_path(ledger),
                  r < 0 ? strerror(-r) : "it is full of today's operations");
    return r == 0;
}

static void record_end(const struct act *act, const struct outcome *outcome) {
    struct ledger_record record = record_of(act);

    if (!act->id[0])
        return;
    record.ended_ms = clock_wall_ms();
    record.status = (uint64_t)outcome->status;
    record.message = slice_of_text(outcome->message);
    record.response = outcome->response;
    int r = ledger_put(act->acts->ledger, &record);
    if (r != 0)
        log_error("%s: the end of an operation is not recorded: %s",
                  ledger_path(act->acts->ledger), r < 0 ? strerror(-r) : "it is full");
}

/* Answers with what an operation that was begun before came to. */
static void repeat(struct invocation *invocation, const struct ledger_record *record) {
    auto_(mem_freep) char *message =
        mem_printf("%.*s", (int)record->message.len, (const char *)record->message.at);
    struct outcome outcome = {
        .status = (enum grpc_status)record->status,
        .message = message,
        .response = record->response,
    };

    if (record->ended_ms == 0) {
        outcome.status = GRPC_UNKNOWN;
        outcome.message = "the outcome is not known: it was begun, and what came of it "
                          "was never recorded";
    } else if (outcome.status == GRPC_OK && record->is_cut) {
        outcome.status = GRPC_DATA_LOSS;
        outcome.message = "it was done; its answer was too long to be kept";
    }
    answer(invocation, &outcome);
}

static bool is_same_request(const struct act *act,
                            const char *method,
                            const uint8_t *request) {
    return strcmp(act->method, method) == 0 &&
           memcmp(act->request, request, CRYPTO_SHA256_LEN) == 0;
}

static void refuse_other(struct invocation *invocation) {
    invocation_finish(invocation, GRPC_INVALID_ARGUMENT,
                      "another request has had this operation_id: each gets one of its "
                      "own");
}

/* Has this operation been asked for before? Then the invocation is answered, or waits. */
static bool is_repeat(struct act *act) {
    struct act *running = find_running(act->acts, act->id);
    struct ledger_record record;
    struct buf bytes = { 0 };

    if (running) {
        if (is_same_request(running, act->method, act->request))
            wait_for(running, act->invocation);
        else
            refuse_other(act->invocation);
        return true;
    }
    int r = ledger_find(act->acts->ledger, slice_of_text(act->id), &bytes, &record);
    if (r == 0) {
        auto_(mem_freep) char *method =
            mem_printf("%.*s", (int)record.method.len, (const char *)record.method.at);
        if (is_same_request(act, method, record.request))
            repeat(act->invocation, &record);
        else
            refuse_other(act->invocation);
    } else if (r < 0) {
        invocation_finish(act->invocation, GRPC_UNAVAILABLE,
                          "the record of what was done to this host cannot be read (%s: "
                          "%s): nothing was done",
                          ledger_path(act->acts->ledger), strerror(-r));
    }
    buf_done(&bytes);
    return r != LEDGER_E_NONE;
}

/* Letters, digits and the like, so that it can be told and typed. */
static bool is_id(const char *text) {
    const char *at = text;

    while (isgraph((unsigned char)*at))
        at++;
    return *at == '\0' && at - text <= LEDGER_RECORD_ID_MAX;
}

/* --- beginning and ending --- */

bool act_begin(struct acts *acts,
               struct invocation *invocation,
               const struct act_question *question,
               struct act **ret_act) {
    if (!act_may(acts, invocation, question->verb, question->object))
        return false;
    struct act *act = new_act(acts, invocation, question);
    if (!is_id(act->id)) {
        invocation_finish(invocation, GRPC_INVALID_ARGUMENT,
                          "an operation_id has at most %d letters, digits and signs",
                          LEDGER_RECORD_ID_MAX);
        act->invocation = NULL;
    } else if (act->id[0] && (is_repeat(act) || !record_begin(act))) {
        act->invocation = NULL;
    }
    if (!act->invocation) {
        free_act(act);
        return false;
    }
    list_add_tail(&acts->running, &act->node);
    invocation_set_user(invocation, act, on_gone);
    *ret_act = act;
    return true;
}

/* Records, answers all who wait, and ends the act. */
static void finish(struct act *act, const struct outcome *outcome) {
    struct invocation *invocation = act->invocation;

    record_end(act, outcome);
    if (invocation) {
        invocation_set_user(invocation, NULL, NULL);
        act->invocation = NULL;
        answer(invocation, outcome);
    }
    list_for_each_safe(node, after, &act->waiters) {
        struct waiter *waiter = container_of(node, struct waiter, node);
        invocation_set_user(waiter->invocation, NULL, NULL);
        answer(waiter->invocation, outcome);
        list_remove(&waiter->node);
        free(waiter);
    }
    free_act(act);
}

void act_reply(struct act *act, const ProtobufCMessage *response) {
    struct buf packed = { 0 };

    pb_pack(&packed, response);
    struct outcome outcome = { GRPC_OK, "", buf_slice(&packed) };
    log_info("%s, for %s", act->what, act->user);
    finish(act, &outcome);
    buf_done(&packed);
}

void act_fail(struct act *act, enum grpc_status status, const char *format, ...) {
    struct buf text = { 0 };
    va_list args;

    va_start(args, format);
    buf_vprintf(&text, format, args);
    va_end(args);
    struct outcome outcome = { .status = status, .message = buf_text(&text) };
    log_info("%s, for %s, failed: %s", act->what, act->user, outcome.message);
    finish(act, &outcome);
    buf_done(&text);
}
