#include "hub/acts/service_approvals.h"

#include <stdlib.h>

#include "base/mem.h"
#include "hub/acts/approval_message.h"
#include "hub/acts/approvals.h"
#include "roost/v1/users.pb-c.h"
#include "rpc/actor.h"
#include "rpc/call.h"
#include "rpc/invocation.h"
#include "rpc/services.h"

enum {
    WATCH_WAITING_MAX = 1 << 20, /* a watcher that is this far behind is dropped */
    SIGNATURE_MAX = 4096,        /* bytes; one has some 200 */
    REASON_MAX = 200,            /* bytes */
};

struct service_approvals {
    struct service_approvals_config config;
};

/* One Watch stream. */
struct approvals_watch {
    struct approvals_watcher watcher;
    struct service_approvals *service; /* borrowed: outlives us */
    struct invocation *invocation;     /* borrowed: until on_gone */
};

static const struct actor *actor_of(const struct invocation *invocation) {
    return invocation_call(invocation)->actor;
}

static void on_list(void *arg,
                    struct invocation *invocation,
                    const ProtobufCMessage *message) {
    const struct service_approvals *service = arg;
    const struct approvals *approvals = service->config.approvals;
    Roost__V1__ListApprovalsResponse response = ROOST__V1__LIST_APPROVALS_RESPONSE__INIT;
    struct approval_message *parts = mem_new_array(APPROVALS_MAX, sizeof(*parts));
    const struct approvals_item *item = NULL;

    response.approvals = mem_new_array(APPROVALS_MAX, sizeof(*response.approvals));
    while ((item = approvals_next(approvals, item))) {
        if (!approvals_may_see(approvals, item, actor_of(invocation)))
            continue;
        approval_message_init(&parts[response.n_approvals], item);
        response.approvals[response.n_approvals] = &parts[response.n_approvals].approval;
        response.n_approvals++;
    }
    invocation_reply(invocation, &response.base);
    free(response.approvals);
    free(parts);
}

static void send_item(struct approvals_watch *watch,
                      const struct approvals_item *item,
                      bool check_room) {
    struct approval_message part;

    if (!approvals_may_see(watch->service->config.approvals, item,
                           actor_of(watch->invocation)))
        return;
    if (check_room && invocation_waiting(watch->invocation) > WATCH_WAITING_MAX) {
        approvals_unwatch(&watch->watcher);
        invocation_finish(watch->invocation, GRPC_RESOURCE_EXHAUSTED,
                          "the watcher is too slow; watch again");
        return;
    }
    approval_message_init(&part, item);
    invocation_send(watch->invocation, &part.approval.base);
}

static void on_change(struct approvals_watcher *watcher,
                      const struct approvals_item *item) {
    send_item(container_of(watcher, struct approvals_watch, watcher), item, true);
}

static void on_watch_gone(struct invocation *invocation, void *user) {
    struct approvals_watch *watch = user;

    approvals_unwatch(&watch->watcher);
    free(watch);
}

static void on_watch(void *arg,
                     struct invocation *invocation,
                     const ProtobufCMessage *message) {
    struct service_approvals *service = arg;
    struct approvals_watch *watch = mem_new(sizeof(*watch));
    const struct approvals_item *item = NULL;

    *watch = (struct approvals_watch) {
        .watcher.on_change = on_change,
        .service = service,
        .invocation = invocation,
    };
    invocation_set_user(invocation, watch, on_watch_gone);
    invocation_begin(invocation);
    while ((item = approvals_next(service->config.approvals, item)))
        send_item(watch, item, false);
    approvals_watch(service->config.approvals, &watch->watcher);
}

/* The one that is meant; NULL: the call is finished. */
static struct approvals_item *find(const struct service_approvals *service,
                                   struct invocation *invocation,
                                   const char *id) {
    struct approvals_item *item =
        approvals_find(service->config.approvals, actor_of(invocation), id);

    if (!item)
        invocation_finish(invocation, GRPC_NOT_FOUND,
                          "no single act that waits begins with \"%s\": it was decided, "
                          "has lapsed, or is not for you",
                          id);
    return item;
}

/* Answers with the item as it was decided. */
static void decide(struct invocation *invocation,
                   struct approvals_item *item,
                   enum approvals_state state,
                   struct slice signature,
                   const char *why) {
    struct actor *actor = actor_ref(invocation_call(invocation)->actor);
    struct approval_message part;

    approval_message_init(&part, item);
    part.approval.state = (Roost__V1__Approval__State)state;
    part.approval.decided_by = actor->name;
    invocation_reply(invocation, &part.approval.base);
    approvals_decide(item, state, actor, signature, why);
    actor_unref(actor);
}

static void on_approve(void *arg,
                       struct invocation *invocation,
                       const ProtobufCMessage *message) {
    const struct service_approvals *service = arg;
    const Roost__V1__ApproveRequest *request = (const Roost__V1__ApproveRequest *)message;
    struct slice signature =
        slice_of(request->operator_signature.data, request->operator_signature.len);
    struct approvals_item *item = find(service, invocation, request->id);

    if (!item)
        return;
    const char *fault =
        approvals_fault(service->config.approvals, item, actor_of(invocation), signature);
    if (fault)
        invocation_finish(invocation, GRPC_PERMISSION_DENIED, "%s", fault);
    else if (signature.len > SIGNATURE_MAX)
        invocation_finish(invocation, GRPC_INVALID_ARGUMENT, "this is no signature");
    else
        decide(invocation, item, APPROVALS_APPROVED, signature, NULL);
}

static void on_reject(void *arg,
                      struct invocation *invocation,
                      const ProtobufCMessage *message) {
    const Roost__V1__RejectRequest *request = (const Roost__V1__RejectRequest *)message;
    struct approvals_item *item = find(arg, invocation, request->id);

    if (!item)
        return;
    auto_(mem_freep) char *why = mem_printf("%.*s", REASON_MAX, request->reason);
    decide(invocation, item, APPROVALS_REJECTED, slice_of(NULL, 0), why);
}

static const struct service_method methods[] = {
    { "List", SERVICE_UNARY, on_list },
    { "Watch", SERVICE_SERVER_STREAM, on_watch },
    { "Approve", SERVICE_UNARY, on_approve },
    { "Reject", SERVICE_UNARY, on_reject },
    { 0 },
};

struct service_approvals *service_approvals_new(
    const struct service_approvals_config *config) {
    struct service_approvals *service = mem_new(sizeof(*service));
    struct service table = {
        .descriptor = &roost__v1__approvals__descriptor,
        .methods = methods,
        .arg = service,
    };

    service->config = *config;
    services_add(config->services, &table);
    return service;
}

struct service_approvals *service_approvals_free(struct service_approvals *service) {
    free(service);
    return NULL;
}
