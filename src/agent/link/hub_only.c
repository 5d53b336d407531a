#include "agent/link/hub_only.h"

#include "rpc/call.h"
#include "rpc/invocation.h"
#include "wire/headers.h"

/* Calls that the hub passes on say for whom. */
bool hub_only(struct invocation *invocation) {
    if (!headers_get(&invocation_call(invocation)->metadata, "roost-user"))
        return true;
    invocation_finish(invocation, GRPC_PERMISSION_DENIED,
                      "only the hub itself may call this");
    return false;
}
