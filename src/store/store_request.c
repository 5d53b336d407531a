#include "store/store_request.h"

#include <stdlib.h>

#include "base/mem.h"

struct store_request *store_request_new(enum store_op op) {
    struct store_request *request = mem_new(sizeof(*request));
    request->op = op;
    return request;
}

struct store_request *store_request_free(struct store_request *request) {
    for (size_t i = 0; i < request->owned_count; i++)
        free(request->owned[i]);
    free(request->owned);
    records_done(&request->records);
    mem_wipe(request->secret, sizeof(request->secret));
    free(request);
    return NULL;
}

void *store_request_own(struct store_request *request, void *at) {
    enum { STEP = 16 };
    if (request->owned_count % STEP == 0)
        request->owned = mem_grow(request->owned, (request->owned_count + STEP) *
                                                      sizeof(*request->owned));
    request->owned[request->owned_count++] = at;
    return at;
}

const char *store_request_copy_text(struct store_request *request, const char *text) {
    return text && *text ? store_request_own(request, mem_strdup(text)) : "";
}

static const char *const *copy_texts(struct store_request *request,
                                     const char *const *texts,
                                     size_t count) {
    if (count == 0)
        return NULL;
    const char **copies =
        store_request_own(request, mem_new_array(count, sizeof(*copies)));
    for (size_t i = 0; i < count; i++)
        copies[i] = store_request_copy_text(request, texts[i]);
    return copies;
}

struct store_node store_request_copy_node(struct store_request *request,
                                          const struct store_node *node) {
    struct store_node copy = *node;
    copy.name = store_request_copy_text(request, node->name);
    copy.title = store_request_copy_text(request, node->title);
    copy.tags = copy_texts(request, node->tags, node->tag_count);
    copy.address = store_request_copy_text(request, node->address);
    copy.version = store_request_copy_text(request, node->version);
    copy.capabilities = copy_texts(request, node->capabilities, node->capability_count);
    copy.networks = store_request_copy_text(request, node->networks);
    copy.transport = store_request_copy_text(request, node->transport);
    copy.instance = store_request_copy_text(request, node->instance);
    return copy;
}

struct store_token store_request_copy_token(struct store_request *request,
                                            const struct store_token *token) {
    struct store_token copy = *token;
    copy.name = store_request_copy_text(request, token->name);
    copy.nodes = copy_texts(request, token->nodes, token->node_count);
    copy.user = store_request_copy_text(request, token->user);
    copy.device = store_request_copy_text(request, token->device);
    return copy;
}

struct store_user store_request_copy_user(struct store_request *request,
                                          const struct store_user *user) {
    struct store_user copy = *user;
    copy.name = store_request_copy_text(request, user->name);
    if (user->grant_count == 0)
        return copy;
    struct store_grant *grants = store_request_own(
        request, mem_dup(user->grants, user->grant_count * sizeof(*grants)));
    for (size_t i = 0; i < user->grant_count; i++) {
        grants[i].nodes = store_request_copy_text(request, user->grants[i].nodes);
        grants[i].granted_by =
            store_request_copy_text(request, user->grants[i].granted_by);
    }
    copy.grants = grants;
    return copy;
}

struct store_code store_request_copy_code(struct store_request *request,
                                          const struct store_code *code) {
    struct store_code copy = *code;
    copy.user = store_request_copy_text(request, code->user);
    return copy;
}

struct store_act store_request_copy_act(struct store_request *request,
                                        const struct store_act *act) {
    struct store_act copy = *act;
    copy.node = store_request_copy_text(request, act->node);
    copy.actor = store_request_copy_text(request, act->actor);
    copy.method = store_request_copy_text(request, act->method);
    copy.arguments = store_request_copy_text(request, act->arguments);
    return copy;
}

struct store_group store_request_copy_group(struct store_request *request,
                                            const struct store_group *group) {
    struct store_group copy = *group;
    copy.name = store_request_copy_text(request, group->name);
    copy.members = copy_texts(request, group->members, group->member_count);
    return copy;
}

struct store_event store_request_copy_event(struct store_request *request,
                                            const struct store_event *event) {
    struct store_event copy = *event;
    copy.kind = store_request_copy_text(request, event->kind);
    copy.node = store_request_copy_text(request, event->node);
    copy.actor = store_request_copy_text(request, event->actor);
    copy.text = store_request_copy_text(request, event->text);
    copy.method = store_request_copy_text(request, event->method);
    copy.arguments = store_request_copy_text(request, event->arguments);
    return copy;
}

struct store_traffic *store_request_copy_traffic(struct store_request *request,
                                                 const struct store_traffic *rows,
                                                 size_t count) {
    if (count == 0)
        return NULL;
    struct store_traffic *copies =
        store_request_own(request, mem_dup(rows, count * sizeof(*rows)));
    for (size_t i = 0; i < count; i++) {
        copies[i].node = store_request_copy_text(request, rows[i].node);
        copies[i].caller = store_request_copy_text(request, rows[i].caller);
        copies[i].method = store_request_copy_text(request, rows[i].method);
    }
    return copies;
}

struct store_traffic_query store_request_copy_traffic_query(
    struct store_request *request, const struct store_traffic_query *query) {
    struct store_traffic_query copy = *query;
    copy.node = store_request_copy_text(request, query->node);
    copy.caller = store_request_copy_text(request, query->caller);
    copy.method = store_request_copy_text(request, query->method);
    copy.nodes = copy_texts(request, query->nodes, query->node_count);
    copy.more = store_request_copy_traffic(request, query->more, query->more_count);
    return copy;
}

void store_request_answer(struct store_request *request) {
    if (request->traffic_done)
        request->traffic_done(request->arg, request->result, request->traffic,
                              request->traffic_count, request->traffic_cut);
    else if (request->events_done)
        request->events_done(request->arg, request->result, request->events,
                             request->event_count);
    else if (request->done)
        request->done(request->arg, request->result);
}
