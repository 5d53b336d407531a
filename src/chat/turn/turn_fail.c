#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "chat/chat_private.h"
#include "chat/command.h"
#include "chat/turn/turn.h"
#include "chat/turn/turn_life.h"
#include "chat/turn/turn_private.h"

/* What there is to know of the turn's node. */
struct sight {
    const char *name; /* borrowed: the turn's */
    bool is_found;
    bool is_online;
    int64_t last_seen_ms;
};

static bool look_at(void *arg, const struct chat_node *node) {
    struct sight *sight = arg;

    if (strcmp(node->name, sight->name) != 0)
        return true;
    sight->is_found = true;
    sight->is_online = node->is_online;
    sight->last_seen_ms = node->last_seen_ms;
    return false;
}

static struct sight see_node(const struct turn *turn) {
    const struct chat_host *host = turn_host(turn);
    struct sight sight = { .name = turn->node_name };

    if (turn->node_name && turn->actor)
        host->each_node(host->arg, turn->actor, look_at, &sight);
    return sight;
}

static void say_again(const struct turn *turn, struct view *view) {
    auto_(mem_freep) char *line = turn_life_line(turn);

    view_row(view);
    view_button(view, VIEW_PLAIN, turn_say(turn, "Try again"), "%s", line);
}

static void say_offline(const struct turn *turn,
                        struct view *view,
                        const struct sight *sight) {
    int64_t ago_ms = chat_now_ms(turn->chat) - sight->last_seen_ms;
    char text[64];

    if (sight->last_seen_ms <= 0)
        view_text(view, turn_say(turn, "%s has never been online."), turn->node_name);
    else
        view_text(view, turn_say(turn, "%s is offline; it was last seen %s ago."),
                  turn->node_name,
                  words_duration(turn->language,
                                 ago_ms > 0 ? (unsigned long long)ago_ms : 0, text,
                                 sizeof(text)));
    if (turn->role >= ACTOR_OPERATOR && command_find("wake") && sight->last_seen_ms > 0)
        view_button(view, VIEW_PRIMARY, turn_say(turn, "Wake it"), "wake %s",
                    turn->node_name);
    say_again(turn, view);
}

static void say_unavailable(const struct turn *turn,
                            struct view *view,
                            const char *message) {
    struct sight sight = see_node(turn);

    if (sight.is_found && !sight.is_online) {
        say_offline(turn, view, &sight);
        return;
    }
    view_text(view, "%s", turn_say(turn, "It cannot be reached just now."));
    view_note(view, "%s", message);
    say_again(turn, view);
}

static void say_denied(const struct turn *turn, struct view *view, const char *message) {
    if (turn->remedy) {
        view_text(view, "%s", turn_say(turn, "The owner of the host does not allow it."));
        view_note(view, "%s", message);
        view_text(view, "%s", turn_say(turn, "This, on the host, would allow it:"));
        view_code(view, turn->remedy);
        return;
    }
    view_text(view, "%s", turn_say(turn, "You may not do that."));
    view_note(view, "%s", message);
}

static void say_unclear(const struct turn *turn, struct view *view, const char *message) {
    view_text(view, "%s",
              turn_say(turn, "It is not known whether it was done: the answer got lost. "
                             "Look before you do it again."));
    view_note(view, "%s", message);
    if (turn->node_name)
        view_button(view, VIEW_PRIMARY, turn_say(turn, "Look"), "status %s",
                    turn->node_name);
}

static void say_held(const struct turn *turn, struct view *view, const char *message) {
    view_text(view, "%s", turn_say(turn, "Nobody agreed to it in time."));
    view_note(view, "%s", message);
    say_again(turn, view);
}

static void say_status(const struct turn *turn,
                       struct view *view,
                       enum grpc_status status,
                       const char *message) {
    switch (status) {
    case GRPC_UNAVAILABLE:
        say_unavailable(turn, view, message);
        break;
    case GRPC_PERMISSION_DENIED:
        say_denied(turn, view, message);
        break;
    case GRPC_UNKNOWN:
        say_unclear(turn, view, message);
        break;
    case GRPC_DEADLINE_EXCEEDED:
        if (turn->approval) {
            say_held(turn, view, message);
            break;
        }
        view_text(view, "%s", turn_say(turn, "No answer came in time."));
        say_again(turn, view);
        break;
    case GRPC_RESOURCE_EXHAUSTED:
        view_text(view, "%s", turn_say(turn, "Too much at once: try again in a moment."));
        view_note(view, "%s", message);
        say_again(turn, view);
        break;
    case GRPC_UNIMPLEMENTED:
        view_text(view, "%s", turn_say(turn, "This node cannot do that."));
        view_note(view, "%s", message);
        break;
    default:
        view_text(view, "%s", message);
    }
}

void turn_fail(struct turn *turn,
               enum grpc_status status,
               const char *message,
               const char *what) {
    struct view *view = view_new();

    if (what)
        view_title(view, "%s", what);
    say_status(turn, view, status,
               message && message[0] ? message : grpc_status_name((int)status));
    turn_show(turn, view);
}
