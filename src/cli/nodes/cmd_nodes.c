#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/nodes/nodes.h"
#include "cli/output.h"

static void print_names(const Roost__V1__ListNodesResponse *list) {
    for (size_t i = 0; i < list->n_nodes; i++)
        puts(list->nodes[i]->name);
}

static int run(struct cli *cli) {
    auto_(mem_freep) char *selection = cli_selection(cli, 0);
    Roost__V1__ListNodesResponse *list;

    int r = nodes_list(cli, selection, &list);
    if (r != 0)
        return r;
    if (args_has(cli->args, "names"))
        print_names(list);
    else if (cli->json)
        r = output_message(&list->base, true);
    else if (list->n_nodes > 0)
        nodes_print(cli, list);
    else if (!cli->quiet)
        report_hint("no nodes: none has joined, or none that you may see",
                    "roost token new NAME");
    pb_free(&list->base);
    return r;
}

static const struct args_option options[] = {
    { "names", 0, NULL, NULL }, /* for completion: one name a line */
    { 0 },
};

static const char *const examples[] = {
    "roost nodes",
    "every node that you may see",
    "roost nodes 'pi*' @home",
    "only some, by name or tag",
    "roost nodes --json",
    "the same for a script",
    NULL,
};

const struct command cmd_nodes = {
    .name = "nodes",
    .usage = "[NODE...]",
    .summary = "list the nodes",
    .examples = examples,
    .options = options,
    .most = COMMAND_ANY,
    .operands = "node",
    .run = run,
};
