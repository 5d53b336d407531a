#include "hub/link/service_gateway.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/crypto.h"
#include "base/hex.h"
#include "base/mem.h"
#include "dialect/stream.h"
#include "hub/link/admission.h"
#include "hub/link/gateway_offer.h"
#include "hub/link/gateway_samples.h"
#include "hub/link/session.h"
#include "hub/nodes/node.h"
#include "hub/nodes/registry.h"
#include "hub/people/access.h"
#include "rpc/call.h"
#include "rpc/invocation.h"
#include "rpc/link.h"
#include "rpc/services.h"
#include "wire/headers.h"

enum {
    INSTANCE_BYTES = 16, /* of one that is made here; as hex, what links have */
    INSTANCE_MAX = 64,
};

#define TRANSPORT "grpc"

struct service_gateway {
    struct service_gateway_config config;
};

/* Somebody on the stream: an applicant first, then what carries a session. */
struct gateway_agent {
    struct service_gateway *gateway; /* borrowed: outlives us */
    struct invocation *invocation;   /* borrowed: until on_gone; NULL afterwards */
    struct admission_applicant applicant;
    char *secret; /* owned: the credential that a join brought; "" without one, wiped */
    char *peer;   /* owned */
    char instance[INSTANCE_MAX + 1];
    struct gateway_offer *offer;     /* owned */
    struct session *session;         /* borrowed: it owns us; NULL for an applicant */
    struct stream *stream;           /* owned; NULL likewise */
    struct gateway_samples *samples; /* owned; NULL likewise, and when draining */
    bool takes_samples;              /* nobody leaves yet */
};

/* The invocation is left alone. */
static void agent_free(struct gateway_agent *agent) {
    gateway_samples_free(agent->samples);
    stream_free(agent->stream, "the connection was lost");
    gateway_offer_free(agent->offer);
    mem_wipe(agent->secret, strlen(agent->secret));
    free(agent->secret);
    free(agent->peer);
    free(agent);
}

/* Lets the invocation go on without us, to be finished. */
static struct invocation *leave(struct gateway_agent *agent) {
    struct invocation *invocation = TAKE(agent->invocation);

    if (invocation)
        invocation_set_user(invocation, NULL, NULL);
    return invocation;
}

/* The agent's call is over: by it, by us, or with its connection. */
static void on_gone(struct invocation *invocation, void *user) {
    struct gateway_agent *agent = user;

    agent->invocation = NULL;
    if (agent->session) {
        session_is_lost(agent->session, stream_reason(agent->stream));
        return;
    }
    admission_withdraw(&agent->applicant);
    agent_free(agent);
}

/* The node has the services that the agent named. */
static void show_services(struct gateway_agent *agent) {
    struct node *node = session_node(agent->session);
    struct node_services services = { 0 };

    if (!node)
        return; /* another session holds it */
    gateway_offer_list(agent->offer, &services);
    if (node_set_services(node, &services))
        registry_changed(agent->gateway->config.samples.registry, node);
}

static const char *on_hello(void *owner, const Roost__V1__ConnectRequest__Hello *hello) {
    struct gateway_agent *agent = owner;
    const char *fault = gateway_offer_set(agent->offer, hello);

    if (!fault)
        show_services(agent);
    return fault;
}

static const char *on_samples(void *owner, const Roost__V1__ConnectRequest *request) {
    struct gateway_agent *agent = owner;

    if (!agent->samples || !agent->takes_samples)
        return NULL; /* it says so again to the next session */
    return gateway_samples_take(agent->samples, request);
}

static void on_goodbye(void *owner) {
    struct gateway_agent *agent = owner;

    agent->takes_samples = false;
    if (agent->samples)
        gateway_samples_settle(agent->samples);
    session_leaves(agent->session);
}

static void on_alive(void *owner) {
    struct gateway_agent *agent = owner;
    session_is_alive(agent->session);
}

static const struct stream_events stream_events = {
    .on_hello = on_hello,
    .on_samples = on_samples,
    .on_goodbye = on_goodbye,
    .on_alive = on_alive,
};

static void on_drained(struct invocation *invocation, void *user) {
    struct gateway_agent *agent = user;

    if (agent->stream)
        stream_drained(agent->stream);
}

static void *agent_open(struct session *session, void *arg) {
    struct gateway_agent *agent = arg;
    const struct service_gateway_config *config = &agent->gateway->config;
    struct stream_config stream = {
        .loop = config->samples.loop,
        .invocation = agent->invocation,
        .events = &stream_events,
        .owner = agent,
        .calls_max = config->calls_max,
        .message_max = config->message_max,
        .header_bytes_max = config->header_bytes_max,
    };

    agent->session = session;
    agent->stream = stream_new(&stream);
    agent->takes_samples = true;
    gateway_offer_lead(agent->offer, stream_target(agent->stream));
    invocation_linger(agent->invocation);
    invocation_on_drained(agent->invocation, on_drained);
    return agent;
}

static void agent_begin(void *carrier, struct node *node) {
    struct gateway_agent *agent = carrier;
    Roost__V1__ConnectResponse response = ROOST__V1__CONNECT_RESPONSE__INIT;
    Roost__V1__ConnectResponse__Welcome welcome =
        ROOST__V1__CONNECT_RESPONSE__WELCOME__INIT;
    Roost__V1__Cursor durable;

    agent->samples =
        gateway_samples_new(&agent->gateway->config.samples, node, agent->stream);
    gateway_samples_begin(agent->samples, &durable);
    welcome.node = node->name;
    welcome.credential = agent->secret;
    welcome.durable = &durable;
    response.kind_case = ROOST__V1__CONNECT_RESPONSE__KIND_WELCOME;
    response.welcome = &welcome;
    stream_send(agent->stream, &response);
    mem_wipe(agent->secret, strlen(agent->secret));
    show_services(agent);
}

static struct target *agent_target(void *carrier) {
    struct gateway_agent *agent = carrier;
    return gateway_offer_target(agent->offer);
}

static const char *agent_peer(const void *carrier) {
    const struct gateway_agent *agent = carrier;
    return agent->peer;
}

static uint64_t agent_heard_ms(const void *carrier) {
    const struct gateway_agent *agent = carrier;
    return stream_heard_ms(agent->stream);
}

static void agent_probe(void *carrier, unsigned limit_ms) {
    struct gateway_agent *agent = carrier;
    stream_probe(agent->stream);
}

static void agent_leave(void *carrier) {
    struct gateway_agent *agent = carrier;

    agent->takes_samples = false;
    if (agent->samples)
        gateway_samples_settle(agent->samples);
    stream_leave(agent->stream);
}

static void agent_quiet(void *carrier) {
    struct gateway_agent *agent = carrier;
    agent->samples = gateway_samples_free(agent->samples);
}

static void agent_drain(void *carrier) {
    struct gateway_agent *agent = carrier;

    agent_quiet(carrier);
    stream_leave(agent->stream);
}

static void agent_done(void *carrier) {
    struct gateway_agent *agent = carrier;
    struct invocation *invocation = leave(agent);

    agent_free(agent);
    if (invocation)
        invocation_finish(invocation, GRPC_UNAVAILABLE, "the hub ended the session");
}

static const struct session_driver driver = {
    .open = agent_open,
    .begin = agent_begin,
    .target = agent_target,
    .peer = agent_peer,
    .heard_ms = agent_heard_ms,
    .probe = agent_probe,
    .leave = agent_leave,
    .quiet = agent_quiet,
    .drain = agent_drain,
    .free = agent_done,
};

static struct gateway_agent *agent_of(struct admission_applicant *applicant) {
    return container_of(applicant, struct gateway_agent, applicant);
}

static void refuse(struct admission_applicant *applicant,
                   const struct admission_refusal *why) {
    struct gateway_agent *agent = agent_of(applicant);
    struct invocation *invocation = leave(agent);
    struct headers trailers;

    headers_init(&trailers);
    headers_add(&trailers, "roost-error", why->word);
    call_finish(invocation_call(invocation), why->status, why->message, &trailers);
    headers_done(&trailers);
    agent_free(agent);
}

static void admit(struct admission_applicant *applicant, struct session_config *session) {
    struct gateway_agent *agent = agent_of(applicant);

    session->node->kind = NODE_SERVICE;
    session->driver = &driver;
    session->arg = agent;
    session_pool_add(agent->gateway->config.sessions, session);
}

/* The same credential makes the same instance, and tells nothing of itself by it. */
static void choose_instance(struct gateway_agent *agent, const char *credential) {
    char *text = mem_printf("instance of %s", credential);
    uint8_t hash[TOKEN_HASH_LEN];

    token_hash(text, hash);
    hex_encode(agent->instance, hash, INSTANCE_BYTES);
    mem_wipe(text, strlen(text));
    free(text);
}

/* Joined: now it comes with its credential, on the same stream. */
static void answer(struct admission_applicant *applicant,
                   const char *name,
                   const char *secret) {
    struct gateway_agent *agent = agent_of(applicant);
    const struct call *call = invocation_call(agent->invocation);

    free(agent->secret);
    agent->secret = mem_strdup(secret);
    if (!headers_get(&call->metadata, "roost-instance"))
        choose_instance(agent, secret);
    applicant->hello.credential = agent->secret;
    applicant->hello.intent = LINK_RUN;
    admission_ask(agent->gateway->config.admission, applicant);
}

static void forget(struct admission_applicant *applicant) {
    struct gateway_agent *agent = agent_of(applicant);
    struct invocation *invocation = leave(agent);

    agent_free(agent);
    invocation_finish(invocation, GRPC_UNAVAILABLE, "the hub goes away");
}

static const struct admission_door door = {
    .refuse = refuse,
    .admit = admit,
    .answer = answer,
    .forget = forget,
};

static const char *said(const struct call *call, const char *name) {
    const char *value = headers_get(&call->metadata, name);
    return value ? value : "";
}

/* A token to join with, or a credential? Whether it is good is the admission's matter. */
static enum link_intent intent_of(const struct gateway_agent *agent,
                                  const char *credential) {
    struct access_token *token = NULL;
    int r = access_find(agent->gateway->config.access, credential, ACCESS_NODE,
                        clock_wall_ms(), &token);
    return r == ACCESS_E_KIND ? LINK_JOIN : LINK_RUN;
}

static void ask(struct gateway_agent *agent) {
    const struct call *call = invocation_call(agent->invocation);
    const char *credential = link_bearer(&call->metadata, "authorization");
    const char *instance = said(call, "roost-instance");
    enum link_intent intent = intent_of(agent, credential);
    uint8_t random[INSTANCE_BYTES];

    if (instance[0] != '\0') {
        memcpy(agent->instance, instance, strlen(instance) + 1);
    } else if (intent == LINK_JOIN) { /* whoever joins with the same token is another */
        crypto_random(random, sizeof(random));
        hex_encode(agent->instance, random, sizeof(random));
    } else {
        choose_instance(agent, credential);
    }
    agent->applicant.hello = (struct link_hello) {
        .credential = credential,
        .name = said(call, "name"),
        .instance = agent->instance,
        .version = said(call, "version"),
        .status = said(call, "status"),
        .capabilities = "",
        .intent = intent,
    };
    admission_ask(agent->gateway->config.admission, &agent->applicant);
}

/* What people are shown of it is short text. */
static bool is_plain(const char *text) {
    size_t len = strlen(text);

    for (size_t i = 0; i < len; i++)
        if (text[i] < 0x20 || text[i] > 0x7e)
            return false;
    return len <= INSTANCE_MAX;
}

/* Why it cannot even ask; NULL: it can. */
static const char *fault_of(const struct call *call, enum grpc_status *ret_status) {
    *ret_status = GRPC_UNAUTHENTICATED;
    if (!link_bearer(&call->metadata, "authorization"))
        return "a credential is needed: authorization: Bearer, and that of a node, or a "
               "token to join with";
    *ret_status = GRPC_INVALID_ARGUMENT;
    if (!is_plain(said(call, "roost-instance")) || !is_plain(said(call, "version")))
        return "roost-instance and version are at most 64 characters of ASCII";
    return NULL;
}

static void welcome(struct service_gateway *gateway,
                    struct invocation *invocation,
                    const Roost__V1__ConnectRequest *request) {
    struct call *call = invocation_call(invocation);
    enum grpc_status status;

    const char *fault = fault_of(call, &status);
    if (!fault &&
        (!request || request->kind_case != ROOST__V1__CONNECT_REQUEST__KIND_HELLO))
        fault = "the first message is hello";
    if (fault) {
        invocation_finish(invocation, request ? status : GRPC_INVALID_ARGUMENT, "%s",
                          fault);
        return;
    }
    struct gateway_agent *agent = mem_new(sizeof(*agent));
    *agent = (struct gateway_agent) {
        .gateway = gateway,
        .invocation = invocation,
        .applicant = { .door = &door, .transport = TRANSPORT },
        .secret = mem_strdup(""),
        .peer = mem_strdup(call->peer ? call->peer : ""),
        .offer = gateway_offer_new(),
    };
    agent->applicant.peer = agent->peer;
    fault = gateway_offer_set(agent->offer, request->hello);
    if (fault) {
        agent_free(agent);
        invocation_finish(invocation, GRPC_INVALID_ARGUMENT, "%s", fault);
        return;
    }
    invocation_set_user(invocation, agent, on_gone);
    ask(agent);
}

static void on_connect(void *arg,
                       struct invocation *invocation,
                       const ProtobufCMessage *message) {
    struct gateway_agent *agent = invocation_user(invocation);
    const Roost__V1__ConnectRequest *request = (const Roost__V1__ConnectRequest *)message;

    if (!agent)
        welcome(arg, invocation, request);
    else if (agent->stream)
        stream_take(agent->stream, request);
    else
        invocation_finish(invocation, GRPC_INVALID_ARGUMENT,
                          "nothing may be said between hello and welcome");
}

static const struct service_method methods[] = {
    { "Connect", SERVICE_BIDI, on_connect },
    { 0 },
};

struct service_gateway *service_gateway_new(const struct service_gateway_config *config) {
    struct service_gateway *gateway = mem_new(sizeof(*gateway));
    struct service table = {
        .descriptor = &roost__v1__gateway__descriptor,
        .methods = methods,
        .arg = gateway,
    };

    gateway->config = *config;
    services_add(config->services, &table);
    return gateway;
}

struct service_gateway *service_gateway_free(struct service_gateway *gateway) {
    free(gateway);
    return NULL;
}

void service_gateway_limit(struct service_gateway *gateway,
                           size_t calls_max,
                           size_t message_max,
                           size_t header_bytes_max) {
    gateway->config.calls_max = calls_max;
    gateway->config.message_max = message_max;
    gateway->config.header_bytes_max = header_bytes_max;
}
