#include "cli/host/processes.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "cli/cli.h"
#include "cli/output.h"
#include "cli/terminal/units.h"
#include "wire/timestamp.h"

int processes_sort(const struct cli *cli,
                   const char *word,
                   Roost__V1__ProcessSort *ret_sort) {
    static const struct {
        const char *word;
        Roost__V1__ProcessSort sort;
    } words[] = {
        { "pid", ROOST__V1__PROCESS_SORT__PROCESS_SORT_PID },
        { "cpu", ROOST__V1__PROCESS_SORT__PROCESS_SORT_CPU },
        { "memory", ROOST__V1__PROCESS_SORT__PROCESS_SORT_MEMORY },
        { "mem", ROOST__V1__PROCESS_SORT__PROCESS_SORT_MEMORY },
        { "name", ROOST__V1__PROCESS_SORT__PROCESS_SORT_NAME },
        { "started", ROOST__V1__PROCESS_SORT__PROCESS_SORT_STARTED },
        { "time", ROOST__V1__PROCESS_SORT__PROCESS_SORT_TIME },
    };

    *ret_sort = ROOST__V1__PROCESS_SORT__PROCESS_SORT_UNSPECIFIED;
    if (!word)
        return 0;
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strcmp(words[i].word, word) == 0) {
            *ret_sort = words[i].sort;
            return 0;
        }
    }
    return cli_usage(
        cli, "--sort: \"%s\" is none of pid, cpu, memory, name, started and time", word);
}

struct table *processes_table(bool has_node) {
    struct table *table = table_new();

    if (has_node)
        table_column(table, "NODE", TABLE_LEFT);
    table_column(table, "PID", TABLE_RIGHT);
    table_column(table, "USER", TABLE_LEFT);
    table_column(table, "S", TABLE_LEFT);
    table_column(table, "CPU %", TABLE_RIGHT);
    table_column(table, "MEMORY", TABLE_RIGHT);
    table_column(table, "TIME", TABLE_RIGHT);
    table_column(table, "STARTED", TABLE_LEFT);
    table_column(table, "NAME", TABLE_LEFT);
    table_column(table, "COMMAND", TABLE_FLEXIBLE);
    return table;
}

static enum terminal_colour state_colour(const char *state) {
    switch (state[0]) {
    case 'R':
        return TERMINAL_GREEN;
    case 'D':
    case 'Z':
        return TERMINAL_RED;
    case 'T':
    case 't':
        return TERMINAL_YELLOW;
    default:
        return TERMINAL_DIM;
    }
}

/* CPU time as ps has it: minutes and seconds, or hours. */
static void add_time(struct table *table, double seconds) {
    unsigned long long all = (unsigned long long)seconds;

    if (all >= 3600)
        table_printf(table, TERMINAL_PLAIN, "%llu:%02llu:%02llu", all / 3600,
                     all / 60 % 60, all % 60);
    else
        table_printf(table, TERMINAL_PLAIN, "%llu:%02llu", all / 60, all % 60);
}

void processes_add_row(struct table *table,
                       const char *node,
                       const Roost__V1__Process *process,
                       int64_t now_ms) {
    char bytes[UNITS_LEN], ago[UNITS_LEN];

    if (node)
        table_cell(table, TERMINAL_BOLD, node);
    table_printf(table, TERMINAL_BOLD, "%u", process->pid);
    table_cell(table, TERMINAL_PLAIN, process->user);
    table_cell(table, state_colour(process->state), process->state);
    if (process->cpu_percent_known_case ==
        ROOST__V1__PROCESS__CPU_PERCENT_KNOWN_CPU_PERCENT)
        table_printf(table, TERMINAL_PLAIN, "%.1f", process->cpu_percent);
    else
        table_cell(table, TERMINAL_PLAIN, "");
    units_bytes((double)process->rss_bytes, bytes);
    table_cell(table, TERMINAL_PLAIN, bytes);
    add_time(table, process->user_s + process->system_s);
    units_ago(timestamp_get(process->started), now_ms, ago);
    table_cell(table, TERMINAL_DIM, ago);
    table_printf(table, TERMINAL_PLAIN, "%*s%s", (int)process->depth * 2, "",
                 process->name);
    table_cell(table, TERMINAL_DIM, process->command_line);
}

int processes_add_json(struct buf *out,
                       const char *node,
                       const Roost__V1__Process *process) {
    struct buf object = { 0 };
    int code = output_add_message(&object, &process->base, false);

    if (code == REPORT_OK) { /* the object's own bracket makes room for the node */
        buf_add_text(out, out->len > 0 ? ",\n  {\"node\":" : "\n  {\"node\":");
        output_add_string(out, node);
        buf_printf(out, ",%s", buf_text(&object) + 1);
    }
    buf_done(&object);
    return code;
}

void processes_print_json(struct buf *elements) {
    printf("[%s%s]\n", buf_text(elements), elements->len > 0 ? "\n" : "");
}

char *processes_label(const Roost__V1__Process *process) {
    return mem_printf("%s (%u)", process->name, process->pid);
}
