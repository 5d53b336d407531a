#include "hub/groups/service_groups.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/name.h"
#include "hub/activity/activity.h"
#include "hub/groups/group.h"
#include "hub/groups/groups.h"
#include "hub/nodes/node.h"
#include "hub/nodes/registry.h"
#include "loop/loop.h"
#include "roost/v1/groups.pb-c.h"
#include "rpc/actor.h"
#include "rpc/call.h"
#include "rpc/invocation.h"
#include "rpc/services.h"
#include "wire/timestamp.h"

struct service_groups {
    struct service_groups_config config;
};

/* A group as a message, and what that points to. */
struct group_message {
    Roost__V1__Group group;
    Google__Protobuf__Timestamp created;
    struct member_message {
        Roost__V1__GroupMember member;
        Google__Protobuf__Timestamp out_until;
    } * members;                    /* owned */
    char **texts;                   /* owned: the array */
    Roost__V1__GroupMember **nodes; /* owned */
};

static const struct actor *actor_of(const struct invocation *invocation) {
    return invocation_call(invocation)->actor;
}

static void member_init(struct member_message *message,
                        const struct group_member *member,
                        uint64_t now_ms) {
    roost__v1__group_member__init(&message->member);
    message->member.node = member->name;
    message->member.online = member->node->session != NULL;
    message->member.calls = member->calls;
    message->member.calls_total = member->calls_total;
    if (group_is_out(member, now_ms))
        message->member.out_until =
            timestamp_set(&message->out_until,
                          clock_wall_ms() + (int64_t)(member->out_until_ms - now_ms));
}

/* The name of a node that he may not see is not told as a member either. */
static bool may_know(const struct service_groups *service,
                     const struct actor *actor,
                     const char *member) {
    const struct node *node = registry_find(service->config.registry, member);

    return actor_is_admin(actor) || !name_is_valid(member) ||
           (node && node_role(node, actor) > ACTOR_NOBODY);
}

static void message_init(struct group_message *message,
                         const struct service_groups *service,
                         const struct groups_row *row,
                         const struct actor *actor) {
    uint64_t now_ms = loop_now_ms(service->config.loop);
    size_t count = group_count(row->group);

    roost__v1__group__init(&message->group);
    message->group.name = row->name;
    message->texts = mem_new_array(row->count + 1, sizeof(*message->texts));
    message->group.members = message->texts;
    for (size_t i = 0; i < row->count; i++)
        if (may_know(service, actor, row->members[i]))
            message->texts[message->group.n_members++] = row->members[i];
    message->group.created = timestamp_set(&message->created, row->created_ms);
    message->members = mem_new_array(count + 1, sizeof(*message->members));
    message->nodes = mem_new_array(count + 1, sizeof(*message->nodes));
    message->group.nodes = message->nodes;
    for (size_t i = 0; i < count; i++) {
        const struct group_member *member = group_at(row->group, i);
        if (node_role(member->node, actor) == ACTOR_NOBODY)
            continue;
        struct member_message *part = &message->members[message->group.n_nodes];
        member_init(part, member, now_ms);
        message->nodes[message->group.n_nodes++] = &part->member;
    }
}

static void message_done(struct group_message *message) {
    free(message->texts);
    free(message->members);
    free(message->nodes);
}

static bool may_see(const struct actor *actor, const struct groups_row *row) {
    if (actor_is_admin(actor))
        return true;
    for (size_t i = 0; i < group_count(row->group); i++)
        if (node_role(group_at(row->group, i)->node, actor) > ACTOR_NOBODY)
            return true;
    return false;
}

static int by_name(const void *a, const void *b) {
    const struct groups_row *const *left = a;
    const struct groups_row *const *right = b;
    return strcmp((*left)->name, (*right)->name);
}

/* All that the actor may see, by name; an array to free. */
static const struct groups_row **visible(const struct groups *groups,
                                         const struct actor *actor,
                                         size_t *ret_count) {
    const struct groups_row **rows =
        mem_new_array(groups_count(groups) + 1, sizeof(struct groups_row *));
    const struct groups_row *row;
    size_t count = 0;
    size_t at = 0;

    while ((row = groups_next(groups, &at)))
        if (may_see(actor, row))
            rows[count++] = row;
    qsort(rows, count, sizeof(struct groups_row *), by_name);
    *ret_count = count;
    return rows;
}

static void on_list(void *arg,
                    struct invocation *invocation,
                    const ProtobufCMessage *message) {
    const struct service_groups *service = arg;
    Roost__V1__ListGroupsResponse response = ROOST__V1__LIST_GROUPS_RESPONSE__INIT;
    size_t count;
    const struct groups_row **rows =
        visible(service->config.groups, actor_of(invocation), &count);
    struct group_message *parts = mem_new_array(count + 1, sizeof(*parts));

    response.groups = mem_new_array(count + 1, sizeof(*response.groups));
    response.n_groups = count;
    for (size_t i = 0; i < count; i++) {
        message_init(&parts[i], service, rows[i], actor_of(invocation));
        response.groups[i] = &parts[i].group;
    }
    invocation_reply(invocation, &response.base);
    for (size_t i = 0; i < count; i++)
        message_done(&parts[i]);
    free(response.groups);
    free(parts);
    free(rows);
}

static void reply_group(const struct service_groups *service,
                        struct invocation *invocation,
                        const struct groups_row *row) {
    struct group_message message;

    message_init(&message, service, row, actor_of(invocation));
    invocation_reply(invocation, &message.group.base);
    message_done(&message);
}

/* The group, as far as the caller may see it; ends the call otherwise. */
static const struct groups_row *find(const struct service_groups *service,
                                     struct invocation *invocation,
                                     const char *name) {
    const struct groups_row *row = groups_find(service->config.groups, name);

    if (row && may_see(actor_of(invocation), row))
        return row;
    invocation_finish(invocation, GRPC_NOT_FOUND, "no group \"%s\"", name);
    return NULL;
}

static void on_get(void *arg,
                   struct invocation *invocation,
                   const ProtobufCMessage *message) {
    const Roost__V1__GetGroupRequest *request =
        (const Roost__V1__GetGroupRequest *)message;
    const struct groups_row *row = find(arg, invocation, request->name);

    if (row)
        reply_group(arg, invocation, row);
}

/* Are the members good? Ends the call otherwise. */
static bool are_members(struct invocation *invocation,
                        const Roost__V1__SetGroupRequest *request) {
    if (request->n_members == 0 || request->n_members > GROUPS_MEMBERS_MAX) {
        invocation_finish(invocation, GRPC_INVALID_ARGUMENT,
                          "a group has from 1 to %d members", GROUPS_MEMBERS_MAX);
        return false;
    }
    for (size_t i = 0; i < request->n_members; i++) {
        if (groups_is_member(request->members[i]))
            continue;
        invocation_finish(invocation, GRPC_INVALID_ARGUMENT,
                          "\"%s\" is no name, no glob and no @tag", request->members[i]);
        return false;
    }
    return true;
}

/* May there be a group of that name? Ends the call otherwise. */
static bool is_free(const struct service_groups *service,
                    struct invocation *invocation,
                    const Roost__V1__SetGroupRequest *request) {
    const struct groups_row *row = groups_find(service->config.groups, request->name);

    if (!name_is_valid(request->name))
        invocation_finish(
            invocation, GRPC_INVALID_ARGUMENT,
            "a name is 1 to 63 of a-z, 0-9, '.', '_' and '-', and begins with a "
            "letter or digit");
    else if (row && request->create)
        invocation_finish(invocation, GRPC_ALREADY_EXISTS,
                          "there is a group \"%s\" already", request->name);
    else if (registry_find(service->config.registry, request->name))
        invocation_finish(invocation, GRPC_ALREADY_EXISTS,
                          "there is a node \"%s\" already", request->name);
    else if (!row && groups_count(service->config.groups) >= GROUPS_MAX)
        invocation_finish(invocation, GRPC_RESOURCE_EXHAUSTED, "there are %d groups",
                          GROUPS_MAX);
    else
        return true;
    return false;
}

static void on_set(void *arg,
                   struct invocation *invocation,
                   const ProtobufCMessage *message) {
    struct service_groups *service = arg;
    const Roost__V1__SetGroupRequest *request =
        (const Roost__V1__SetGroupRequest *)message;

    if (!is_free(service, invocation, request) || !are_members(invocation, request))
        return;
    const struct groups_row *row = groups_set(service->config.groups, request->name,
                                              (const char *const *)request->members,
                                              request->n_members, clock_wall_ms());
    activity_add(service->config.activity, "group.set", "", actor_of(invocation)->name,
                 "group %s has %zu members", row->name, group_count(row->group));
    reply_group(service, invocation, row);
}

static void on_remove(void *arg,
                      struct invocation *invocation,
                      const ProtobufCMessage *message) {
    struct service_groups *service = arg;
    const Roost__V1__RemoveGroupRequest *request =
        (const Roost__V1__RemoveGroupRequest *)message;
    Roost__V1__RemoveGroupResponse response = ROOST__V1__REMOVE_GROUP_RESPONSE__INIT;

    if (!find(service, invocation, request->name))
        return;
    groups_remove(service->config.groups, request->name);
    activity_add(service->config.activity, "group.removed", "",
                 actor_of(invocation)->name, "group %s", request->name);
    invocation_reply(invocation, &response.base);
}

static const struct service_method methods[] = {
    { "List", SERVICE_UNARY, on_list },
    { "Get", SERVICE_UNARY, on_get },
    { "Set", SERVICE_UNARY, on_set },
    { "Remove", SERVICE_UNARY, on_remove },
    { 0 },
};

struct service_groups *service_groups_new(const struct service_groups_config *config) {
    struct service_groups *service = mem_new(sizeof(*service));
    struct service table = {
        .descriptor = &roost__v1__groups__descriptor,
        .methods = methods,
        .arg = service,
    };

    service->config = *config;
    services_add(config->services, &table);
    return service;
}

struct service_groups *service_groups_free(struct service_groups *service) {
    free(service);
    return NULL;
}
