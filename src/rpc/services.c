#include "rpc/services.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/list.h"
#include "base/mem.h"
#include "loop/loop.h"
#include "rpc/call.h"
#include "rpc/invocation.h"
#include "rpc/target.h"

enum { SERVICES_MAX = 32 };

struct services {
    struct target target;
    size_t message_max;
    struct service list[SERVICES_MAX];
    size_t count;
    struct list running; /* invocations */
    bool stopping;
};

static const struct service *find_service(const struct services *services,
                                          const char *name,
                                          size_t len) {
    for (size_t i = 0; i < services->count; i++) {
        const char *full = services->list[i].descriptor->name;
        if (strncmp(full, name, len) == 0 && full[len] == '\0')
            return &services->list[i];
    }
    return NULL;
}

static const struct service_method *find_method(const struct service *service,
                                                const char *name) {
    for (const struct service_method *method = service->methods; method->name; method++)
        if (strcmp(method->name, name) == 0)
            return method;
    return NULL;
}

static const ProtobufCMethodDescriptor *find_types(const struct service *service,
                                                   const char *name) {
    return protobuf_c_service_descriptor_get_method_by_name(service->descriptor, name);
}

static void start(struct target *target, struct call *call) {
    struct services *services = container_of(target, struct services, target);
    const char *slash = call->method[0] == '/' ? strchr(call->method + 1, '/') : NULL;
    const struct service *service =
        slash
            ? find_service(services, call->method + 1, (size_t)(slash - call->method) - 1)
            : NULL;
    if (!service) {
        call_fail(call, GRPC_UNIMPLEMENTED, "unknown service in %s", call->method);
        return;
    }
    const struct service_method *method = find_method(service, slash + 1);
    if (!method) {
        call_fail(call, GRPC_UNIMPLEMENTED, "unknown method %s of service %s", slash + 1,
                  service->descriptor->name);
        return;
    }
    if (services->stopping && method->kind != SERVICE_UNARY) {
        call_finish(call, GRPC_UNAVAILABLE, "the server stops", NULL);
        return;
    }
    struct invocation_config config = {
        .method = method,
        .arg = service->arg,
        .request_type = find_types(service, method->name)->input,
        .message_max = services->message_max,
        .running = &services->running,
    };
    invocation_start(call, &config);
}

struct services *services_new(size_t message_max) {
    struct services *services = mem_new(sizeof(*services));
    services->target.start = start;
    services->message_max = message_max;
    list_init(&services->running);
    return services;
}

void services_limit(struct services *services, size_t message_max) {
    services->message_max = message_max;
}

struct services *services_free(struct services *services) {
    if (!services)
        return NULL;
    while (list_pop(&services->running)) {
        /* Its own end frees it; it only must not find us. */
    }
    free(services);
    return NULL;
}

void services_stop(struct services *services) {
    services->stopping = true;
    invocation_stop_streams(&services->running);
}

void services_add(struct services *services, const struct service *service) {
    assert(services->count < SERVICES_MAX);
    for (const struct service_method *method = service->methods; method->name; method++)
        assert(find_types(service, method->name));
    services->list[services->count++] = *service;
}

struct target *services_target(struct services *services) {
    return &services->target;
}

bool services_has(const struct services *services, const char *service_name) {
    return find_service(services, service_name, strlen(service_name)) != NULL;
}

bool services_keeps(const struct services *services, const char *service_name) {
    const struct service *service =
        find_service(services, service_name, strlen(service_name));

    return service && !service->yields;
}

const struct service *services_at(const struct services *services, size_t i) {
    return i < services->count ? &services->list[i] : NULL;
}

bool services_find(const struct services *services,
                   const char *path,
                   enum service_kind *ret_kind,
                   const ProtobufCMethodDescriptor **ret_types) {
    const char *slash = path[0] == '/' ? strchr(path + 1, '/') : NULL;
    if (!slash)
        return false;
    const struct service *service =
        find_service(services, path + 1, (size_t)(slash - path) - 1);
    const struct service_method *method =
        service ? find_method(service, slash + 1) : NULL;
    if (!method)
        return false;
    *ret_kind = method->kind;
    *ret_types = find_types(service, method->name);
    return true;
}
