#include "hub/gate/gate.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "hub/activity/traffic.h"
#include "hub/acts/acting_methods.h"
#include "hub/acts/acts.h"
#include "hub/gate/refusal.h"
#include "hub/gate/roles.h"
#include "hub/gate/underway.h"
#include "hub/gate/waiting.h"
#include "hub/groups/group.h"
#include "hub/groups/group_health.h"
#include "hub/groups/group_lead.h"
#include "hub/groups/groups.h"
#include "hub/link/session.h"
#include "hub/nodes/registry.h"
#include "hub/older/older.h"
#include "hub/people/access.h"
#include "loop/loop.h"
#include "rpc/actor.h"
#include "rpc/call.h"
#include "rpc/link.h"
#include "rpc/services.h"
#include "rpc/target.h"

struct gate {
    struct target target;
    struct target again;  /* for calls that did not arrive */
    struct target inside; /* of calls with an actor */
    char *authority;      /* owned: of those; NULL: unknown */
    struct gate_config config;
    struct acts *acts;           /* owned */
    struct waiting *waiting;     /* owned */
    struct group_health *health; /* owned */
    bool closed;                 /* to calls of our own services */
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

static bool is_served(const struct gate *gate, const char *method) {
    enum service_kind kind;
    const ProtobufCMethodDescriptor *types;

    return services_find(gate->config.services, method, &kind, &types);
}

/* The older hub tells anybody which methods there are not. */
static void refuse_stranger(const struct gate *gate, struct call *call) {
    if (gate->let_anonymous && call->is_plain && !is_served(gate, call->method))
        older_fail_unknown(call);
    else
        call_finish(call, GRPC_UNAUTHENTICATED,
                    "a credential is needed: authorization: Bearer TOKEN (roost login "
                    "makes one)",
                    NULL);
}

static bool authenticate(struct gate *gate, struct call *call) {
    struct access_token *token = NULL;
    char *credential = take_credential(&call->metadata);

    if (!credential) {
        if (!is_let_in(gate, call))
            refuse_stranger(gate, call);
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
    if (access_actor_users(token) > gate->config.calls_per_caller)
        refusal_many(call, gate->config.calls_per_caller);
    else
        underway_begin(gate->config.underway, call);
    return !call->finished;
}

/* Nothing of the caller's side of the hub reaches a node. */
static bool goes_to_nodes(const struct header *field) {
    return strncmp(field->name, "roost-", 6) != 0 && strcmp(field->name, "cookie") != 0;
}

static void clean_metadata(struct call *call, const struct node *node) {
    headers_filter(&call->metadata, goes_to_nodes);
    headers_add(&call->metadata, "roost-user",
                call->actor ? call->actor->name : "anonymous");
    if (call->actor)
        headers_add(&call->metadata, "roost-role",
                    actor_role_name(node_role(node, call->actor)));
}

/* The node that the caller means, as far as he may know of it. */
static struct node *find_node(const struct gate *gate,
                              const struct call *call,
                              const char *name) {
    if (call->actor)
        return registry_resolve(gate->config.registry, call->actor, name);
    return registry_find_anonymous(gate->config.registry, name);
}

static void refuse_role(struct gate *gate,
                        struct call *call,
                        const struct node *node,
                        enum actor_role role) {
    refusal_role(call, node->name, role, roles_needed(call->method));
    acts_refuse(gate->acts, call, node);
}

static bool may_call(struct gate *gate, struct call *call, const struct node *node) {
    enum actor_role needed = roles_needed(call->method);
    enum actor_role role = node_role(node, call->actor);

    if (roles_is_hub_only(call->method))
        refusal_hub_only(call);
    else if (call->actor && role < needed)
        refuse_role(gate, call, node, role);
    return !call->finished;
}

static void send_to_node(const struct gate *gate, struct call *call, struct node *node) {
    underway_lead(call, node, roles_needed(call->method));
    acts_send(call);
    clean_metadata(call, node);
    if (older_is_external(call->method))
        older_begin(call);
    if (roles_is_hub_led(call->method)) {
        headers_add(&call->metadata, "roost-node", node->name);
        call_start(call, gate->config.tests);
    } else {
        call_start(call, session_target(node->session));
    }
}

static void lead_to_group(struct gate *gate, struct call *call, struct group *group) {
    struct group_lead_answer answer;

    if (roles_is_hub_only(call->method)) {
        refusal_hub_only(call);
        return;
    }
    if (acting_methods_find(call->method)) {
        call_finish(call, GRPC_INVALID_ARGUMENT,
                    "an act is for one node: name it instead of the group", NULL);
        return;
    }
    group_lead_choose(group, gate->health, call, loop_now_ms(gate->config.loop), &answer);
    if (!answer.member && answer.reachable == 0 && answer.down &&
        waiting_add(gate->waiting, call, answer.down))
        return;
    if (!answer.member) {
        group_lead_refuse(call, call->destination, &answer);
        return;
    }
    struct node *node = answer.member->node;
    traffic_begin(gate->config.traffic, call, node->name);
    group_lead_begin(call, answer.member);
    send_to_node(gate, call, node);
}

static void lead_to_node(struct gate *gate, struct call *call) {
    struct node *node = find_node(gate, call, call->destination);

    if (!node)
        refusal_unknown(call, call->destination);
    else if (!may_call(gate, call, node))
        return;
    else if (!waiting_is_reachable(node)) {
        if (!waiting_add(gate->waiting, call, node))
            refusal_offline(call, node);
    } else if (!acts_take(gate->acts, call, node)) {
        traffic_begin(gate->config.traffic, call, node->name);
        send_to_node(gate, call, node);
    }
}

/* No node has the name of a group, but a title may be the same. */
static void lead(struct gate *gate, struct call *call) {
    const struct groups_row *row =
        call->actor ? groups_find(gate->config.groups, call->destination) : NULL;

    if (row)
        lead_to_group(gate, call, row->group);
    else
        lead_to_node(gate, call);
}

/* The node for which the call waited did not come back. */
static void give_up(void *arg, struct call *call, const char *name) {
    struct gate *gate = arg;
    struct node *node = registry_find(gate->config.registry, name);

    if (node)
        refusal_offline(call, node);
    else
        refusal_unknown(call, name);
}

static void lead_to_hub(struct gate *gate, struct call *call) {
    if (gate->closed)
        call_finish(call, GRPC_UNAVAILABLE,
                    "the hub is being restarted: ask again on a new connection", NULL);
    else if (!is_served(gate, call->method))
        refusal_homeless(call);
    else if (call->actor && !actor_is_admin(call->actor) &&
             roles_is_admin_only(call->method))
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

/* An agent comes with the credential of a node, which the service looks at itself: `name`
 * is whom it wants to be. */
static void lead_agent(struct gate *gate, struct call *call) {
    const char *bearer = link_bearer(&call->metadata, "authorization");
    struct access_token *token = NULL;
    int64_t now_ms = clock_wall_ms();

    if (bearer &&
        (access_find(gate->config.access, bearer, ACCESS_NODE, now_ms, &token) == 0 ||
         access_find(gate->config.access, bearer, ACCESS_JOIN, now_ms, &token) == 0))
        call->actor = access_actor(token); /* who may do nothing; but no stranger */
    lead_to_hub(gate, call);
}

/* The call, which was let in, finds its way. */
static void go_on(struct gate *gate, struct call *call) {
    const char *name = name_of(call);

    if (!name) {
        lead_to_hub(gate, call);
        return;
    }
    if (!call->actor && !older_is_external(call->method)) {
        call_finish(call, GRPC_UNAUTHENTICATED, "a credential is needed to call a node",
                    NULL);
        return;
    }
    call->destination = mem_strdup(name);
    call->again = &gate->again;
    lead(gate, call);
}

static void start(struct target *target, struct call *call) {
    struct gate *gate = container_of(target, struct gate, target);

    if (roles_is_for_agents(call->method))
        lead_agent(gate, call);
    else if (authenticate(gate, call))
        go_on(gate, call);
}

/* Who asks was found out by somebody in this process. */
static void start_inside(struct target *target, struct call *call) {
    struct gate *gate = container_of(target, struct gate, inside);

    if (!call->authority)
        call->authority = mem_strdup(gate->authority);
    if (call->actor)
        underway_begin(gate->config.underway, call);
    else if (!roles_is_open(call->method))
        refuse_stranger(gate, call);
    if (!call->finished)
        go_on(gate, call);
}

/* A call that was let in before, and has to find its way anew. */
static void start_again(struct target *target, struct call *call) {
    lead(container_of(target, struct gate, again), call);
}

struct gate *gate_new(const struct gate_config *config) {
    struct gate *gate = mem_new(sizeof(*gate));

    gate->target.start = start;
    gate->again.start = start_again;
    gate->inside.start = start_inside;
    gate->config = *config;
    struct waiting_config waiting = {
        .loop = config->loop,
        .registry = config->registry,
        .again = &gate->again,
        .give_up = give_up,
        .arg = gate,
    };
    gate->waiting = waiting_new(&waiting);
    gate->health = group_health_new(config->loop);
    struct acts_config acts = {
        .loop = config->loop,
        .store = config->store,
        .activity = config->activity,
        .approvals = config->approvals,
        .registry = config->registry,
        .underway = config->underway,
        .again = &gate->again,
        .last_id = config->last_act_id,
    };
    gate->acts = acts_new(&acts);
    return gate;
}

struct gate *gate_free(struct gate *gate) {
    if (!gate)
        return NULL;
    acts_free(gate->acts);
    waiting_free(gate->waiting);
    group_health_free(gate->health);
    free(gate->authority);
    free(gate);
    return NULL;
}

void gate_let_anonymous(struct gate *gate, bool anonymous) {
    gate->let_anonymous = anonymous;
}

void gate_limit(struct gate *gate, size_t calls_per_caller) {
    gate->config.calls_per_caller = calls_per_caller;
}

void gate_close(struct gate *gate) {
    gate->closed = true;
    acts_close(gate->acts);
}

void gate_end_held(struct gate *gate) {
    acts_close(gate->acts);
}

struct target *gate_target(struct gate *gate) {
    return &gate->target;
}

void gate_name_inside(struct gate *gate, const char *authority) {
    free(gate->authority);
    gate->authority = mem_strdup(authority);
}

struct target *gate_inside(struct gate *gate) {
    return &gate->inside;
}
