#include "hub/nodes/selection.h"

#include <stdlib.h>

#include "hub/nodes/registry.h"
#include "rpc/call.h"
#include "rpc/invocation.h"

bool selection_find(const struct registry *registry,
                    struct invocation *invocation,
                    const char *select,
                    struct node ***ret_nodes,
                    size_t *ret_count) {
    char *why = NULL;

    if (registry_select(registry, invocation_call(invocation)->actor, select, ret_nodes,
                        ret_count, &why) == 0)
        return true;
    invocation_finish(invocation, GRPC_NOT_FOUND, "%s", why);
    free(why);
    return false;
}
