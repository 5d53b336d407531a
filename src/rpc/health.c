#include "rpc/health.h"

#include <stdlib.h>

#include "base/list.h"
#include "base/mem.h"
#include "grpc/health.pb-c.h"
#include "rpc/call.h"
#include "rpc/client.h"
#include "rpc/invocation.h"
#include "rpc/services.h"

enum { PASS_ON_MS = 5000 };

typedef Grpc__Health__V1__HealthCheckResponse Response;
typedef Grpc__Health__V1__HealthCheckResponse__ServingStatus ServingStatus;

struct health {
    const struct services *services;    /* borrowed: outlives us */
    const struct health_others *others; /* borrowed: outlives us; or NULL */
    struct list watchers;
    bool stopping;
};

/* One Watch stream. */
struct watcher {
    struct list node;
    struct invocation *invocation; /* borrowed: until on_gone */
    char *service;                 /* owned */
    ServingStatus said;
};

/* One Check that is passed on. */
struct question {
    struct invocation *invocation; /* borrowed: until on_gone */
    struct client_call *client;    /* owned */
    char *service;                 /* owned */
    enum health_status known;
};

static void send_status(struct invocation *invocation, ServingStatus status) {
    Response response = GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__INIT;
    response.status = status;
    invocation_send(invocation, &response.base);
}

static bool is_own(const struct health *health, const char *service) {
    return service[0] == '\0' || services_has(health->services, service);
}

static enum health_status know(const struct health *health, const char *service) {
    const struct health_others *others = health->others;
    enum health_status status = HEALTH_STATUS_UNKNOWN;

    if (is_own(health, service))
        status = HEALTH_STATUS_SERVING;
    else if (others)
        status = others->status_of(others->arg, service);
    return status == HEALTH_STATUS_SERVING && health->stopping ? HEALTH_STATUS_NOT_SERVING
                                                               : status;
}

static ServingStatus status_of(const struct health *health, const char *service) {
    static const ServingStatus statuses[] = {
        [HEALTH_STATUS_UNKNOWN] =
            GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__SERVICE_UNKNOWN,
        [HEALTH_STATUS_SERVING] =
            GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__SERVING,
        [HEALTH_STATUS_NOT_SERVING] =
            GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__NOT_SERVING,
    };
    return statuses[know(health, service)];
}

static void reply_status(struct invocation *invocation, ServingStatus status) {
    Response response = GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__INIT;

    response.status = status;
    invocation_reply(invocation, &response.base);
}

/* --- Check of what others serve --- */

static void on_question_gone(struct invocation *invocation, void *user) {
    struct question *question = user;

    client_cancel(question->client);
    free(question->service);
    free(question);
}

/* A server without health, or one that does not name this service there, is serving it
 * when we know so from elsewhere. */
static void on_answer(void *user,
                      enum grpc_status status,
                      const char *message,
                      const ProtobufCMessage *reply) {
    struct question *question = user;
    bool silent = status == GRPC_NOT_FOUND || status == GRPC_UNIMPLEMENTED;

    question->client = NULL;
    if (status == GRPC_OK)
        reply_status(question->invocation, ((const Response *)reply)->status);
    else if (silent && question->known == HEALTH_STATUS_UNKNOWN)
        invocation_finish(question->invocation, GRPC_NOT_FOUND, "unknown service %s",
                          question->service);
    else
        reply_status(
            question->invocation,
            silent
                ? GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__SERVING
                : GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__NOT_SERVING);
}

static void pass_on(struct invocation *invocation,
                    struct target *target,
                    const Grpc__Health__V1__HealthCheckRequest *request,
                    enum health_status known) {
    struct question *question = mem_new(sizeof(*question));
    struct client_request call = {
        .method = "/grpc.health.v1.Health/Check",
        .timeout_ms = PASS_ON_MS,
    };

    question->invocation = invocation;
    question->service = mem_strdup(request->service);
    question->known = known;
    invocation_set_user(invocation, question, on_question_gone);
    question->client = client_unary(
        invocation_call(invocation)->loop, target, &call, &request->base,
        &grpc__health__v1__health_check_response__descriptor, on_answer, question);
}

static void on_check(void *arg,
                     struct invocation *invocation,
                     const ProtobufCMessage *message) {
    const struct health *health = arg;
    const struct health_others *others = health->others;
    const Grpc__Health__V1__HealthCheckRequest *request =
        (const Grpc__Health__V1__HealthCheckRequest *)message;
    enum health_status known = know(health, request->service);
    struct target *target = !others || !others->target_of || health->stopping ||
                                    is_own(health, request->service)
                                ? NULL
                                : others->target_of(others->arg, request->service);

    if (target)
        pass_on(invocation, target, request, known);
    else if (known == HEALTH_STATUS_UNKNOWN)
        invocation_finish(invocation, GRPC_NOT_FOUND, "unknown service %s",
                          request->service);
    else
        reply_status(invocation, status_of(health, request->service));
}

static void on_watch_gone(struct invocation *invocation, void *user) {
    struct watcher *watcher = user;
    list_remove(&watcher->node);
    free(watcher->service);
    free(watcher);
}

static void on_watch(void *arg,
                     struct invocation *invocation,
                     const ProtobufCMessage *message) {
    struct health *health = arg;
    const Grpc__Health__V1__HealthCheckRequest *request =
        (const Grpc__Health__V1__HealthCheckRequest *)message;
    struct watcher *watcher = mem_new(sizeof(*watcher));

    watcher->invocation = invocation;
    watcher->service = mem_strdup(request->service);
    watcher->said = status_of(health, watcher->service);
    list_add_tail(&health->watchers, &watcher->node);
    invocation_set_user(invocation, watcher, on_watch_gone);
    send_status(invocation, watcher->said);
}

static const struct service_method methods[] = {
    { "Check", SERVICE_UNARY, on_check },
    { "Watch", SERVICE_SERVER_STREAM, on_watch },
    { 0 },
};

struct health *health_new(struct services *services) {
    struct health *health = mem_new(sizeof(*health));
    struct service service = {
        .descriptor = &grpc__health__v1__health__descriptor,
        .methods = methods,
        .arg = health,
    };

    health->services = services;
    list_init(&health->watchers);
    services_add(services, &service);
    return health;
}

void health_add_others(struct health *health, const struct health_others *others) {
    health->others = others;
}

void health_changed(struct health *health) {
    list_for_each_safe(node, after, &health->watchers) {
        struct watcher *watcher = container_of(node, struct watcher, node);
        ServingStatus status = status_of(health, watcher->service);
        if (status == watcher->said)
            continue;
        watcher->said = status;
        send_status(watcher->invocation, status);
    }
}

void health_stop(struct health *health) {
    health->stopping = true;
    list_for_each_safe(node, after, &health->watchers) {
        struct watcher *watcher = container_of(node, struct watcher, node);
        send_status(watcher->invocation, status_of(health, watcher->service));
        invocation_finish(watcher->invocation, GRPC_OK, "%s", "");
    }
}

struct health *health_free(struct health *health) {
    if (!health)
        return NULL;
    while (list_pop(&health->watchers)) {
        /* Its own end frees it; it only must not find us. */
    }
    free(health);
    return NULL;
}
