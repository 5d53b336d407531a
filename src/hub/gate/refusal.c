#include "hub/gate/refusal.h"

#include "base/buf.h"
#include "base/clock.h"
#include "hub/nodes/node.h"
#include "hub/older/older.h"
#include "rpc/call.h"

void refusal_unknown(struct call *call, const char *name) {
    if (older_is_external(call->method))
        older_fail_absent(call);
    else if (name[0] == '\0')
        call_finish(call, GRPC_NOT_FOUND, "the metadata key name is empty: which node?",
                    NULL);
    else
        call_fail(call, GRPC_NOT_FOUND, "no node \"%s\"", name);
}

void refusal_offline(struct call *call, const struct node *node) {
    char since[CLOCK_TEXT_LEN];
    struct buf text = { 0 };

    if (older_is_external(call->method)) {
        older_fail_absent(call);
        return;
    }
    buf_printf(&text, "node \"%s\" ", node->name);
    if (node->session) {
        buf_add_text(&text, "is leaving: it takes no new calls");
    } else if (node->last_seen_ms == 0) {
        buf_add_text(&text, "has never been online");
    } else {
        clock_print(node->last_seen_ms, since);
        buf_printf(&text, "is offline, last seen %s", since);
    }
    call_finish_cut(call, buf_text(&text), CALL_DELIVERED_NO);
    buf_done(&text);
}

void refusal_role(struct call *call,
                  const char *name,
                  enum actor_role role,
                  enum actor_role needed) {
    call_fail(call, GRPC_PERMISSION_DENIED, "%s on \"%s\" needs the role %s; %s is %s",
              call->method, name, actor_role_name(needed), call->actor->name,
              actor_role_name(role));
}

void refusal_hub_only(struct call *call) {
    call_finish(call, GRPC_PERMISSION_DENIED, "only the hub itself may call this", NULL);
}

void refusal_many(struct call *call, size_t max) {
    call_fail(call, GRPC_RESOURCE_EXHAUSTED,
              "%zu calls with this credential are under way: wait for some of them, or "
              "raise [limits] calls_per_caller",
              max);
}

void refusal_homeless(struct call *call) {
    if (call->tunnel)
        call_finish(call, GRPC_INVALID_ARGUMENT,
                    "a tunnel starts at a node: name it with the field \"name\"", NULL);
    else if (older_is_external(call->method))
        older_fail_nameless(call);
    else if (older_is_internal(call->method))
        older_fail_unknown(call);
    else
        call_fail(
            call, GRPC_UNIMPLEMENTED,
            "the hub has no method %s; for a node's, say which: metadata name: NODE",
            call->method);
}
