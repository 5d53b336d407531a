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
#include "hub/people/pending_change.h"
#include "hub/people/service_users_private.h"
#include "hub/people/user_grants.h"
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

static const struct actor *actor_of(const struct invocation *invocation) {
    return invocation_call(invocation)->actor;
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

/* A fresh code for the user, in memory and on its way into the store. Its second half is
 * of the hub's key; a public certificate proves itself. */
static void make_code(struct pending_change *pending, uint32_t lifetime_s) {
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
    pending_change_asked(
        pending, store_put_code(config->store, &row, pending_change_kept, pending));
}

static char *login_line(const struct pending_change *pending) {
    const struct service_users_config *config = &pending->service->config;
    const struct call *call = invocation_call(pending->invocation);
    const char *address = config->addresses[0] ? config->addresses
                          : call->authority    ? call->authority
                                               : "HOST:PORT";

    return mem_printf("roost login https://%.*s%s --code %s", (int)strcspn(address, ", "),
                      address, config->pin(config->arg)[0] ? "" : "#web", pending->code);
}

static void answer_invite(struct pending_change *pending) {
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
    if (request->n_nodes > 0 && !user_grants_is_role(request->role))
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
    make_code(pending_change_new(service, invocation, row->name, answer_invite),
              request->lifetime_s ? request->lifetime_s : INVITE_S);
}

static void answer_pair(struct pending_change *pending) {
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
    make_code(pending_change_new(service, invocation, actor->name, answer_pair),
              request->lifetime_s ? request->lifetime_s : PAIR_S);
}

static void answer_remove(struct pending_change *pending) {
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
    struct pending_change *pending =
        pending_change_new(service, invocation, request->name, answer_remove);
    if (row->rights == actor_of(invocation)->rights) { /* before his own call ends */
        invocation_set_user(invocation, NULL, NULL);
        answer_remove(pending);
        pending->invocation = NULL;
    }
    int r = store_remove_user(service->config.store, pending->user, pending_change_kept,
                              pending);
    activity_add(service->config.activity, "user.removed", "", actor,
                 "removed %s with all credentials", pending->user);
    access_revoke_user(service->config.access, pending->user);
    users_remove(service->config.users, row); /* which ends his calls */
    pending_change_asked(pending, r);
}

static const struct service_method methods[] = {
    { "List", SERVICE_UNARY, on_list },
    { "Invite", SERVICE_UNARY, on_invite },
    { "Remove", SERVICE_UNARY, on_remove },
    { "Pair", SERVICE_UNARY, on_pair },
    { "Grant", SERVICE_UNARY, user_grants_give },
    { "Revoke", SERVICE_UNARY, user_grants_take },
    { "Grants", SERVICE_UNARY, user_grants_list },
    { 0 },
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
