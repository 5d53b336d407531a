#include "agent/link/router.h"

#include <stdlib.h>

#include "base/list.h"
#include "base/mem.h"
#include "rpc/call.h"
#include "rpc/services.h"
#include "rpc/target.h"

enum { SERVICE_NAME_MAX = 256 };

struct router {
    struct target target;
    struct services *services; /* borrowed: outlives us */
    struct target *exposed;    /* borrowed: outlives us; or NULL */
    struct target *tunnels;    /* borrowed: outlives us; or NULL */
};

static struct target *find_target(const struct router *router, const struct call *call) {
    char service[SERVICE_NAME_MAX];

    if (call->tunnel && router->tunnels)
        return router->tunnels;
    if (!router->exposed || !call_service_name(call, service, sizeof(service)) ||
        services_keeps(router->services, service))
        return services_target(router->services);
    return router->exposed;
}

static void start(struct target *target, struct call *call) {
    struct router *router = container_of(target, struct router, target);
    call_start(call, find_target(router, call));
}

struct router *router_new(struct services *services) {
    struct router *router = mem_new(sizeof(*router));

    *router = (struct router) { .target.start = start, .services = services };
    return router;
}

struct router *router_free(struct router *router) {
    free(router);
    return NULL;
}

void router_expose(struct router *router, struct target *exposed) {
    router->exposed = exposed;
}

void router_tunnel(struct router *router, struct target *tunnels) {
    router->tunnels = tunnels;
}

struct target *router_target(struct router *router) {
    return &router->target;
}
