#include "hub/gate.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "hub/access.h"
#include "hub/older.h"
#include "hub/registry.h"
#include "hub/roles.h"
#include "hub/session.h"
#include "hub/traffic.h"
#include "rpc/actor.h"
#include "rpc/call.h"
#include "rpc/link.h"
#include "rpc/services.h"
#include "rpc/target.h"

struct gate {
    struct target target;
    struct gate_config config;
    bool let_anonymous;
};

/* The hub's credential leaves the metadata here; another authorization is the back end's.
 */
static char *take_credential(struct headers *metadata) {
    const char *bearer = link_bearer(metadata, "proxy-authorization");
    char *credential = mem_strdup(bearer);

    headers_remove(metadata, "proxy-authorization");
    if (credential)
        return credential;
    bearer = link_bearer(metadata, "authorization");
    if (!bearer || !token_has_form(bearer))
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

/* May it go on without a credential? */
static bool is_let_in(const struct gate *gate, const struct call *call) {
    return roles_is_open(call->method) ||
           (gate->let_anonymous && call->is_plain && older_is_anonymous(call->method));
}

static bool authenticate(struct gate *gate, struct call *call) {
    struct access_token *token = NULL;
    char *credential = take_credential(&call->metadata);

    if (!credential) {
        if (!is_let_in(gate, call))
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
static bool goes_to_nodes(const struct header *field) {
    return strncmp(field->name, "roost-", 6) != 0 && strcmp(field->name, "cookie") != 0;
}

static void clean_metadata(struct call *call) {
    headers_filter(&call->metadata, goes_to_nodes);
    headers_add(&call->metadata, "roost-user",
                call->actor ? call->actor->name : "anonymous");
}

static void fail_unknown(struct call *call, const char *name) {
    if (older_is_external(call->method))
        older_fail_absent(call);
    else if (name[0] == '\0')
        call_finish(call, GRPC_NOT_FOUND, "the metadata key name is empty: which node?",
                    NULL);
    else
        call_fail(call, GRPC_NOT_FOUND, "no node \"%s\"", name);
}

static void fail_offline(struct call *call, const struct node *node) {
    char since[CLOCK_TEXT_LEN];

    if (older_is_external(call->method)) {
        older_fail_absent(call);
        return;
    }
    if (node->last_seen_ms == 0) {
        call_fail(call, GRPC_UNAVAILABLE, "node \"%s\" has never been online",
                  node->name);
        return;
    }
    clock_print(node->last_seen_ms, since);
    call_fail(call, GRPC_UNAVAILABLE, "node \"%s\" is offline, last seen %s", node->name,
              since);
}

/* The node that the caller means, as far as he may know of it. */
static struct node *find_node(const struct gate *gate,
                              const struct call *call,
                              const char *name) {
    if (call->actor)
        return registry_resolve(gate->config.registry, call->actor, name);
    struct node *node = registry_find(gate->config.registry, name);
    return node && node->anonymous ? node : NULL;
}

static bool may_call(struct call *call, const struct node *node) {
    enum actor_role needed = roles_needed(call->method);

    if (roles_is_hub_only(call->method))
        call_finish(call, GRPC_PERMISSION_DENIED, "only the hub itself may call this",
                    NULL);
    else if (call->actor && actor_role_on(call->actor, node->name) < needed)
        call_fail(call, GRPC_PERMISSION_DENIED,
                  "%s on \"%s\" needs the role %s; \"%s\" is %s there", call->method,
                  node->name, actor_role_name(needed), call->actor->name,
                  actor_role_name(actor_role_on(call->actor, node->name)));
    return !call->finished;
}

static void lead_to_node(struct gate *gate, struct call *call, const char *name) {
    struct node *node = find_node(gate, call, name);
    if (!node) {
        fail_unknown(call, name);
        return;
    }
    if (!may_call(call, node))
        return;
    if (!node->session) {
        fail_offline(call, node);
        return;
    }
    traffic_begin(gate->config.traffic, call, node->name);
    clean_metadata(call);
    if (older_is_external(call->method))
        older_begin(call);
    call_start(call, session_target(node->session));
}

/* No service of ours, and no node is named. */
static void fail_homeless(struct call *call) {
    if (call->tunnel)
        call_finish(call, GRPC_INVALID_ARGUMENT,
                    "a tunnel starts at a node: name it with the field \"name\"", NULL);
    else if (older_is_external(call->method))
        older_fail_nameless(call);
    else if (older_is_internal(call->method))
        older_fail_unknown(call);
    else
        call_fail(
            call, GRPC_UNIMPLEMENTED,
            "the hub has no method %s; for a node's, say which: metadata name: NODE",
            call->method);
}

static void lead_to_hub(struct gate *gate, struct call *call) {
    enum service_kind kind;
    const ProtobufCMethodDescriptor *types;

    if (!services_find(gate->config.services, call->method, &kind, &types))
        fail_homeless(call);
    else if (call->actor && !call->actor->admin && roles_is_admin_only(call->method))
        call_finish(call, GRPC_PERMISSION_DENIED, "only an administrator may do this",
                    NULL);
    else
        call_start(call, services_target(gate->config.services));
}

/* The node or group that the call names; NULL: the hub itself is meant. */
static const char *name_of(const struct call *call) {
    const char *name = headers_get(&call->metadata, "roost-node");

    if (older_is_internal(call->method))
        return NULL; /* the older hub looks at the method first */
    return name ? name : headers_get(&call->metadata, "name");
}

static void start(struct target *target, struct call *call) {
    struct gate *gate = container_of(target, struct gate, target);

    if (!authenticate(gate, call))
        return;
    const char *name = name_of(call);
    if (!name)
        lead_to_hub(gate, call);
    else if (!call->actor && !older_is_external(call->method))
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

void gate_let_anonymous(struct gate *gate, bool anonymous) {
    gate->let_anonymous = anonymous;
}

struct target *gate_target(struct gate *gate) {
    return &gate->target;
}
