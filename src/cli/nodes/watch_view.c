#include "cli/nodes/watch_view.h"

#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/mem.h"
#include "cli/nodes/overview.h"
#include "cli/nodes/panel.h"
#include "cli/nodes/watching.h"
#include "cli/terminal/text.h"
#include "cli/terminal/units.h"

enum {
    FRAME_LINES = 4,    /* head, an empty line, an empty line, foot */
    OTHER_COLUMNS = 84, /* what a panel line needs besides its sparkline */
    SPARK_LEAST = 16,
    SPARK_MOST = 100,
};

static struct overview_row *make_rows(const struct watching *watching) {
    size_t count = watching_count(watching);
    struct overview_row *rows = mem_new_array(count + 1, sizeof(*rows));

    for (size_t i = 0; i < count; i++) {
        const struct watched *node = watching_at(watching, i);
        rows[i] = (struct overview_row) {
            .name = node->name,
            .title = node->title,
            .values = &node->values,
            .online = node->online,
            .seen_ms = node->since_ms > 0 ? node->since_ms : node->values.time_ms,
        };
    }
    return rows;
}

static size_t count_online(const struct watching *watching) {
    size_t online = 0;

    for (size_t i = 0; i < watching_count(watching); i++)
        online += watching_at(watching, i)->online;
    return online;
}

static void add_head(const struct terminal *terminal,
                     const char *left,
                     const char *middle,
                     struct buf *out) {
    time_t now = time(NULL);
    struct tm local;
    char when[16] = "";
    size_t used = text_width(left) + 2 + text_width(middle);

    if (localtime_r(&now, &local))
        strftime(when, sizeof(when), "%H:%M:%S", &local);
    buf_add_text(out, terminal_colour(terminal, TERMINAL_BOLD));
    text_add_clean(out, left);
    buf_add_text(out, terminal_colour(terminal, TERMINAL_PLAIN));
    buf_add_text(out, "  ");
    text_add_clean(out, middle);
    if (terminal->columns > used + 10) {
        text_add_spaces(out, terminal->columns - used - 8);
        buf_printf(out, "%s%s%s", terminal_colour(terminal, TERMINAL_DIM), when,
                   terminal_colour(terminal, TERMINAL_PLAIN));
    }
    buf_add_text(out, "\n\n");
}

static void add_foot(const struct watch_view *view,
                     const struct terminal *terminal,
                     const char *keys,
                     struct buf *out) {
    enum terminal_colour colour = view->notice ? TERMINAL_YELLOW : TERMINAL_DIM;

    buf_printf(out, "\n%s", terminal_colour(terminal, colour));
    text_add_cut(out, view->notice ? view->notice : keys, terminal->columns, "~");
    buf_printf(out, "%s\n", terminal_colour(terminal, TERMINAL_PLAIN));
}

/* The rows that fit, so that the chosen one is among them. */
static void draw_overview(const struct watch_view *view,
                          const struct terminal *terminal,
                          const struct watching *watching,
                          struct buf *out) {
    auto_(mem_freep) struct overview_row *rows = make_rows(watching);
    size_t count = watching_count(watching);
    size_t room = terminal->rows > FRAME_LINES + 2 ? terminal->rows - FRAME_LINES : 2;
    size_t first = view->chosen + 2 > room ? view->chosen + 2 - room : 0;
    auto_(mem_freep) char *counts = mem_printf(
        "%zu node%s, %zu online", count, count == 1 ? "" : "s", count_online(watching));

    if (view->chosen < count)
        rows[view->chosen].chosen = true;
    add_head(terminal, view->hub, counts, out);
    struct table *table =
        overview_make(terminal, rows + first, count - first, NULL, clock_wall_ms());
    table_render(table, terminal, "\n", room, out);
    table_free(table);
    add_foot(view, terminal, "q quit   up/down choose   enter open", out);
}

static void draw_node(const struct watch_view *view,
                      const struct terminal *terminal,
                      const struct watched *node,
                      struct buf *out) {
    size_t spark = terminal->columns > OTHER_COLUMNS + SPARK_LEAST
                       ? terminal->columns - OTHER_COLUMNS
                       : SPARK_LEAST;
    size_t room = terminal->rows > FRAME_LINES + 1 ? terminal->rows - FRAME_LINES : 1;
    char ago[UNITS_LEN] = "never seen";
    struct buf state = { 0 };

    if (node->since_ms > 0)
        units_ago(node->since_ms, clock_wall_ms(), ago);
    buf_printf(&state, "%s%s%s  since %s  %s", node->title ? node->title : "",
               node->title && *node->title ? "  " : "",
               node->online ? "online" : "OFFLINE", ago,
               node->address ? node->address : "");
    add_head(terminal, node->name, buf_text(&state), out);
    struct table *table = panel_make(terminal, &node->values, &node->history,
                                     spark > SPARK_MOST ? SPARK_MOST : spark);
    table_render(table, terminal, "\n", room, out);
    table_free(table);
    add_foot(view, terminal, view->is_fixed ? "q quit" : "q quit   esc back", out);
    buf_done(&state);
}

void watch_view_draw(const struct watch_view *view,
                     const struct terminal *terminal,
                     const struct watching *watching,
                     struct buf *out) {
    if (view->is_open && view->chosen < watching_count(watching))
        draw_node(view, terminal, watching_at(watching, view->chosen), out);
    else
        draw_overview(view, terminal, watching, out);
}

void watch_view_print(const struct terminal *terminal,
                      const struct watching *watching,
                      struct buf *out) {
    auto_(mem_freep) struct overview_row *rows = make_rows(watching);
    struct table *table =
        overview_make(terminal, rows, watching_count(watching), NULL, clock_wall_ms());

    table_render(table, terminal, "\n", 0, out);
    table_free(table);
}
