/*
 * approval_card - an act that waits for somebody's word, as it is shown to people
 *
 * Holds together without a turn, so that the hub can show it to whoever may decide, and
 * edit it when it was decided.
 */
#pragma once

#include <stdbool.h>

#include "base/buf.h"
#include "chat/view.h"
#include "chat/words/words.h"
#include "roost/v1/users.pb-c.h"

/* The card. may_decide: with buttons to agree and to say no. */
struct view *approval_card_view(enum words_language language,
                                const Roost__V1__Approval *item,
                                bool may_decide);

/* "nas: restart the host", by node and method. */
void approval_card_name(enum words_language language,
                        const Roost__V1__Approval *item,
                        struct buf *out);
