#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "cli/acts/act.h"
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/host/processes.h"
#include "wire/pb.h"

enum {
    PAGE = 10000,
    LINES_MAX = 1000000,
    LOOK_MS = 250,
    TIMEOUT_MS = 30000,
};

/* What one command gathers. */
struct ps {
    struct cli *cli;     /* borrowed: the command */
    struct table *table; /* owned; NULL with --json */
    struct buf json;
    bool has_nodes;  /* there are several */
    bool names;      /* print these alone, for completion */
    uint32_t limit;  /* of each node; 0: none */
    size_t taken;    /* of the node that is asked */
    char *next_page; /* owned; of the node that is asked */
    int code;
};

static void on_reply(void *arg,
                     const struct act_deed *deed,
                     const ProtobufCMessage *reply) {
    const Roost__V1__ListProcessesResponse *list =
        (const Roost__V1__ListProcessesResponse *)reply;
    struct ps *ps = arg;
    int64_t now_ms = clock_wall_ms();

    for (size_t i = 0; i < list->n_processes; i++) {
        if (ps->limit > 0 && ps->taken == ps->limit)
            break;
        ps->taken++;
        if (ps->names)
            puts(list->processes[i]->name);
        else if (ps->table)
            processes_add_row(ps->table, ps->has_nodes ? deed->node : NULL,
                              list->processes[i], now_ms);
        else if (ps->code == REPORT_OK)
            ps->code = processes_add_json(&ps->json, deed->node, list->processes[i]);
    }
    free(ps->next_page);
    ps->next_page = mem_strdup(list->next_page);
}

/* All pages of one node: the exit status. */
static int ask_node(struct ps *ps, char *node, Roost__V1__ListProcessesRequest *request) {
    const struct act_deed deed = { .node = node, .request = &request->base };
    const struct act_plan plan = {
        .method = "/roost.v1.Processes/List",
        .reply_type = &roost__v1__list_processes_response__descriptor,
        .on_reply = on_reply,
        .arg = ps,
        .timeout_ms = TIMEOUT_MS,
    };
    int r;

    ps->taken = 0;
    do {
        auto_(mem_freep) char *page = TAKE(ps->next_page);
        request->page = page ? page : "";
        r = act_run(ps->cli, &plan, &deed, 1);
        request->page = NULL;
    } while (r == 0 && ps->next_page && *ps->next_page &&
             (ps->limit == 0 || ps->taken < ps->limit));
    free(ps->next_page);
    ps->next_page = NULL;
    return r;
}

static int read_request(const struct cli *cli,
                        struct ps *ps,
                        Roost__V1__ListProcessesRequest *request) {
    roost__v1__list_processes_request__init(request);
    ps->names = args_has(cli->args, "names");
    int r = processes_sort(cli, args_value(cli->args, "sort"), &request->sort);
    if (r == 0)
        r = cli_number(cli, "lines", "-n", 1, LINES_MAX, &ps->limit);
    if (r != 0)
        return r;
    request->filter = pb_lend(args_value(cli->args, "filter"));
    request->user = pb_lend(args_value(cli->args, "user"));
    request->reverse = args_has(cli->args, "reverse");
    request->tree = args_has(cli->args, "tree");
    request->kernel_threads = args_has(cli->args, "kernel");
    request->limit = ps->limit > 0 && ps->limit < PAGE ? ps->limit : PAGE;
    request->look_ms = ps->names ? 0 : LOOK_MS;
    return 0;
}

static int ask_all(struct ps *ps,
                   const Roost__V1__ListNodesResponse *list,
                   Roost__V1__ListProcessesRequest *request) {
    size_t failed = 0;
    int last = 0;

    ps->has_nodes = list->n_nodes > 1;
    if (!ps->cli->json)
        ps->table = processes_table(ps->has_nodes);
    for (size_t i = 0; i < list->n_nodes; i++) {
        int r = ask_node(ps, list->nodes[i]->name, request);
        failed += r != 0;
        last = r != 0 ? r : last;
    }
    if (ps->cli->json && failed < list->n_nodes)
        processes_print_json(&ps->json);
    else if (!ps->names && failed < list->n_nodes)
        table_print(ps->table, &ps->cli->terminal);
    table_free(ps->table);
    buf_done(&ps->json);
    return failed > 0 ? report_exit_of_many(failed, list->n_nodes, last) : ps->code;
}

static int run(struct cli *cli) {
    Roost__V1__ListProcessesRequest request;
    Roost__V1__ListNodesResponse *list;
    struct ps ps = { .cli = cli };

    int r = read_request(cli, &ps, &request);
    if (r == 0)
        r = act_nodes(cli, "ps", args_at(cli->args, 0), &list);
    if (r != 0)
        return r;
    r = ask_all(&ps, list, &request);
    pb_free(&list->base);
    return r;
}

static const struct args_option options[] = {
    { "sort", 0, "ORDER", "pid (the usual), cpu, memory, name, started or time" },
    { "reverse", 'r', NULL, "the other way round" },
    { "filter", 0, "TEXT", "part of a name or command line, or a pattern with *" },
    { "user", 'u', "USER", "of this user only" },
    { "tree", 0, NULL, "children below their parents" },
    { "kernel", 'k', NULL, "threads of the kernel, too" },
    { "lines", 'n', "N", "at most so many (all)" },
    { "names", 0, NULL, NULL },
    { 0 },
};

static const char *const examples[] = {
    "roost ps pi --sort cpu -n 10",
    "those that use most CPU now",
    "roost ps pi --filter 'nginx*' --tree",
    "a server and its workers",
    "roost ps @web --user www-data",
    "of several nodes",
    "roost ps pi --json | jq '.[] | [.pid, .name]'",
    "for a script",
    NULL,
};

const struct command cmd_ps = {
    .name = "ps",
    .usage = "NODE",
    .summary = "list the processes of a node",
    .details =
        "The share of CPU is of one core, measured over a quarter of a second. Command\n"
        "lines are shown to operators, unless the node's policy says no (\"deny look\n"
        "commands\").",
    .examples = examples,
    .options = options,
    .least = 1,
    .most = 1,
    .operands = "node",
    .run = run,
};
