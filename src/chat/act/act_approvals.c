#include "chat/act/act_approvals.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "chat/act/act_call.h"
#include "chat/act/approval_card.h"
#include "wire/pb.h"

enum { LISTED_MAX = 12, ID_LEAST = 4 };

/* --- what waits --- */

static void show_empty(struct turn *turn) {
    struct view *view = view_new();

    view_title(view, "%s", turn_say(turn, "✅ Nothing waits for your word"));
    turn_show(turn, view);
}

static void show_all(struct turn *turn, const Roost__V1__ListApprovalsResponse *list) {
    struct view *view = view_new();

    view_title(view, "✋ %s", turn_say(turn, "What waits for somebody's word"));
    for (size_t i = 0; i < list->n_approvals && i < LISTED_MAX; i++) {
        const Roost__V1__Approval *item = list->approvals[i];
        struct buf name = { 0 };
        approval_card_name(turn_language(turn), item, &name);
        /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): a list has no holes */
        view_field(view, item->id, turn_say(turn, "%s, asked by %s"), buf_text(&name),
                   item->asked_by);
        view_row(view);
        view_button(view, VIEW_PLAIN, buf_text(&name), "approvals %s", item->id);
        buf_done(&name);
    }
    if (list->n_approvals > LISTED_MAX)
        view_note(view, turn_say(turn, "and %zu more"), list->n_approvals - LISTED_MAX);
    turn_show(turn, view);
}

/* The one that is meant by its id or the beginning of one; the only one without. */
static const Roost__V1__Approval *find(const Roost__V1__ListApprovalsResponse *list,
                                       const char *id) {
    const Roost__V1__Approval *found = NULL;
    size_t count = 0;

    if (!id)
        return list->n_approvals == 1 ? list->approvals[0] : NULL;
    for (size_t i = 0; strlen(id) >= ID_LEAST && i < list->n_approvals; i++)
        /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): a list has no holes */
        if (strncmp(list->approvals[i]->id, id, strlen(id)) == 0) {
            found = list->approvals[i];
            count++;
        }
    return count == 1 ? found : NULL;
}

static void show_gone(struct turn *turn, const char *id) {
    struct view *view = view_new();

    view_title(view, turn_say(turn, "Nothing waits under %s"), id);
    view_text(view, "%s",
              turn_say(turn, "It was decided, has lapsed, or is not for you."));
    view_button(view, VIEW_PLAIN, turn_say(turn, "what waits"), "approvals");
    turn_show(turn, view);
}

/* His own act is not for him to agree to. */
static bool may_decide(const struct turn *turn, const Roost__V1__Approval *item) {
    const struct actor *actor = turn_actor(turn);
    return actor && strcmp(actor->name, item->asked_by) != 0;
}

static void show_own(struct turn *turn, const Roost__V1__Approval *item) {
    struct view *view = approval_card_view(turn_language(turn), item, false);

    view_button(view, VIEW_PLAIN, turn_say(turn, "take it back"), "reject %s", item->id);
    view_button(view, VIEW_PLAIN, turn_say(turn, "refresh"), "approvals %s", item->id);
    turn_show(turn, view);
}

static void show_one(struct turn *turn, const Roost__V1__Approval *item) {
    if (!may_decide(turn, item)) {
        show_own(turn, item);
        return;
    }
    struct view *view = approval_card_view(turn_language(turn), item, true);
    act_call_back(turn, view, "approvals");
    turn_show(turn, view);
}

static void on_list(struct turn *turn,
                    void *arg,
                    enum grpc_status status,
                    const char *message,
                    const ProtobufCMessage *reply) {
    const Roost__V1__ListApprovalsResponse *list =
        (const Roost__V1__ListApprovalsResponse *)reply;
    const char *id = turn_word(turn, 0);

    if (status != GRPC_OK) {
        turn_fail(turn, status, message, NULL);
        return;
    }
    const Roost__V1__Approval *item = find(list, id);
    if (item)
        show_one(turn, item);
    else if (id)
        show_gone(turn, id);
    else if (list->n_approvals == 0)
        show_empty(turn);
    else
        show_all(turn, list);
}

static void ask_list(struct turn *turn, turn_reply_fn *on_reply) {
    Roost__V1__ListApprovalsRequest request = ROOST__V1__LIST_APPROVALS_REQUEST__INIT;

    turn_call(turn, NULL, "/roost.v1.Approvals/List", &request.base, on_reply, NULL);
}

void act_approvals_list(struct turn *turn) {
    ask_list(turn, on_list);
}

/* --- deciding --- */

static void on_decided(struct turn *turn,
                       void *arg,
                       enum grpc_status status,
                       const char *message,
                       const ProtobufCMessage *reply) {
    if (status == GRPC_NOT_FOUND)
        show_gone(turn, turn_word(turn, 0));
    else if (status != GRPC_OK)
        act_call_fail(turn, status, message, turn_word(turn, 0), NULL, "approvals");
    else
        turn_show(turn, approval_card_view(turn_language(turn),
                                           (const Roost__V1__Approval *)reply, false));
}

static void on_confirm(struct turn *turn,
                       void *arg,
                       enum grpc_status status,
                       const char *message,
                       const ProtobufCMessage *reply) {
    const char *id = turn_word(turn, 0);
    const Roost__V1__Approval *item =
        status == GRPC_OK ? find((const Roost__V1__ListApprovalsResponse *)reply, id)
                          : NULL;

    if (!item || !may_decide(turn, item) || item->needs_signature) {
        on_list(turn, arg, status, message, reply);
        return;
    }
    struct view *view = approval_card_view(turn_language(turn), item, false);
    view_text(view, "%s", turn_say(turn, "With your word it is done at once."));
    view_confirm(view, VIEW_DANGER, turn_say(turn, "yes, let it go on"), "approve %s",
                 item->id);
    act_call_back(turn, view, "approvals");
    turn_show(turn, view);
}

void act_approvals_approve(struct turn *turn) {
    Roost__V1__ApproveRequest request = ROOST__V1__APPROVE_REQUEST__INIT;
    const char *id = turn_word(turn, 0);

    if (!id || !turn_is_confirmed(turn)) {
        ask_list(turn, on_confirm);
        return;
    }
    request.id = pb_lend(id);
    turn_call(turn, NULL, "/roost.v1.Approvals/Approve", &request.base, on_decided, NULL);
}

void act_approvals_reject(struct turn *turn) {
    Roost__V1__RejectRequest request = ROOST__V1__REJECT_REQUEST__INIT;
    const char *id = turn_word(turn, 0);
    const char *reason = turn_rest(turn, 1);

    if (!id) {
        ask_list(turn, on_list);
        return;
    }
    request.id = pb_lend(id);
    request.reason = pb_lend(reason);
    turn_call(turn, NULL, "/roost.v1.Approvals/Reject", &request.base, on_decided, NULL);
}
