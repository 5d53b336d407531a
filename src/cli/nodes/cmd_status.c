#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/metric.h"
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/hub/hub.h"
#include "cli/nodes/node_cells.h"
#include "cli/nodes/nodes.h"
#include "cli/nodes/overview.h"
#include "cli/nodes/panel.h"
#include "cli/nodes/values_json.h"
#include "cli/output.h"
#include "cli/terminal/units.h"

/* What was asked for, and the answer. */
struct status {
    struct cli *cli;       /* borrowed: the caller */
    const char **metrics;  /* owned; NULL-terminated; NULL: not chosen */
    struct values *values; /* owned; one for each node of the answer */
    const Roost__V1__LatestResponse *latest; /* borrowed: the reply */
};

static void print_json(const struct status *status) {
    size_t count = status->latest->n_nodes;
    struct buf out = { 0 };

    buf_add_text(&out, count == 1 ? "" : "[");
    for (size_t i = 0; i < count; i++) {
        if (count > 1)
            buf_add_text(&out, i ? ",\n  " : "\n  ");
        values_json_add(&out, status->latest->nodes[i]->node, &status->values[i],
                        count == 1 ? "\n" : "\n  ");
    }
    buf_add_text(&out, count == 1 ? "\n" : count == 0 ? "]\n" : "\n]\n");
    fwrite(out.data, 1, out.len, stdout);
    buf_done(&out);
}

static void print_overview(const struct status *status) {
    size_t count = status->latest->n_nodes;
    auto_(mem_freep) struct overview_row *rows = mem_new_array(count, sizeof(*rows));

    for (size_t i = 0; i < count; i++)
        rows[i] = (struct overview_row) {
            .name = status->latest->nodes[i]->node,
            .values = &status->values[i],
            .online = status->values[i].online,
            .seen_ms = status->values[i].time_ms,
        };
    struct table *table = overview_make(&status->cli->terminal, rows, count,
                                        status->metrics, clock_wall_ms());
    table_print(table, &status->cli->terminal);
    table_free(table);
}

/* Every value of the node, with what it means. */
static void print_all(const struct status *status, const struct values *values) {
    struct table *table = table_new();
    char text[UNITS_LEN];

    table_column(table, "METRIC", TABLE_LEFT);
    table_column(table, "VALUE", TABLE_RIGHT);
    table_column(table, "MEANING", TABLE_FLEXIBLE);
    for (size_t i = 0; i < values->count; i++) {
        const struct value *value = &values->items[i];
        const struct metric *metric = metric_find(value->name);
        if (!value->is_there)
            continue;
        units_value(value->number, value->unit, status->cli->terminal.unicode, text);
        table_cell(table, TERMINAL_BOLD, value->name);
        table_cell(table, panel_colour(value), text);
        table_cell(table, TERMINAL_DIM, metric ? metric->meaning : "");
    }
    table_print(table, &status->cli->terminal);
    table_free(table);
}

static void print_one(const struct status *status) {
    const struct values *values = &status->values[0];
    const struct terminal *terminal = &status->cli->terminal;
    struct table *head = table_new();
    char ago[UNITS_LEN] = "no values yet";

    if (values->time_ms > 0)
        units_ago(values->time_ms, clock_wall_ms(), ago);
    for (int i = 0; i < 3; i++)
        table_column(head, "", TABLE_LEFT);
    table_cell(head, TERMINAL_BOLD, status->latest->nodes[0]->node);
    node_cells_add_state(head, terminal, values->online,
                         values->online ? "online" : "offline");
    table_cell(head, TERMINAL_DIM, ago);
    table_print(head, terminal);
    table_free(head);

    if (status->cli->verbose > 0) {
        print_all(status, values);
        return;
    }
    struct table *panel = panel_make(terminal, values, NULL, 0);
    table_print(panel, terminal);
    table_free(panel);
}

static void print(struct status *status) {
    size_t count = status->latest->n_nodes;

    status->values = mem_new_array(count, sizeof(*status->values));
    for (size_t i = 0; i < count; i++)
        values_take(&status->values[i], status->latest->nodes[i]);
    if (status->cli->json)
        print_json(status);
    else if (count == 1 && !status->metrics)
        print_one(status);
    else if (count > 0)
        print_overview(status);
    else if (!status->cli->quiet)
        report_hint("no nodes: none has joined, or none that you may see",
                    "roost token new NAME");
    for (size_t i = 0; i < count; i++)
        values_done(&status->values[i]);
    free(status->values);
}

/* The words of --metric, older names resolved; NULL without any. */
static const char **chosen(const struct cli *cli) {
    size_t count = args_times(cli->args, "metric");

    if (count == 0)
        return NULL;
    const char **metrics = mem_new_array(count + 1, sizeof(*metrics));
    for (size_t i = 0; i < count; i++)
        metrics[i] = metric_resolve(args_value_at(cli->args, "metric", i));
    return metrics;
}

static int run(struct cli *cli) {
    auto_(mem_freep) char *selection = cli_selection(cli, 0);
    struct status status = { .cli = cli, .metrics = chosen(cli) };
    Roost__V1__LatestRequest request = ROOST__V1__LATEST_REQUEST__INIT;
    struct session_ask ask = {
        .method = "/roost.v1.Metrics/Latest",
        .request = &request.base,
        .reply_type = &roost__v1__latest_response__descriptor,
    };
    ProtobufCMessage *reply;

    request.select = selection;
    request.metrics = (char **)(uintptr_t)status.metrics;
    request.n_metrics = args_times(cli->args, "metric");
    int r = hub_call(cli, *selection ? selection : "status", ask, &reply);
    if (r == 0) {
        status.latest = (const Roost__V1__LatestResponse *)reply;
        if (status.latest->n_nodes == 0 && *selection)
            r = nodes_report_none(selection);
        else
            print(&status);
        pb_free(reply);
    }
    free(status.metrics);
    return r;
}

static const struct args_option options[] = {
    { "metric", 'm', "METRIC",
      "only this metric (repeats): cpu, mem, net.rx, disk:/home" },
    { 0 },
};

static const char *const examples[] = {
    "roost status",
    "every node, a line each",
    "roost status pi",
    "the main figures of one",
    "roost status pi -v",
    "all of its metrics, with what they mean",
    "roost status @home -m cpu -m temp.cpu",
    "two metrics of some",
    "roost status pi --json | jq .cpu",
    "for a script; memory is in bytes",
    NULL,
};

const struct command cmd_status = {
    .name = "status",
    .usage = "[NODE...]",
    .summary = "show the latest figures of nodes",
    .examples = examples,
    .options = options,
    .most = COMMAND_ANY,
    .operands = "node",
    .run = run,
};
