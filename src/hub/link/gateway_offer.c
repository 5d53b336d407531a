#include "hub/link/gateway_offer.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/list.h"
#include "base/mem.h"
#include "hub/nodes/node.h"
#include "rpc/call.h"
#include "rpc/fileset.h"
#include "rpc/health.h"
#include "rpc/reflection.h"
#include "rpc/services.h"
#include "rpc/target.h"

enum { QUESTION_MAX = 65536 }; /* of reflection or health: a name */

struct gateway_offer {
    struct target target;
    struct target *agent;          /* borrowed: whoever set it */
    struct services *services;     /* owned: what is answered here */
    struct reflection *reflection; /* owned */
    struct health *health;         /* owned */
    struct reflection_others described;
    struct health_others healthy;
    struct fileset *files; /* owned; NULL: nothing is described */
    char **names;          /* owned array of owned names */
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

    bool is_method = call_service_name(call, service, sizeof(service));
    bool is_ours = is_method && services_has(offer->services, service);

    if (is_ours && !call->tunnel)
        call_start(call, services_target(offer->services));
    else if (call->tunnel || (is_method && has(offer, service)))
        call_start(call, offer->agent);
    else if (!is_method)
        call_fail(call, GRPC_UNIMPLEMENTED, "%s is no method", call->method);
    else
        call_fail(call, GRPC_UNIMPLEMENTED, "the node does not serve %s", service);
}

static const char *service_at(void *arg, size_t i) {
    const struct gateway_offer *offer = arg;
    return i < offer->count ? offer->names[i] : NULL;
}

static bool files_at(void *arg, size_t i, struct slice *ret_files) {
    const struct gateway_offer *offer = arg;

    if (i > 0 || !offer->files)
        return false;
    *ret_files = fileset_bytes(offer->files);
    return true;
}

static enum health_status status_of(void *arg, const char *service) {
    return has(arg, service) ? HEALTH_STATUS_SERVING : HEALTH_STATUS_UNKNOWN;
}

struct gateway_offer *gateway_offer_new(void) {
    struct gateway_offer *offer = mem_new(sizeof(*offer));

    *offer = (struct gateway_offer) {
        .target.start = start,
        .services = services_new(QUESTION_MAX),
        .described = { service_at, files_at, offer },
        .healthy = { .status_of = status_of, .arg = offer },
    };
    offer->reflection = reflection_new(offer->services);
    offer->health = health_new(offer->services);
    reflection_add_others(offer->reflection, &offer->described);
    health_add_others(offer->health, &offer->healthy);
    return offer;
}

static void forget(struct gateway_offer *offer) {
    for (size_t i = 0; i < offer->count; i++)
        free(offer->names[i]);
    free(TAKE(offer->names));
    offer->count = 0;
    offer->files = fileset_free(offer->files);
}

struct gateway_offer *gateway_offer_free(struct gateway_offer *offer) {
    if (!offer)
        return NULL;
    health_stop(offer->health);
    services_stop(offer->services);
    reflection_free(offer->reflection);
    health_free(offer->health);
    services_free(offer->services);
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

static const char *check_names(const Roost__V1__ConnectRequest__Hello *hello) {
    if (hello->n_services > GATEWAY_OFFER_SERVICES_MAX)
        return "it names more than 64 services";
    for (size_t i = 0; i < hello->n_services; i++) {
        if (!is_name(hello->services[i]))
            return "the name of a service is none";
        if (strncmp(hello->services[i], "roost.v1.", 9) == 0 ||
            strncmp(hello->services[i], "grpc.", 5) == 0)
            return "it names a service that the hub answers";
    }
    return NULL;
}

const char *gateway_offer_set(struct gateway_offer *offer,
                              const Roost__V1__ConnectRequest__Hello *hello) {
    struct slice descriptors = slice_of(hello->descriptors.data, hello->descriptors.len);
    struct fileset *files = fileset_new();
    const char *fault = check_names(hello);

    int r = fault || descriptors.len == 0 ? 0 : fileset_add_set(files, descriptors);
    if (r != 0)
        fault = r == FILESET_E_TOO_BIG ? "its descriptors are over 1 MiB"
                                       : "its descriptors are no FileDescriptorSet";
    if (fault) {
        fileset_free(files);
        return fault;
    }
    forget(offer);
    offer->files = files;
    offer->names = mem_new_array(hello->n_services, sizeof(*offer->names));
    for (size_t i = 0; i < hello->n_services; i++)
        if (!has(offer, hello->services[i]))
            offer->names[offer->count++] = mem_strdup(hello->services[i]);
    health_changed(offer->health);
    return NULL;
}

void gateway_offer_list(const struct gateway_offer *offer,
                        struct node_services *services) {
    for (size_t i = 0; i < offer->count; i++)
        node_services_add(services, offer->names[i], "");
}

void gateway_offer_lead(struct gateway_offer *offer, struct target *target) {
    offer->agent = target;
}

struct target *gateway_offer_target(struct gateway_offer *offer) {
    return &offer->target;
}
