#include "hub/acts/approval_message.h"

#include "hub/acts/approvals.h"
#include "rpc/actor.h"
#include "wire/pb.h"
#include "wire/timestamp.h"

void approval_message_init(struct approval_message *message,
                           const struct approvals_item *item) {
    Roost__V1__Approval *out = &message->approval;

    roost__v1__approval__init(out);
    out->id = pb_lend(item->id);
    out->state = (Roost__V1__Approval__State)item->state;
    out->node = item->node;
    out->method = item->method;
    out->request.data = item->request;
    out->request.len = item->request_len;
    out->request_json = item->json;
    out->asked_by = item->asker->name;
    out->asked = timestamp_set(&message->asked, item->asked_ms);
    out->expires = timestamp_set(&message->expires, item->expires_ms);
    out->consent_tag = item->tag;
    out->needs_signature = item->needs_signature;
    out->decided_by = item->decided_by;
}
