#include "chat/look/look_status.h"

#include "chat/look/look_figures.h"
#include "chat/look/look_gather.h"
#include "chat/look/look_text.h"
#include "chat/values/look_values.h"
#include "wire/timestamp.h"

enum { NODE, LATEST, TOP };

enum {
    ANSWER_MS = 2000,     /* a person waits no longer for the processes */
    WATCH_MS = 5 * 60000, /* then it stops by itself */
    WATCH_STEP_MS = 5000, /* edits of one message: far below any platform's limit */
    PROCESSES_ASKED = 6,  /* one of them may be the idle process */
};

struct watch {
    struct look_gather gather; /* first: turn_state() ends it */
    int64_t until_ms;          /* 0: once only */
};

static void ask(struct turn *turn, struct watch *watch);

static void add_tour(struct view *view, const struct turn *turn, const char *name) {
    view_row(view);
    view_button(view, VIEW_PRIMARY, turn_say(turn, "Refresh"), "status %s", name);
    view_button(view, VIEW_PLAIN, turn_say(turn, "Watch"), "watch %s", name);
    view_row(view);
    view_button(view, VIEW_PLAIN, turn_say(turn, "Charts"), "chart %s", name);
    view_button(view, VIEW_PLAIN, turn_say(turn, "Metrics"), "metrics %s", name);
    view_button(view, VIEW_PLAIN, turn_say(turn, "Processes"), "top %s", name);
    view_row(view);
    view_button(view, VIEW_PLAIN, turn_say(turn, "Services"), "units %s", name);
    view_button(view, VIEW_PLAIN, turn_say(turn, "Usage"), "usage %s", name);
    view_button(view, VIEW_PLAIN, turn_say(turn, "Activity"), "activity %s", name);
    view_row(view);
    if (turn_role(turn) >= ACTOR_OPERATOR) {
        view_button(view, VIEW_PLAIN, turn_say(turn, "Tests"), "tests %s", name);
        view_button(view, VIEW_PLAIN, turn_say(turn, "Power"), "power %s", name);
    }
    view_button(view, VIEW_PLAIN, turn_say(turn, "Call"), "call %s", name);
    view_row(view);
    view_button(view, VIEW_PLAIN, turn_say(turn, "‹ Nodes"), "nodes");
}

static void add_offline(struct view *view, const struct turn *turn, const char *name) {
    view_row(view);
    view_button(view, VIEW_PRIMARY, turn_say(turn, "Refresh"), "status %s", name);
    view_button(view, VIEW_PLAIN, turn_say(turn, "Charts"), "chart %s", name);
    view_row(view);
    if (turn_role(turn) >= ACTOR_OPERATOR)
        view_button(view, VIEW_PLAIN, turn_say(turn, "Wake it"), "wake %s", name);
    view_button(view, VIEW_PLAIN, turn_say(turn, "Activity"), "activity %s", name);
    view_row(view);
    view_button(view, VIEW_PLAIN, turn_say(turn, "‹ Nodes"), "nodes");
}

static struct view *make_view(struct turn *turn, const struct look_gather *gather) {
    const Roost__V1__Node *node = (const Roost__V1__Node *)gather->slots[NODE].reply;
    const Roost__V1__NodeValues *values = look_values_of(
        (const Roost__V1__LatestResponse *)gather->slots[LATEST].reply, node->name);
    bool is_short = !turn_place(turn)->is_private && !turn_flag(turn, "full");
    struct view *view = view_new();

    look_figures_title(view, turn, node, values);
    look_figures_time(view, turn, node, values);
    look_figures_add(view, turn, values,
                     (const Roost__V1__TopResponse *)gather->slots[TOP].reply, is_short);
    if (is_short && node->state == ROOST__V1__NODE_STATE__ONLINE)
        view_button(view, VIEW_PLAIN, turn_say(turn, "All figures"), "status %s --full",
                    node->name);
    return view;
}

static void on_next(struct turn *turn, void *arg) {
    ask(turn, arg);
}

static void show_watch(struct turn *turn, struct watch *watch, const char *name) {
    const struct chat_host *host = turn_host(turn);
    int64_t left_ms = watch->until_ms - host->now_ms(host->arg);
    struct view *view = make_view(turn, &watch->gather);
    char text[LOOK_TEXT_LEN];

    view_row(view);
    if (left_ms < WATCH_STEP_MS) {
        view_note(view, "%s", turn_say(turn, "It no longer refreshes itself."));
        view_button(view, VIEW_PRIMARY, turn_say(turn, "Watch again"), "watch %s", name);
        view_button(view, VIEW_PLAIN, turn_say(turn, "‹ Back"), "status %s", name);
        turn_show(turn, view);
        return;
    }
    view_note(view, turn_say(turn, "Refreshes itself for %s more."),
              look_text_duration(turn, left_ms, text));
    view_button(view, VIEW_PLAIN, turn_say(turn, "Stop"), "status %s", name);
    turn_progress(turn, view);
    turn_later(turn, WATCH_STEP_MS, on_next, watch);
}

static void on_all(struct turn *turn, struct look_gather *gather) {
    struct watch *watch = (struct watch *)gather;
    const Roost__V1__Node *node = (const Roost__V1__Node *)gather->slots[NODE].reply;

    if (look_gather_fail(gather, turn, NODE, turn_node(turn)))
        return;
    if (watch->until_ms > 0) {
        show_watch(turn, watch, node->name);
        return;
    }
    struct view *view = make_view(turn, gather);
    if (node->state == ROOST__V1__NODE_STATE__ONLINE)
        add_tour(view, turn, node->name);
    else
        add_offline(view, turn, node->name);
    turn_show(turn, view);
}

static void ask(struct turn *turn, struct watch *watch) {
    const char *name = turn_node(turn);
    Roost__V1__GetNodeRequest node = ROOST__V1__GET_NODE_REQUEST__INIT;
    Roost__V1__LatestRequest latest = ROOST__V1__LATEST_REQUEST__INIT;
    Roost__V1__TopRequest top = ROOST__V1__TOP_REQUEST__INIT;

    node.node = (char *)name;
    latest.select = (char *)name;
    top.count = PROCESSES_ASKED;
    look_gather_start(&watch->gather, on_all);
    look_gather_call(&watch->gather, turn, NODE, NULL, "/roost.v1.Nodes/Get", &node.base);
    look_gather_call(&watch->gather, turn, LATEST, NULL, "/roost.v1.Metrics/Latest",
                     &latest.base);
    look_gather_call(&watch->gather, turn, TOP, name, "/roost.v1.Processes/Top",
                     &top.base);
    if (watch->until_ms == 0)
        look_gather_limit(&watch->gather, turn, ANSWER_MS);
}

void look_status_run(struct turn *turn) {
    ask(turn, turn_state(turn, sizeof(struct watch), look_gather_done));
}

void look_status_watch(struct turn *turn) {
    const struct chat_host *host = turn_host(turn);
    struct watch *watch = turn_state(turn, sizeof(*watch), look_gather_done);

    watch->until_ms = host->now_ms(host->arg) + WATCH_MS;
    ask(turn, watch);
}
