#include "cli/nodes/overview.h"

#include <ctype.h>

#include "base/mem.h"
#include "cli/nodes/node_cells.h"
#include "cli/nodes/panel.h"
#include "cli/terminal/bars.h"
#include "cli/terminal/units.h"

enum { BAR_COLUMNS = 6 };

static const struct column {
    const char *title;
    const char *metric;
    bool has_bar; /* on a terminal */
} usual[] = {
    { "CPU", "cpu", true },        { "MEM", "mem", true },    { "DISK", "disk", true },
    { "LOAD", "load1", false },    { "IN", "net.rx", false }, { "OUT", "net.tx", false },
    { "TEMP", "temp.cpu", false }, { "GPU", "gpu", false },   { "UP", "uptime", false },
};

enum { USUAL_COUNT = sizeof(usual) / sizeof(usual[0]) };

static void add_figure(struct table *table,
                       const struct terminal *terminal,
                       const struct overview_row *row,
                       const char *metric,
                       bool has_bar) {
    const struct value *value = values_find(row->values, metric);
    enum terminal_colour colour = !value        ? TERMINAL_PLAIN
                                  : row->online ? panel_colour(value)
                                                : TERMINAL_DIM;
    struct buf bar = { 0 };
    char text[UNITS_LEN] = "";

    if (value)
        units_value(value->number, value->unit, terminal->unicode, text);
    if (value && has_bar)
        bars_add(&bar, value->number / 100, BAR_COLUMNS, terminal->unicode);
    if (has_bar)
        table_cell(table, colour, buf_text(&bar));
    table_cell(table, colour, text);
    buf_done(&bar);
}

static void add_columns(struct table *table,
                        const struct terminal *terminal,
                        const char *const *metrics) {
    table_column(table, "", TABLE_LEFT);
    table_column(table, "NODE", TABLE_FLEXIBLE);
    table_column(table, "STATE", TABLE_LEFT);
    for (size_t i = 0; metrics && metrics[i]; i++) {
        auto_(mem_freep) char *title = mem_strdup(metrics[i]);
        for (char *at = title; *at; at++)
            *at = (char)toupper((unsigned char)*at);
        table_column(table, title, TABLE_RIGHT);
    }
    for (size_t i = 0; !metrics && i < USUAL_COUNT; i++) {
        if (usual[i].has_bar && terminal->is_terminal)
            table_column(table, "", TABLE_LEFT);
        table_column(table, usual[i].title, TABLE_RIGHT);
    }
}

static void add_state(struct table *table,
                      const struct terminal *terminal,
                      const struct overview_row *row,
                      int64_t now_ms) {
    char ago[UNITS_LEN];

    if (row->online || row->seen_ms <= 0) {
        node_cells_add_state(table, terminal, row->online,
                             row->online ? "online" : "never seen");
        return;
    }
    units_ago(row->seen_ms, now_ms, ago);
    auto_(mem_freep) char *word = mem_printf("offline, seen %s", ago);
    node_cells_add_state(table, terminal, false, word);
}

struct table *overview_make(const struct terminal *terminal,
                            const struct overview_row *rows,
                            size_t count,
                            const char *const *metrics,
                            int64_t now_ms) {
    struct table *table = table_new();

    add_columns(table, terminal, metrics);
    for (size_t i = 0; i < count; i++) {
        table_cell(table, TERMINAL_CYAN,
                   rows[i].chosen ? terminal_sign(terminal, "\xe2\x96\xb6", ">") : "");
        table_cell(table, TERMINAL_BOLD, rows[i].name);
        add_state(table, terminal, &rows[i], now_ms);
        for (size_t k = 0; metrics && metrics[k]; k++)
            add_figure(table, terminal, &rows[i], metrics[k], false);
        for (size_t k = 0; !metrics && k < USUAL_COUNT; k++)
            add_figure(table, terminal, &rows[i], usual[k].metric,
                       usual[k].has_bar && terminal->is_terminal);
    }
    return table;
}
