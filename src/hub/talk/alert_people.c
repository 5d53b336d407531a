#include "hub/talk/alert_people.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "alerts/incidents/incident.h"
#include "alerts/incidents/incident_message.h"
#include "base/buf.h"
#include "base/mem.h"
#include "chat/alert/alert_card.h"
#include "chat/chat.h"
#include "chat/view.h"
#include "hub/activity/activity.h"
#include "hub/nodes/node.h"
#include "hub/nodes/registry.h"
#include "hub/people/users.h"
#include "hub/talk/alert_pictures.h"

struct alert_people {
    struct alert_people_config config;
};

/* "telegram:-100123:7" in its parts. */
struct place {
    char *text; /* owned; cut at the colons */
    struct chat_place chat;
};

static void place_read(struct place *place, const char *text) {
    char *rest = place->text = mem_strdup(text);

    place->chat.platform = strsep(&rest, ":");
    place->chat.chat = rest ? strsep(&rest, ":") : "";
    place->chat.topic = rest ? rest : "";
    place->chat.title = "";
}

/* A notice on its way to a chat, with copies of what is needed behind the drawing. */
struct telling {
    struct alert_people *people; /* borrowed: outlives it */
    struct place place;
    uint64_t incident;  /* 0: the text alone */
    char *message;      /* owned; NULL: a new one */
    char *user;         /* owned; NULL: whoever may */
    char *title;        /* owned */
    char *text;         /* owned */
    struct buf picture; /* of what is no incident; empty: none */
    notifier_done *done;
    void *arg; /* borrowed: until done */
};

static void telling_end(struct telling *telling, int result, const char *message) {
    const char *why = result == 0               ? ""
                      : result == -EPERM        ? "nobody is there any more"
                      : result == -EHOSTUNREACH ? "the chat cannot be reached"
                                                : strerror(-result);

    telling->done(telling->arg, result, message ? message : "", why);
    free(telling->place.text);
    free(telling->message);
    free(telling->user);
    free(telling->title);
    free(telling->text);
    buf_done(&telling->picture);
    free(telling);
}

static void post(struct telling *telling, const struct view *view);

static struct view *text_view(const struct telling *telling) {
    struct view *view = view_new();

    view_title(view, "%s", telling->title);
    view_text(view, "%s", telling->text);
    if (telling->picture.len > 0)
        view_picture(view, buf_slice(&telling->picture), telling->title);
    view->is_quiet = true;
    return view;
}

static struct view *card_view(const struct telling *telling,
                              const struct incident *incident,
                              struct slice png) {
    const struct chat *chat = telling->people->config.chat;
    struct incident_message message;

    incident_message_init(&message, incident);
    struct view *view = alert_card_view(chat_language(chat, &telling->place.chat),
                                        &message.incident, png, true);
    incident_message_done(&message);
    return view;
}

static void show(struct telling *telling, struct slice png) {
    const struct incident *incident =
        incidents_by_id(telling->people->config.incidents, telling->incident);
    struct view *view = incident ? card_view(telling, incident, png) : text_view(telling);

    post(telling, view);
    view_free(view);
}

/* A message that is gone is written anew; whoever blocked us is not to be reached. */
static void on_shown(void *arg, int result, const char *message) {
    struct telling *telling = arg;

    if (result == -ENOENT && telling->message) {
        free(TAKE(telling->message));
        show(telling, (struct slice) { 0 });
        return;
    }
    telling_end(telling, result == -EHOSTUNREACH ? -EPERM : result, message);
}

static void post(struct telling *telling, const struct view *view) {
    chat_post(telling->people->config.chat, &telling->place.chat, telling->message,
              telling->user, view, on_shown, telling);
}

static void on_drawn(void *arg, struct slice png) {
    show(arg, png);
}

static void tell_chat(void *arg,
                      const struct notice *notice,
                      notifier_done *done,
                      void *done_arg) {
    struct alert_people *people = arg;
    struct telling *telling = mem_new(sizeof(*telling));
    bool is_edit = notice->message && notice->message[0] != '\0' && !notice->is_repeat &&
                   !notice->is_escalation;

    *telling = (struct telling) {
        .people = people,
        .incident = notice->incident ? notice->incident->id : 0,
        .message = is_edit ? mem_strdup(notice->message) : NULL,
        .user = notice->user && notice->user[0] ? mem_strdup(notice->user) : NULL,
        .title = mem_strdup(notice->title ? notice->title : ""),
        .text = mem_strdup(notice->text ? notice->text : ""),
        .done = done,
        .arg = done_arg,
    };
    place_read(&telling->place, notice->place);
    if (notice->picture_count > 0)
        buf_add_slice(&telling->picture, notice->pictures[0]);
    telling->place.chat.is_private = telling->user != NULL;
    if (notice->incident)
        alert_pictures_draw(people->config.pictures, notice->incident, on_drawn, telling);
    else
        show(telling, (struct slice) { 0 });
}

/* May the user see any of the nodes that the incident is about? */
static bool may_see(const struct alert_people *people,
                    const struct users_row *row,
                    const struct incident *incident) {
    const struct registry *registry = people->config.registry;
    int64_t now_ms = people->config.now_ms(people->config.arg);
    const char *const one[] = { incident->node, NULL };
    const char *const *names =
        incident->nodes ? (const char *const *)incident->nodes : one;

    for (; *names; names++) {
        const struct node *node = registry_find(registry, *names);
        if (node &&
            actor_rights_on(row->rights, node->name, node->tags, now_ms) != ACTOR_NOBODY)
            return true;
    }
    return row->admin;
}

static void each_person(void *arg,
                        const struct incident *incident,
                        const char *owner,
                        void (*visit)(void *visit_arg,
                                      const char *user,
                                      const char *place),
                        void *visit_arg) {
    const struct alert_people *people = arg;
    const struct users_row *row;
    size_t at = 0;

    while ((row = users_next(people->config.users, &at))) {
        bool is_owner = owner && owner[0] != '\0' && strcmp(owner, row->name) == 0;
        if ((owner && owner[0] != '\0' && !is_owner) || !may_see(people, row, incident))
            continue;
        const struct chat_place *place =
            chat_private_place(people->config.chat, row->name);
        if (!place)
            continue;
        auto_(mem_freep) char *text =
            mem_printf("%s:%s:%s", place->platform, place->chat, place->topic);
        visit(visit_arg, row->name, text);
    }
}

static bool is_meant(void *arg, const char *select, const char *name) {
    const struct alert_people *people = arg;
    const struct node *node = registry_find(people->config.registry, name);

    return node ? registry_is_picked(node, select)
                : select[0] == '\0' || strcmp(select, "*") == 0;
}

static bool is_offline(void *arg, const char *select) {
    const struct alert_people *people = arg;
    struct node *node;
    size_t at = 0;

    if (select[0] == '\0')
        return false;
    while ((node = registry_next(people->config.registry, &at)))
        if (!node->session && registry_is_picked(node, select))
            return true;
    return false;
}

static void draw(void *arg,
                 const struct incident *incident,
                 void (*done)(void *done_arg, struct slice png),
                 void *done_arg) {
    const struct alert_people *people = arg;
    alert_pictures_draw(people->config.pictures, incident, done, done_arg);
}

static void draw_week(void *arg,
                      const char *select,
                      void (*done)(void *done_arg,
                                   const struct slice *pngs,
                                   size_t count),
                      void *done_arg) {
    const struct alert_people *people = arg;
    alert_pictures_draw_week(people->config.pictures, select, done, done_arg);
}

static void on_activity(void *arg, const char *kind, const char *node, const char *text) {
    const struct alert_people *people = arg;
    activity_add(people->config.activity, kind, node, "", "%s", text);
}

static int64_t now_ms(void *arg) {
    const struct alert_people *people = arg;
    return people->config.now_ms(people->config.arg);
}

struct alert_people *alert_people_new(const struct alert_people_config *config) {
    struct alert_people *people = mem_new(sizeof(*people));

    people->config = *config;
    return people;
}

struct alert_people *alert_people_free(struct alert_people *people) {
    free(people);
    return NULL;
}

void alert_people_serve(struct alert_people *people, struct notifier_config *config) {
    config->arg = people;
    config->now_ms = now_ms;
    config->tell_chat = tell_chat;
    config->each_person = each_person;
    config->is_meant = is_meant;
    config->is_offline = is_offline;
    config->draw = draw;
    config->draw_week = draw_week;
    config->on_activity = on_activity;
}
