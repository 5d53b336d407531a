#include "hub/nodes/service_nodes.h"

#include <stdlib.h>

#include "base/list.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/name.h"
#include "hub/activity/activity.h"
#include "hub/link/session.h"
#include "hub/nodes/node_message.h"
#include "hub/nodes/registry.h"
#include "hub/nodes/selection.h"
#include "hub/people/access.h"
#include "hub/people/users.h"
#include "rpc/actor.h"
#include "rpc/call.h"
#include "rpc/invocation.h"
#include "rpc/services.h"

enum { WATCH_WAITING_MAX = 1 << 20 }; /* a watcher that is this far behind is dropped */

struct service_nodes {
    struct service_nodes_config config;
    struct users_watcher users;
    struct list watches; /* of struct nodes_watch */
};

/* One Watch stream. */
struct nodes_watch {
    struct registry_watcher watcher;
    struct list in_list;
    struct map *told;              /* owned; names of nodes that the watcher knows of */
    struct invocation *invocation; /* borrowed: until on_gone */
    char *select;                  /* owned */
};

static const struct actor *actor_of(const struct invocation *invocation) {
    return invocation_call(invocation)->actor;
}

static void on_list(void *arg,
                    struct invocation *invocation,
                    const ProtobufCMessage *message) {
    struct service_nodes *service = arg;
    const Roost__V1__ListNodesRequest *request =
        (const Roost__V1__ListNodesRequest *)message;
    Roost__V1__ListNodesResponse response = ROOST__V1__LIST_NODES_RESPONSE__INIT;
    struct node **nodes = NULL;
    size_t count = 0;

    if (!selection_find(service->config.registry, invocation, request->select, &nodes,
                        &count))
        return;
    struct node_message *parts = mem_new_array(count, sizeof(*parts));
    response.nodes = mem_new_array(count, sizeof(*response.nodes));
    response.n_nodes = count;
    for (size_t i = 0; i < count; i++) {
        node_message_init(&parts[i], nodes[i]);
        response.nodes[i] = &parts[i].node;
    }
    invocation_reply(invocation, &response.base);
    for (size_t i = 0; i < count; i++)
        node_message_done(&parts[i]);
    free(response.nodes);
    free(parts);
    free(nodes);
}

/* Finds the node with the role that is needed on it; ends the call otherwise. */
static struct node *find(struct service_nodes *service,
                         struct invocation *invocation,
                         const char *text,
                         enum actor_role needed) {
    struct node *node =
        registry_resolve(service->config.registry, actor_of(invocation), text);

    if (!node) {
        invocation_finish(invocation, GRPC_NOT_FOUND, "no node \"%s\"", text);
        return NULL;
    }
    if (node_role(node, actor_of(invocation)) < needed) {
        invocation_finish(invocation, GRPC_PERMISSION_DENIED,
                          "this needs the role %s on \"%s\"", actor_role_name(needed),
                          node->name);
        return NULL;
    }
    return node;
}

static void reply_node(struct invocation *invocation, const struct node *node) {
    struct node_message message = { 0 };

    node_message_init(&message, node);
    invocation_reply(invocation, &message.node.base);
    node_message_done(&message);
}

static void on_get(void *arg,
                   struct invocation *invocation,
                   const ProtobufCMessage *message) {
    const Roost__V1__GetNodeRequest *request = (const Roost__V1__GetNodeRequest *)message;
    struct node *node = find(arg, invocation, request->node, ACTOR_VIEWER);

    if (node)
        reply_node(invocation, node);
}

static void on_rename(void *arg,
                      struct invocation *invocation,
                      const ProtobufCMessage *message) {
    struct service_nodes *service = arg;
    const Roost__V1__RenameNodeRequest *request =
        (const Roost__V1__RenameNodeRequest *)message;
    struct node *node = find(service, invocation, request->node, ACTOR_OWNER);

    if (!node)
        return;
    if (!name_is_valid(request->name)) {
        invocation_finish(
            invocation, GRPC_INVALID_ARGUMENT,
            "a name is 1 to 63 of a-z, 0-9, '.', '_' and '-', and begins with a "
            "letter or digit");
        return;
    }
    if (registry_find(service->config.registry, request->name)) {
        invocation_finish(invocation, GRPC_ALREADY_EXISTS,
                          "there is a node \"%s\" already", request->name);
        return;
    }
    if (registry_is_reserved(service->config.registry, request->name)) {
        invocation_finish(invocation, GRPC_ALREADY_EXISTS,
                          "there is a group \"%s\" already", request->name);
        return;
    }
    char *before = mem_strdup(node->name);
    access_rename_node(service->config.access, before, request->name);
    users_rename_node(service->config.users, before, request->name);
    registry_rename(service->config.registry, node, request->name);
    activity_add(service->config.activity, "node.renamed", node->name,
                 actor_of(invocation)->name, "was called %s", before);
    free(before);
    reply_node(invocation, node);
}

static void on_set_title(void *arg,
                         struct invocation *invocation,
                         const ProtobufCMessage *message) {
    struct service_nodes *service = arg;
    const Roost__V1__SetNodeTitleRequest *request =
        (const Roost__V1__SetNodeTitleRequest *)message;
    struct node *node = find(service, invocation, request->node, ACTOR_OWNER);

    if (!node)
        return;
    if (!name_is_title(request->title)) {
        invocation_finish(invocation, GRPC_INVALID_ARGUMENT,
                          "a title is up to %d characters without control characters",
                          NAME_TITLE_MAX);
        return;
    }
    node_set(&node->title, request->title);
    registry_changed(service->config.registry, node);
    reply_node(invocation, node);
}

static bool are_tags(char *const *tags, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (!name_is_valid(tags[i]))
            return false;
    return true;
}

static bool may_untag(const struct service_nodes *service,
                      const struct invocation *invocation,
                      const Roost__V1__TagNodeRequest *request) {
    for (size_t i = 0; service->config.may_untag && i < request->n_remove; i++)
        if (!service->config.may_untag(service->config.arg, actor_of(invocation),
                                       request->remove[i]))
            return false;
    return true;
}

static void on_tag(void *arg,
                   struct invocation *invocation,
                   const ProtobufCMessage *message) {
    struct service_nodes *service = arg;
    const Roost__V1__TagNodeRequest *request = (const Roost__V1__TagNodeRequest *)message;
    struct node *node = find(service, invocation, request->node, ACTOR_OWNER);

    if (!node)
        return;
    if (!are_tags(request->add, request->n_add)) {
        invocation_finish(invocation, GRPC_INVALID_ARGUMENT,
                          "a tag is 1 to 63 of a-z, 0-9, '.', '_' and '-'");
        return;
    }
    if (!may_untag(service, invocation, request)) {
        invocation_finish(invocation, GRPC_PERMISSION_DENIED,
                          "acts on nodes with this tag need a second person's word: only "
                          "an administrator can take it off");
        return;
    }
    for (size_t i = 0; i < request->n_remove; i++)
        node_remove_tag(node, request->remove[i]);
    for (size_t i = 0; i < request->n_add; i++) {
        if (node_add_tag(node, request->add[i]) || node_has_tag(node, request->add[i]))
            continue;
        invocation_finish(invocation, GRPC_RESOURCE_EXHAUSTED,
                          "a node has at most %d tags", NODE_TAGS_MAX);
        return;
    }
    registry_changed(service->config.registry, node);
    reply_node(invocation, node);
}

static void on_remove(void *arg,
                      struct invocation *invocation,
                      const ProtobufCMessage *message) {
    struct service_nodes *service = arg;
    const Roost__V1__RemoveNodeRequest *request =
        (const Roost__V1__RemoveNodeRequest *)message;
    struct node *node = find(service, invocation, request->node, ACTOR_OWNER);
    Roost__V1__RemoveNodeResponse response = ROOST__V1__REMOVE_NODE_RESPONSE__INIT;

    if (!node)
        return;
    access_revoke_node(service->config.access, node->name, NULL);
    if (node->session)
        session_close(node->session, "the node was removed");
    activity_add(service->config.activity, "node.removed", node->name,
                 actor_of(invocation)->name, "removed with its credentials and samples");
    users_forget_node(service->config.users, node->name);
    registry_remove(service->config.registry, node);
    invocation_reply(invocation, &response.base);
}

static void send_event(struct nodes_watch *watch, const struct node *node, bool removed) {
    Roost__V1__NodeEvent event = ROOST__V1__NODE_EVENT__INIT;
    struct node_message part = { 0 };

    node_message_init(&part, node);
    event.node = &part.node;
    event.removed = removed;
    invocation_send(watch->invocation, &event.base);
    node_message_done(&part);
}

static bool is_watched(const struct nodes_watch *watch, const struct node *node) {
    return registry_is_meant(node, invocation_call(watch->invocation)->actor,
                             watch->select);
}

/* What the watcher may not see any more is gone for it. Ends the call of one that is too
 * slow: false. */
static bool tell(struct nodes_watch *watch, const struct node *node, bool removed) {
    if (removed || !is_watched(watch, node)) {
        if (!map_remove(watch->told, node->name))
            return true;
        removed = true;
    } else {
        map_put(watch->told, node->name, watch);
    }
    if (invocation_waiting(watch->invocation) > WATCH_WAITING_MAX) {
        invocation_finish(watch->invocation, GRPC_RESOURCE_EXHAUSTED,
                          "the watcher is too slow; watch again");
        return false;
    }
    send_event(watch, node, removed);
    return true;
}

static void on_change(struct registry_watcher *watcher, struct node *node, bool removed) {
    tell(container_of(watcher, struct nodes_watch, watcher), node, removed);
}

/* Somebody may see more now, or less. */
static void on_users(struct users_watcher *watcher) {
    struct service_nodes *service = container_of(watcher, struct service_nodes, users);

    list_for_each_safe(place, after, &service->watches) {
        struct nodes_watch *watch = container_of(place, struct nodes_watch, in_list);
        bool goes_on = true;
        struct node *node;
        size_t at = 0;
        while (goes_on && (node = registry_next(service->config.registry, &at)))
            if (is_watched(watch, node) != (map_get(watch->told, node->name) != NULL))
                goes_on = tell(watch, node, false);
    }
}

static void on_watch_gone(struct invocation *invocation, void *user) {
    struct nodes_watch *watch = user;

    registry_unwatch(&watch->watcher);
    list_remove(&watch->in_list);
    map_free(watch->told);
    free(watch->select);
    free(watch);
}

static void on_watch(void *arg,
                     struct invocation *invocation,
                     const ProtobufCMessage *message) {
    struct service_nodes *service = arg;
    const Roost__V1__WatchNodesRequest *request =
        (const Roost__V1__WatchNodesRequest *)message;
    Roost__V1__NodeEvent done = ROOST__V1__NODE_EVENT__INIT;
    struct nodes_watch *watch = mem_new(sizeof(*watch));
    struct node **nodes = NULL;
    size_t count = 0;
    char *why = NULL;

    *watch = (struct nodes_watch) {
        .watcher.on_change = on_change,
        .invocation = invocation,
        .select = mem_strdup(request->select),
        .told = map_new(),
    };
    list_add_tail(&service->watches, &watch->in_list);
    registry_watch(service->config.registry, &watch->watcher);
    invocation_set_user(invocation, watch, on_watch_gone);
    if (registry_select(service->config.registry, actor_of(invocation), "", &nodes,
                        &count, &why) == 0)
        for (size_t i = 0; i < count; i++)
            if (is_watched(watch, nodes[i])) {
                map_put(watch->told, nodes[i]->name, watch);
                send_event(watch, nodes[i], false);
            }
    free(nodes);
    free(why);
    done.initial_done = true;
    invocation_send(invocation, &done.base);
}

static const struct service_method methods[] = {
    { "List", SERVICE_UNARY, on_list },
    { "Get", SERVICE_UNARY, on_get },
    { "Rename", SERVICE_UNARY, on_rename },
    { "SetTitle", SERVICE_UNARY, on_set_title },
    { "Tag", SERVICE_UNARY, on_tag },
    { "Remove", SERVICE_UNARY, on_remove },
    { "Watch", SERVICE_SERVER_STREAM, on_watch },
    { 0 },
};

struct service_nodes *service_nodes_new(const struct service_nodes_config *config) {
    struct service_nodes *service = mem_new(sizeof(*service));
    struct service table = {
        .descriptor = &roost__v1__nodes__descriptor,
        .methods = methods,
        .arg = service,
    };

    service->config = *config;
    service->users.on_change = on_users;
    list_init(&service->watches);
    users_watch(config->users, &service->users);
    services_add(config->services, &table);
    return service;
}

struct service_nodes *service_nodes_free(struct service_nodes *service) {
    if (service)
        users_unwatch(&service->users);
    free(service);
    return NULL;
}
