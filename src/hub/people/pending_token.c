#include "hub/people/pending_token.h"

#include <stdlib.h>

#include "base/mem.h"
#include "hub/people/access.h"
#include "rpc/invocation.h"

static void on_asker_gone(struct invocation *invocation, void *user) {
    struct pending_token *pending = user;
    pending->invocation = NULL;
}

void pending_token_init(struct pending_token *pending,
                        struct invocation *invocation,
                        struct access_token *token) {
    pending->invocation = invocation;
    pending->token = token;
    access_token_make_secret(token, pending->secret);
    invocation_set_user(invocation, pending, on_asker_gone);
}

/* The asker, of whom nothing is heard any more; NULL: he is gone. */
static struct invocation *let_go(struct pending_token *pending) {
    if (pending->invocation)
        invocation_set_user(pending->invocation, NULL, NULL);
    return TAKE(pending->invocation);
}

void pending_token_done(struct pending_token *pending) {
    let_go(pending);
    mem_wipe(pending->secret, sizeof(pending->secret));
    pending->token = access_token_free(pending->token);
}

void pending_token_reply(struct pending_token *pending, const ProtobufCMessage *message) {
    struct invocation *invocation = let_go(pending);

    if (invocation)
        invocation_reply(invocation, message);
}

void pending_token_fail(struct pending_token *pending,
                        enum grpc_status status,
                        const char *why) {
    struct invocation *invocation = let_go(pending);

    if (invocation)
        invocation_finish(invocation, status, "%s", why);
}
