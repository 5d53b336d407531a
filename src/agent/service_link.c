#include "agent/service_link.h"

#include <stdlib.h>
#include <string.h>

#include "agent/identity.h"
#include "base/log.h"
#include "base/mem.h"
#include "roost/v1/link.pb-c.h"
#include "rpc/call.h"
#include "rpc/invocation.h"
#include "rpc/services.h"

struct service_link {
    struct identity *identity; /* borrowed: main */
    const char *state;         /* borrowed: main */
    void (*on_trusted)(void *arg);
    void *arg; /* borrowed: main */
};

static void on_trust(void *arg,
                     struct invocation *invocation,
                     const ProtobufCMessage *message) {
    struct service_link *service = arg;
    const Roost__V1__TrustRequest *request = (const Roost__V1__TrustRequest *)message;
    Roost__V1__TrustResponse response = ROOST__V1__TRUST_RESPONSE__INIT;
    struct identity before = *service->identity;
    const struct headers *metadata = &invocation_call(invocation)->metadata;

    if (headers_get(metadata, "roost-user")) {
        invocation_finish(invocation, GRPC_PERMISSION_DENIED,
                          "only the hub itself may call this");
        return;
    }
    if (before.pin_count == 0) {
        invocation_finish(invocation, GRPC_FAILED_PRECONDITION,
                          "this agent trusts public certificates, not a pin");
        return;
    }
    if (!identity_set_pins(service->identity, request->pins, request->n_pins)) {
        invocation_finish(invocation, GRPC_INVALID_ARGUMENT, "1 to %d pins",
                          IDENTITY_PINS_MAX);
        return;
    }
    int r = identity_update(service->state, service->identity);
    if (r < 0) {
        *service->identity = before;
        invocation_finish(invocation, GRPC_INTERNAL, "%s: %s", service->state,
                          strerror(-r));
        return;
    }
    log_info("the hub announced a successor of its key; %zu pins are trusted now",
             service->identity->pin_count);
    response.pins = request->pins;
    response.n_pins = request->n_pins;
    invocation_reply(invocation, &response.base);
    service->on_trusted(service->arg);
}

static const struct service_method methods[] = {
    { "Trust", SERVICE_UNARY, on_trust },
    { 0 },
};

struct service_link *service_link_new(struct services *services,
                                      struct identity *identity,
                                      const char *state,
                                      void (*on_trusted)(void *arg),
                                      void *arg) {
    struct service_link *service = mem_new(sizeof(*service));
    struct service table = {
        .descriptor = &roost__v1__link__descriptor,
        .methods = methods,
        .arg = service,
    };

    *service = (struct service_link) {
        .identity = identity,
        .state = state,
        .on_trusted = on_trusted,
        .arg = arg,
    };
    services_add(services, &table);
    return service;
}

struct service_link *service_link_free(struct service_link *service) {
    free(service);
    return NULL;
}
