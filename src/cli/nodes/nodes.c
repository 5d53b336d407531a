#include "cli/nodes/nodes.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "cli/cli.h"
#include "cli/hub/hub.h"
#include "cli/nodes/node_cells.h"
#include "cli/terminal/units.h"
#include "wire/pb.h"

int nodes_list(struct cli *cli,
               const char *selection,
               Roost__V1__ListNodesResponse **ret_list) {
    Roost__V1__ListNodesRequest request = ROOST__V1__LIST_NODES_REQUEST__INIT;
    request.select = pb_lend(selection);
    struct session_ask ask = {
        .method = "/roost.v1.Nodes/List",
        .request = &request.base,
        .reply_type = &roost__v1__list_nodes_response__descriptor,
    };
    ProtobufCMessage *reply;

    int r = hub_call(cli, *selection ? selection : "nodes", ask, &reply);
    if (r == 0)
        *ret_list = (Roost__V1__ListNodesResponse *)reply;
    return r;
}

int nodes_report_none(const char *selection) {
    report_fail(REPORT_NOT_FOUND, "roost nodes", "%s: no such node", selection);
    return REPORT_NOT_FOUND;
}

int nodes_some(struct cli *cli,
               const char *selection,
               Roost__V1__ListNodesResponse **ret_list) {
    Roost__V1__ListNodesResponse *list;

    int r = nodes_list(cli, selection, &list);
    if (r != 0)
        return r;
    if (list->n_nodes == 0) {
        pb_free(&list->base);
        return nodes_report_none(selection);
    }
    *ret_list = list;
    return 0;
}

int nodes_one(struct cli *cli, const char *text, const char *act, char **ret_name) {
    Roost__V1__ListNodesResponse *list;
    struct buf names = { 0 };

    if (*text == '\0')
        return cli_usage(cli, "%s: the name of a node is empty", act);
    int r = nodes_some(cli, text, &list);
    if (r != 0)
        return r;
    if (list->n_nodes == 1) {
        *ret_name = mem_strdup(list->nodes[0]->name);
    } else {
        for (size_t i = 0; i < list->n_nodes; i++)
            buf_printf(&names, "%s%s", i ? ", " : "", list->nodes[i]->name);
        r = cli_usage(cli, "%s: takes one node, and %s is %zu of them (%s)", act, text,
                      list->n_nodes, buf_text(&names));
        buf_done(&names);
    }
    pb_free(&list->base);
    return r;
}

static void add_row(struct table *table,
                    const struct terminal *terminal,
                    const Roost__V1__Node *node,
                    int64_t now_ms) {
    bool is_online = node->state == ROOST__V1__NODE_STATE__ONLINE;
    int64_t since_ms =
        node_cells_time_ms(is_online ? node->online_since : node->last_seen);
    auto_(mem_freep) char *tags = node_cells_tags(node);
    char ago[UNITS_LEN] = "never seen";

    if (since_ms > 0)
        units_ago(since_ms, now_ms, ago);
    table_cell(table, TERMINAL_BOLD, node->name);
    table_cell(table, TERMINAL_PLAIN, node->title);
    node_cells_add_state(table, terminal, is_online, is_online ? "online" : "offline");
    table_cell(table, TERMINAL_PLAIN, ago);
    table_cell(table, TERMINAL_PLAIN, node_cells_kind(node->kind));
    table_cell(table, TERMINAL_PLAIN, node->address);
    table_cell(table, TERMINAL_PLAIN, node->transport);
    table_cell(table, TERMINAL_PLAIN, node->version);
    table_cell(table, TERMINAL_CYAN, tags);
}

void nodes_print(struct cli *cli, const Roost__V1__ListNodesResponse *list) {
    struct table *table = table_new();
    int64_t now_ms = clock_wall_ms();

    table_column(table, "NAME", TABLE_LEFT);
    table_column(table, "TITLE", TABLE_FLEXIBLE);
    table_column(table, "STATE", TABLE_LEFT);
    table_column(table, "SINCE", TABLE_LEFT);
    table_column(table, "KIND", TABLE_LEFT);
    table_column(table, "ADDRESS", TABLE_FLEXIBLE);
    table_column(table, "LINK", TABLE_LEFT);
    table_column(table, "VERSION", TABLE_LEFT);
    table_column(table, "TAGS", TABLE_FLEXIBLE);
    for (size_t i = 0; i < list->n_nodes; i++)
        add_row(table, &cli->terminal, list->nodes[i], now_ms);
    table_print(table, &cli->terminal);
    table_free(table);
}
