#include "hub/people/service_tokens.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/crypto.h"
#include "base/mem.h"
#include "base/name.h"
#include "base/version.h"
#include "hub/activity/activity.h"
#include "hub/gate/underway.h"
#include "hub/keeper.h"
#include "hub/link/session.h"
#include "hub/nodes/registry.h"
#include "hub/people/access.h"
#include "hub/people/user_message.h"
#include "hub/people/users.h"
#include "loop/loop.h"
#include "roost/v1/tokens.pb-c.h"
#include "rpc/actor.h"
#include "rpc/call.h"
#include "rpc/invocation.h"
#include "rpc/services.h"
#include "wire/timestamp.h"

enum {
    JOIN_LIFETIME_S = 24 * 3600,
    NODES_MAX = 1000,   /* globs of one token */
    OWN_NODES_MAX = 20, /* that somebody who is no administrator lets join */
};

struct service_tokens {
    struct service_tokens_config config;
};

/* A token as a message that borrows the token's strings. */
struct token_message {
    Roost__V1__Token token;
    Google__Protobuf__Timestamp created;
    Google__Protobuf__Timestamp expires;
    Google__Protobuf__Timestamp used;
};

static void token_init(struct token_message *message, const struct access_token *token) {
    Roost__V1__Token *out = &message->token;

    roost__v1__token__init(out);
    out->id = (char *)token->id;
    out->kind = (Roost__V1__TokenKind)token->kind;
    out->name = token->name;
    out->created = timestamp_set(&message->created, token->created_ms);
    out->expires = timestamp_set(&message->expires, token->expires_ms);
    out->last_used = timestamp_set(&message->used, token->used_ms);
    out->reusable = token->reusable;
    out->used = token->used;
    out->revoked = token->revoked;
    out->admin = token->rights ? token->rights->admin : token->admin;
    out->user = token->user;
    out->device = token->device;
    out->role = (Roost__V1__Role)token->role;
    out->nodes = token->nodes;
    while (token->nodes[out->n_nodes])
        out->n_nodes++;
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

/* The addresses for links: as configured, or as the caller dialled us. */
static size_t link_addresses(const struct service_tokens *service,
                             const struct call *call,
                             struct address addresses[static TOKEN_LINK_ADDRESSES_MAX]) {
    const char *text = service->config.addresses;
    size_t count = 0;

    if (text[0] == '\0')
        text = call->authority ? call->authority : "";
    while (*text && count < TOKEN_LINK_ADDRESSES_MAX) {
        size_t len = strcspn(text, ", ");
        if (len > 0 && address_parse(slice_of(text, len), &addresses[count]) == 0)
            count++;
        text += len + (text[len] != '\0');
    }
    return count;
}

static char *make_link(const struct service_tokens *service,
                       const struct call *call,
                       const char *secret,
                       const char **ret_warning) {
    struct token_link link = { 0 };

    link.address_count = link_addresses(service, call, link.addresses);
    if (link.address_count == 0)
        return NULL;
    memcpy(link.token, secret, sizeof(link.token));
    const char *pin = service->config.pin(service->config.arg);
    memcpy(link.pin, pin, strlen(pin) + 1);
    if (service->config.addresses[0] == '\0' &&
        address_is_loopback(link.addresses[0].host))
        *ret_warning =
            "the address in the link is this machine's own: agents elsewhere cannot "
            "reach it; set [hub] address in roost.conf";
    else if (service->config.addresses[0] == '\0' &&
             address_is_private(link.addresses[0].host))
        *ret_warning =
            "the address in the link works in this network only; set [hub] address in "
            "roost.conf for others";
    return token_link_print(&link);
}

/* A new token that is being kept: it lets in, and is shown, when it is durable. */
struct pending {
    struct service_tokens *service; /* borrowed: outlives the store's answers */
    struct invocation *invocation;  /* borrowed: until on_gone; NULL when nobody waits */
    struct access_token *token;     /* owned until it is added */
    char secret[TOKEN_LEN + 1];
    char *peer_key;  /* owned: of a claim */
    bool is_invited; /* by a user's code; else by the hub's claim code */
};

static void on_asker_gone(struct invocation *invocation, void *user) {
    struct pending *pending = user;
    pending->invocation = NULL;
}

static struct pending *pending_new(struct service_tokens *service,
                                   struct invocation *invocation,
                                   struct access_token *token) {
    struct pending *pending = mem_new(sizeof(*pending));

    pending->service = service;
    pending->invocation = invocation;
    pending->token = token;
    access_token_make_secret(token, pending->secret);
    invocation_set_user(invocation, pending, on_asker_gone);
    return pending;
}

static void pending_free(struct pending *pending) {
    if (pending->invocation)
        invocation_set_user(pending->invocation, NULL, NULL);
    mem_wipe(pending->secret, sizeof(pending->secret));
    access_token_free(pending->token);
    free(pending->peer_key);
    free(pending);
}

static void fail_pending(struct pending *pending,
                         enum grpc_status status,
                         const char *why) {
    struct invocation *invocation = pending->invocation;

    pending_free(pending);
    if (invocation)
        invocation_finish(invocation, status, "%s", why);
}

static void show_created(struct pending *pending, const struct access_token *token) {
    Roost__V1__CreateTokenResponse response = ROOST__V1__CREATE_TOKEN_RESPONSE__INIT;
    struct token_message part;
    const char *warning = "";

    char *link = token->kind == ACCESS_JOIN
                     ? make_link(pending->service, invocation_call(pending->invocation),
                                 pending->secret, &warning)
                     : NULL;
    token_init(&part, token);
    response.token = &part.token;
    response.secret = pending->secret;
    response.link = link ? link : (char *)"";
    response.warning = (char *)warning;
    struct invocation *invocation = pending->invocation;
    invocation_set_user(invocation, NULL, NULL);
    pending->invocation = NULL;
    invocation_reply(invocation, &response.base);
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
    struct pending *pending = arg;
    struct access_token *token = pending->token;

    if (result != 0) {
        fail_pending(pending, GRPC_UNAVAILABLE, "the hub's store cannot keep the token");
        return;
    }
    pending->token = NULL;
    access_add(pending->service->config.access, token);
    activity_add(
        pending->service->config.activity, "token.created", token->name,
        pending->invocation ? invocation_call(pending->invocation)->actor->name : "",
        "token %s for %s", token->id, token->kind == ACCESS_JOIN ? "joining" : "calling");
    const struct actor *actor =
        pending->invocation ? invocation_call(pending->invocation)->actor : NULL;
    if (actor && !actor_is_admin(actor))
        give_to(pending->service, actor, token->name, token->created_ms);
    if (pending->invocation)
        show_created(pending, token);
    pending_free(pending);
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
    struct pending *pending = pending_new(service, invocation, make_token(request));
    struct store_token row = keeper_token(pending->token);
    int r = store_put_token(service->config.store, &row, on_created, pending);
    if (r < 0)
        fail_pending(pending, GRPC_RESOURCE_EXHAUSTED,
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
        token_init(&parts[response.n_tokens], token);
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
    token_init(&part, token);
    response.token = &part.token;
    invocation_reply(invocation, &response.base); /* first: it may be the caller's own */
    underway_review(service->config.underway);
}

/* The peer's address without its port, IPv6 cut to its /64, is who guesses. */
static char *peer_key_of(const struct call *call) {
    struct address address = { 0 };

    if (!call->peer || address_parse(slice_of_text(call->peer), &address) != 0)
        return mem_strdup(call->peer ? call->peer : "");
    if (!strchr(address.host, ':'))
        return mem_strdup(address.host);
    unsigned groups = 0;
    size_t len = 0;
    while (address.host[len] && groups < 4)
        groups += address.host[len++] == ':';
    return mem_dup(address.host, len);
}

static void show_claimed(struct pending *pending, const struct access_token *token) {
    Roost__V1__ClaimResponse response = ROOST__V1__CLAIM_RESPONSE__INIT;
    struct invocation *invocation = TAKE(pending->invocation);
    struct token_message part;

    token_init(&part, token);
    response.token = &part.token;
    response.secret = pending->secret;
    response.hub_version = (char *)ROOST_VERSION;
    invocation_set_user(invocation, NULL, NULL);
    invocation_reply(invocation, &response.base);
}

/* The user that the kept token is of; NULL when he was removed meanwhile. */
static struct users_row *user_of(const struct pending *pending) {
    struct users *users = pending->service->config.users;
    const struct access_token *token = pending->token;
    struct users_row *row = users_find(users, token->user);

    if (pending->is_invited)
        return row;
    if (!row)
        row = users_add(users, token->user, true, token->created_ms);
    users_make_admin(users, row);
    return row;
}

static void let_in(struct pending *pending, struct users_row *row) {
    struct service_tokens *service = pending->service;
    struct access_token *token = TAKE(pending->token);

    access_token_set_user(token, row->name, row->rights);
    access_add(service->config.access, token);
    activity_add(service->config.activity,
                 pending->is_invited ? "user.came" : "user.claimed", "", row->name,
                 pending->is_invited ? "came in by a code%s%s"
                                     : "an administrator came in by the claim code%s%s",
                 token->device[0] ? ", on " : "", token->device);
    if (pending->invocation)
        show_claimed(pending, token);
}

static void on_claimed(void *arg, int result) {
    struct pending *pending = arg;
    struct service_tokens *service = pending->service;

    if (result == STORE_E_USED) {
        access_guessed_wrong(service->config.access, pending->peer_key,
                             loop_now_ms(service->config.loop));
        fail_pending(pending, GRPC_UNAUTHENTICATED,
                     "this is not the hub's claim code, nor one of a user, or it was "
                     "used already; "
                     "see it with: roostd claim, or make a new one: roostd claim --new");
        return;
    }
    if (result != 0) {
        fail_pending(pending, GRPC_UNAVAILABLE, "the hub's store cannot keep the token");
        return;
    }
    struct users_row *row = user_of(pending);
    if (!row) {
        fail_pending(pending, GRPC_UNAUTHENTICATED, "the user was removed");
        return;
    }
    let_in(pending, row);
    pending_free(pending);
}

/* Exchanges a code that is a user's own. */
static int redeem(struct pending *pending, const struct users_code *code) {
    struct service_tokens *service = pending->service;
    struct access_token *token = pending->token;
    uint8_t hash[TOKEN_HASH_LEN];

    memcpy(hash, code->hash, sizeof(hash));
    node_set(&token->name, code->user);
    access_token_set_user(token, code->user, NULL);
    pending->is_invited = true;
    users_drop_code(service->config.users, hash); /* whatever becomes of this */
    struct store_token row = keeper_token(token);
    return store_redeem(service->config.store, hash, &row, on_claimed, pending);
}

static int claim_hub(struct pending *pending, const struct token_claim *claim) {
    struct access_token *token = pending->token;

    token->admin = true;
    token->role = ACTOR_OWNER;
    access_token_set_user(token, token->name, NULL);
    struct store_token row = keeper_token(token);
    return store_claim(pending->service->config.store, claim->secret, &row, on_claimed,
                       pending);
}

/* "telegram:12345" is who somebody is in a chat: only the chat's own carrier, which
 * knows, may say so. Its peer is that identity. */
static bool is_another(const struct call *call, const char *device) {
    return strchr(device, ':') && (!call->peer || strcmp(call->peer, device) != 0);
}

static bool is_fit(const struct call *call, const Roost__V1__ClaimRequest *request) {
    return !is_another(call, request->device) &&
           (request->name[0] == '\0' || users_is_name(request->name)) &&
           name_is_title(request->device);
}

static void on_claim(void *arg,
                     struct invocation *invocation,
                     const ProtobufCMessage *message) {
    struct service_tokens *service = arg;
    const struct call *call = invocation_call(invocation);
    const Roost__V1__ClaimRequest *request = (const Roost__V1__ClaimRequest *)message;
    uint64_t now_ms = loop_now_ms(call->loop);
    uint8_t hash[TOKEN_HASH_LEN];
    struct token_claim claim;

    char *peer_key = peer_key_of(call);
    bool may = access_may_guess(service->config.access, peer_key, now_ms);
    if (!may || !is_fit(call, request) || token_claim_parse(request->code, &claim) != 0) {
        free(peer_key);
        invocation_finish(invocation,
                          may ? GRPC_INVALID_ARGUMENT : GRPC_RESOURCE_EXHAUSTED, "%s",
                          may ? "the claim code is mistyped; see it with: roostd claim"
                              : "too many wrong codes; try again in a minute");
        return;
    }
    struct access_token *token =
        access_token_new(ACCESS_CALLER, request->name[0] ? request->name : "admin");
    token->created_ms = clock_wall_ms();
    node_set(&token->device, request->device);
    struct pending *pending = pending_new(service, invocation, token);
    pending->peer_key = peer_key;
    crypto_sha256(claim.secret, sizeof(claim.secret), hash);
    const struct users_code *code = users_find_code(service->config.users, hash);
    int r = code ? redeem(pending, code) : claim_hub(pending, &claim);
    mem_wipe(&claim, sizeof(claim));
    if (r < 0)
        fail_pending(pending, GRPC_RESOURCE_EXHAUSTED,
                     "the hub's store is busy; try again");
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
        token_init(&part, token);
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
    { "Claim", SERVICE_UNARY, on_claim },
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
