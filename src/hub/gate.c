#include "hub/gate.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "hub/access.h"
#include "hub/activity.h"
#include "hub/registry.h"
#include "hub/session.h"
#include "rpc/actor.h"
#include "rpc/call.h"
#include "rpc/link.h"
#include "rpc/services.h"
#include "rpc/target.h"

struct gate {
    struct target target;
    struct gate_config config;
};

/* What may be called without a credential. */
static const char *const open_methods[] = {
    "/grpc.health.v1.Health/Check",
    "/grpc.health.v1.Health/Watch",
    "/roost.v1.Tokens/Claim",
};

/* What an administrator alone may call of the hub; the rest looks at the actor itself. */
static const char *const admin_methods[] = {
    "/roost.v1.Admin/Storage",
    "/roost.v1.Tokens/Create",
    "/roost.v1.Tokens/List",
    "/roost.v1.Tokens/Revoke",
};

/* What agents serve to their hub alone: who says what is durable makes them forget it. */
static const char *const hub_only[] = {
    "/roost.v1.Link/",
    "/roost.v1.Host/Samples",
};

/* Node services that a viewer may call; everything else on a node needs the operator
 * role. */
static const char *const viewer_services[] = {
    "roost.v1.Host",
    "grpc.health.v1.Health",
    "grpc.reflection.v1.ServerReflection",
    "grpc.reflection.v1alpha.ServerReflection",
};

static bool is_open(const char *method) {
    for (size_t i = 0; i < sizeof(open_methods) / sizeof(open_methods[0]); i++)
        if (strcmp(open_methods[i], method) == 0)
            return true;
    return false;
}

/* The hub's credential leaves the metadata here; another authorization is the back end's.
 */
static char *take_credential(struct headers *metadata) {
    const char *bearer = link_bearer(metadata, "proxy-authorization");
    char *credential = mem_strdup(bearer);

    headers_remove(metadata, "proxy-authorization");
    if (credential)
        return credential;
    bearer = link_bearer(metadata, "authorization");
    if (!bearer || token_check(bearer) == TOKEN_E_FORM)
        return NULL;
    credential = mem_strdup(bearer);
    headers_remove(metadata, "authorization");
    return credential;
}

bool gate_knows(const struct target *target, const struct headers *head) {
    const struct gate *gate = container_of(target, struct gate, target);
    struct access_token *token = NULL;
    struct headers copy;

    headers_init(&copy);
    headers_add_all(&copy, head);
    char *credential = take_credential(&copy);
    bool knows = credential && access_find(gate->config.access, credential, ACCESS_CALLER,
                                           clock_wall_ms(), &token) == 0;
    if (credential)
        mem_wipe(credential, strlen(credential));
    free(credential);
    headers_done(&copy);
    return knows;
}

static bool authenticate(struct gate *gate, struct call *call) {
    struct access_token *token = NULL;
    char *credential = take_credential(&call->metadata);

    if (!credential) {
        if (!is_open(call->method))
            call_finish(call, GRPC_UNAUTHENTICATED,
                        "a credential is needed: authorization: Bearer TOKEN (roost "
                        "login makes one)",
                        NULL);
        return !call->finished;
    }
    int r = access_find(gate->config.access, credential, ACCESS_CALLER, clock_wall_ms(),
                        &token);
    mem_wipe(credential, strlen(credential));
    free(credential);
    if (r != 0) {
        call_finish(call, GRPC_UNAUTHENTICATED, access_error_text(r), NULL);
        return false;
    }
    token->used_ms = clock_wall_ms();
    call->actor = access_actor(token);
    return true;
}

/* Nothing of the caller's side of the hub reaches a node. */
static void clean_metadata(struct call *call) {
    struct headers kept;

    headers_init(&kept);
    for (size_t i = 0; i < call->metadata.count; i++) {
        const struct header *field = &call->metadata.fields[i];
        if (strncmp(field->name, "roost-", 6) != 0 && strcmp(field->name, "cookie") != 0)
            headers_add_slice(&kept, slice_of_text(field->name),
                              slice_of(field->value, field->value_len));
    }
    headers_add(&kept, "roost-user", call->actor->name);
    headers_done(&call->metadata);
    call->metadata = kept;
}

static bool is_hub_only(const char *method) {
    for (size_t i = 0; i < sizeof(hub_only) / sizeof(hub_only[0]); i++)
        if (strncmp(hub_only[i], method, strlen(hub_only[i])) == 0)
            return true;
    return false;
}

static bool is_for_viewers(const struct call *call) {
    char service[256];

    if (!call_service_name(call, service, sizeof(service)))
        return false;
    for (size_t i = 0; i < sizeof(viewer_services) / sizeof(viewer_services[0]); i++)
        if (strcmp(viewer_services[i], service) == 0)
            return true;
    return false;
}

static void fail_offline(struct call *call, const struct node *node) {
    char since[CLOCK_TEXT_LEN];

    if (node->last_seen_ms == 0) {
        call_fail(call, GRPC_UNAVAILABLE, "node \"%s\" has never been online",
                  node->name);
        return;
    }
    clock_print(node->last_seen_ms, since);
    call_fail(call, GRPC_UNAVAILABLE, "node \"%s\" is offline, last seen %s", node->name,
              since);
}

static void lead_to_node(struct gate *gate, struct call *call, const char *name) {
    struct node *node = registry_resolve(gate->config.registry, call->actor, name);
    if (!node) {
        call_fail(call, GRPC_NOT_FOUND, "no node \"%s\"", name);
        return;
    }
    if (is_hub_only(call->method)) {
        call_finish(call, GRPC_PERMISSION_DENIED, "only the hub itself may call this",
                    NULL);
        return;
    }
    enum actor_role needed = is_for_viewers(call) ? ACTOR_VIEWER : ACTOR_OPERATOR;
    if (actor_role_on(call->actor, node->name) < needed) {
        call_fail(call, GRPC_PERMISSION_DENIED, "%s on \"%s\" needs the role %s",
                  call->method, node->name, actor_role_name(needed));
        return;
    }
    if (!node->session) {
        fail_offline(call, node);
        return;
    }
    if (needed > ACTOR_VIEWER)
        activity_add(gate->config.activity, call->tunnel ? "tunnel" : "call", node->name,
                     call->actor->name, "%s", call->tunnel ? call->tunnel : call->method);
    clean_metadata(call);
    call_start(call, session_target(node->session));
}

static void lead_to_hub(struct gate *gate, struct call *call) {
    bool admin = !call->actor || call->actor->admin;

    for (size_t i = 0; !admin && i < sizeof(admin_methods) / sizeof(admin_methods[0]);
         i++)
        if (strcmp(admin_methods[i], call->method) == 0)
            call_finish(call, GRPC_PERMISSION_DENIED, "only an administrator may do this",
                        NULL);
    if (!call->finished)
        call_start(call, services_target(gate->config.services));
}

static void start(struct target *target, struct call *call) {
    struct gate *gate = container_of(target, struct gate, target);

    if (!authenticate(gate, call))
        return;
    const char *name = headers_get(&call->metadata, "roost-node");
    if (!name)
        name = headers_get(&call->metadata, "name");
    if (!name && call->tunnel)
        call_finish(call, GRPC_INVALID_ARGUMENT,
                    "a tunnel starts at a node: name it with the field \"name\"", NULL);
    else if (!name)
        lead_to_hub(gate, call);
    else if (!call->actor)
        call_finish(call, GRPC_UNAUTHENTICATED, "a credential is needed to call a node",
                    NULL);
    else
        lead_to_node(gate, call, name);
}

struct gate *gate_new(const struct gate_config *config) {
    struct gate *gate = mem_new(sizeof(*gate));

    gate->target.start = start;
    gate->config = *config;
    return gate;
}

struct gate *gate_free(struct gate *gate) {
    free(gate);
    return NULL;
}

struct target *gate_target(struct gate *gate) {
    return &gate->target;
}
