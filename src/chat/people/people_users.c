#include "chat/people/people_users.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"
#include "chat/turn/turn.h"
#include "roost/v1/alerts.pb-c.h"
#include "roost/v1/users.pb-c.h"
#include "wire/pb.h"

enum { SHOWN_MAX = 30 };

static const struct {
    const char *word;
    Roost__V1__Role role;
} roles[] = {
    { "viewer", ROOST__V1__ROLE__VIEWER },
    { "operator", ROOST__V1__ROLE__OPERATOR },
    { "owner", ROOST__V1__ROLE__OWNER },
};

static Roost__V1__Role role_of(const char *word) {
    for (size_t i = 0; word && i < sizeof(roles) / sizeof(roles[0]); i++)
        if (strcmp(roles[i].word, word) == 0)
            return roles[i].role;
    return ROOST__V1__ROLE__ROLE_UNSPECIFIED;
}

static const char *role_word(Roost__V1__Role role) {
    for (size_t i = 0; i < sizeof(roles) / sizeof(roles[0]); i++)
        if (roles[i].role == role)
            return roles[i].word;
    return "?";
}

static void add_user(struct view *view, struct turn *turn, const Roost__V1__User *user) {
    struct buf text = { 0 };

    if (user->admin)
        buf_printf(&text, "%s", turn_say(turn, "administrator"));
    for (size_t i = 0; i < user->n_grants; i++)
        buf_printf(&text, "%s%s %s", text.len > 0 ? ", " : "",
                   role_word(user->grants[i]->role), user->grants[i]->nodes);
    if (text.len == 0)
        buf_printf(&text, "%s", turn_say(turn, "may do nothing yet"));
    view_field(view, user->name, "%s", buf_text(&text));
    buf_done(&text);
}

static void on_users(struct turn *turn,
                     void *arg,
                     enum grpc_status status,
                     const char *message,
                     const ProtobufCMessage *reply) {
    const Roost__V1__ListUsersResponse *response =
        (const Roost__V1__ListUsersResponse *)reply;

    if (status != GRPC_OK) {
        turn_fail(turn, status, message, NULL);
        return;
    }
    struct view *view = view_new();
    view_title(view, "%s", turn_say(turn, "Users"));
    for (size_t i = 0; i < response->n_users && i < SHOWN_MAX; i++)
        add_user(view, turn, response->users[i]);
    if (response->n_users > SHOWN_MAX)
        view_note(view, turn_say(turn, "... and %zu more"),
                  response->n_users - SHOWN_MAX);
    view_note(
        view, "%s",
        turn_say(turn, "/invite NAME lets somebody in, /grant lets him see nodes."));
    view_button(view, VIEW_PLAIN, turn_say(turn, "Settings"), "settings");
    turn_show(turn, view);
}

void people_users_list(struct turn *turn) {
    const Roost__V1__ListUsersRequest request = ROOST__V1__LIST_USERS_REQUEST__INIT;

    turn_call(turn, NULL, "/roost.v1.Users/List", &request.base, on_users, NULL);
}

/* A code, and how it is used. */
static void show_code(struct turn *turn,
                      const char *title,
                      const char *code,
                      const char *login) {
    struct view *view = view_new();
    char *line = mem_printf("/start %s", code);

    view_title(view, "%s", title);
    view_text(view, "%s", turn_say(turn, "In a chat with me, once:"));
    view_code(view, line);
    if (login && login[0] != '\0') {
        view_text(view, "%s", turn_say(turn, "On a command line:"));
        view_code(view, login);
    }
    view_copy(view, turn_say(turn, "Copy"), line);
    view->is_fresh = true;
    free(line);
    turn_show(turn, view);
}

static void on_invited(struct turn *turn,
                       void *arg,
                       enum grpc_status status,
                       const char *message,
                       const ProtobufCMessage *reply) {
    const Roost__V1__InviteUserResponse *response =
        (const Roost__V1__InviteUserResponse *)reply;

    if (status != GRPC_OK)
        turn_fail(turn, status, message, turn_word(turn, 0));
    else
        show_code(turn, response->user->name, response->code, response->login);
}

void people_users_invite(struct turn *turn) {
    Roost__V1__InviteUserRequest request = ROOST__V1__INVITE_USER_REQUEST__INIT;
    char *nodes = pb_lend(turn_word(turn, 2) ? turn_word(turn, 2) : "*");
    struct view *view;

    if (!turn_word(turn, 0)) {
        view = view_new();
        view_title(view, "%s", turn_say(turn, "Who shall be let in?"));
        turn_ask(turn, view, "invite");
        return;
    }
    request.name = pb_lend(turn_word(turn, 0));
    request.role = role_of(turn_word(turn, 1));
    if (turn_word(turn, 1) && request.role == ROOST__V1__ROLE__ROLE_UNSPECIFIED) {
        turn_complain(turn, "%s", turn_say(turn, "A role is viewer, operator or owner."));
        return;
    }
    request.nodes = &nodes;
    request.n_nodes = turn_word(turn, 1) ? 1 : 0;
    turn_call(turn, NULL, "/roost.v1.Users/Invite", &request.base, on_invited, NULL);
}

static void on_granted(struct turn *turn,
                       void *arg,
                       enum grpc_status status,
                       const char *message,
                       const ProtobufCMessage *reply) {
    const Roost__V1__GrantResponse *response = (const Roost__V1__GrantResponse *)reply;

    if (status != GRPC_OK) {
        turn_fail(turn, status, message, turn_word(turn, 0));
        return;
    }
    struct view *view = view_new();
    view_text(view, turn_say(turn, "%s is %s of %s now."), response->grant->user,
              role_word(response->grant->role), response->grant->nodes);
    turn_show(turn, view);
}

/* "for 2h": seconds; 0: for ever, or nothing that makes sense. */
static bool read_time(const struct turn *turn, uint32_t *ret_lifetime_s) {
    const char *word = turn_word(turn, 3);
    uint64_t ms = 0;

    if (!word)
        return true;
    if (strcmp(word, "for") == 0)
        word = turn_word(turn, 4);
    if (!word || clock_parse_duration(word, &ms) != 0 || ms < 1000 ||
        ms / 1000 > UINT32_MAX)
        return false;
    *ret_lifetime_s = (uint32_t)(ms / 1000);
    return true;
}

void people_users_grant(struct turn *turn) {
    Roost__V1__GrantRequest request = ROOST__V1__GRANT_REQUEST__INIT;

    request.role = role_of(turn_word(turn, 1));
    if (!turn_word(turn, 2) || request.role == ROOST__V1__ROLE__ROLE_UNSPECIFIED ||
        !read_time(turn, &request.lifetime_s)) {
        turn_complain(turn, "%s",
                      turn_say(turn, "For example: /grant ada operator web* for 2h"));
        return;
    }
    request.user = pb_lend(turn_word(turn, 0));
    request.nodes = pb_lend(turn_word(turn, 2));
    turn_call(turn, NULL, "/roost.v1.Users/Grant", &request.base, on_granted, NULL);
}

static void on_grant_taken(struct turn *turn,
                           void *arg,
                           enum grpc_status status,
                           const char *message,
                           const ProtobufCMessage *reply) {
    if (status != GRPC_OK && !(status == GRPC_NOT_FOUND && turn_is_again(turn))) {
        turn_fail(turn, status, message, turn_word(turn, 0));
        return;
    }
    struct view *view = view_new();
    view_text(view, turn_say(turn, "%s has lost that."), turn_word(turn, 0));
    turn_show(turn, view);
}

void people_users_revoke(struct turn *turn) {
    Roost__V1__RevokeGrantRequest request = ROOST__V1__REVOKE_GRANT_REQUEST__INIT;

    if (!turn_word(turn, 0)) {
        turn_complain(turn, "%s", turn_say(turn, "For example: /revoke ada web*"));
        return;
    }
    request.user = pb_lend(turn_word(turn, 0));
    request.nodes = pb_lend(turn_word(turn, 1));
    turn_call(turn, NULL, "/roost.v1.Users/Revoke", &request.base, on_grant_taken, NULL);
}

static void on_code(struct turn *turn,
                    void *arg,
                    enum grpc_status status,
                    const char *message,
                    const ProtobufCMessage *reply) {
    const Roost__V1__PairResponse *response = (const Roost__V1__PairResponse *)reply;

    if (status != GRPC_OK)
        turn_fail(turn, status, message, NULL);
    else
        show_code(turn, turn_say(turn, "A code, good for ten minutes"), response->code,
                  NULL);
}

void people_users_pair(struct turn *turn) {
    const Roost__V1__PairRequest request = ROOST__V1__PAIR_REQUEST__INIT;

    turn_call(turn, NULL, "/roost.v1.Users/Pair", &request.base, on_code, NULL);
}

/* One channel for each chat, named so that it is found again. A new string. */
static char *channel_name(const struct chat_place *place) {
    return mem_printf("%s%s%s%s%s", place->platform, place->chat[0] == '-' ? "" : "-",
                      place->chat, place->topic[0] != '\0' ? "-" : "", place->topic);
}

static void on_routed(struct turn *turn,
                      void *arg,
                      enum grpc_status status,
                      const char *message,
                      const ProtobufCMessage *reply) {
    const Roost__V1__Channel *channel = (const Roost__V1__Channel *)reply;

    if (status != GRPC_OK) {
        turn_fail(turn, status, message, NULL);
        return;
    }
    struct view *view = view_new();
    view_text(view, turn_say(turn, "This chat is told of what goes wrong with %s."),
              channel->select[0] != '\0' ? channel->select : turn_say(turn, "all nodes"));
    view_button(view, VIEW_PLAIN, turn_say(turn, "Stop that"), "here off");
    turn_show(turn, view);
}

static void on_unrouted(struct turn *turn,
                        void *arg,
                        enum grpc_status status,
                        const char *message,
                        const ProtobufCMessage *reply) {
    if (status != GRPC_OK && status != GRPC_NOT_FOUND) {
        turn_fail(turn, status, message, NULL);
        return;
    }
    struct view *view = view_new();
    view_text(view, "%s", turn_say(turn, "This chat is not told of anything any more."));
    view_button(view, VIEW_PLAIN, turn_say(turn, "Tell it of all nodes"), "here all");
    turn_show(turn, view);
}

static void stop_routing(struct turn *turn, char *name) {
    Roost__V1__RemoveChannelRequest request = ROOST__V1__REMOVE_CHANNEL_REQUEST__INIT;

    request.name = name;
    turn_call(turn, NULL, "/roost.v1.Alerts/RemoveChannel", &request.base, on_unrouted,
              NULL);
}

static void route(struct turn *turn, char *name, const char *nodes) {
    const struct chat_place *place = turn_place(turn);
    Roost__V1__PutChannelRequest request = ROOST__V1__PUT_CHANNEL_REQUEST__INIT;
    Roost__V1__Channel channel = ROOST__V1__CHANNEL__INIT;
    Roost__V1__ChatChannel chat = ROOST__V1__CHAT_CHANNEL__INIT;

    chat.platform = pb_lend(place->platform);
    chat.chat = pb_lend(place->chat);
    chat.topic = pb_lend(place->topic);
    channel.name = name;
    channel.kind_case = ROOST__V1__CHANNEL__KIND_CHAT;
    channel.chat = &chat;
    channel.severity = ROOST__V1__SEVERITY__WARNING;
    channel.select = pb_lend(strcmp(nodes, "all") == 0 ? "" : nodes);
    request.channel = &channel;
    turn_call(turn, NULL, "/roost.v1.Alerts/PutChannel", &request.base, on_routed, NULL);
}

void people_users_here(struct turn *turn) {
    const char *nodes = turn_word(turn, 0) ? turn_word(turn, 0) : "all";
    char *name = channel_name(turn_place(turn));

    if (strcmp(nodes, "off") == 0)
        stop_routing(turn, name);
    else
        route(turn, name, nodes);
    free(name);
}
