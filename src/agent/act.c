#include "agent/act.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "agent/policy.h"
#include "base/buf.h"
#include "base/list.h"
#include "base/log.h"
#include "base/mem.h"
#include "loop/loop.h"
#include "rpc/call.h"
#include "rpc/invocation.h"

struct acts {
    struct acts_config config;
    struct list running; /* of struct act */
};

struct act {
    struct list node;
    struct invocation *invocation; /* borrowed; NULL: the caller has gone */
    char *user;                    /* owned */
    char *what;                    /* owned */
};

struct acts *acts_new(const struct acts_config *config) {
    struct acts *acts = mem_new(sizeof(*acts));

    acts->config = *config;
    list_init(&acts->running);
    return acts;
}

static void act_end(struct act *act) {
    if (act->invocation)
        invocation_set_user(act->invocation, NULL, NULL);
    list_remove(&act->node);
    free(act->user);
    free(act->what);
    free(act);
}

struct acts *acts_free(struct acts *acts) {
    if (!acts)
        return NULL;
    while (!list_is_empty(&acts->running))
        act_end(container_of(acts->running.next, struct act, node));
    free(acts);
    return NULL;
}

const char *act_user(const struct invocation *invocation) {
    const char *user = headers_get(&invocation_call(invocation)->metadata, "roost-user");
    return user ? user : "";
}

enum actor_role act_role(const struct invocation *invocation) {
    const struct headers *metadata = &invocation_call(invocation)->metadata;
    const char *name = headers_get(metadata, "roost-role");

    if (!headers_get(metadata, "roost-user"))
        return ACTOR_OWNER;
    for (enum actor_role role = ACTOR_OWNER; name && role > ACTOR_NOBODY; role--)
        if (strcmp(name, actor_role_name(role)) == 0)
            return role;
    return ACTOR_NOBODY;
}

void act_refuse(struct acts *acts,
                struct invocation *invocation,
                enum policy_verb verb,
                const char *object) {
    const struct policy *policy = acts->config.policy;
    const char *name = policy_rules_verb(verb);
    const char *space = object ? " " : "";

    if (!object)
        object = "";
    log_info("%s%s%s was asked for by %s: %s does not allow it", name, space, object,
             act_user(invocation), policy_path(policy));
    invocation_finish(invocation, GRPC_PERMISSION_DENIED,
                      "the policy of this host does not allow %s%s%s: on the host, "
                      "roost-agent allow %s%s%s",
                      name, space, object, name, space, object);
}

bool act_would(struct acts *acts, enum policy_verb verb, const char *object) {
    policy_refresh(acts->config.policy, loop_now_ms(acts->config.loop));
    return policy_allows(acts->config.policy, verb, object);
}

bool act_may(struct acts *acts,
             struct invocation *invocation,
             enum policy_verb verb,
             const char *object) {
    if (act_would(acts, verb, object))
        return true;
    act_refuse(acts, invocation, verb, object);
    return false;
}

static void on_gone(struct invocation *invocation, void *user) {
    struct act *act = user;
    act->invocation = NULL;
}

bool act_begin(struct acts *acts,
               struct invocation *invocation,
               const struct act_question *question,
               struct act **ret_act) {
    if (!act_may(acts, invocation, question->verb, question->object))
        return false;
    struct act *act = mem_new(sizeof(*act));
    act->invocation = invocation;
    act->user = mem_strdup(act_user(invocation));
    act->what = mem_strdup(question->what);
    list_add_tail(&acts->running, &act->node);
    invocation_set_user(invocation, act, on_gone);
    *ret_act = act;
    return true;
}

void act_reply(struct act *act, const ProtobufCMessage *response) {
    struct invocation *invocation = act->invocation;

    log_info("%s, for %s", act->what, act->user);
    act_end(act);
    if (invocation)
        invocation_reply(invocation, response);
}

void act_fail(struct act *act, enum grpc_status status, const char *format, ...) {
    struct invocation *invocation = act->invocation;
    struct buf text = { 0 };
    va_list args;

    va_start(args, format);
    buf_vprintf(&text, format, args);
    va_end(args);
    char *why = buf_take_text(&text);
    log_info("%s, for %s, failed: %s", act->what, act->user, why);
    act_end(act);
    if (invocation)
        invocation_finish(invocation, status, "%s", why);
    free(why);
}
