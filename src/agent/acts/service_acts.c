#include "agent/acts/service_acts.h"

#include <stdlib.h>
#include <string.h>

#include "agent/acts/act.h"
#include "agent/acts/acts.h"
#include "agent/acts/ledger.h"
#include "agent/acts/signing.h"
#include "agent/policy/policy.h"
#include "base/clock.h"
#include "base/mem.h"
#include "roost/v1/acts.pb-c.h"
#include "rpc/invocation.h"
#include "rpc/services.h"
#include "wire/timestamp.h"

enum { METHOD_MAX = 256 };

static void on_challenge(void *arg,
                         struct invocation *invocation,
                         const ProtobufCMessage *message) {
    const Roost__V1__ChallengeRequest *request =
        (const Roost__V1__ChallengeRequest *)(const void *)message;
    Roost__V1__ChallengeResponse response = ROOST__V1__CHALLENGE_RESPONSE__INIT;
    uint8_t challenge[SIGNED_ACT_CHALLENGE_LEN];
    struct acts *acts = arg;

    if (request->method[0] != '/' || strlen(request->method) > METHOD_MAX) {
        invocation_finish(invocation, GRPC_INVALID_ARGUMENT,
                          "method is what is to be signed: /roost.v1.Power/Reboot");
        return;
    }
    signing_issue(acts->signing, act_user(invocation), request->method, clock_boot_ms(),
                  challenge);
    const struct policy_rules *rules = policy_rules(acts->policy);
    char **names = mem_grow(NULL, (rules->key_count + 1) * sizeof(names[0]));
    for (size_t i = 0; i < rules->key_count; i++)
        names[i] = rules->keys[i].name;
    response.challenge.data = challenge;
    response.challenge.len = sizeof(challenge);
    response.instance_id = (char *)acts->instance;
    response.lifetime_s = SIGNING_LIFETIME_MS / 1000;
    response.keys = names;
    response.n_keys = rules->key_count;
    invocation_reply(invocation, &response.base);
    free(names);
}

static char *text_of(struct slice bytes) {
    return mem_printf("%.*s", (int)bytes.len, (const char *)bytes.at);
}

static enum _Roost__V1__Operation__State state_of(const struct acts *acts,
                                                  const struct ledger_record *record,
                                                  const char *id) {
    if (record->ended_ms != 0)
        return ROOST__V1__OPERATION__STATE__DONE;
    return act_is_running(acts, id) ? ROOST__V1__OPERATION__STATE__RUNNING
                                    : ROOST__V1__OPERATION__STATE__UNKNOWN;
}

static void tell(const struct acts *acts,
                 struct invocation *invocation,
                 const struct ledger_record *record) {
    Roost__V1__Operation response = ROOST__V1__OPERATION__INIT;
    Google__Protobuf__Timestamp begun, ended;
    auto_(mem_freep) char *id = text_of(record->id);
    auto_(mem_freep) char *method = text_of(record->method);
    auto_(mem_freep) char *message = text_of(record->message);
    auto_(mem_freep) char *user = text_of(record->user);
    auto_(mem_freep) char *what = text_of(record->what);

    response.operation_id = id;
    response.method = method;
    response.state = state_of(acts, record, id);
    response.status = (uint32_t)record->status;
    response.message = message;
    response.begun = timestamp_set(&begun, record->begun_ms);
    response.ended = timestamp_set(&ended, record->ended_ms);
    response.user = user;
    response.what = what;
    invocation_reply(invocation, &response.base);
}

static void on_get(void *arg,
                   struct invocation *invocation,
                   const ProtobufCMessage *message) {
    const Roost__V1__GetOperationRequest *request =
        (const Roost__V1__GetOperationRequest *)(const void *)message;
    struct acts *acts = arg;
    struct ledger_record record;
    struct buf bytes = { 0 };

    if (!act_may(acts, invocation, POLICY_LOOK, NULL))
        return;
    int r =
        ledger_find(acts->ledger, slice_of_text(request->operation_id), &bytes, &record);
    if (r == 0)
        tell(acts, invocation, &record);
    else if (r == LEDGER_E_NONE)
        invocation_finish(invocation, GRPC_NOT_FOUND,
                          "no operation %s was ever begun here, or it was more than a "
                          "day ago",
                          request->operation_id);
    else
        invocation_finish(invocation, GRPC_UNAVAILABLE, "%s: %s",
                          ledger_path(acts->ledger), strerror(-r));
    buf_done(&bytes);
}

static const struct service_method methods[] = {
    { "Challenge", SERVICE_UNARY, on_challenge },
    { "Get", SERVICE_UNARY, on_get },
    { 0 },
};

void service_acts_add(struct services *services, struct acts *acts) {
    struct service table = {
        .descriptor = &roost__v1__acts__descriptor,
        .methods = methods,
        .arg = acts,
    };

    services_add(services, &table);
}
