#include "cli/host/unit_out.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/mem.h"
#include "cli/cli.h"
#include "cli/output.h"
#include "cli/terminal/table.h"
#include "cli/terminal/text.h"
#include "cli/terminal/units.h"
#include "cli/terminal/when.h"

enum { PRIORITY_ERROR = 3, PRIORITY_WARNING = 4, PRIORITY_NOTICE = 5 };

/* Ends the text as well. */
static void write_out(struct buf *out, FILE *file) {
    if (out->len > 0)
        fwrite(out->data, 1, out->len, file);
    buf_done(out);
}

static enum terminal_colour colour_of_state(const char *state) {
    if (strcmp(state, "active") == 0)
        return TERMINAL_GREEN;
    if (strcmp(state, "failed") == 0)
        return TERMINAL_RED;
    return strcmp(state, "inactive") == 0 ? TERMINAL_DIM : TERMINAL_YELLOW;
}

void unit_out_list(const struct cli *cli, const Roost__V1__ListUnitsResponse *list) {
    struct table *table = table_new();

    table_column(table, "UNIT", TABLE_LEFT);
    table_column(table, "STATE", TABLE_LEFT);
    table_column(table, "SUB", TABLE_LEFT);
    table_column(table, "FILE", TABLE_LEFT);
    table_column(table, "DESCRIPTION", TABLE_FLEXIBLE);
    for (size_t i = 0; i < list->n_units; i++) {
        const Roost__V1__Unit *unit = list->units[i];
        table_printf(table, TERMINAL_BOLD, "%s%s", unit->name,
                     unit->is_own ? " (the agent)" : "");
        table_cell(table, colour_of_state(unit->active_state), unit->active_state);
        table_cell(table, TERMINAL_PLAIN, unit->sub_state);
        table_cell(table, TERMINAL_PLAIN,
                   unit->file_state[0] ? unit->file_state : unit->load_state);
        table_cell(table, TERMINAL_DIM, unit->description);
    }
    table_print(table, &cli->terminal);
    table_free(table);
}

/* --- one unit --- */

static void add_row(struct table *table, const char *name, const char *text) {
    if (!text || text[0] == '\0')
        return;
    table_cell(table, TERMINAL_DIM, name);
    table_cell(table, TERMINAL_PLAIN, text);
}

static void add_time(struct table *table,
                     const char *name,
                     const Google__Protobuf__Timestamp *time) {
    char text[WHEN_LEN];

    if (!time)
        return;
    when_print(time->seconds * 1000, true, text);
    add_row(table, name, text);
}

static void add_number(struct table *table, const char *name, uint64_t number) {
    table_cell(table, TERMINAL_DIM, name);
    table_printf(table, TERMINAL_PLAIN, "%" PRIu64, number);
}

static void add_state(struct table *table, const Roost__V1__Unit *unit) {
    table_cell(table, TERMINAL_DIM, "state");
    table_printf(table, colour_of_state(unit->active_state), "%s (%s)",
                 unit->active_state, unit->sub_state);
    add_time(table, "since", unit->since);
    if (strcmp(unit->load_state, "loaded") != 0)
        add_row(table, "loaded", unit->load_state);
    add_row(table, "enabled", unit->file_state);
    add_row(table, "file", unit->file);
    if (strcmp(unit->result, "success") != 0)
        add_row(table, "last result", unit->result);
    if (unit->exit_code_known_case && unit->exit_code != 0)
        add_number(table, "exit code", (uint64_t)unit->exit_code);
    if (unit->exit_signal_known_case)
        add_number(table, "signal", unit->exit_signal);
    if (unit->restarts > 0)
        add_number(table, "restarts", unit->restarts);
}

static void add_figures(struct table *table, const Roost__V1__Unit *unit) {
    char text[UNITS_LEN];

    if (unit->main_pid > 0)
        add_number(table, "main PID", unit->main_pid);
    if (unit->tasks_known_case)
        add_number(table, "tasks", unit->tasks);
    if (unit->memory_bytes_known_case) {
        units_bytes((double)unit->memory_bytes, text);
        add_row(table, "memory", text);
    }
    if (unit->cpu_us_known_case) {
        units_duration((double)unit->cpu_us / 1e6, text);
        add_row(table, "CPU time", text);
    }
}

void unit_out_unit(const struct cli *cli, const Roost__V1__Unit *unit) {
    struct table *table = table_new();

    table_column(table, "", TABLE_LEFT);
    table_column(table, "", TABLE_FLEXIBLE);
    table_cell(table, TERMINAL_DIM, "unit");
    table_printf(table, TERMINAL_BOLD, "%s%s", unit->name,
                 unit->is_own ? " (the agent itself)" : "");
    add_row(table, "description", unit->description);
    add_state(table, unit);
    add_figures(table, unit);
    add_time(table, "next", unit->next);
    add_row(table, "triggers", unit->triggers);
    for (size_t i = 0; i < unit->n_listens; i++)
        add_row(table, "listens", unit->listens[i]);
    if (unit->can_reload)
        add_row(table, "reload", "it can be");
    table_print(table, &cli->terminal);
    table_free(table);
}

/* --- lines --- */

static enum terminal_colour colour_of_priority(uint32_t priority) {
    if (priority <= PRIORITY_ERROR)
        return TERMINAL_RED;
    if (priority == PRIORITY_WARNING)
        return TERMINAL_YELLOW;
    return priority == PRIORITY_NOTICE ? TERMINAL_BOLD : TERMINAL_PLAIN;
}

/* Each of its lines begins like the first one. */
static void add_message(struct buf *out,
                        const struct terminal *terminal,
                        const Roost__V1__LogLine *line,
                        const char *head) {
    auto_(mem_freep) char *text = mem_strdup(line->message);
    char *rest = text;
    char *part;

    while ((part = strsep(&rest, "\n"))) {
        buf_printf(out, "%s%s", head,
                   terminal_colour(terminal, colour_of_priority(line->priority)));
        text_add_clean(out, part);
        buf_printf(out, "%s\n", terminal_colour(terminal, TERMINAL_PLAIN));
    }
}

/* "2026-11-21 15:30:23 sh[50]: cannot find my hat" */
static void add_line(struct buf *out,
                     const struct terminal *terminal,
                     const char *indent,
                     const Roost__V1__LogLine *line) {
    struct buf head = { 0 };
    char when[WHEN_LEN] = "";

    if (line->dropped > 0)
        buf_printf(out,
                   "%s-- %" PRIu64 " lines were left out: this reader was too slow\n",
                   indent, line->dropped);
    if (line->time)
        when_print(line->time->seconds * 1000, true, when);
    buf_printf(&head, "%s%s%s%s ", indent, terminal_colour(terminal, TERMINAL_DIM), when,
               terminal_colour(terminal, TERMINAL_PLAIN));
    text_add_clean(&head, line->identifier);
    if (line->pid > 0)
        buf_printf(&head, "[%u]", (unsigned)line->pid);
    buf_add_text(&head, ": ");
    add_message(out, terminal, line, buf_text(&head));
    buf_done(&head);
}

int unit_out_line(const struct cli *cli, const Roost__V1__LogLine *line) {
    struct buf out = { 0 };

    if (cli->json)
        return output_message(&line->base, false);
    add_line(&out, &cli->terminal, "", line);
    write_out(&out, stdout);
    return REPORT_OK;
}

/* --- results --- */

static const char *name_of(const Roost__V1__UnitResult *result) {
    return result->unit ? result->unit->name : "the unit";
}

static void print_changes(const Roost__V1__UnitResult *result) {
    struct buf out = { 0 };

    for (size_t i = 0; i < result->n_changes; i++) {
        buf_add_text(&out, "  ");
        text_add_clean(&out, result->changes[i]);
        buf_add_byte(&out, '\n');
    }
    write_out(&out, stdout);
}

static void print_done(const char *node,
                       const char *done,
                       const Roost__V1__UnitResult *result) {
    bool unchanged = strcmp(result->job_result, "unchanged") == 0;
    struct buf out = { 0 };

    buf_printf(&out, "%s: ", node);
    text_add_clean(&out, name_of(result));
    buf_printf(&out, ": %s%s", unchanged ? "it was already " : "", done);
    if (result->unit) {
        buf_add_text(&out, " (");
        text_add_clean(&out, result->unit->active_state);
        buf_add_byte(&out, ')');
    }
    buf_add_byte(&out, '\n');
    write_out(&out, stdout);
    print_changes(result);
}

static int report_running(const char *node, const Roost__V1__UnitResult *result) {
    auto_(mem_freep) char *remedy =
        mem_printf("roost unit show %s %s", node, name_of(result));

    return report_fail(REPORT_TIMEOUT, remedy, "%s: %s: its job goes on; it is %s", node,
                       name_of(result),
                       result->unit ? result->unit->active_state : "not known how it is");
}

static int report_failed(const char *node, const Roost__V1__UnitResult *result) {
    static const struct terminal plain = { 0 };
    auto_(mem_freep) char *remedy = mem_printf("roost logs %s %s", node, name_of(result));
    struct buf out = { 0 };

    for (size_t i = 0; i < result->n_log; i++)
        add_line(&out, &plain, "  ", result->log[i]);
    fflush(stdout);
    write_out(&out, stderr);
    return report_fail(REPORT_FAILED, remedy, "%s: %s", node,
                       result->reason[0] ? result->reason : result->job_result);
}

int unit_out_result(const struct cli *cli,
                    const char *node,
                    const char *done,
                    const Roost__V1__UnitResult *result) {
    bool is_well = strcmp(result->job_result, "done") == 0 ||
                   strcmp(result->job_result, "unchanged") == 0;

    if (strcmp(result->job_result, "running") == 0)
        return report_running(node, result);
    if (!is_well || result->reason[0])
        return report_failed(node, result);
    if (!cli->quiet && !cli->json)
        print_done(node, done, result);
    return REPORT_OK;
}
