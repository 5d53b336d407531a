#include "hub/talk/approval_people.h"

#include <stdlib.h>
#include <string.h>

#include "base/list.h"
#include "base/mem.h"
#include "chat/act/approval_card.h"
#include "chat/chat.h"
#include "hub/acts/approval_message.h"
#include "hub/acts/approvals.h"
#include "hub/people/users.h"
#include "rpc/actor.h"

struct approval_people {
    struct approval_people_config config;
    struct approvals_watcher watcher;
    struct list asked;
};

/* One message to one person. */
struct asked {
    struct list in_list;
    struct approval_people *people; /* borrowed: NULL when it has gone */
    char id[APPROVALS_ID_LEN + 1];
    struct chat_place place; /* owned texts */
    char *user;              /* owned */
    char *message;           /* owned; NULL until it is shown */
    struct view *end;        /* owned: to be shown when it can be edited; or NULL */
};

static void asked_free(struct asked *asked) {
    list_remove(&asked->in_list);
    free((char *)(uintptr_t)asked->place.platform);
    free((char *)(uintptr_t)asked->place.chat);
    free((char *)(uintptr_t)asked->place.topic);
    free(asked->user);
    free(asked->message);
    view_free(asked->end);
    free(asked);
}

static void on_ended(void *arg, int result, const char *message) {
    asked_free(arg);
}

static void show_end(struct asked *asked) {
    list_remove(&asked->in_list);
    chat_post(asked->people->config.chat, &asked->place, asked->message, asked->user,
              asked->end, on_ended, asked);
}

static void on_asked(void *arg, int result, const char *message) {
    struct asked *asked = arg;

    if (result != 0 || !asked->people) {
        asked_free(asked);
        return;
    }
    asked->message = mem_strdup(message);
    if (asked->end)
        show_end(asked);
}

static struct view *view_of(const struct approval_people *people,
                            const struct approvals_item *item,
                            const struct chat_place *place) {
    struct approval_message message;

    approval_message_init(&message, item);
    return approval_card_view(chat_language(people->config.chat, place),
                              &message.approval, item->state == APPROVALS_WAITING);
}

static void ask(struct approval_people *people,
                const struct approvals_item *item,
                const char *user) {
    const struct chat_place *place = chat_private_place(people->config.chat, user);

    if (!place)
        return;
    struct asked *asked = mem_new(sizeof(*asked));
    *asked = (struct asked) {
        .people = people,
        .place = { .platform = mem_strdup(place->platform),
                   .chat = mem_strdup(place->chat),
                   .topic = mem_strdup(place->topic),
                   .title = "",
                   .is_private = true },
        .user = mem_strdup(user),
    };
    memcpy(asked->id, item->id, sizeof(asked->id));
    list_add_tail(&people->asked, &asked->in_list);
    struct view *view = view_of(people, item, &asked->place);
    chat_post(people->config.chat, &asked->place, NULL, user, view, on_asked, asked);
    view_free(view);
}

/* May the user be the second person? Never who asked. */
static bool may_decide(const struct approval_people *people,
                       const struct approvals_item *item,
                       const struct users_row *row) {
    struct actor *actor = actor_new(row->name, NULL, true, row->rights);
    bool may = strcmp(row->name, item->asker->name) != 0 &&
               approvals_may_see(people->config.approvals, item, actor);

    actor_unref(actor);
    return may;
}

static void ask_all(struct approval_people *people, const struct approvals_item *item) {
    const struct users_row *row;
    size_t at = 0;

    while ((row = users_next(people->config.users, &at)))
        if (may_decide(people, item, row))
            ask(people, item, row->name);
}

static void tell_end(struct approval_people *people, const struct approvals_item *item) {
    list_for_each_safe(at, after, &people->asked) {
        struct asked *asked = container_of(at, struct asked, in_list);
        if (strcmp(asked->id, item->id) != 0 || asked->end)
            continue;
        asked->end = view_of(people, item, &asked->place);
        if (asked->message)
            show_end(asked);
    }
}

static void on_change(struct approvals_watcher *watcher,
                      const struct approvals_item *item) {
    struct approval_people *people =
        container_of(watcher, struct approval_people, watcher);

    if (item->state == APPROVALS_WAITING)
        ask_all(people, item);
    else
        tell_end(people, item);
}

struct approval_people *approval_people_new(const struct approval_people_config *config) {
    struct approval_people *people = mem_new(sizeof(*people));

    people->config = *config;
    people->watcher.on_change = on_change;
    list_init(&people->asked);
    approvals_watch(config->approvals, &people->watcher);
    return people;
}

struct approval_people *approval_people_free(struct approval_people *people) {
    if (!people)
        return NULL;
    approvals_unwatch(&people->watcher);
    list_for_each_safe(at, after, &people->asked) {
        struct asked *asked = container_of(at, struct asked, in_list);
        bool is_shown = asked->message != NULL;
        list_remove(&asked->in_list);
        asked->people = NULL;
        if (is_shown)
            asked_free(asked); /* else the conversation answers */
    }
    free(people);
    return NULL;
}
