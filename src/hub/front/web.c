#include "hub/front/web.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/version.h"
#include "hub/front/node_types.h"
#include "hub/gate/gate.h"
#include "hub/link/link_door.h"
#include "hub/metrics/scrape.h"
#include "hub/older/health_page.h"
#include "hub/older/hubws_door.h"
#include "hub/talk/telegram_door.h"
#include "loop/listener.h"
#include "roost/v1/host.pb-c.h"
#include "rpc/connect.h"
#include "rpc/exchange.h"
#include "rpc/link_accept.h"
#include "rpc/origin.h"
#include "rpc/services.h"

struct web {
    struct web_config config;
    struct connect_config connect;
    struct services
        *node_services; /* owned: types of what nodes serve; never called here */
    struct node_types *node_types; /* owned: of what else they serve */
    bool closed;                   /* to all but calls */
};

static bool find(void *arg,
                 const char *path,
                 enum service_kind *ret_kind,
                 const ProtobufCMethodDescriptor **ret_types) {
    const struct web *web = arg;
    return services_find(web->config.services, path, ret_kind, ret_types) ||
           services_find(web->node_services, path, ret_kind, ret_types);
}

static void *learn(void *arg,
                   const struct exchange *exchange,
                   struct connect_request *request) {
    const struct web *web = arg;
    return node_types_learn(web->node_types, exchange, request);
}

static void forget(void *arg, void *lesson) {
    const struct web *web = arg;
    node_types_forget(web->node_types, lesson);
}

struct web *web_new(const struct web_config *config) {
    static const struct service_method host_methods[] = {
        { "Describe", SERVICE_UNARY, NULL },
        { "Samples", SERVICE_BIDI, NULL },
        { 0 },
    };
    struct web *web = mem_new(sizeof(*web));
    struct service host = {
        .descriptor = &roost__v1__host__descriptor,
        .methods = host_methods,
    };

    web->config = *config;
    web->connect = (struct connect_config) {
        .loop = config->loop,
        .target = config->gate,
        .message_max = config->message_max,
        .find = find,
        .learn = learn,
        .forget = forget,
        .arg = web,
    };
    struct node_types_config types = {
        .loop = config->loop,
        .registry = config->registry,
        .gate = config->gate,
    };
    web->node_types = node_types_new(&types);
    web->node_services = services_new(config->message_max);
    services_add(web->node_services, &host);
    return web;
}

struct web *web_free(struct web *web) {
    if (!web)
        return NULL;
    services_free(web->node_services);
    node_types_free(web->node_types);
    free(web);
    return NULL;
}

void web_close(struct web *web) {
    web->closed = true;
}

void web_limit(struct web *web, size_t message_max) {
    web->connect.message_max = message_max;
    services_limit(web->node_services, message_max);
}

static void answer_text(struct exchange *exchange, unsigned status, const char *text) {
    exchange_answer(exchange, status, "text/plain; charset=utf-8", slice_of_text(text));
    exchange_release(exchange);
}

static void serve_page(struct exchange *exchange) {
    const char *method = exchange_method(exchange);
    const char *path = exchange_path(exchange);

    if (strcmp(path, "/") == 0 &&
        (strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0))
        answer_text(exchange, 200,
                    "This is a Roost hub, version " ROOST_VERSION
                    ".\nReach it with: roost login https://HOST:PORT --code CODE\n");
    else
        connect_refuse(exchange, 404, GRPC_UNIMPLEMENTED, "nothing is here");
}

/* "/package.Service/Method": two segments, the first with a dot. */
static bool is_api(const char *path) {
    const char *slash = path[0] == '/' ? strchr(path + 1, '/') : NULL;
    const char *dot = strchr(path, '.');
    return slash && dot && dot < slash;
}

/* The call itself begins when the body is there, of which strangers may send little. */
static void serve_api(struct web *web, struct exchange *exchange) {
    if (gate_knows(web->config.gate, exchange->head))
        listener_vouch(exchange->conn);
    connect_serve(&web->connect, exchange);
}

void web_serve(struct web *web, struct exchange *exchange) {
    enum link_transport transport;

    if (!origin_is_allowed(exchange, web->config.hosts))
        connect_refuse(exchange, 403, GRPC_PERMISSION_DENIED,
                       "requests of pages of another origin are refused");
    else if (web->closed && !is_api(exchange_path(exchange)))
        link_accept_refuse(exchange, 503, LINK_ERROR_BUSY,
                           "the hub is being restarted: ask again");
    else if (link_accept_is_asked(exchange, &transport))
        link_door_take(web->config.admission, web->config.links, exchange, transport);
    else if (strcmp(exchange_path(exchange), LINK_PATH) == 0)
        link_accept_refuse(
            exchange, 426, "upgrade-required",
            "links need Upgrade: ptth, or a WebSocket of protocol ptth.h2");
    else if (hubws_door_is_asked(exchange))
        hubws_door_take(web->config.hubws, exchange);
    else if (health_page_is_asked(exchange))
        health_page_serve(web->config.health, exchange);
    else if (scrape_is_asked(exchange))
        scrape_serve(web->config.scrape, exchange);
    else if (strcmp(exchange_path(exchange), TELEGRAM_DOOR_PATH) == 0)
        telegram_door_serve(web->config.telegram, exchange);
    else if (is_api(exchange_path(exchange)))
        serve_api(web, exchange);
    else
        serve_page(exchange);
}
