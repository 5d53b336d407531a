#include "hub/metrics/history_status.h"

#include <errno.h>
#include <string.h>

#include "rpc/invocation.h"
#include "store/history/history.h"

void history_status_finish(struct invocation *invocation, int result) {
    if (result == HISTORY_E_MANY)
        invocation_finish(invocation, GRPC_RESOURCE_EXHAUSTED,
                          "the answer would have more than %d series or %d values; ask "
                          "for fewer metrics or nodes, or for less time",
                          HISTORY_SERIES_MAX, HISTORY_VALUES_MAX);
    else if (result == -ECANCELED)
        invocation_finish(invocation, GRPC_UNAVAILABLE, "the hub stops");
    else
        invocation_finish(invocation, GRPC_INTERNAL, "the samples cannot be read: %s",
                          result < 0 ? strerror(-result) : "the store is damaged");
}
