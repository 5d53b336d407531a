#include "rpc/health.h"

#include <stdlib.h>

#include "base/list.h"
#include "base/mem.h"
#include "grpc/health.pb-c.h"
#include "rpc/invocation.h"
#include "rpc/services.h"

typedef Grpc__Health__V1__HealthCheckResponse Response;
typedef Grpc__Health__V1__HealthCheckResponse__ServingStatus ServingStatus;

struct health {
    const struct services *services; /* borrowed: outlives us */
    struct list watchers;
    bool stopping;
};

/* One Watch stream. */
struct watcher {
    struct list node;
    struct invocation *invocation; /* borrowed: until on_gone */
    bool known;
};

static void send_status(struct invocation *invocation, ServingStatus status) {
    Response response = GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__INIT;
    response.status = status;
    invocation_send(invocation, &response.base);
}

static bool is_known(const struct health *health, const char *service) {
    return service[0] == '\0' || services_has(health->services, service);
}

static ServingStatus status_of(const struct health *health, bool known) {
    if (!known)
        return GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__SERVICE_UNKNOWN;
    return health->stopping
               ? GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__NOT_SERVING
               : GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__SERVING;
}

static void on_check(void *arg,
                     struct invocation *invocation,
                     const ProtobufCMessage *message) {
    const struct health *health = arg;
    const Grpc__Health__V1__HealthCheckRequest *request =
        (const Grpc__Health__V1__HealthCheckRequest *)message;
    Response response = GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__INIT;

    if (!is_known(health, request->service)) {
        invocation_finish(invocation, GRPC_NOT_FOUND, "unknown service %s",
                          request->service);
        return;
    }
    response.status = status_of(health, true);
    invocation_reply(invocation, &response.base);
}

static void on_watch_gone(struct invocation *invocation, void *user) {
    struct watcher *watcher = user;
    list_remove(&watcher->node);
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
    watcher->known = is_known(health, request->service);
    list_add_tail(&health->watchers, &watcher->node);
    invocation_set_user(invocation, watcher, on_watch_gone);
    send_status(invocation, status_of(health, watcher->known));
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

void health_stop(struct health *health) {
    health->stopping = true;
    list_for_each_safe(node, after, &health->watchers) {
        struct watcher *watcher = container_of(node, struct watcher, node);
        send_status(watcher->invocation, status_of(health, watcher->known));
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
