#include "hub/nodes/offers.h"

#include <stdlib.h>
#include <string.h>

#include "base/list.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/name.h"
#include "hub/nodes/node.h"
#include "hub/nodes/registry.h"
#include "loop/loop.h"
#include "loop/timer.h"
#include "roost/v1/link.pb-c.h"
#include "rpc/client.h"
#include "rpc/discovery.h"
#include "wire/pb.h"

enum {
    LIST_MAX = 256 << 10, /* bytes of one list */
    SERVICES_MAX = 1024,  /* of a node */
    AGAIN_MIN_MS = 5000,  /* before a stream that broke is opened again */
    AGAIN_MAX_MS = 600000,
};

struct offers {
    struct loop *loop;           /* borrowed */
    struct registry *registry;   /* borrowed */
    struct target *target;       /* borrowed: the session */
    struct node *node;           /* borrowed: the registry */
    struct client_call *client;  /* owned; NULL between streams */
    struct discovery *discovery; /* owned; NULL unless it is asked by reflection */
    struct timer again;
    unsigned again_ms;
};

static void start(struct offers *offers);

/* "package.Service" or "*": what is shown to people holds nothing else. */
static bool is_shown(const char *name) {
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                  "0123456789_.";
    size_t len = strlen(name);
    return len > 0 && len < 256 &&
           (strspn(name, allowed) == len || strcmp(name, "*") == 0) &&
           strncmp(name, "roost.v1.", 9) != 0;
}

static void add(struct node_services *services, const char *name, const char *back_end) {
    if (is_shown(name) && services->count < SERVICES_MAX &&
        (back_end[0] == '\0' || name_is_valid(back_end)))
        node_services_add(services, name, back_end);
}

static void take(struct offers *offers, struct node_services *services) {
    if (node_set_services(offers->node, services))
        registry_changed(offers->registry, offers->node);
}

/* --- an agent pushes its list --- */

static void on_message(void *user, struct slice bytes) {
    struct offers *offers = user;
    struct node_services services = { 0 };
    ProtobufCMessage *message;

    if (pb_unpack(&roost__v1__services_response__descriptor, bytes, &message) != 0)
        return;
    const Roost__V1__ServicesResponse *response =
        (const Roost__V1__ServicesResponse *)message;
    for (size_t i = 0; i < response->n_back_ends; i++) {
        const Roost__V1__BackEnd *back_end = response->back_ends[i];
        if (back_end->state != ROOST__V1__BACK_END__STATE__SERVING)
            continue;
        for (size_t k = 0; k < back_end->n_services; k++)
            add(&services, back_end->services[k], back_end->name);
        if (back_end->takes_all)
            add(&services, "*", back_end->name);
    }
    pb_free(message);
    take(offers, &services);
}

/* --- anybody else is asked once --- */

static void on_list(void *arg, char *const *names, size_t count) {
    struct offers *offers = arg;
    struct node_services services = { 0 };

    for (size_t i = 0; i < count; i++)
        add(&services, names[i], "");
    take(offers, &services);
}

static void on_asked(void *arg, enum grpc_status status, const char *why) {
    struct offers *offers = arg;

    if (status != GRPC_OK)
        log_debug("%s: it does not tell its services: %s", offers->node->name, why);
    offers->discovery = discovery_free(offers->discovery);
}

static void ask(struct offers *offers) {
    struct discovery_config config = {
        .loop = offers->loop,
        .target = offers->target,
        .on_list = on_list,
        .on_done = on_asked,
        .arg = offers,
    };
    offers->discovery = discovery_new(&config);
}

static void on_done(void *user,
                    enum grpc_status status,
                    const char *message,
                    const struct headers *trailers) {
    struct offers *offers = user;

    offers->client = NULL;
    if (status == GRPC_UNIMPLEMENTED) {
        ask(offers);
    } else if (status != GRPC_OK) {
        log_debug("%s: its list of services ended: %s", offers->node->name, message);
        timer_start(offers->loop, &offers->again, offers->again_ms);
        if (offers->again_ms < AGAIN_MAX_MS)
            offers->again_ms *= 2;
    }
}

static void start(struct offers *offers) {
    static const struct client_events events = {
        .on_message = on_message,
        .on_done = on_done,
    };
    Roost__V1__ServicesRequest request = ROOST__V1__SERVICES_REQUEST__INIT;
    struct client_request call = {
        .method = "/roost.v1.Link/Services",
        .message_max = LIST_MAX,
    };

    offers->client = client_start(offers->loop, offers->target, &call, &events, offers);
    client_send(offers->client, &request.base);
    client_end(offers->client);
}

static void on_again(struct timer *timer) {
    start(container_of(timer, struct offers, again));
}

struct offers *offers_new(struct loop *loop,
                          struct registry *registry,
                          struct target *target,
                          struct node *node) {
    struct offers *offers = mem_new(sizeof(*offers));
    struct node_services none = { 0 };

    *offers = (struct offers) {
        .loop = loop,
        .registry = registry,
        .target = target,
        .node = node,
        .again.fire = on_again,
        .again_ms = AGAIN_MIN_MS,
    };
    take(offers, &none);
    node->tells_services = false; /* it has not been asked yet */
    start(offers);
    return offers;
}

struct offers *offers_free(struct offers *offers) {
    if (!offers)
        return NULL;
    timer_stop(&offers->again);
    client_cancel(offers->client);
    discovery_free(offers->discovery);
    free(offers);
    return NULL;
}
