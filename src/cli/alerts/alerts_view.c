#include "cli/alerts/alerts_view.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "cli/alerts/alerting.h"
#include "cli/cli.h"
#include "cli/nodes/node_cells.h"
#include "cli/terminal/table.h"
#include "cli/terminal/text.h"
#include "cli/terminal/units.h"
#include "cli/terminal/when.h"

/* "fires", "over", "ada looks after it", "silenced". A new string. */
static char *state_of(const Roost__V1__Incident *incident) {
    int64_t silenced_ms = node_cells_time_ms(incident->silenced_until);

    if (incident->state == ROOST__V1__INCIDENT_STATE__RESOLVED)
        return mem_strdup("over");
    if (incident->sleeps)
        return mem_strdup("sleeps");
    if (*incident->acknowledged_by)
        return mem_printf("seen by %s", incident->acknowledged_by);
    return mem_strdup(silenced_ms > clock_wall_ms() ? "silenced" : "fires");
}

static char *nodes_of(const Roost__V1__Incident *incident) {
    if (*incident->node)
        return mem_strdup(incident->node);
    return mem_printf("%zu nodes", incident->n_nodes);
}

static void add_row(struct table *table, const Roost__V1__Incident *incident) {
    auto_(mem_freep) char *since = alerting_ago(incident->started);
    auto_(mem_freep) char *state = state_of(incident);
    auto_(mem_freep) char *nodes = nodes_of(incident);
    bool is_over = incident->state == ROOST__V1__INCIDENT_STATE__RESOLVED;

    table_printf(table, TERMINAL_PLAIN, "%llu", (unsigned long long)incident->id);
    table_cell(table, is_over ? TERMINAL_DIM : alerting_colour(incident->severity),
               alerting_severity_name(incident->severity));
    table_cell(table, TERMINAL_BOLD, nodes);
    table_cell(table, TERMINAL_PLAIN, incident->text);
    table_cell(table, TERMINAL_PLAIN, since);
    table_cell(table, is_over ? TERMINAL_GREEN : TERMINAL_PLAIN, state);
}

void alerts_view_list(struct cli *cli, Roost__V1__Incident *const *rows, size_t count) {
    struct table *table = table_new();

    table_column(table, "ID", TABLE_RIGHT);
    table_column(table, "SEVERITY", TABLE_LEFT);
    table_column(table, "NODE", TABLE_LEFT);
    table_column(table, "WHAT", TABLE_FLEXIBLE);
    table_column(table, "SINCE", TABLE_LEFT);
    table_column(table, "STATE", TABLE_LEFT);
    for (size_t i = 0; i < count; i++)
        add_row(table, rows[i]);
    table_print(table, &cli->terminal);
    table_free(table);
}

static void put_time(const char *name, const Google__Protobuf__Timestamp *time) {
    int64_t at_ms = node_cells_time_ms(time);
    char text[WHEN_LEN];

    if (at_ms <= 0)
        return;
    when_print(at_ms, true, text);
    alerting_put(name, text);
}

static void put_processes(struct cli *cli, const Roost__V1__Incident *incident) {
    struct table *table = table_new();

    table_column(table, "PID", TABLE_RIGHT);
    table_column(table, "PROCESS", TABLE_FLEXIBLE);
    table_column(table, "USER", TABLE_LEFT);
    table_column(table, "CPU", TABLE_RIGHT);
    table_column(table, "MEMORY", TABLE_RIGHT);
    for (size_t i = 0; i < incident->n_processes; i++) {
        const Roost__V1__IncidentProcess *process = incident->processes[i];
        char memory[UNITS_LEN];
        units_bytes((double)process->memory, memory);
        table_printf(table, TERMINAL_PLAIN, "%d", process->pid);
        table_cell(table, TERMINAL_PLAIN, process->name);
        table_cell(table, TERMINAL_PLAIN, process->user);
        table_printf(table, TERMINAL_PLAIN, "%.0f %%", process->cpu);
        table_cell(table, TERMINAL_PLAIN, memory);
    }
    if (incident->n_processes > 0) {
        puts("at that moment");
        table_print(table, &cli->terminal);
    }
    table_free(table);
}

static void put_timeline(const Roost__V1__Incident *incident) {
    if (incident->n_timeline > 0)
        puts("how it went");
    for (size_t i = 0; i < incident->n_timeline; i++) {
        char time[WHEN_LEN] = "";
        when_print(node_cells_time_ms(incident->timeline[i]->time), true, time);
        struct buf line = { 0 };
        buf_printf(&line, "  %s  ", time);
        text_add_clean(&line, incident->timeline[i]->text);
        puts(buf_text(&line));
        buf_done(&line);
    }
}

static void put_nodes(const Roost__V1__Incident *incident) {
    struct buf names = { 0 };

    for (size_t i = 0; i < incident->n_nodes; i++)
        buf_printf(&names, "%s%s", i > 0 ? ", " : "", incident->nodes[i]);
    alerting_put("nodes", buf_text(&names));
    buf_done(&names);
}

void alerts_view_show(struct cli *cli, const Roost__V1__Incident *incident) {
    auto_(mem_freep) char *state = state_of(incident);
    struct buf head = { 0 };

    text_add_clean(&head, incident->text);
    printf("%s%llu: %s%s\n",
           terminal_colour(&cli->terminal, alerting_colour(incident->severity)),
           (unsigned long long)incident->id, buf_text(&head),
           terminal_colour(&cli->terminal, TERMINAL_PLAIN));
    buf_done(&head);
    alerting_put("severity", alerting_severity_name(incident->severity));
    alerting_put("state", state);
    alerting_put("node", incident->node);
    put_nodes(incident);
    alerting_put("rule", incident->rule);
    alerting_put("series", incident->series);
    put_time("since", incident->started);
    put_time("until", incident->ended);
    put_time("silenced to", incident->silenced_until);
    alerting_put("evidence", incident->evidence);
    if (incident->found_at_join)
        alerting_put("found", "when its node joined");
    put_processes(cli, incident);
    put_timeline(incident);
}

void alerts_view_line(struct cli *cli, const Roost__V1__Incident *incident) {
    auto_(mem_freep) char *state = state_of(incident);
    auto_(mem_freep) char *nodes = nodes_of(incident);
    const struct terminal *terminal = &cli->terminal;
    char time[WHEN_LEN];
    struct buf line = { 0 };

    when_print(clock_wall_ms(), true, time);
    buf_printf(&line, "%s  %s%-8s%s  %llu  ", time,
               terminal_colour(terminal, alerting_colour(incident->severity)),
               alerting_severity_name(incident->severity),
               terminal_colour(terminal, TERMINAL_PLAIN),
               (unsigned long long)incident->id);
    text_add_clean(&line, nodes);
    buf_add_text(&line, ": ");
    text_add_clean(&line, incident->text);
    buf_add_text(&line, "  (");
    text_add_clean(&line, state);
    buf_add_byte(&line, ')');
    puts(buf_text(&line));
    buf_done(&line);
}

static void add_window(struct table *table, const Roost__V1__Silence *silence) {
    int64_t starts_ms = node_cells_time_ms(silence->starts);
    char starts[WHEN_LEN] = "";
    char ends[WHEN_LEN] = "";
    char every[UNITS_LEN] = "";

    if (starts_ms > 0)
        when_print(starts_ms, false, starts);
    when_print(node_cells_time_ms(silence->ends), false, ends);
    if (silence->every_s > 0)
        units_duration(silence->every_s, every);
    table_cell(table, TERMINAL_PLAIN, starts);
    table_cell(table, TERMINAL_PLAIN, ends);
    table_cell(table, TERMINAL_PLAIN, every);
}

void alerts_view_silences(struct cli *cli, const ProtobufCMessage *reply) {
    const Roost__V1__ListSilencesResponse *list =
        (const Roost__V1__ListSilencesResponse *)reply;
    struct table *table = table_new();

    table_column(table, "ID", TABLE_LEFT);
    table_column(table, "NODES", TABLE_LEFT);
    table_column(table, "RULES", TABLE_LEFT);
    table_column(table, "FROM", TABLE_LEFT);
    table_column(table, "UNTIL", TABLE_LEFT);
    table_column(table, "EVERY", TABLE_LEFT);
    table_column(table, "BY", TABLE_LEFT);
    table_column(table, "REASON", TABLE_FLEXIBLE);
    for (size_t i = 0; i < list->n_silences; i++) {
        const Roost__V1__Silence *silence = list->silences[i];
        table_cell(table, TERMINAL_BOLD, silence->id);
        table_cell(table, TERMINAL_PLAIN, *silence->select ? silence->select : "all");
        table_cell(table, TERMINAL_PLAIN, *silence->rule ? silence->rule : "all");
        add_window(table, silence);
        table_cell(table, TERMINAL_PLAIN, silence->created_by);
        table_cell(table, TERMINAL_PLAIN, silence->reason);
    }
    table_print(table, &cli->terminal);
    table_free(table);
}
