#include "hub/gateway_offer.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/list.h"
#include "base/mem.h"
#include "rpc/call.h"
#include "rpc/target.h"

struct gateway_offer {
    struct target target;
    struct target *agent; /* borrowed: whoever set it */
    char **names;         /* owned array of owned names */
    size_t count;
};

static bool has(const struct gateway_offer *offer, const char *service) {
    for (size_t i = 0; i < offer->count; i++)
        if (strcmp(offer->names[i], service) == 0)
            return true;
    return false;
}

static void start(struct target *target, struct call *call) {
    struct gateway_offer *offer = container_of(target, struct gateway_offer, target);
    char service[GATEWAY_OFFER_NAME_MAX + 1];

    if (!call->tunnel &&
        (!call_service_name(call, service, sizeof(service)) || !has(offer, service)))
        call_fail(call, GRPC_UNIMPLEMENTED, "the node does not serve %s", call->method);
    else
        call_start(call, offer->agent);
}

struct gateway_offer *gateway_offer_new(void) {
    struct gateway_offer *offer = mem_new(sizeof(*offer));

    offer->target.start = start;
    return offer;
}

static void forget(struct gateway_offer *offer) {
    for (size_t i = 0; i < offer->count; i++)
        free(offer->names[i]);
    free(TAKE(offer->names));
    offer->count = 0;
}

struct gateway_offer *gateway_offer_free(struct gateway_offer *offer) {
    if (!offer)
        return NULL;
    forget(offer);
    free(offer);
    return NULL;
}

/* "package.Service": letters, digits, dots and underscores. */
static bool is_name(const char *name) {
    size_t len = strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                              "0123456789._");
    return len > 0 && len <= GATEWAY_OFFER_NAME_MAX && name[len] == '\0';
}

const char *gateway_offer_set(struct gateway_offer *offer,
                              const Roost__V1__ConnectRequest__Hello *hello) {
    if (hello->n_services > GATEWAY_OFFER_SERVICES_MAX)
        return "it names more than 64 services";
    for (size_t i = 0; i < hello->n_services; i++) {
        if (!is_name(hello->services[i]))
            return "the name of a service is none";
        if (strncmp(hello->services[i], "roost.v1.", 9) == 0 ||
            strncmp(hello->services[i], "grpc.", 5) == 0)
            return "it names a service of the hub's own";
    }
    forget(offer);
    offer->names = mem_new_array(hello->n_services, sizeof(*offer->names));
    for (size_t i = 0; i < hello->n_services; i++)
        offer->names[offer->count++] = mem_strdup(hello->services[i]);
    return NULL;
}

void gateway_offer_lead(struct gateway_offer *offer, struct target *target) {
    offer->agent = target;
}

struct target *gateway_offer_target(struct gateway_offer *offer) {
    return &offer->target;
}
