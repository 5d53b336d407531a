#include "agent/link/service_link.h"

#include <stdlib.h>
#include <string.h>

#include "agent/config_expose.h"
#include "agent/expose/expose.h"
#include "agent/expose/offer.h"
#include "agent/link/hub_only.h"
#include "agent/setup/identity.h"
#include "base/list.h"
#include "base/log.h"
#include "base/mem.h"
#include "roost/v1/link.pb-c.h"
#include "rpc/call.h"
#include "rpc/invocation.h"
#include "rpc/services.h"
#include "wire/pb.h"

/* One Services stream. */
struct watcher {
    struct list node;
    struct service_link *service;  /* borrowed: outlives it, or has emptied the list */
    struct invocation *invocation; /* borrowed: until on_gone */
    bool is_stale;                 /* something changed since the last list */
};

struct service_link {
    struct identity *identity;   /* borrowed: main */
    const char *state;           /* borrowed: main */
    const struct expose *expose; /* borrowed: main */
    struct list watchers;        /* of struct watcher */
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

    if (!hub_only(invocation))
        return;
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

/* Fills a message from an offer; services is an array to be freed. */
static void describe(const struct offer *offer, Roost__V1__BackEnd *ret_message) {
    size_t count = 0;

    roost__v1__back_end__init(ret_message);
    while (offer_service_at(offer, count))
        count++;
    ret_message->name = pb_lend(offer_name(offer));
    ret_message->state = (Roost__V1__BackEnd__State)offer_state(offer);
    ret_message->message = pb_lend(offer_why(offer));
    ret_message->services = mem_new_array(count + 1, sizeof(char *));
    ret_message->n_services = count;
    for (size_t i = 0; i < count; i++)
        ret_message->services[i] = pb_lend(offer_service_at(offer, i));
    ret_message->takes_all = offer_takes_all(offer);
}

static void send_list(struct watcher *watcher) {
    Roost__V1__ServicesResponse response = ROOST__V1__SERVICES_RESPONSE__INIT;
    const struct expose *expose = watcher->service->expose;
    Roost__V1__BackEnd messages[CONFIG_EXPOSE_MAX];
    Roost__V1__BackEnd *pointers[CONFIG_EXPOSE_MAX];
    const struct offer *offer;

    watcher->is_stale = false;
    response.back_ends = pointers;
    while (response.n_back_ends < CONFIG_EXPOSE_MAX &&
           (offer = expose_at(expose, response.n_back_ends))) {
        pointers[response.n_back_ends] = &messages[response.n_back_ends];
        describe(offer, pointers[response.n_back_ends++]);
    }
    invocation_send(watcher->invocation, &response.base);
    for (size_t i = 0; i < response.n_back_ends; i++)
        free(messages[i].services);
}

/* A hub that does not take the last list gets the next when it has. */
static void on_drained(struct invocation *invocation, void *user) {
    struct watcher *watcher = user;

    if (watcher->is_stale && watcher->service)
        send_list(watcher);
}

static void on_watcher_gone(struct invocation *invocation, void *user) {
    struct watcher *watcher = user;

    list_remove(&watcher->node);
    free(watcher);
}

static void on_services(void *arg,
                        struct invocation *invocation,
                        const ProtobufCMessage *message) {
    struct service_link *service = arg;

    if (!hub_only(invocation))
        return;
    struct watcher *watcher = mem_new(sizeof(*watcher));
    *watcher = (struct watcher) { .service = service, .invocation = invocation };
    list_add_tail(&service->watchers, &watcher->node);
    invocation_set_user(invocation, watcher, on_watcher_gone);
    invocation_on_drained(invocation, on_drained);
    send_list(watcher);
}

static const struct service_method methods[] = {
    { "Services", SERVICE_SERVER_STREAM, on_services },
    { "Trust", SERVICE_UNARY, on_trust },
    { 0 },
};

struct service_link *service_link_new(struct services *services,
                                      struct identity *identity,
                                      const char *state,
                                      const struct expose *expose,
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
        .expose = expose,
        .on_trusted = on_trusted,
        .arg = arg,
    };
    list_init(&service->watchers);
    services_add(services, &table);
    return service;
}

void service_link_changed(struct service_link *service) {
    list_for_each_safe(node, after, &service->watchers) {
        struct watcher *watcher = container_of(node, struct watcher, node);
        if (invocation_waiting(watcher->invocation) > 0)
            watcher->is_stale = true;
        else
            send_list(watcher);
    }
}

void service_link_stop(struct service_link *service) {
    list_for_each_safe(node, after, &service->watchers) {
        struct watcher *watcher = container_of(node, struct watcher, node);
        invocation_finish(watcher->invocation, GRPC_OK, "%s", "");
    }
}

struct service_link *service_link_free(struct service_link *service) {
    struct list *node;

    if (!service)
        return NULL;
    while ((node = list_pop(&service->watchers)))
        container_of(node, struct watcher, node)->service = NULL; /* its end frees it */
    free(service);
    return NULL;
}
