#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "chat/chat_private.h"
#include "chat/kept/cards.h"
#include "chat/view.h"
#include "loop/loop.h"

struct chat_show {
    struct list node;            /* of chat->shows */
    struct chat *chat;           /* borrowed: frees it */
    char card[CARDS_ID_LEN + 1]; /* ""; the view has no buttons */
    chat_shown_fn *done;
    void *arg; /* borrowed: the asker's */
    struct task fail;
    bool is_outside; /* who asked is no turn, and outlives the conversation */
};

/* Tells the asker, last of all. */
static void end(struct chat_show *show, int result, const char *message) {
    chat_shown_fn *done = show->done;
    void *arg = show->arg;

    list_remove(&show->node);
    free(show);
    if (done)
        done(arg, result, message);
}

static void on_shown(void *arg, int result, const char *message) {
    struct chat_show *show = arg;
    struct cards *cards = show->chat->cards;
    struct card *card = show->card[0] ? cards_find(cards, show->card) : NULL;

    if (result == 0)
        cards_shown(cards, card, message);
    else
        cards_drop(cards, card);
    end(show, result, message);
}

static void on_fail(struct task *task) {
    end(container_of(task, struct chat_show, fail), -EHOSTUNREACH, NULL);
}

static bool is_text(const char *text) {
    return text && text[0] != '\0';
}

void chat_post_view(struct chat *chat,
                    const struct chat_show_request *request,
                    chat_shown_fn *done,
                    void *arg) {
    const struct chat_carrier *carrier =
        chat_find_carrier(chat, request->place->platform);
    struct chat_show *show = mem_new(sizeof(*show));

    *show = (struct chat_show) {
        .chat = chat,
        .done = done,
        .arg = arg,
        .is_outside = request->is_outside,
    };
    list_add_tail(&chat->shows, &show->node);
    if (!carrier) {
        show->fail.run = on_fail;
        loop_post(chat->config.host.loop, &show->fail);
        return;
    }
    struct card *card = cards_add(chat->cards, request->place, request->user,
                                  request->presser, request->view, chat_now_ms(chat));
    if (card)
        memcpy(show->card, cards_id(card), sizeof(show->card));
    else if (is_text(request->message))
        cards_clear(chat->cards, request->place, request->message);
    char **tokens = cards_tokens(card, request->view);
    const struct chat_post post = {
        .place = request->place,
        .message = is_text(request->message) ? request->message : NULL,
        .reply_to = is_text(request->reply_to) ? request->reply_to : NULL,
        .view = request->view,
        .tokens = (const char *const *)tokens,
        .is_answer = request->presser != NULL,
    };
    carrier->show(carrier->carrier, &post, on_shown, show);
    cards_tokens_free(tokens, request->view);
}

void chat_post(struct chat *chat,
               const struct chat_place *place,
               const char *message,
               const char *for_user,
               const struct view *view,
               chat_shown_fn *done,
               void *arg) {
    chat_post_view(chat,
                   &(struct chat_show_request) {
                       .place = place,
                       .message = message,
                       .user = for_user,
                       .view = view,
                       .is_outside = true,
                   },
                   done, arg);
}

void chat_post_end_all(struct chat *chat) {
    struct list *node;

    while ((node = list_pop(&chat->shows))) {
        struct chat_show *show = container_of(node, struct chat_show, node);
        loop_cancel(&show->fail);
        if (show->is_outside && show->done)
            show->done(show->arg, -ESHUTDOWN, NULL);
        free(show);
    }
}
