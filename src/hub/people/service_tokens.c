#include "hub/people/service_tokens.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/name.h"
#include "base/version.h"
#include "hub/activity/activity.h"
#include "hub/gate/underway.h"
#include "hub/keeper.h"
#include "hub/link/session.h"
#include "hub/nodes/registry.h"
#include "hub/people/access.h"
#include "hub/people/claim.h"
#include "hub/people/join_link.h"
#include "hub/people/pending_token.h"
#include "hub/people/service_tokens_private.h"
#include "hub/people/token_message.h"
#include "hub/people/user_message.h"
#include "hub/people/users.h"
#include "roost/v1/tokens.pb-c.h"
#include "rpc/actor.h"
#include "rpc/call.h"
#include "rpc/invocation.h"
#include "rpc/services.h"
#include "wire/pb.h"

enum {
    JOIN_LIFETIME_S = 24 * 3600,
    NODES_MAX = 1000,   /* globs of one token */
    OWN_NODES_MAX = 20, /* that somebody who is no administrator lets join */
};

/* A new token that is being kept, and then shown. */
struct creation {
    struct service_tokens *service; /* borrowed: outlives the store's answers */
    struct pending_token pending;
};

static void creation_free(struct creation *creation) {
    pending_token_done(&creation->pending);
    free(creation);
}

static void fail_creation(struct creation *creation,
                          enum grpc_status status,
                          const char *why) {
    pending_token_fail(&creation->pending, status, why);
    creation_free(creation);
}

static const char *fault_of_join(const Roost__V1__CreateTokenRequest *request) {
    if (request->name[0] == '\0')
        return NULL;
    if (!name_is_valid(request->name))
        return "a node's name is 1 to 63 of a-z, 0-9, '.', '_' and '-', and begins with "
               "a "
               "letter or digit";
    return request->reusable ? "a reusable token cannot fix one name: leave the name out"
                             : NULL;
}

static const char *fault_of_caller(const Roost__V1__CreateTokenRequest *request) {
    bool has_role = request->role >= ROOST__V1__ROLE__VIEWER &&
                    request->role <= ROOST__V1__ROLE__OWNER;

    if (!name_is_title(request->name) || request->name[0] == '\0')
        return "a caller needs a name of up to 64 characters";
    if (!request->admin && (request->n_nodes == 0 || !has_role))
        return "a caller needs nodes and a role on them: viewer, operator or owner";
    return request->n_nodes > NODES_MAX ? "too many nodes" : NULL;
}

/* What is wrong with the request, or NULL. */
static const char *fault_of(const Roost__V1__CreateTokenRequest *request) {
    switch (request->kind) {
    case ROOST__V1__TOKEN_KIND__JOIN:
        return fault_of_join(request);
    case ROOST__V1__TOKEN_KIND__CALLER:
        return fault_of_caller(request);
    case ROOST__V1__TOKEN_KIND__DIALECT:
        return name_is_valid(request->name) ? NULL
                                            : "a dialect token needs a node's name";
    default:
        return "kind must be JOIN, CALLER or DIALECT";
    }
}

static struct access_token *make_token(const Roost__V1__CreateTokenRequest *request) {
    struct access_token *token =
        access_token_new((enum access_kind)request->kind, request->name);
    int64_t now_ms = clock_wall_ms();
    uint32_t lifetime_s = request->lifetime_s;

    if (lifetime_s == 0 && request->kind == ROOST__V1__TOKEN_KIND__JOIN)
        lifetime_s = JOIN_LIFETIME_S;
    token->created_ms = now_ms;
    token->expires_ms = lifetime_s > 0 ? now_ms + (int64_t)lifetime_s * 1000 : 0;
    token->reusable = request->reusable;
    if (request->kind == ROOST__V1__TOKEN_KIND__CALLER) {
        token->admin = request->admin;
        token->role = (int)request->role;
        access_token_set_nodes(token, (const char *const *)request->nodes,
                               request->n_nodes);
    }
    return token;
}

static void show_created(struct creation *creation, const struct access_token *token) {
    const struct service_tokens_config *config = &creation->service->config;
    Roost__V1__CreateTokenResponse response = ROOST__V1__CREATE_TOKEN_RESPONSE__INIT;
    struct token_message part;
    const char *warning = "";
    char *link = NULL;

    if (token->kind == ACCESS_JOIN) {
        const struct join_link ask = {
            .addresses = config->addresses,
            .dialled = invocation_call(creation->pending.invocation)->authority,
            .pin = config->pin(config->arg),
        };
        link = join_link_make(&ask, creation->pending.secret, &warning);
    }
    token_message_init(&part, token);
    response.token = &part.token;
    response.secret = creation->pending.secret;
    response.link = link ? link : "";
    response.warning = pb_lend(warning);
    pending_token_reply(&creation->pending, &response.base);
    if (link)
        mem_wipe(link, strlen(link));
    free(link);
}

/* The live node credentials of a name: the last one, or NULL. */
static struct access_token *node_credential(const struct service_tokens *service,
                                            const char *name) {
    struct access_token *token;
    size_t at = 0;

    while ((token = access_next(service->config.access, &at)))
        if (token->kind == ACCESS_NODE && !token->revoked &&
            strcmp(token->name, name) == 0)
            return token;
    return NULL;
}

/* Whoever lets a node of his own join owns it. */
static void give_to(struct service_tokens *service,
                    const struct actor *actor,
                    const char *node,
                    int64_t now_ms) {
    struct users_row *row = users_find(service->config.users, actor->name);
    const struct users_grant grant = {
        .nodes = (char *)(uintptr_t)node,
        .role = ACTOR_OWNER,
        .granted_by = actor->name,
        .created_ms = now_ms,
    };

    if (row && users_grant(service->config.users, row, &grant))
        keeper_put_user(service->config.store, row, NULL, NULL);
}

/* Why somebody who is no administrator may not make this token; NULL: he may. */
static const char *refusal_of(const struct service_tokens *service,
                              const struct actor *actor,
                              const Roost__V1__CreateTokenRequest *request) {
    const struct users_row *row = users_find(service->config.users, actor->name);

    if (actor_is_admin(actor))
        return NULL;
    if (request->kind != ROOST__V1__TOKEN_KIND__JOIN || !actor->is_person || !row ||
        !service->config.may_join(service->config.arg))
        return "only an administrator may do this";
    if (request->reusable || request->name[0] == '\0')
        return "a node of your own needs a name: say it";
    if (registry_find(service->config.registry, request->name) ||
        node_credential(service, request->name))
        return "there is a node of that name already: choose another";
    return row->grant_count < OWN_NODES_MAX ? NULL : "you have as many nodes as one can";
}

static void on_created(void *arg, int result) {
    struct creation *creation = arg;
    struct service_tokens *service = creation->service;
    const struct invocation *invocation = creation->pending.invocation;
    const struct actor *actor = invocation ? invocation_call(invocation)->actor : NULL;

    if (result != 0) {
        fail_creation(creation, GRPC_UNAVAILABLE,
                      "the hub's store cannot keep the token");
        return;
    }
    struct access_token *token = TAKE(creation->pending.token);
    access_add(service->config.access, token);
    activity_add(service->config.activity, "token.created", token->name,
                 actor ? actor->name : "", "token %s for %s", token->id,
                 token->kind == ACCESS_JOIN ? "joining" : "calling");
    if (actor && !actor_is_admin(actor))
        give_to(service, actor, token->name, token->created_ms);
    if (invocation)
        show_created(creation, token);
    creation_free(creation);
}

static void on_create(void *arg,
                      struct invocation *invocation,
                      const ProtobufCMessage *message) {
    struct service_tokens *service = arg;
    const Roost__V1__CreateTokenRequest *request =
        (const Roost__V1__CreateTokenRequest *)message;

    const char *fault = refusal_of(service, invocation_call(invocation)->actor, request);
    if (fault) {
        invocation_finish(invocation, GRPC_PERMISSION_DENIED, "%s", fault);
        return;
    }
    fault = fault_of(request);
    if (fault) {
        invocation_finish(invocation, GRPC_INVALID_ARGUMENT, "%s", fault);
        return;
    }
    if (request->kind != ROOST__V1__TOKEN_KIND__CALLER &&
        registry_is_reserved(service->config.registry, request->name)) {
        invocation_finish(invocation, GRPC_ALREADY_EXISTS,
                          "there is a group \"%s\": no node can take the name",
                          request->name);
        return;
    }
    if (request->kind == ROOST__V1__TOKEN_KIND__CALLER &&
        users_find(service->config.users, request->name)) {
        invocation_finish(
            invocation, GRPC_ALREADY_EXISTS,
            "there is a user \"%s\": a program needs a name of its own; for "
            "another device of the user: roost pair",
            request->name);
        return;
    }
    struct creation *creation = mem_new(sizeof(*creation));
    creation->service = service;
    pending_token_init(&creation->pending, invocation, make_token(request));
    struct store_token row = keeper_token(creation->pending.token);
    int r = store_put_token(service->config.store, &row, on_created, creation);
    if (r < 0)
        fail_creation(creation, GRPC_RESOURCE_EXHAUSTED,
                      "the hub's store is busy; try again");
}

static void on_list(void *arg,
                    struct invocation *invocation,
                    const ProtobufCMessage *message) {
    struct service_tokens *service = arg;
    Roost__V1__ListTokensResponse response = ROOST__V1__LIST_TOKENS_RESPONSE__INIT;
    struct access_token *token;
    size_t at = 0;
    size_t count = 0;

    while (access_next(service->config.access, &at))
        count++;
    struct token_message *parts = mem_new_array(count, sizeof(*parts));
    response.tokens = mem_new_array(count, sizeof(*response.tokens));
    at = 0;
    while ((token = access_next(service->config.access, &at))) {
        token_message_init(&parts[response.n_tokens], token);
        response.tokens[response.n_tokens] = &parts[response.n_tokens].token;
        response.n_tokens++;
    }
    invocation_reply(invocation, &response.base);
    free(response.tokens);
    free(parts);
}

static void revoke(struct service_tokens *service,
                   struct access_token *token,
                   const char *actor) {
    access_revoke(service->config.access, token);
    session_pool_revoke(service->config.sessions, token, "its credential was revoked");
    activity_add(service->config.activity, "token.revoked",
                 token->kind == ACCESS_NODE ? token->name : "", actor, "token %s of %s",
                 token->id, token->name);
}

static void on_revoke(void *arg,
                      struct invocation *invocation,
                      const ProtobufCMessage *message) {
    struct service_tokens *service = arg;
    const Roost__V1__RevokeTokenRequest *request =
        (const Roost__V1__RevokeTokenRequest *)message;
    Roost__V1__RevokeTokenResponse response = ROOST__V1__REVOKE_TOKEN_RESPONSE__INIT;
    struct token_message part;

    struct access_token *token = access_find_id(service->config.access, request->id);
    if (!token)
        token = node_credential(service, request->id);
    if (!token) {
        invocation_finish(
            invocation, GRPC_NOT_FOUND,
            "no single token begins with \"%s\", and no node of that name has one",
            request->id);
        return;
    }
    revoke(service, token, invocation_call(invocation)->actor->name);
    token_message_init(&part, token);
    response.token = &part.token;
    invocation_reply(invocation, &response.base); /* first: it may be the caller's own */
    underway_review(service->config.underway);
}

static void on_whoami(void *arg,
                      struct invocation *invocation,
                      const ProtobufCMessage *message) {
    struct service_tokens *service = arg;
    const struct call *call = invocation_call(invocation);
    Roost__V1__WhoAmIResponse response = ROOST__V1__WHO_AM_IRESPONSE__INIT;
    struct access_token *token =
        access_find_id(service->config.access, call->actor->token_id);
    struct token_message part;
    struct user_message user;

    if (token) {
        token_message_init(&part, token);
        response.token = &part.token;
    }
    const struct users_row *row =
        token ? users_find(service->config.users, token->user) : NULL;
    if (row) {
        user_message_init(&user, row, service->config.access);
        response.user = &user.user;
    }
    response.hub_version = (char *)ROOST_VERSION;
    response.hub_address =
        (char *)(service->config.addresses[0] ? service->config.addresses
                 : call->authority            ? call->authority
                                              : "");
    invocation_reply(invocation, &response.base);
    if (row)
        user_message_done(&user);
}

static void on_logout(void *arg,
                      struct invocation *invocation,
                      const ProtobufCMessage *message) {
    struct service_tokens *service = arg;
    const struct actor *actor = invocation_call(invocation)->actor;
    Roost__V1__LogoutResponse response = ROOST__V1__LOGOUT_RESPONSE__INIT;
    struct access_token *token = access_find_id(service->config.access, actor->token_id);

    if (token)
        revoke(service, token, actor->name);
    invocation_reply(invocation, &response.base); /* before the call has lost its right */
    underway_review(service->config.underway);
}

static const struct service_method methods[] = {
    { "Create", SERVICE_UNARY, on_create },
    { "List", SERVICE_UNARY, on_list },
    { "Revoke", SERVICE_UNARY, on_revoke },
    { "Claim", SERVICE_UNARY, claim_take },
    { "WhoAmI", SERVICE_UNARY, on_whoami },
    { "Logout", SERVICE_UNARY, on_logout },
    { 0 },
};

struct service_tokens *service_tokens_new(const struct service_tokens_config *config) {
    struct service_tokens *service = mem_new(sizeof(*service));
    struct service table = {
        .descriptor = &roost__v1__tokens__descriptor,
        .methods = methods,
        .arg = service,
    };

    service->config = *config;
    services_add(config->services, &table);
    return service;
}

void service_tokens_set_addresses(struct service_tokens *service, const char *addresses) {
    service->config.addresses = addresses;
}

struct service_tokens *service_tokens_free(struct service_tokens *service) {
    free(service);
    return NULL;
}
