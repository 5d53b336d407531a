#include "agent/service_usage.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "agent/act.h"
#include "agent/chores.h"
#include "agent/usage_port.h"
#include "agent/usage_storage.h"
#include "base/mem.h"
#include "roost/v1/usage.pb-c.h"
#include "rpc/invocation.h"
#include "rpc/services.h"

enum { PORT_MAX = 65535 };

struct service_usage {
    struct service_usage_config config;
    struct chores *chores;         /* owned */
    struct usage_storage *storage; /* owned */
};

/* --- one question on the chores' thread --- */

struct question {
    struct job job;
    struct service_usage *service; /* borrowed: waits for us at its end */
    struct invocation *invocation; /* borrowed; NULL: the caller has gone */
    uint16_t first;
    uint16_t last;
    uint16_t port;
    int result;
};

static bool may(struct service_usage *service, struct invocation *invocation) {
    return act_may(service->config.acts, invocation, POLICY_LOOK, "usage");
}

static bool is_operator(const struct invocation *invocation) {
    return act_role(invocation) >= ACTOR_OPERATOR;
}

static void on_gone(struct invocation *invocation, void *user) {
    struct question *question = user;
    question->invocation = NULL;
}

static void ask(struct question *question) {
    if (chores_add(question->service->chores, &question->job) == 0) {
        invocation_set_user(question->invocation, question, on_gone);
        return;
    }
    invocation_finish(question->invocation, GRPC_RESOURCE_EXHAUSTED,
                      "this host is being asked too much: try again later");
    free(question);
}

/* --- FreePort --- */

static void find_port(struct job *job) {
    struct question *question = container_of(job, struct question, job);
    question->result = usage_port_find(question->first, question->last, &question->port);
}

static void reply_port(struct job *job) {
    struct question *question = container_of(job, struct question, job);
    struct invocation *invocation = question->invocation;
    Roost__V1__FreePortResponse response = ROOST__V1__FREE_PORT_RESPONSE__INIT;

    response.port = question->port;
    if (invocation) {
        invocation_set_user(invocation, NULL, NULL);
        if (question->result == 0)
            invocation_reply(invocation, &response.base);
        else if (question->result == -EADDRINUSE)
            invocation_finish(invocation, GRPC_NOT_FOUND, "no port from %u to %u is free",
                              question->first, question->last);
        else
            invocation_finish(invocation, GRPC_UNAVAILABLE, "ports cannot be tried: %s",
                              strerror(-question->result));
    }
    free(question);
}

static void on_free_port(void *arg,
                         struct invocation *invocation,
                         const ProtobufCMessage *message) {
    struct service_usage *service = arg;
    const Roost__V1__FreePortRequest *request =
        (const Roost__V1__FreePortRequest *)message;
    bool is_any = request->first == 0 && request->last == 0;

    if (!may(service, invocation))
        return;
    if (!is_any && (request->first == 0 || request->last > PORT_MAX ||
                    request->first > request->last)) {
        invocation_finish(invocation, GRPC_INVALID_ARGUMENT,
                          "ports are from 1 to %d, the first not above the last",
                          PORT_MAX);
        return;
    }
    struct question *question = mem_new(sizeof(*question));
    *question = (struct question) {
        .job = { .run = find_port, .done = reply_port },
        .service = service,
        .invocation = invocation,
        .first = (uint16_t)request->first,
        .last = (uint16_t)request->last,
    };
    ask(question);
}

/* --- Storage --- */

static void on_storage(void *arg,
                       struct invocation *invocation,
                       const ProtobufCMessage *message) {
    struct service_usage *service = arg;

    if (may(service, invocation))
        usage_storage_begin(service->storage, invocation, message,
                            is_operator(invocation));
}

static const struct service_method methods[] = {
    { "Storage", SERVICE_SERVER_STREAM, on_storage },
    { "FreePort", SERVICE_UNARY, on_free_port },
    { 0 },
};

struct service_usage *service_usage_new(const struct service_usage_config *config) {
    struct service_usage *service = mem_new(sizeof(*service));
    struct usage_storage_config storage = { .loop = config->loop, .root = config->root };
    struct service table = {
        .descriptor = &roost__v1__usage__descriptor,
        .methods = methods,
        .arg = service,
    };

    service->config = *config;
    service->chores = chores_new(config->loop);
    service->storage = usage_storage_new(&storage);
    services_add(config->services, &table);
    return service;
}

struct service_usage *service_usage_free(struct service_usage *service) {
    if (!service)
        return NULL;
    usage_storage_free(service->storage);
    chores_free(service->chores);
    free(service);
    return NULL;
}
