/*
 * approval_message - an act that waits, as a message
 */
#pragma once

#include "google/protobuf/timestamp.pb-c.h"
#include "roost/v1/users.pb-c.h"

struct approvals_item;

/* Borrows the item's texts. */
struct approval_message {
    Roost__V1__Approval approval;
    Google__Protobuf__Timestamp asked;
    Google__Protobuf__Timestamp expires;
};

void approval_message_init(struct approval_message *message,
                           const struct approvals_item *item);
