#include "agent/usage/service_usage.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/acts/act.h"
#include "agent/chores.h"
#include "agent/collect/quota.h"
#include "agent/usage/usage_gpu.h"
#include "agent/usage/usage_port.h"
#include "agent/usage/usage_storage.h"
#include "agent/usage/usage_user.h"
#include "agent/usage/usage_users.h"
#include "base/mem.h"
#include "roost/v1/usage.pb-c.h"
#include "rpc/invocation.h"
#include "rpc/services.h"
#include "wire/utf8.h"

enum { PORT_MAX = 65535 };

struct service_usage {
    struct service_usage_config config;
    struct chores *chores;         /* owned */
    struct usage_storage *storage; /* owned */
    struct usage_users *users;     /* owned */
};

/* One question on the chores' thread. */
struct question {
    struct job job;
    struct service_usage *service; /* borrowed: waits for us at its end */
    struct invocation *invocation; /* borrowed; NULL: the caller has gone */
    uint16_t first;                /* FreePort */
    uint16_t last;
    uint16_t port;
    char *user; /* owned; Quota */
    struct quotas quotas;
    struct usage_gpus gpus; /* Gpu */
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

static struct question *question_new(struct service_usage *service,
                                     struct invocation *invocation,
                                     void (*run)(struct job *job),
                                     void (*done)(struct job *job)) {
    struct question *question = mem_new(sizeof(*question));

    question->job = (struct job) { .run = run, .done = done };
    question->service = service;
    question->invocation = invocation;
    return question;
}

static void question_free(struct question *question) {
    free(question->user);
    quota_done(&question->quotas);
    usage_gpu_done(&question->gpus);
    free(question);
}

static void ask(struct question *question) {
    if (chores_add(question->service->chores, &question->job) == 0) {
        invocation_set_user(question->invocation, question, on_gone);
        return;
    }
    invocation_finish(question->invocation, GRPC_RESOURCE_EXHAUSTED,
                      "this host is being asked too much: try again later");
    question_free(question);
}

/* Whom to answer now; NULL: nobody waits. */
static struct invocation *take_invocation(struct question *question) {
    struct invocation *invocation = TAKE(question->invocation);

    if (invocation)
        invocation_set_user(invocation, NULL, NULL);
    return invocation;
}

/* --- FreePort --- */

static void find_port(struct job *job) {
    struct question *question = container_of(job, struct question, job);
    question->result = usage_port_find(question->first, question->last, &question->port);
}

static void reply_port(struct job *job) {
    struct question *question = container_of(job, struct question, job);
    struct invocation *invocation = take_invocation(question);
    Roost__V1__FreePortResponse response = ROOST__V1__FREE_PORT_RESPONSE__INIT;

    response.port = question->port;
    if (invocation && question->result == 0)
        invocation_reply(invocation, &response.base);
    else if (invocation && question->result == -EADDRINUSE)
        invocation_finish(invocation, GRPC_NOT_FOUND, "no port from %u to %u is free",
                          question->first, question->last);
    else if (invocation)
        invocation_finish(invocation, GRPC_UNAVAILABLE, "ports cannot be tried: %s",
                          strerror(-question->result));
    question_free(question);
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
    struct question *question = question_new(service, invocation, find_port, reply_port);
    question->first = (uint16_t)request->first;
    question->last = (uint16_t)request->last;
    ask(question);
}

/* --- Quota --- */

static void read_quotas(struct job *job) {
    struct question *question = container_of(job, struct question, job);
    uid_t uid = geteuid();

    question->result = 0;
    if (*question->user)
        question->result = usage_user_find(question->user, &uid);
    if (question->result == 0)
        question->result = quota_read(&question->quotas, uid);
}

static void send_quotas(struct invocation *invocation, const struct quotas *quotas) {
    Roost__V1__QuotaResponse response = ROOST__V1__QUOTA_RESPONSE__INIT;
    Roost__V1__Quota *items = mem_new_array(quotas->count + 1, sizeof(*items));
    Roost__V1__Quota **pointers = mem_new_array(quotas->count + 1, sizeof(*pointers));

    response.quotas = pointers;
    for (size_t i = 0; i < quotas->count; i++) {
        const struct quota *quota = &quotas->items[i];
        if (!utf8_is_valid(slice_of_text(quota->mount)))
            continue;
        Roost__V1__Quota *item = &items[response.n_quotas];
        roost__v1__quota__init(item);
        item->mount = quota->mount;
        item->used_bytes = quota->used_bytes;
        item->soft_bytes = quota->soft_bytes;
        item->hard_bytes = quota->hard_bytes;
        item->used_files = quota->used_files;
        item->soft_files = quota->soft_files;
        item->hard_files = quota->hard_files;
        pointers[response.n_quotas++] = item;
    }
    invocation_reply(invocation, &response.base);
    free(items);
    free(pointers);
}

static void reply_quotas(struct job *job) {
    struct question *question = container_of(job, struct question, job);
    struct invocation *invocation = take_invocation(question);

    if (invocation && question->result == 0)
        send_quotas(invocation, &question->quotas);
    else if (invocation && question->result == -ENOENT)
        invocation_finish(invocation, GRPC_NOT_FOUND, "no user \"%s\" on this host",
                          question->user);
    else if (invocation && question->result == -EPERM)
        invocation_finish(invocation, GRPC_PERMISSION_DENIED,
                          "the agent's own user may not read the quotas of others");
    else if (invocation)
        invocation_finish(invocation, GRPC_UNAVAILABLE, "users cannot be looked up: %s",
                          strerror(-question->result));
    question_free(question);
}

static void on_quota(void *arg,
                     struct invocation *invocation,
                     const ProtobufCMessage *message) {
    struct service_usage *service = arg;
    const Roost__V1__QuotaRequest *request = (const Roost__V1__QuotaRequest *)message;

    if (!may(service, invocation))
        return;
    struct question *question =
        question_new(service, invocation, read_quotas, reply_quotas);
    question->user = mem_strdup(request->user);
    ask(question);
}

/* --- Gpu --- */

static void read_gpus(struct job *job) {
    struct question *question = container_of(job, struct question, job);
    const struct service_usage_config *config = &question->service->config;

    usage_gpu_read(&question->gpus, config->nvml, config->root);
}

static void reply_gpus(struct job *job) {
    struct question *question = container_of(job, struct question, job);
    struct invocation *invocation = take_invocation(question);

    if (invocation)
        usage_gpu_reply(&question->gpus, invocation);
    question_free(question);
}

static void on_gpu(void *arg,
                   struct invocation *invocation,
                   const ProtobufCMessage *message) {
    struct service_usage *service = arg;

    if (may(service, invocation))
        ask(question_new(service, invocation, read_gpus, reply_gpus));
}

/* --- Users --- */

static void on_users(void *arg,
                     struct invocation *invocation,
                     const ProtobufCMessage *message) {
    struct service_usage *service = arg;

    if (may(service, invocation))
        usage_users_ask(service->users, invocation, message);
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
    { "Users", SERVICE_UNARY, on_users },
    { "Storage", SERVICE_SERVER_STREAM, on_storage },
    { "Quota", SERVICE_UNARY, on_quota },
    { "Gpu", SERVICE_UNARY, on_gpu },
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
    struct usage_users_config users = {
        .loop = config->loop,
        .chores = service->chores,
        .root = config->root,
    };
    service->users = usage_users_new(&users);
    services_add(config->services, &table);
    return service;
}

struct service_usage *service_usage_free(struct service_usage *service) {
    if (!service)
        return NULL;
    usage_storage_free(service->storage);
    chores_free(service->chores);
    usage_users_free(service->users);
    free(service);
    return NULL;
}
