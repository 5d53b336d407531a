#include "hub/people/user_grants.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "hub/activity/activity.h"
#include "hub/keeper.h"
#include "hub/nodes/registry.h"
#include "hub/people/pending_change.h"
#include "hub/people/service_users_private.h"
#include "hub/people/user_message.h"
#include "hub/people/users.h"
#include "rpc/actor.h"
#include "rpc/call.h"
#include "rpc/invocation.h"

static const struct actor *actor_of(const struct invocation *invocation) {
    return invocation_call(invocation)->actor;
}

bool user_grants_is_role(Roost__V1__Role role) {
    return role >= ROOST__V1__ROLE__VIEWER && role <= ROOST__V1__ROLE__OWNER;
}

/* May the actor know of this grant? His own, and on nodes that he owns. */
static bool may_see_grant(const struct service_users *service,
                          const struct actor *actor,
                          const struct users_row *row,
                          const struct users_grant *grant) {
    struct node *node;
    size_t at = 0;

    if (actor_is_admin(actor) || row->rights == actor->rights)
        return true;
    while ((node = registry_next(service->config.registry, &at)))
        if (actor_grant_means(grant->nodes, node->name, node->tags) &&
            node_role(node, actor) >= ACTOR_OWNER)
            return true;
    return false;
}

void user_grants_list(void *arg,
                      struct invocation *invocation,
                      const ProtobufCMessage *message) {
    struct service_users *service = arg;
    const Roost__V1__ListGrantsRequest *request =
        (const Roost__V1__ListGrantsRequest *)message;
    Roost__V1__ListGrantsResponse response = ROOST__V1__LIST_GRANTS_RESPONSE__INIT;
    const struct node *node = request->node[0]
                                  ? registry_resolve(service->config.registry,
                                                     actor_of(invocation), request->node)
                                  : NULL;
    const struct users_row *row;
    size_t count = 0;
    size_t at = 0;

    if (request->node[0] && !node) {
        invocation_finish(invocation, GRPC_NOT_FOUND, "no node \"%s\"", request->node);
        return;
    }
    while ((row = users_next(service->config.users, &at)))
        count += row->grant_count;
    struct user_grant_message *parts = mem_new_array(count + 1, sizeof(*parts));
    response.grants = mem_new_array(count + 1, sizeof(*response.grants));
    at = 0;
    while ((row = users_next(service->config.users, &at))) {
        bool asked = request->user[0] == '\0' || strcmp(request->user, row->name) == 0;
        for (size_t i = 0; asked && i < row->grant_count; i++) {
            const struct users_grant *grant = &row->grants[i];
            if ((node && !actor_grant_means(grant->nodes, node->name, node->tags)) ||
                !may_see_grant(service, actor_of(invocation), row, grant))
                continue;
            struct user_grant_message *part = &parts[response.n_grants];
            user_message_grant_init(part, row->name, grant);
            response.grants[response.n_grants++] = &part->grant;
        }
    }
    invocation_reply(invocation, &response.base);
    free(response.grants);
    free(parts);
}

/* The end of the actor's own ownership, beyond which he can give nothing: 0, if he owns
 * the nodes for good; -1 if he does not own all that the pattern means or may mean. */
static int64_t ownership_end(const struct service_users *service,
                             const struct actor *actor,
                             const char *nodes) {
    const struct node *node = registry_find(service->config.registry, nodes);
    int64_t now_ms = clock_wall_ms();
    int64_t end_ms = -1;

    for (size_t i = 0; i < actor->rights->count; i++) {
        const struct actor_grant *own = &actor->rights->grants[i];
        bool holds = own->expires_ms == 0 || now_ms < own->expires_ms;
        bool covers = strcmp(own->nodes, nodes) == 0 ||
                      (node && actor_grant_means(own->nodes, node->name, node->tags));
        if (own->role < ACTOR_OWNER || !holds || !covers || end_ms == 0)
            continue;
        if (own->expires_ms == 0 || own->expires_ms > end_ms)
            end_ms = own->expires_ms;
    }
    return end_ms;
}

/* May the actor say who does what on these nodes? Ends the call otherwise. */
static bool may_give(const struct service_users *service,
                     struct invocation *invocation,
                     const char *nodes,
                     int64_t *ret_end_ms) {
    const struct actor *actor = actor_of(invocation);
    int64_t end_ms = actor_is_admin(actor) ? 0 : ownership_end(service, actor, nodes);

    if (end_ms < 0) {
        invocation_finish(invocation, GRPC_PERMISSION_DENIED,
                          "grants for \"%s\" are made by its owners (of exactly these "
                          "nodes) and administrators",
                          nodes);
        return false;
    }
    *ret_end_ms = end_ms;
    return true;
}

static void answer_grant(struct pending_change *pending) {
    const struct users_row *row =
        users_find(pending->service->config.users, pending->user);
    const struct users_grant *grant = row ? users_find_grant(row, pending->nodes) : NULL;
    Roost__V1__GrantResponse response = ROOST__V1__GRANT_RESPONSE__INIT;
    struct user_grant_message part;

    if (grant) {
        user_message_grant_init(&part, row->name, grant);
        response.grant = &part.grant;
    }
    invocation_reply(pending->invocation, &response.base);
}

void user_grants_give(void *arg,
                      struct invocation *invocation,
                      const ProtobufCMessage *message) {
    struct service_users *service = arg;
    const Roost__V1__GrantRequest *request = (const Roost__V1__GrantRequest *)message;
    const struct actor *actor = actor_of(invocation);
    int64_t now_ms = clock_wall_ms();
    int64_t end_ms;

    if (!users_is_pattern(request->nodes) || !user_grants_is_role(request->role)) {
        invocation_finish(invocation, GRPC_INVALID_ARGUMENT, "%s",
                          user_grants_is_role(request->role)
                              ? "nodes are a name, a pattern like \"web*\", or a tag "
                                "like \"@prod\""
                              : "which role: viewer, operator or owner?");
        return;
    }
    if (!may_give(service, invocation, request->nodes, &end_ms))
        return;
    struct users_row *row = users_find(service->config.users, request->user);
    if (!row) {
        invocation_finish(invocation, GRPC_NOT_FOUND, "no user \"%s\"", request->user);
        return;
    }
    struct users_grant grant = {
        .nodes = request->nodes,
        .role = (enum actor_role)request->role,
        .granted_by = actor->name,
        .created_ms = now_ms,
        .expires_ms =
            request->lifetime_s ? now_ms + (int64_t)request->lifetime_s * 1000 : 0,
    };
    if (end_ms > 0 && (grant.expires_ms == 0 || grant.expires_ms > end_ms))
        grant.expires_ms = end_ms;
    if (!users_grant(service->config.users, row, &grant)) {
        invocation_finish(invocation, GRPC_RESOURCE_EXHAUSTED,
                          "a user has at most %d grants: use a pattern or a tag",
                          USERS_GRANTS_MAX);
        return;
    }
    bool is_node = registry_find(service->config.registry, request->nodes) != NULL;
    activity_add(service->config.activity, "grant.made", is_node ? request->nodes : "",
                 actor->name, "%s is %s on %s%s", row->name, actor_role_name(grant.role),
                 request->nodes, grant.expires_ms ? " for a time" : "");
    struct pending_change *pending =
        pending_change_new(service, invocation, row->name, answer_grant);
    pending->nodes = mem_strdup(request->nodes);
    pending_change_asked(pending, keeper_put_user(service->config.store, row,
                                                  pending_change_kept, pending));
}

static void answer_revoke(struct pending_change *pending) {
    Roost__V1__RevokeGrantResponse response = ROOST__V1__REVOKE_GRANT_RESPONSE__INIT;

    response.revoked = pending->revoked;
    invocation_reply(pending->invocation, &response.base);
}

/* All grants that the actor may take: those on his nodes, of an administrator's call all.
 */
static uint32_t revoke_all(struct service_users *service,
                           const struct actor *actor,
                           struct users_row *row) {
    uint32_t count = 0;

    for (size_t i = row->grant_count; i-- > 0;) {
        auto_(mem_freep) char *nodes = mem_strdup(row->grants[i].nodes);
        if (actor_is_admin(actor) || ownership_end(service, actor, nodes) >= 0)
            count += users_revoke(service->config.users, row, nodes);
    }
    return count;
}

void user_grants_take(void *arg,
                      struct invocation *invocation,
                      const ProtobufCMessage *message) {
    struct service_users *service = arg;
    const Roost__V1__RevokeGrantRequest *request =
        (const Roost__V1__RevokeGrantRequest *)message;
    const struct actor *actor = actor_of(invocation);
    struct users_row *row = users_find(service->config.users, request->user);
    int64_t end_ms;

    if (request->nodes[0] && !may_give(service, invocation, request->nodes, &end_ms))
        return;
    uint32_t count = !row ? 0
                     : request->nodes[0]
                         ? users_revoke(service->config.users, row, request->nodes)
                         : revoke_all(service, actor, row);
    if (count == 0) {
        invocation_finish(invocation, GRPC_NOT_FOUND, "%s has no such grant",
                          request->user);
        return;
    }
    bool is_node = registry_find(service->config.registry, request->nodes) != NULL;
    activity_add(service->config.activity, "grant.revoked", is_node ? request->nodes : "",
                 actor->name, "%s lost %s", row->name,
                 request->nodes[0] ? request->nodes : "his grants");
    struct pending_change *pending =
        pending_change_new(service, invocation, row->name, answer_revoke);
    pending->revoked = count;
    pending_change_asked(pending, keeper_put_user(service->config.store, row,
                                                  pending_change_kept, pending));
}
