#include "chat/look/look_nodes.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "chat/look/look_gather.h"
#include "chat/look/look_pages.h"
#include "chat/look/look_state.h"
#include "chat/look/look_text.h"
#include "chat/values/look_values.h"
#include "roost/v1/metrics.pb-c.h"
#include "roost/v1/nodes.pb-c.h"
#include "wire/timestamp.h"

enum { NODES, LATEST };
enum { PER_PAGE = 12, TITLE_MAX = 32, SHORT_NAME = 9, MIDDLE_NAME = 16 };

static bool is_wanted(const Roost__V1__Node *node, const char *word) {
    if (!word || look_text_has(node->name, word) || look_text_has(node->title, word))
        return true;
    for (size_t i = 0; i < node->n_tags; i++)
        if (look_text_has(node->tags[i], word + (word[0] == '@')))
            return true;
    return false;
}

/* The ones that are wanted: their count, and a new array. */
static size_t filter(const Roost__V1__ListNodesResponse *list,
                     const char *word,
                     const Roost__V1__Node ***ret_nodes) {
    const Roost__V1__Node **nodes =
        mem_new_array(list->n_nodes + 1, sizeof(const Roost__V1__Node *));
    size_t count = 0;

    for (size_t i = 0; i < list->n_nodes; i++)
        if (is_wanted(list->nodes[i], word))
            nodes[count++] = list->nodes[i];
    *ret_nodes = nodes;
    return count;
}

static void add_figure(struct buf *line,
                       const Roost__V1__NodeValues *values,
                       const char *metric,
                       const char *label) {
    char text[LOOK_TEXT_LEN];
    double value;

    if (!look_values_find(values, metric, &value))
        return;
    buf_printf(line, ", %s %s", label, look_text_percent(value, text));
}

/* "🟢 nas (Storage) — CPU 12 %, RAM 34 %" */
static void add_line(struct buf *out,
                     const struct turn *turn,
                     const Roost__V1__Node *node,
                     const Roost__V1__NodeValues *values) {
    char text[LOOK_TEXT_LEN];
    struct buf figures = { 0 };

    buf_printf(out, "%s %s", look_state_mark(turn, node, values), node->name);
    if (node->title[0] != '\0' && strcmp(node->title, node->name) != 0) {
        buf_add_text(out, " (");
        look_text_add(out, node->title, TITLE_MAX);
        buf_add_byte(out, ')');
    }
    if (node->state == ROOST__V1__NODE_STATE__ONLINE) {
        add_figure(&figures, values, "cpu", "CPU");
        add_figure(&figures, values, "mem", "RAM");
        if (look_state_is_stale(turn, values))
            buf_printf(&figures, ", %s",
                       look_text_ago(turn, timestamp_get(values->time), text));
    } else {
        buf_printf(&figures, ", %s",
                   look_text_ago(turn, timestamp_get(node->last_seen), text));
    }
    if (figures.len > 0)
        buf_printf(out, " — %s", buf_text(&figures) + 2);
    buf_add_byte(out, '\n');
    buf_done(&figures);
}

/* As many in a row as their names have room for. */
static size_t choose_columns(const Roost__V1__Node *const *nodes, size_t count) {
    size_t longest = 0;

    for (size_t i = 0; i < count; i++)
        if (strlen(nodes[i]->name) > longest)
            longest = strlen(nodes[i]->name);
    return longest <= SHORT_NAME ? 4 : longest <= MIDDLE_NAME ? 3 : 2;
}

static void add_buttons(struct view *view,
                        const Roost__V1__Node *const *nodes,
                        size_t count) {
    size_t columns = choose_columns(nodes, count);

    for (size_t i = 0; i < count; i++) {
        if (i % columns == 0)
            view_row(view);
        view_button(view, VIEW_PLAIN, nodes[i]->name, "status %s", nodes[i]->name);
    }
}

static size_t count_online(const Roost__V1__Node *const *nodes, size_t count) {
    size_t online = 0;

    for (size_t i = 0; i < count; i++)
        online += nodes[i]->state == ROOST__V1__NODE_STATE__ONLINE;
    return online;
}

static void show_none(struct turn *turn, const char *word) {
    struct view *view = view_new();

    view_title(view, "%s", turn_say(turn, "Nodes"));
    if (word) {
        auto_(mem_freep) char *cut = look_text_cut(word, TITLE_MAX);
        view_text(view, turn_say(turn, "No node has \"%s\" in its name."), cut);
        view_button(view, VIEW_PLAIN, turn_say(turn, "All nodes"), "nodes");
    } else {
        view_text(view, "%s",
                  turn_say(turn, "There are no nodes yet. Make a key for the first one "
                                 "with /newkey."));
        view_button(view, VIEW_PRIMARY, turn_say(turn, "Add a node"), "newkey");
    }
    turn_show(turn, view);
}

/* "nodes", with the word that it was asked with. A new string. */
static char *make_action(const struct turn *turn) {
    struct buf action = { 0 };

    buf_add_text(&action, "nodes");
    if (turn_word(turn, 0)) {
        buf_add_byte(&action, ' ');
        view_quote(&action, turn_word(turn, 0));
    }
    return buf_take_text(&action);
}

static void show_page(struct turn *turn,
                      const Roost__V1__Node *const *nodes,
                      size_t count,
                      const Roost__V1__LatestResponse *latest) {
    struct look_pages pages = look_pages_of(turn, count, PER_PAGE);
    auto_(mem_freep) char *action = make_action(turn);
    struct view *view = view_new();
    struct buf lines = { 0 };

    view_title(view, turn_say(turn, "Nodes: %zu, online: %zu"), count,
               count_online(nodes, count));
    for (size_t i = pages.first; i < pages.end; i++)
        add_line(&lines, turn, nodes[i], look_values_of(latest, nodes[i]->name));
    lines.len -= lines.len > 0; /* the last line break */
    view_text(view, "%s", buf_text(&lines));
    buf_done(&lines);
    add_buttons(view, nodes + pages.first, pages.end - pages.first);
    look_pages_add(&pages, view, action);
    view_row(view);
    view_button(view, VIEW_PLAIN, turn_say(turn, "Refresh"), "%s --page %zu", action,
                pages.page);
    turn_show(turn, view);
}

static void on_all(struct turn *turn, struct look_gather *gather) {
    const Roost__V1__Node **nodes;
    const char *word = turn_word(turn, 0);

    if (look_gather_fail(gather, turn, NODES, turn_say(turn, "List the nodes")))
        return;
    size_t count = filter(
        (const Roost__V1__ListNodesResponse *)gather->slots[NODES].reply, word, &nodes);
    if (count == 0)
        show_none(turn, word);
    else
        show_page(turn, nodes, count,
                  (const Roost__V1__LatestResponse *)gather->slots[LATEST].reply);
    free(nodes);
}

void look_nodes_run(struct turn *turn) {
    static char *const metrics[] = { (char *)"cpu", (char *)"mem" };
    struct look_gather *gather = turn_state(turn, sizeof(*gather), look_gather_done);
    Roost__V1__ListNodesRequest list = ROOST__V1__LIST_NODES_REQUEST__INIT;
    Roost__V1__LatestRequest latest = ROOST__V1__LATEST_REQUEST__INIT;

    latest.metrics = (char **)metrics;
    latest.n_metrics = sizeof(metrics) / sizeof(metrics[0]);
    look_gather_start(gather, on_all);
    look_gather_call(gather, turn, NODES, NULL, "/roost.v1.Nodes/List", &list.base);
    look_gather_call(gather, turn, LATEST, NULL, "/roost.v1.Metrics/Latest",
                     &latest.base);
}
