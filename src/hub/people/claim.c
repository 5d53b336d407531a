#include "hub/people/claim.h"

#include <stdlib.h>
#include <string.h>

#include "base/address.h"
#include "base/clock.h"
#include "base/crypto.h"
#include "base/mem.h"
#include "base/name.h"
#include "base/version.h"
#include "hub/activity/activity.h"
#include "hub/keeper.h"
#include "hub/people/access.h"
#include "hub/people/pending_token.h"
#include "hub/people/service_tokens_private.h"
#include "hub/people/token_message.h"
#include "hub/people/users.h"
#include "loop/loop.h"
#include "rpc/actor.h"
#include "rpc/call.h"
#include "rpc/invocation.h"
#include "store/store.h"

/* Somebody's token that is being kept, for a code. */
struct claim {
    struct service_tokens *service; /* borrowed: outlives the store's answers */
    struct pending_token pending;
    char *peer_key;  /* owned */
    bool is_invited; /* by a user's code; else by the hub's claim code */
};

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

static void claim_free(struct claim *claim) {
    pending_token_done(&claim->pending);
    free(claim->peer_key);
    free(claim);
}

static void fail(struct claim *claim, enum grpc_status status, const char *why) {
    pending_token_fail(&claim->pending, status, why);
    claim_free(claim);
}

static void show_claimed(struct claim *claim, const struct access_token *token) {
    Roost__V1__ClaimResponse response = ROOST__V1__CLAIM_RESPONSE__INIT;
    struct token_message part;

    token_message_init(&part, token);
    response.token = &part.token;
    response.secret = claim->pending.secret;
    response.hub_version = ROOST_VERSION;
    pending_token_reply(&claim->pending, &response.base);
}

/* The user that the kept token is of; NULL when he was removed meanwhile. */
static struct users_row *user_of(const struct claim *claim) {
    struct users *users = claim->service->config.users;
    const struct access_token *token = claim->pending.token;
    struct users_row *row = users_find(users, token->user);

    if (claim->is_invited)
        return row;
    if (!row)
        row = users_add(users, token->user, true, token->created_ms);
    users_make_admin(users, row);
    return row;
}

static void let_in(struct claim *claim, struct users_row *row) {
    struct service_tokens *service = claim->service;
    struct access_token *token = TAKE(claim->pending.token);

    access_token_set_user(token, row->name, row->rights);
    access_add(service->config.access, token);
    activity_add(service->config.activity,
                 claim->is_invited ? "user.came" : "user.claimed", "", row->name,
                 claim->is_invited ? "came in by a code%s%s"
                                   : "an administrator came in by the claim code%s%s",
                 token->device[0] ? ", on " : "", token->device);
    if (claim->pending.invocation)
        show_claimed(claim, token);
}

static void on_claimed(void *arg, int result) {
    struct claim *claim = arg;
    struct service_tokens *service = claim->service;

    if (result == STORE_E_USED) {
        access_guessed_wrong(service->config.access, claim->peer_key,
                             loop_now_ms(service->config.loop));
        fail(claim, GRPC_UNAUTHENTICATED,
             "this is not the hub's claim code, nor one of a user, or it was "
             "used already; "
             "see it with: roostd claim, or make a new one: roostd claim --new");
        return;
    }
    if (result != 0) {
        fail(claim, GRPC_UNAVAILABLE, "the hub's store cannot keep the token");
        return;
    }
    struct users_row *row = user_of(claim);
    if (!row) {
        fail(claim, GRPC_UNAUTHENTICATED, "the user was removed");
        return;
    }
    let_in(claim, row);
    claim_free(claim);
}

/* Exchanges a code that is a user's own. */
static int redeem(struct claim *claim, const struct users_code *code) {
    struct service_tokens *service = claim->service;
    struct access_token *token = claim->pending.token;
    uint8_t hash[TOKEN_HASH_LEN];

    memcpy(hash, code->hash, sizeof(hash));
    node_set(&token->name, code->user);
    access_token_set_user(token, code->user, NULL);
    claim->is_invited = true;
    users_drop_code(service->config.users, hash); /* whatever becomes of this */
    struct store_token row = keeper_token(token);
    return store_redeem(service->config.store, hash, &row, on_claimed, claim);
}

static int claim_hub(struct claim *claim, const uint8_t *secret) {
    struct access_token *token = claim->pending.token;

    token->admin = true;
    token->role = ACTOR_OWNER;
    access_token_set_user(token, token->name, NULL);
    struct store_token row = keeper_token(token);
    return store_claim(claim->service->config.store, secret, &row, on_claimed, claim);
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

void claim_take(void *arg,
                struct invocation *invocation,
                const ProtobufCMessage *message) {
    struct service_tokens *service = arg;
    const struct call *call = invocation_call(invocation);
    const Roost__V1__ClaimRequest *request = (const Roost__V1__ClaimRequest *)message;
    uint64_t now_ms = loop_now_ms(call->loop);
    uint8_t hash[TOKEN_HASH_LEN];
    struct token_claim code;

    char *peer_key = peer_key_of(call);
    bool may = access_may_guess(service->config.access, peer_key, now_ms);
    if (!may || !is_fit(call, request) || token_claim_parse(request->code, &code) != 0) {
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
    struct claim *claim = mem_new(sizeof(*claim));
    *claim = (struct claim) { .service = service, .peer_key = peer_key };
    pending_token_init(&claim->pending, invocation, token);
    crypto_sha256(code.secret, sizeof(code.secret), hash);
    const struct users_code *invited = users_find_code(service->config.users, hash);
    int r = invited ? redeem(claim, invited) : claim_hub(claim, code.secret);
    mem_wipe(&code, sizeof(code));
    if (r < 0)
        fail(claim, GRPC_RESOURCE_EXHAUSTED, "the hub's store is busy; try again");
}
