#include "cli/nodes/panel.h"

#include <string.h>

#include "base/mem.h"
#include "cli/terminal/units.h"

enum { BAR_COLUMNS = 12 };

struct detail {
    const char *before;
    const char *metric;
};

static const struct line {
    const char *label;
    const char *metric;
    double full; /* the value of a full bar and sparkline; 0: no bar; -1: neither */
    struct detail details[5];
} lines[] = {
    { "cpu",
      "cpu",
      100,
      { { "load ", "load1" },
        { " ", "load5" },
        { " ", "load15" },
        { "   cores ", "cpu.count" },
        { "   iowait ", "cpu.iowait" } } },
    { "memory", "mem", 100, { { "", "mem.used" }, { " of ", "mem.total" } } },
    { "swap", "swap", 100, { { "", "swap.used" }, { " of ", "swap.total" } } },
    { "disk", "disk", 100, { { "", "disk.used" }, { " of ", "disk.total" } } },
    { "disk read",
      "disk.read",
      0,
      { { "", "disk.read_ops" }, { "   wait ", "disk.await" } } },
    { "disk write", "disk.write", 0, { { "", "disk.write_ops" } } },
    { "net in", "net.rx", 0, { { "", "net.rx_packets" } } },
    { "net out", "net.tx", 0, { { "", "net.tx_packets" } } },
    { "cpu temp", "temp.cpu", 100, { { 0 } } },
    { "throttled", "throttle", 0, { { 0 } } },
    { "gpu", "gpu", 100, { { "", "gpu.power" } } },
    { "gpu memory", "vram", 100, { { "", "vram.used" }, { " of ", "vram.total" } } },
    { "gpu temp", "temp.gpu", 100, { { 0 } } },
    { "battery", "battery", 100, { { 0 } } },
    { "processes",
      "proc.count",
      0,
      { { "running ", "proc.running" }, { "   blocked ", "proc.blocked" } } },
    { "tcp", "tcp.established", 0, { { "listening ", "tcp.listen" } } },
    { "uptime", "uptime", -1, { { 0 } } },
};

enum { LINE_COUNT = sizeof(lines) / sizeof(lines[0]) };
_Static_assert((int)LINE_COUNT <= (int)PANEL_LINES_MAX, "room for every line");

void panel_remember(struct panel_history *history, const struct values *values) {
    for (size_t i = 0; i < LINE_COUNT; i++)
        if (values_find(values, lines[i].metric))
            bars_history_add(&history->lines[i],
                             values_number(values, lines[i].metric, 0));
}

enum terminal_colour panel_colour(const struct value *value) {
    static const struct {
        const char *unit;
        double yellow, red;
    } limits[] = { { "%", 75, 90 }, { "Cel", 70, 80 } };

    if (strncmp(value->name, "battery", 7) == 0)
        return value->number < 20 ? TERMINAL_RED : TERMINAL_GREEN;
    if (strncmp(value->name, "throttle", 8) == 0)
        return value->number > 0 ? TERMINAL_RED : TERMINAL_GREEN;
    for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++)
        if (strcmp(limits[i].unit, value->unit) == 0)
            return value->number >= limits[i].red      ? TERMINAL_RED
                   : value->number >= limits[i].yellow ? TERMINAL_YELLOW
                                                       : TERMINAL_GREEN;
    return TERMINAL_PLAIN;
}

static void add_bar(struct table *table,
                    const struct terminal *terminal,
                    const struct value *value,
                    double full) {
    struct buf bar = { 0 };

    if (full > 0)
        bars_add(&bar, value->number / full, BAR_COLUMNS, terminal->unicode);
    table_cell(table, panel_colour(value), buf_text(&bar));
    buf_done(&bar);
}

static void add_value(struct table *table,
                      const struct terminal *terminal,
                      const struct value *value) {
    char text[UNITS_LEN];

    if (strcmp(value->name, "throttle") == 0)
        strcpy(text, value->number > 0 ? "yes" : "no");
    else
        units_value(value->number, value->unit, terminal->unicode, text);
    table_cell(table, TERMINAL_PLAIN, text);
}

static void add_details(struct table *table,
                        const struct terminal *terminal,
                        const struct values *values,
                        const struct detail *details) {
    struct buf out = { 0 };
    char text[UNITS_LEN];

    for (size_t i = 0; i < 5 && details[i].metric; i++) {
        const struct value *value = values_find(values, details[i].metric);
        if (!value)
            continue;
        units_value(value->number, value->unit, terminal->unicode, text);
        buf_printf(&out, "%s%s", details[i].before, text);
    }
    table_cell(table, TERMINAL_DIM, buf_text(&out));
    buf_done(&out);
}

static void add_spark(struct table *table,
                      const struct terminal *terminal,
                      const struct bars_history *history,
                      double full,
                      size_t columns) {
    struct buf out = { 0 };

    if (columns > 0)
        bars_add_spark(&out, history, full, columns, terminal->unicode);
    table_cell(table, TERMINAL_CYAN, buf_text(&out));
    buf_done(&out);
}

/* A line for each mount besides the sum. */
static void add_mounts(struct table *table,
                       const struct terminal *terminal,
                       const struct values *values) {
    for (size_t i = 0; i < values->count; i++) {
        const struct value *value = &values->items[i];
        struct buf name = { 0 };

        if (!value->is_there || strncmp(value->name, "disk:", 5) != 0)
            continue;
        struct detail details[5] = { { 0 } };
        auto_(mem_freep) char *used = mem_printf("disk.used:%s", value->name + 5);
        auto_(mem_freep) char *total = mem_printf("disk.total:%s", value->name + 5);
        details[0] = (struct detail) { "", used };
        details[1] = (struct detail) { " of ", total };
        buf_printf(&name, "  %s", value->name + 5);
        table_cell(table, TERMINAL_DIM, buf_text(&name));
        add_bar(table, terminal, value, 100);
        add_value(table, terminal, value);
        table_cell(table, TERMINAL_PLAIN, "");
        add_details(table, terminal, values, details);
        buf_done(&name);
    }
}

static bool is_without_swap(const struct values *values, const char *metric) {
    return strcmp(metric, "swap") == 0 && values_number(values, "swap.total", 1) <= 0;
}

struct table *panel_make(const struct terminal *terminal,
                         const struct values *values,
                         const struct panel_history *history,
                         size_t spark_columns) {
    struct table *table = table_new();

    table_column(table, "", TABLE_LEFT);
    table_column(table, "", TABLE_LEFT);
    table_column(table, "", TABLE_RIGHT);
    table_column(table, "", TABLE_LEFT);
    table_column(table, "", TABLE_FLEXIBLE);
    for (size_t i = 0; i < LINE_COUNT; i++) {
        const struct value *value = values_find(values, lines[i].metric);
        if (!value || is_without_swap(values, lines[i].metric))
            continue;
        table_cell(table, TERMINAL_DIM, lines[i].label);
        add_bar(table, terminal, value, lines[i].full);
        add_value(table, terminal, value);
        add_spark(table, terminal, history ? &history->lines[i] : NULL, lines[i].full,
                  history && lines[i].full >= 0 ? spark_columns : 0);
        add_details(table, terminal, values, lines[i].details);
        if (strcmp(lines[i].metric, "disk") == 0)
            add_mounts(table, terminal, values);
    }
    return table;
}
