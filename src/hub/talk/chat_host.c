#include "hub/talk/chat_host.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/list.h"
#include "base/mem.h"
#include "hub/activity/activity.h"
#include "hub/gate/gate.h"
#include "hub/keeper.h"
#include "hub/nodes/node.h"
#include "hub/nodes/registry.h"
#include "hub/people/access.h"
#include "hub/people/users.h"
#include "hub/timekeeper.h"
#include "roost/v1/tokens.pb-c.h"
#include "rpc/client.h"
#include "store/store.h"
#include "wire/pb.h"

enum { PAIR_MS = 15000 };

typedef void done_fn(void *arg, const char *why, const char *name);

struct chat_host_hub {
    struct chat_host_config config;
    struct list asks; /* of those that are under way */
};

/* Something that is being kept for a person. */
struct ask {
    struct list in_list;
    struct chat_host_hub *hub;  /* borrowed: NULL when it has gone */
    struct client_call *call;   /* owned; NULL when none is under way */
    struct access_token *token; /* owned until it is added; NULL: none */
    char *identity;             /* owned */
    char *name;                 /* owned: the user's, or the node's */
    done_fn *done;
    void *arg; /* borrowed: until done */
};

static struct ask *ask_new(struct chat_host_hub *hub,
                           const char *identity,
                           const char *name,
                           done_fn *done,
                           void *arg) {
    struct ask *ask = mem_new(sizeof(*ask));

    *ask = (struct ask) {
        .hub = hub,
        .identity = mem_strdup(identity),
        .name = mem_strdup(name),
        .done = done,
        .arg = arg,
    };
    list_add_tail(&hub->asks, &ask->in_list);
    return ask;
}

static void ask_end(struct ask *ask, const char *why) {
    ask->done(ask->arg, ask->hub ? why : "the hub goes away", ask->name);
    list_remove(&ask->in_list);
    access_token_free(ask->token);
    free(ask->identity);
    free(ask->name);
    free(ask);
}

static int64_t now_ms(void *arg) {
    struct chat_host_hub *hub = arg;
    return timekeeper_now_ms(hub->config.timekeeper);
}

static bool is_live(const struct access_token *token, int64_t at_ms) {
    return token->kind == ACCESS_CALLER && !token->revoked && token->user[0] != '\0' &&
           (token->expires_ms == 0 || token->expires_ms > at_ms);
}

/* The newest, should there be several. */
struct access_token *chat_host_token(const struct chat_host_hub *hub,
                                     const char *identity) {
    int64_t at_ms = timekeeper_now_ms(hub->config.timekeeper);
    struct access_token *newest = NULL;
    struct access_token *token;
    size_t at = 0;

    while ((token = access_next(hub->config.access, &at)))
        if (is_live(token, at_ms) && strcmp(token->device, identity) == 0 &&
            (!newest || token->created_ms > newest->created_ms))
            newest = token;
    return newest;
}

static struct actor *find_person(void *arg, const char *identity) {
    struct chat_host_hub *hub = arg;
    struct access_token *token = chat_host_token(hub, identity);

    if (!token)
        return NULL;
    token->used_ms = now_ms(hub);
    return access_actor(token);
}

static int by_name(const void *a, const void *b) {
    const struct chat_node *one = a, *other = b;
    return strcmp(one->name, other->name);
}

static void each_node(void *arg,
                      const struct actor *actor,
                      bool (*visit)(void *visit_arg, const struct chat_node *node),
                      void *visit_arg) {
    const struct chat_host_hub *hub = arg;
    const struct registry *registry = hub->config.registry;
    struct chat_node *nodes = mem_new_array(registry_count(registry) + 1, sizeof(*nodes));
    struct node *node;
    size_t count = 0;
    size_t at = 0;

    while ((node = registry_next(registry, &at))) {
        enum actor_role role = node_role(node, actor);
        if (role == ACTOR_NOBODY)
            continue;
        nodes[count++] = (struct chat_node) {
            .name = node->name,
            .title = node->title,
            .is_online = node->session != NULL,
            .role = role,
            .last_seen_ms = node->last_seen_ms,
        };
    }
    qsort(nodes, count, sizeof(*nodes), by_name);
    for (size_t i = 0; i < count; i++)
        if (!visit(visit_arg, &nodes[i]))
            break;
    free(nodes);
}

static const char *node_of_key(void *arg, const char *key) {
    struct chat_host_hub *hub = arg;
    struct access_token *token = NULL;

    if (access_find(hub->config.access, key, ACCESS_DIALECT, now_ms(hub), &token) != 0 ||
        !registry_find(hub->config.registry, token->name))
        return NULL;
    return token->name;
}

static void on_moved(void *arg, const char *platform, const char *from, const char *to) {
    const struct chat_host_hub *hub = arg;
    hub->config.on_moved(hub->config.moved_arg, platform, from, to);
}

static bool is_claimed(void *arg) {
    const struct chat_host_hub *hub = arg;
    const struct users_row *row;
    size_t at = 0;

    while ((row = users_next(hub->config.users, &at)))
        if (row->admin)
            return true;
    return false;
}

/* Whoever the person was before, he is somebody else now. */
static void revoke_others(struct chat_host_hub *hub,
                          const char *identity,
                          const char *token_id) {
    struct access_token *token;
    size_t at = 0;

    while ((token = access_next(hub->config.access, &at)))
        if (is_live(token, now_ms(hub)) && strcmp(token->device, identity) == 0 &&
            strcmp(token->id, token_id) != 0)
            access_revoke(hub->config.access, token);
}

static void on_claimed(void *user,
                       enum grpc_status status,
                       const char *message,
                       const ProtobufCMessage *reply) {
    const Roost__V1__ClaimResponse *response = (const Roost__V1__ClaimResponse *)reply;
    struct ask *ask = user;

    ask->call = NULL;
    if (status != GRPC_OK) {
        ask_end(ask, message);
        return;
    }
    const Roost__V1__Token *token = response->token;
    mem_wipe(response->secret, strlen(response->secret)); /* nobody needs it */
    revoke_others(ask->hub, ask->identity, token->id);
    free(ask->name);
    ask->name = mem_strdup(token->user);
    activity_add(ask->hub->config.activity, "user.paired", "", ask->name, "%s is %s",
                 ask->identity, ask->name);
    ask_end(ask, NULL);
}

/* What a platform lets people call themselves, as a user's name that is free. */
static char *user_name(const struct chat_host_hub *hub,
                       const char *wish,
                       const char *identity) {
    char *name = mem_strdup(users_is_name(wish) ? wish : identity);

    for (char *at = name; *at; at++)
        if (*at == ':')
            *at = '-';
    for (unsigned i = 2; users_find(hub->config.users, name); i++) {
        free(name);
        name = mem_printf("%s %u", users_is_name(wish) ? wish : "guest", i);
    }
    return name;
}

static void pair(void *arg,
                 const char *identity,
                 const char *name,
                 const char *code,
                 done_fn *done,
                 void *done_arg) {
    struct chat_host_hub *hub = arg;
    char *wish = user_name(hub, name, identity);
    struct ask *ask = ask_new(hub, identity, "", done, done_arg);
    Roost__V1__ClaimRequest request = ROOST__V1__CLAIM_REQUEST__INIT;
    const struct client_request call = {
        .method = "/roost.v1.Tokens/Claim",
        .timeout_ms = PAIR_MS,
        .peer = identity,
    };

    request.code = pb_lend(code);
    request.name = wish;
    request.device = ask->identity;
    ask->call = client_unary(hub->config.loop, hub->config.gate, &call, &request.base,
                             &roost__v1__claim_response__descriptor, on_claimed, ask);
    free(wish);
}

static void on_token_kept(void *arg, int result) {
    struct ask *ask = arg;

    if (result == 0 && ask->hub) {
        struct users_row *row = users_find(ask->hub->config.users, ask->name);
        struct access_token *token = TAKE(ask->token);
        access_token_set_user(token, ask->name, row ? row->rights : NULL);
        access_add(ask->hub->config.access, token);
        activity_add(ask->hub->config.activity, "user.came", "", ask->name,
                     "came by himself as %s", ask->identity);
    }
    ask_end(ask, result == 0 ? NULL : "the hub's store cannot keep it");
}

static void on_user_kept(void *arg, int result) {
    struct ask *ask = arg;

    if (result != 0 || !ask->hub) {
        ask_end(ask, "the hub's store cannot keep it");
        return;
    }
    char secret[TOKEN_LEN + 1];
    ask->token = access_token_new(ACCESS_CALLER, ask->name);
    ask->token->created_ms = now_ms(ask->hub);
    node_set(&ask->token->device, ask->identity);
    access_token_set_user(ask->token, ask->name, NULL);
    access_token_make_secret(ask->token, secret);
    mem_wipe(secret, sizeof(secret));
    struct store_token row = keeper_token(ask->token);
    if (store_put_token(ask->hub->config.store, &row, on_token_kept, ask) < 0)
        ask_end(ask, "the hub's store is busy; try again");
}

static void enlist(
    void *arg, const char *identity, const char *name, done_fn *done, void *done_arg) {
    struct chat_host_hub *hub = arg;

    if (users_count(hub->config.users) >= USERS_MAX) {
        done(done_arg, "this hub has as many users as it can", "");
        return;
    }
    char *wish = user_name(hub, name, identity);
    struct ask *ask = ask_new(hub, identity, wish, done, done_arg);
    struct users_row *row = users_add(hub->config.users, wish, false, now_ms(hub));

    free(wish);
    if (keeper_put_user(hub->config.store, row, on_user_kept, ask) < 0)
        ask_end(ask, "the hub's store is busy; try again");
}

static void on_grant_kept(void *arg, int result) {
    ask_end(arg, result == 0 ? NULL : "the hub's store cannot keep it");
}

static void link_key(void *arg,
                     const struct actor *actor,
                     const char *key,
                     done_fn *done,
                     void *done_arg) {
    struct chat_host_hub *hub = arg;
    const char *node = node_of_key(hub, key);
    struct users_row *row = users_find(hub->config.users, actor->name);
    const struct users_grant grant = {
        .nodes = (char *)(uintptr_t)node,
        .role = ACTOR_OWNER,
        .granted_by = actor->name,
        .created_ms = now_ms(hub),
    };

    if (!node || !row) {
        done(done_arg, "no node has this key", "");
        return;
    }
    if (!users_grant(hub->config.users, row, &grant)) {
        done(done_arg, "you have as many grants as one can have", "");
        return;
    }
    struct ask *ask = ask_new(hub, "", node, done, done_arg);
    if (keeper_put_user(hub->config.store, row, on_grant_kept, ask) < 0)
        ask_end(ask, "the hub's store is busy; try again");
}

struct chat_host_hub *chat_host_new(const struct chat_host_config *config) {
    struct chat_host_hub *hub = mem_new(sizeof(*hub));

    hub->config = *config;
    list_init(&hub->asks);
    return hub;
}

struct chat_host_hub *chat_host_free(struct chat_host_hub *hub) {
    if (!hub)
        return NULL;
    list_for_each_safe(at, after, &hub->asks) {
        struct ask *ask = container_of(at, struct ask, in_list);
        list_remove(at);
        ask->hub = NULL; /* the store still answers it */
        if (ask->call) {
            ask->call = client_cancel(ask->call);
            ask_end(ask, NULL);
        }
    }
    free(hub);
    return NULL;
}

struct chat_host chat_host_of(struct chat_host_hub *hub) {
    return (struct chat_host) {
        .loop = hub->config.loop,
        .store = hub->config.store,
        .gate = hub->config.gate,
        .arg = hub,
        .now_ms = now_ms,
        .find_person = find_person,
        .each_node = each_node,
        .node_of_key = node_of_key,
        .pair = pair,
        .enlist = enlist,
        .link_key = link_key,
        .is_claimed = is_claimed,
        .on_moved = on_moved,
    };
}
