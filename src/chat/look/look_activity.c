#include "chat/look/look_activity.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "chat/look/look_gather.h"
#include "chat/look/look_text.h"
#include "roost/v1/activity.pb-c.h"
#include "wire/pb.h"
#include "wire/timestamp.h"

enum {
    LIST = 0,
    PER_PAGE = 15,
    TEXT_MAX_SHOWN = 160,
    WORD_MAX_SHOWN = 40,
};

static const struct {
    const char *kind;  /* of the request */
    const char *label; /* English */
} kinds[] = {
    { "", "Everything" },  { "act.", "Acts" },           { "node.", "Hosts" },
    { "user.", "People" }, { "approval.", "Approvals" }, { "token.", "Keys" },
};

static const char *flag_or_empty(const struct turn *turn, const char *name) {
    const char *value = turn_flag(turn, name);
    return value ? value : "";
}

/* The node of the words; "": all. */
static const char *find_node(const struct turn *turn) {
    return turn_word(turn, 0) ? turn_word(turn, 0) : "";
}

/* The command line with this kind. A new string. */
static char *make_action(const struct turn *turn, const char *kind) {
    struct buf action = { 0 };
    const char *user = flag_or_empty(turn, "user");

    buf_add_text(&action, "activity");
    if (find_node(turn)[0] != '\0') {
        buf_add_byte(&action, ' ');
        view_quote(&action, find_node(turn));
    }
    if (user[0] != '\0') {
        buf_add_text(&action, " --user ");
        view_quote(&action, user);
    }
    if (kind[0] != '\0') {
        buf_add_text(&action, " --kind ");
        view_quote(&action, kind);
    }
    return buf_take_text(&action);
}

static const char *find_mark(const Roost__V1__ActivityEvent *event) {
    if (strcmp(event->kind, "act.refused") == 0 ||
        strcmp(event->kind, "node.refused") == 0)
        return "⛔ ";
    if (strcmp(event->kind, "act.unclear") == 0 ||
        (event->act && event->act->status != 0))
        return "⚠ ";
    return "";
}

/* "12:00:05 nas: ada restarted nginx.service" */
static void add_event(struct buf *lines,
                      const struct turn *turn,
                      const Roost__V1__ActivityEvent *event) {
    char clock[LOOK_TEXT_LEN];
    const char *text = event->text[0] != '\0' ? event->text : event->kind;
    bool has_node = event->node[0] != '\0' && find_node(turn)[0] == '\0' &&
                    !strstr(text, event->node);
    bool has_actor = event->actor[0] != '\0' && !strstr(text, event->actor);

    if (lines->len > 0)
        buf_add_byte(lines, '\n');
    buf_printf(lines, "%s%s ", find_mark(event),
               look_text_clock(turn, timestamp_get(event->time), clock));
    if (has_node) {
        look_text_add(lines, event->node, WORD_MAX_SHOWN);
        buf_add_text(lines, ": ");
    }
    look_text_add(lines, text, TEXT_MAX_SHOWN);
    if (has_actor) {
        buf_add_text(lines, " (");
        look_text_add(lines, event->actor, WORD_MAX_SHOWN);
        buf_add_byte(lines, ')');
    }
}

static void add_kinds(struct view *view, const struct turn *turn) {
    const char *chosen = flag_or_empty(turn, "kind");

    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        auto_(mem_freep) char *action = make_action(turn, kinds[i].kind);
        bool is_chosen = strcmp(chosen, kinds[i].kind) == 0;
        auto_(mem_freep) char *label =
            mem_printf("%s%s", is_chosen ? "• " : "", turn_say(turn, kinds[i].label));
        if (i % 3 == 0)
            view_row(view);
        view_button(view, VIEW_PLAIN, label, "%s", action);
    }
}

static void add_walk(struct view *view,
                     const struct turn *turn,
                     const Roost__V1__ListActivityResponse *list) {
    auto_(mem_freep) char *action = make_action(turn, flag_or_empty(turn, "kind"));

    view_row(view);
    if (list->n_events == PER_PAGE)
        view_button(view, VIEW_PLAIN, turn_say(turn, "Older"), "%s --before %" PRIu64,
                    action, list->events[list->n_events - 1]->id);
    view_button(view, VIEW_PLAIN, turn_say(turn, "Newest"), "%s", action);
    if (find_node(turn)[0] != '\0')
        view_button(view, VIEW_PLAIN, turn_say(turn, "‹ Back"), "status %s",
                    find_node(turn));
    else
        view_button(view, VIEW_PLAIN, turn_say(turn, "‹ Nodes"), "nodes");
}

static void on_list(struct turn *turn, struct look_gather *gather) {
    if (look_gather_fail(gather, turn, LIST, turn_say(turn, "Read the activity")))
        return;
    const Roost__V1__ListActivityResponse *list =
        (const Roost__V1__ListActivityResponse *)gather->slots[LIST].reply;
    struct view *view = view_new();
    struct buf lines = { 0 };

    if (find_node(turn)[0] != '\0') {
        auto_(mem_freep) char *node = look_text_cut(find_node(turn), WORD_MAX_SHOWN);
        view_title(view, turn_say(turn, "Activity of %s"), node);
    } else {
        view_title(view, "%s", turn_say(turn, "Activity"));
    }
    for (size_t i = 0; i < list->n_events; i++)
        add_event(&lines, turn, list->events[i]);
    if (list->n_events == 0)
        view_text(view, "%s", turn_say(turn, "Nothing happened."));
    else
        view_text(view, "%s", buf_text(&lines));
    buf_done(&lines);
    add_kinds(view, turn);
    add_walk(view, turn, list);
    turn_show(turn, view);
}

void look_activity_run(struct turn *turn) {
    struct look_gather *gather = turn_state(turn, sizeof(*gather), look_gather_done);
    Roost__V1__ListActivityRequest request = ROOST__V1__LIST_ACTIVITY_REQUEST__INIT;
    uint64_t before = 0;

    if (turn_flag(turn, "before") &&
        !look_text_number(turn_flag(turn, "before"), &before))
        before = 0; /* the newest */
    request.node = pb_lend(find_node(turn));
    request.actor = pb_lend(flag_or_empty(turn, "user"));
    request.kind = pb_lend(flag_or_empty(turn, "kind"));
    request.limit = PER_PAGE;
    request.before_id = before;
    look_gather_start(gather, on_list);
    look_gather_call(gather, turn, LIST, NULL, "/roost.v1.Activity/List", &request.base);
}
