#include "hub/people/pending_change.h"

#include <stdlib.h>

#include "base/mem.h"
#include "rpc/invocation.h"

static void on_asker_gone(struct invocation *invocation, void *user) {
    struct pending_change *change = user;
    change->invocation = NULL;
}

struct pending_change *pending_change_new(struct service_users *service,
                                          struct invocation *invocation,
                                          const char *user,
                                          void (*answer)(struct pending_change *change)) {
    struct pending_change *change = mem_new(sizeof(*change));

    change->service = service;
    change->invocation = invocation;
    change->user = mem_strdup(user);
    change->answer = answer;
    invocation_set_user(invocation, change, on_asker_gone);
    return change;
}

static void free_change(struct pending_change *change) {
    mem_wipe(change->code, sizeof(change->code));
    free(change->user);
    free(change->nodes);
    free(change);
}

/* What was asked is done in memory already, and stays so until the hub is restarted. */
void pending_change_kept(void *arg, int result) {
    struct pending_change *change = arg;

    if (change->invocation) {
        invocation_set_user(change->invocation, NULL, NULL);
        if (result == 0)
            change->answer(change);
        else
            invocation_finish(change->invocation, GRPC_UNAVAILABLE,
                              "the hub's store cannot keep it: it holds until the hub is "
                              "restarted");
    }
    free_change(change);
}

void pending_change_asked(struct pending_change *change, int result) {
    if (result < 0)
        pending_change_kept(change, result);
}
