#include "hub/older/older.h"

#include <string.h>

#include "hub/nodes/node.h"
#include "rpc/call.h"

static bool begins(const char *method, const char *start) {
    return strncmp(method, start, strlen(start)) == 0;
}

bool older_is_internal(const char *method) {
    return begins(method, "/internal.");
}

bool older_is_external(const char *method) {
    return begins(method, "/external.");
}

bool older_is_anonymous(const char *method) {
    return begins(method, "/external.") || begins(method, "/internal.Hub/");
}

void older_fail_unknown(struct call *call) {
    call_finish(call, GRPC_UNIMPLEMENTED, "Unknown method", NULL);
}

void older_fail_nameless(struct call *call) {
    call_finish(call, GRPC_FAILED_PRECONDITION, "name not found in metadata", NULL);
}

void older_fail_absent(struct call *call) {
    call_finish(call, GRPC_FAILED_PRECONDITION,
                "get failed because client Name was not found", NULL);
}

void older_begin(struct call *call) {
    call->lost_text = "transport is closing";
}

const char *older_name(const struct node *node) {
    return node->anonymous && node->title[0] != '\0' ? node->title : node->name;
}
