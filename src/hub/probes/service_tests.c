#include "hub/probes/service_tests.h"

#include <stdlib.h>

#include "base/mem.h"
#include "hub/link/session.h"
#include "hub/nodes/node.h"
#include "hub/nodes/registry.h"
#include "hub/probes/speed_test.h"
#include "hub/probes/stability.h"
#include "roost/v1/probe.pb-c.h"
#include "rpc/call.h"
#include "rpc/client.h"
#include "rpc/invocation.h"
#include "rpc/services.h"

enum { MESSAGE_MAX = 65536 };

struct service_tests {
    struct services *services; /* owned: a set of their own, which nobody lists */
    struct speed_tests speeds;
    struct stabilities stabilities;
};

/* A SpeedTest that the node does by itself. */
struct passing {
    struct invocation *invocation; /* borrowed: until on_passing_gone */
    struct client_call *call;      /* owned; NULL at its end */
};

/* The node that the gate found: NULL, and it was answered. */
static struct node *node_of(struct service_tests *service,
                            struct invocation *invocation) {
    const struct call *call = invocation_call(invocation);
    const char *name = headers_get(&call->metadata, "roost-node");
    struct node *node = name ? registry_find(service->speeds.registry, name) : NULL;

    if (node && node->session)
        return node;
    invocation_finish(invocation, GRPC_UNAVAILABLE, "%s went offline",
                      name ? name : "the node");
    return NULL;
}

/* --- passing on --- */

static void on_passing_gone(struct invocation *invocation, void *user) {
    struct passing *passing = user;

    client_cancel(passing->call);
    free(passing);
}

static void on_message(void *user, struct slice message) {
    struct passing *passing = user;
    ProtobufCMessage *report;

    if (invocation_waiting(passing->invocation) > MESSAGE_MAX ||
        pb_unpack(&roost__v1__speed_test_report__descriptor, message, &report) != 0)
        return;
    invocation_send(passing->invocation, report);
    pb_free(report);
}

static void on_done(void *user,
                    enum grpc_status status,
                    const char *message,
                    const struct headers *trailers) {
    struct passing *passing = user;

    passing->call = NULL;
    invocation_finish(passing->invocation, status, "%s", message);
}

/* With what the gate says to nodes of who asks. */
static void pass_on(struct service_tests *service,
                    struct invocation *invocation,
                    const struct node *node,
                    const ProtobufCMessage *request) {
    static const struct client_events events = {
        .on_message = on_message,
        .on_done = on_done,
    };
    static const char *const fields[] = { "roost-user", "roost-role" };
    struct passing *passing = mem_new(sizeof(*passing));
    struct headers metadata;

    headers_init(&metadata);
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        const char *value =
            headers_get(&invocation_call(invocation)->metadata, fields[i]);
        if (value)
            headers_add(&metadata, fields[i], value);
    }
    struct client_request call = {
        .method = "/roost.v1.Probe/SpeedTest",
        .metadata = &metadata,
        .message_max = MESSAGE_MAX,
    };
    passing->invocation = invocation;
    invocation_set_user(invocation, passing, on_passing_gone);
    passing->call = client_start(service->speeds.loop, session_target(node->session),
                                 &call, &events, passing);
    client_send(passing->call, request);
    client_end(passing->call);
    headers_done(&metadata);
}

/* --- methods --- */

static void on_speed_test(void *arg,
                          struct invocation *invocation,
                          const ProtobufCMessage *message) {
    const Roost__V1__SpeedTestRequest *request =
        (const Roost__V1__SpeedTestRequest *)message;
    struct service_tests *service = arg;
    const struct node *node = node_of(service, invocation);

    if (!node)
        return;
    if (request->url[0] != '\0')
        pass_on(service, invocation, node, message);
    else
        speed_test_start(&service->speeds, invocation, node, request);
}

static void on_stability(void *arg,
                         struct invocation *invocation,
                         const ProtobufCMessage *message) {
    struct service_tests *service = arg;
    const struct node *node = node_of(service, invocation);

    if (node)
        stability_serve(&service->stabilities, invocation, node,
                        (const Roost__V1__StabilityRequest *)message);
}

static const struct service_method methods[] = {
    { "SpeedTest", SERVICE_SERVER_STREAM, on_speed_test },
    { "Stability", SERVICE_SERVER_STREAM, on_stability },
    { 0 },
};

struct service_tests *service_tests_new(const struct service_tests_config *config) {
    struct service_tests *service = mem_new(sizeof(*service));
    struct service table = {
        .descriptor = &roost__v1__probe__descriptor,
        .methods = methods,
        .arg = service,
    };

    service->speeds.loop = config->loop;
    service->speeds.registry = config->registry;
    list_init(&service->speeds.running);
    service->stabilities = (struct stabilities) {
        .loop = config->loop,
        .registry = config->registry,
        .echo = config->echo,
        .painters = config->painters,
        .udp_host = config->udp_host ? config->udp_host : "",
    };
    list_init(&service->stabilities.tests);
    service->services = services_new(MESSAGE_MAX);
    services_add(service->services, &table);
    return service;
}

struct target *service_tests_target(struct service_tests *service) {
    return services_target(service->services);
}

void service_tests_stop(struct service_tests *service) {
    stability_forget_all(&service->stabilities,
                         "the hub is being restarted: attach to the test again");
    services_stop(service->services);
}

struct service_tests *service_tests_free(struct service_tests *service) {
    if (!service)
        return NULL;
    stability_forget_all(&service->stabilities, "the hub ends");
    services_free(service->services);
    free(service);
    return NULL;
}
