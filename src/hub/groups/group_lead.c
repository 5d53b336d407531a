#include "hub/groups/group_lead.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/name.h"
#include "hub/gate/refusal.h"
#include "hub/gate/roles.h"
#include "hub/gate/waiting.h"
#include "hub/groups/group.h"
#include "hub/groups/group_health.h"
#include "hub/nodes/node.h"
#include "hub/older/older.h"
#include "rpc/call.h"

enum { SERVICE_LEN_MAX = 256 };

/* A call that was led to a member, and who else wants to know of its end. */
struct ride {
    struct call_observer before; /* told after us */
    struct group_member *member; /* its call is counted */
};

/* What fits() looks at. */
struct search {
    struct group_lead_answer *answer; /* borrowed: the caller */
    struct group_health *health;      /* borrowed: the caller */
    const struct call *call;          /* borrowed: the caller */
    enum actor_role needed;
    char service[SERVICE_LEN_MAX]; /* "": of a tunnel, or too long */
    char tried[NAME_LEN_MAX + 1];  /* the member that it was led to before; "" */
};

static bool is_failure(const struct call *call) {
    return call->status == GRPC_UNAVAILABLE ||
           (call->cut && call->status == GRPC_INTERNAL);
}

static void on_finished(struct call *call) {
    struct ride *ride = call->observer.user;

    call->observer = ride->before;
    group_end(ride->member, is_failure(call) ? GROUP_FAILED : GROUP_WENT_WELL,
              loop_now_ms(call->loop));
    free(ride);
    if (call->observer.on_finished)
        call->observer.on_finished(call);
}

/* It never arrived where it was led before: whose name that is. */
static void take_back(struct call *call, char ret_tried[static NAME_LEN_MAX + 1]) {
    struct ride *ride = call->observer.user;

    ret_tried[0] = '\0';
    if (call->observer.on_finished != on_finished)
        return;
    snprintf(ret_tried, NAME_LEN_MAX + 1, "%s", ride->member->name);
    call->observer = ride->before;
    group_end(ride->member, GROUP_NEVER_WENT, loop_now_ms(call->loop));
    free(ride);
}

/* Health and reflection are asked of any member; so is a tunnel. */
static bool is_watched(const char *service) {
    return service[0] != '\0' && strncmp(service, "grpc.", 5) != 0;
}

/* Of two that cannot be reached: who said later that it goes, or was there when the hub
 * stopped. */
static bool is_back_sooner(const struct node *node, const struct node *other) {
    if (node->leaving_ms != other->leaving_ms)
        return node->leaving_ms > other->leaving_ms;
    return node->was_online && !other->was_online;
}

static bool fits(void *arg, const struct group_member *member) {
    struct search *search = arg;
    struct group_lead_answer *answer = search->answer;
    const struct node *node = member->node;
    enum actor_role role = node_role(node, search->call->actor);

    if (role > answer->role)
        answer->role = role;
    if (role == ACTOR_NOBODY)
        return false;
    answer->visible++;
    if (role < search->needed)
        return false;
    answer->allowed++;
    if (!waiting_is_reachable(node)) {
        if (!answer->down || is_back_sooner(node, answer->down))
            answer->down = node;
        return false;
    }
    answer->reachable++;
    if (search->service[0] != '\0' && !node_may_serve(node, search->service))
        return false;
    answer->serving++;
    return strcmp(search->tried, node->name) != 0 &&
           (!is_watched(search->service) ||
            group_health_is_serving(search->health, node, search->service));
}

void group_lead_choose(struct group *group,
                       struct group_health *health,
                       struct call *call,
                       uint64_t now_ms,
                       struct group_lead_answer *ret_answer) {
    struct search search = {
        .answer = ret_answer,
        .health = health,
        .call = call,
        .needed = roles_needed(call->method),
    };

    *ret_answer = (struct group_lead_answer) { 0 };
    if (call->tunnel || !call_service_name(call, search.service, sizeof(search.service)))
        search.service[0] = '\0';
    take_back(call, search.tried);
    ret_answer->member = group_pick(group, now_ms, fits, &search);
    if (ret_answer->member || search.tried[0] == '\0')
        return;
    search.tried[0] = '\0'; /* there is no other */
    *ret_answer = (struct group_lead_answer) { 0 };
    ret_answer->member = group_pick(group, now_ms, fits, &search);
}

void group_lead_begin(struct call *call, struct group_member *member) {
    struct ride *ride = mem_new(sizeof(*ride));

    *ride = (struct ride) { .before = call->observer, .member = member };
    call->observer = (struct call_observer) { .on_finished = on_finished, .user = ride };
}

void group_lead_refuse(struct call *call,
                       const char *name,
                       const struct group_lead_answer *answer) {
    bool may_know = answer->visible > 0 || actor_is_admin(call->actor);

    if (older_is_external(call->method) || !may_know)
        refusal_unknown(call, name);
    else if (answer->visible == 0)
        call_fail(call, GRPC_UNAVAILABLE, "the group \"%s\" has no members", name);
    else if (answer->allowed == 0)
        refusal_role(call, name, answer->role, roles_needed(call->method));
    else if (answer->reachable == 0)
        call_fail(call, GRPC_UNAVAILABLE, "no member of the group \"%s\" is online",
                  name);
    else if (answer->serving == 0)
        call_fail(call, GRPC_UNIMPLEMENTED,
                  "no member of the group \"%s\" that is online serves %s", name,
                  call->method);
    else
        call_fail(call, GRPC_UNAVAILABLE,
                  "no member of the group \"%s\" that is online says that it is SERVING",
                  name);
}
