#include "hub/people/service_users.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/crypto.h"
#include "base/mem.h"
#include "base/name.h"
#include "base/token.h"
#include "hub/activity/activity.h"
#include "hub/gate/underway.h"
#include "hub/keeper.h"
#include "hub/nodes/registry.h"
#include "hub/people/access.h"
#include "hub/people/user_message.h"
#include "hub/people/users.h"
#include "rpc/actor.h"
#include "rpc/call.h"
#include "rpc/invocation.h"
#include "rpc/services.h"
#include "store/store.h"
#include "wire/timestamp.h"

enum {
    INVITE_S = 24 * 3600,
    PAIR_S = 10 * 60,
    CODE_MAX_S = 30 * 24 * 3600,
};

struct service_users {
    struct service_users_config config;
};

/* A change that is being kept: who asked hears of it when it is durable. */
struct pending {
    struct service_users *service; /* borrowed: outlives the store's answers */
    struct invocation *invocation; /* borrowed: until on_gone; NULL when nobody waits */
    char *user;                    /* owned */
    char *nodes;                   /* owned: of Grant */
    uint32_t revoked;
    int64_t expires_ms;
    char code[TOKEN_CLAIM_LEN + 1]; /* "": none */
    void (*answer)(struct pending *pending);
};

static const struct actor *actor_of(const struct invocation *invocation) {
    return invocation_call(invocation)->actor;
}

static void on_asker_gone(struct invocation *invocation, void *user) {
    struct pending *pending = user;
    pending->invocation = NULL;
}

static struct pending *pending_new(struct service_users *service,
                                   struct invocation *invocation,
                                   const char *user,
                                   void (*answer)(struct pending *pending)) {
    struct pending *pending = mem_new(sizeof(*pending));

    pending->service = service;
    pending->invocation = invocation;
    pending->user = mem_strdup(user);
    pending->answer = answer;
    invocation_set_user(invocation, pending, on_asker_gone);
    return pending;
}

static void pending_free(struct pending *pending) {
    mem_wipe(pending->code, sizeof(pending->code));
    free(pending->user);
    free(pending->nodes);
    free(pending);
}

/* What was asked is done in memory already, and stays so until the hub is restarted. */
static void on_kept(void *arg, int result) {
    struct pending *pending = arg;

    if (pending->invocation) {
        invocation_set_user(pending->invocation, NULL, NULL);
        if (result == 0)
            pending->answer(pending);
        else
            invocation_finish(pending->invocation, GRPC_UNAVAILABLE,
                              "the hub's store cannot keep it: it holds until the hub is "
                              "restarted");
    }
    pending_free(pending);
}

static void ask(struct pending *pending, int r) {
    if (r < 0)
        on_kept(pending, r);
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

static void on_list(void *arg,
                    struct invocation *invocation,
                    const ProtobufCMessage *message) {
    struct service_users *service = arg;
    const struct users *users = service->config.users;
    const struct actor *actor = actor_of(invocation);
    Roost__V1__ListUsersResponse response = ROOST__V1__LIST_USERS_RESPONSE__INIT;
    struct user_message *parts = mem_new_array(users_count(users) + 1, sizeof(*parts));
    const struct users_row *row;
    size_t at = 0;

    response.users = mem_new_array(users_count(users) + 1, sizeof(*response.users));
    while ((row = users_next(users, &at))) {
        if (!actor_is_admin(actor) && row->rights != actor->rights)
            continue;
        user_message_init(&parts[response.n_users], row, service->config.access);
        response.users[response.n_users] = &parts[response.n_users].user;
        response.n_users++;
    }
    invocation_reply(invocation, &response.base);
    for (size_t i = 0; i < response.n_users; i++)
        user_message_done(&parts[i]);
    free(response.users);
    free(parts);
}

static void on_grants(void *arg,
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

/* A fresh code for the user, in memory and on its way into the store. Its second half is
 * of the hub's key; a public certificate proves itself. */
static void make_code(struct pending *pending, uint32_t lifetime_s) {
    const struct service_users_config *config = &pending->service->config;
    const char *pin = config->pin(config->arg);
    struct token_claim claim;
    struct users_code code = { .user = pending->user, .created_ms = clock_wall_ms() };
    struct store_code row = { .user = pending->user, .created_ms = code.created_ms };

    token_claim_new(pin[0] ? pin : "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", &claim);
    token_claim_print(&claim, pending->code);
    crypto_sha256(claim.secret, sizeof(claim.secret), code.hash);
    mem_wipe(&claim, sizeof(claim));
    memcpy(row.hash, code.hash, sizeof(row.hash));
    pending->expires_ms = code.created_ms + (int64_t)lifetime_s * 1000;
    row.expires_ms = code.expires_ms = pending->expires_ms;
    users_put_code(config->users, &code);
    ask(pending, store_put_code(config->store, &row, on_kept, pending));
}

static char *login_line(const struct pending *pending) {
    const struct service_users_config *config = &pending->service->config;
    const struct call *call = invocation_call(pending->invocation);
    const char *address = config->addresses[0] ? config->addresses
                          : call->authority    ? call->authority
                                               : "HOST:PORT";

    return mem_printf("roost login https://%.*s%s --code %s", (int)strcspn(address, ", "),
                      address, config->pin(config->arg)[0] ? "" : "#web", pending->code);
}

static void answer_invite(struct pending *pending) {
    const struct service_users_config *config = &pending->service->config;
    const struct users_row *row = users_find(config->users, pending->user);
    Roost__V1__InviteUserResponse response = ROOST__V1__INVITE_USER_RESPONSE__INIT;
    Google__Protobuf__Timestamp expires;
    struct user_message part;

    if (!row) {
        invocation_finish(pending->invocation, GRPC_ABORTED, "the user was removed");
        return;
    }
    auto_(mem_freep) char *line = login_line(pending);
    user_message_init(&part, row, config->access);
    response.user = &part.user;
    response.code = pending->code;
    response.login = line;
    response.expires = timestamp_set(&expires, pending->expires_ms);
    invocation_reply(pending->invocation, &response.base);
    user_message_done(&part);
    mem_wipe(line, strlen(line));
}

static bool has_role(Roost__V1__Role role) {
    return role >= ROOST__V1__ROLE__VIEWER && role <= ROOST__V1__ROLE__OWNER;
}

/* Has he come in already, so that another code is not an invitation? */
static bool has_come(const struct service_users *service, const char *user) {
    const struct access_token *token;
    size_t at = 0;

    while ((token = access_next(service->config.access, &at)))
        if (!token->revoked && strcmp(token->user, user) == 0)
            return true;
    return false;
}

/* A program's token of that name would be taken for the user in every list. */
static bool is_program(const struct service_users *service, const char *name) {
    const struct access_token *token;
    size_t at = 0;

    while ((token = access_next(service->config.access, &at)))
        if (token->kind == ACCESS_CALLER && !token->revoked && token->user[0] == '\0' &&
            strcmp(token->name, name) == 0)
            return true;
    return false;
}

static const char *fault_of_invite(const struct service_users *service,
                                   const Roost__V1__InviteUserRequest *request) {
    if (!users_is_name(request->name))
        return "a user needs a name of up to 64 characters, without , @ * ? and [";
    for (size_t i = 0; i < request->n_nodes; i++)
        if (!users_is_pattern(request->nodes[i]))
            return "nodes are names, patterns like \"web*\", or tags like \"@prod\"";
    if (request->n_nodes > USERS_GRANTS_MAX)
        return "too many nodes";
    if (request->n_nodes > 0 && !has_role(request->role))
        return "which role on these nodes: viewer, operator or owner?";
    if (request->lifetime_s > CODE_MAX_S)
        return "a code holds for at most 30 days";
    return is_program(service, request->name)
               ? "a program's token has this name: choose another one"
               : NULL;
}

static void on_invite(void *arg,
                      struct invocation *invocation,
                      const ProtobufCMessage *message) {
    struct service_users *service = arg;
    const Roost__V1__InviteUserRequest *request =
        (const Roost__V1__InviteUserRequest *)message;
    struct users *users = service->config.users;
    const char *actor = actor_of(invocation)->name;
    const char *fault = fault_of_invite(service, request);
    struct users_row *row = fault ? NULL : users_find(users, request->name);

    if (fault) {
        invocation_finish(invocation, GRPC_INVALID_ARGUMENT, "%s", fault);
        return;
    }
    if (row && has_come(service, row->name)) {
        invocation_finish(
            invocation, GRPC_ALREADY_EXISTS,
            "there is a user \"%s\" already; for another device he asks for "
            "a code himself: roost pair",
            row->name);
        return;
    }
    if (!row && users_count(users) >= USERS_MAX) {
        invocation_finish(invocation, GRPC_RESOURCE_EXHAUSTED, "too many users");
        return;
    }
    if (!row)
        row = users_add(users, request->name, request->admin, clock_wall_ms());
    else if (request->admin)
        users_make_admin(users, row);
    for (size_t i = 0; i < request->n_nodes; i++) {
        const struct users_grant grant = {
            .nodes = request->nodes[i],
            .role = (enum actor_role)request->role,
            .granted_by = (char *)(uintptr_t)actor,
            .created_ms = clock_wall_ms(),
        };
        users_grant(users, row, &grant);
    }
    activity_add(service->config.activity, "user.invited", "", actor, "invited %s%s",
                 row->name, request->admin ? " as an administrator" : "");
    /* The store keeps the order: with the code, the user is kept. */
    if (keeper_put_user(service->config.store, row, NULL, NULL) < 0) {
        invocation_finish(invocation, GRPC_RESOURCE_EXHAUSTED,
                          "the hub's store is busy; try again");
        return;
    }
    make_code(pending_new(service, invocation, row->name, answer_invite),
              request->lifetime_s ? request->lifetime_s : INVITE_S);
}

static void answer_pair(struct pending *pending) {
    Roost__V1__PairResponse response = ROOST__V1__PAIR_RESPONSE__INIT;
    Google__Protobuf__Timestamp expires;

    response.code = pending->code;
    response.expires = timestamp_set(&expires, pending->expires_ms);
    invocation_reply(pending->invocation, &response.base);
}

static void on_pair(void *arg,
                    struct invocation *invocation,
                    const ProtobufCMessage *message) {
    struct service_users *service = arg;
    const Roost__V1__PairRequest *request = (const Roost__V1__PairRequest *)message;
    const struct actor *actor = actor_of(invocation);

    if (!actor->is_person || !users_find(service->config.users, actor->name)) {
        invocation_finish(invocation, GRPC_FAILED_PRECONDITION,
                          "only a user has other devices; you are the program %s",
                          actor->name);
        return;
    }
    if (request->lifetime_s > CODE_MAX_S) {
        invocation_finish(invocation, GRPC_INVALID_ARGUMENT,
                          "a code holds for at most 30 days");
        return;
    }
    activity_add(service->config.activity, "user.paired", "", actor->name,
                 "asked for a code for another device");
    make_code(pending_new(service, invocation, actor->name, answer_pair),
              request->lifetime_s ? request->lifetime_s : PAIR_S);
}

static void answer_remove(struct pending *pending) {
    Roost__V1__RemoveUserResponse response = ROOST__V1__REMOVE_USER_RESPONSE__INIT;
    invocation_reply(pending->invocation, &response.base);
}

/* Another one who has only been invited does not count. */
static bool is_last_admin(const struct service_users *service,
                          const struct users_row *row) {
    const struct users_row *other;
    size_t at = 0;

    while ((other = users_next(service->config.users, &at)))
        if (other != row && other->admin && has_come(service, other->name))
            return false;
    return true;
}

static void on_remove(void *arg,
                      struct invocation *invocation,
                      const ProtobufCMessage *message) {
    struct service_users *service = arg;
    const Roost__V1__RemoveUserRequest *request =
        (const Roost__V1__RemoveUserRequest *)message;
    struct users_row *row = users_find(service->config.users, request->name);
    auto_(mem_freep) char *actor = mem_strdup(actor_of(invocation)->name);

    if (!row) {
        invocation_finish(invocation, GRPC_NOT_FOUND, "no user \"%s\"", request->name);
        return;
    }
    if (row->admin && is_last_admin(service, row)) {
        invocation_finish(invocation, GRPC_FAILED_PRECONDITION,
                          "%s is the last administrator: invite another one first",
                          row->name);
        return;
    }
    struct pending *pending =
        pending_new(service, invocation, request->name, answer_remove);
    if (row->rights == actor_of(invocation)->rights) { /* before his own call ends */
        invocation_set_user(invocation, NULL, NULL);
        answer_remove(pending);
        pending->invocation = NULL;
    }
    int r = store_remove_user(service->config.store, pending->user, on_kept, pending);
    activity_add(service->config.activity, "user.removed", "", actor,
                 "removed %s with all credentials", pending->user);
    access_revoke_user(service->config.access, pending->user);
    users_remove(service->config.users, row); /* which ends his calls */
    ask(pending, r);
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

static void answer_grant(struct pending *pending) {
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

static void on_grant(void *arg,
                     struct invocation *invocation,
                     const ProtobufCMessage *message) {
    struct service_users *service = arg;
    const Roost__V1__GrantRequest *request = (const Roost__V1__GrantRequest *)message;
    const struct actor *actor = actor_of(invocation);
    int64_t now_ms = clock_wall_ms();
    int64_t end_ms;

    if (!users_is_pattern(request->nodes) || !has_role(request->role)) {
        invocation_finish(invocation, GRPC_INVALID_ARGUMENT, "%s",
                          has_role(request->role)
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
    struct pending *pending = pending_new(service, invocation, row->name, answer_grant);
    pending->nodes = mem_strdup(request->nodes);
    ask(pending, keeper_put_user(service->config.store, row, on_kept, pending));
}

static void answer_revoke(struct pending *pending) {
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

static void on_revoke(void *arg,
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
    struct pending *pending = pending_new(service, invocation, row->name, answer_revoke);
    pending->revoked = count;
    ask(pending, keeper_put_user(service->config.store, row, on_kept, pending));
}

static const struct service_method methods[] = {
    { "List", SERVICE_UNARY, on_list },     { "Invite", SERVICE_UNARY, on_invite },
    { "Remove", SERVICE_UNARY, on_remove }, { "Pair", SERVICE_UNARY, on_pair },
    { "Grant", SERVICE_UNARY, on_grant },   { "Revoke", SERVICE_UNARY, on_revoke },
    { "Grants", SERVICE_UNARY, on_grants }, { 0 },
};

struct service_users *service_users_new(const struct service_users_config *config) {
    struct service_users *service = mem_new(sizeof(*service));
    struct service table = {
        .descriptor = &roost__v1__users__descriptor,
        .methods = methods,
        .arg = service,
    };

    service->config = *config;
    services_add(config->services, &table);
    return service;
}

void service_users_set_addresses(struct service_users *service, const char *addresses) {
    service->config.addresses = addresses;
}

struct service_users *service_users_free(struct service_users *service) {
    free(service);
    return NULL;
}
