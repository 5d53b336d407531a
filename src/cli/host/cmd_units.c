#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/host/unit_out.h"
#include "cli/hub/hub.h"
#include "cli/nodes/nodes.h"
#include "cli/output.h"
#include "roost/v1/units.pb-c.h"
#include "wire/pb.h"

enum { TYPES_MAX = 3 };

static void print_names(const Roost__V1__ListUnitsResponse *list) {
    for (size_t i = 0; i < list->n_units; i++)
        puts(list->units[i]->name);
}

static int show(struct cli *cli, const Roost__V1__ListUnitsResponse *list) {
    if (args_has(cli->args, "names"))
        print_names(list);
    else if (cli->json)
        return output_message(&list->base, true);
    else if (list->n_units > 0)
        unit_out_list(cli, list);
    else if (!cli->quiet)
        report_hint("no such units", "roost units NODE --all");
    return REPORT_OK;
}

static int run(struct cli *cli) {
    Roost__V1__ListUnitsRequest request = ROOST__V1__LIST_UNITS_REQUEST__INIT;
    auto_(mem_freep) char *node = NULL;
    char *types[TYPES_MAX];
    ProtobufCMessage *reply;

    request.types = types;
    for (size_t i = 0; i < args_times(cli->args, "type"); i++) {
        if (i == TYPES_MAX)
            return cli_usage(cli, "--type: service, timer and socket are all there are");
        types[request.n_types++] = pb_lend(args_value_at(cli->args, "type", i));
    }
    int r = nodes_one(cli, args_at(cli->args, 0), "units", &node);
    if (r != 0)
        return r;
    request.filter = pb_lend(args_count(cli->args) > 1 ? args_at(cli->args, 1) : "");
    request.active_state = args_has(cli->args, "failed")
                               ? "failed"
                               : pb_lend(args_value(cli->args, "state"));
    request.all = args_has(cli->args, "all");
    struct session_ask ask = {
        .node = node,
        .method = "/roost.v1.Units/List",
        .request = &request.base,
        .reply_type = &roost__v1__list_units_response__descriptor,
    };
    r = hub_call(cli, node, ask, &reply);
    if (r != 0)
        return r;
    r = show(cli, (const Roost__V1__ListUnitsResponse *)reply);
    pb_free(reply);
    return r;
}

static const struct args_option options[] = {
    { "type", 't', "TYPE", "only these: service, timer or socket; may be repeated" },
    { "state", 's', "STATE", "only in this state: active, failed, inactive" },
    { "failed", 0, NULL, "only those that failed" },
    { "all", 'a', NULL, "also those that are not loaded" },
    { "names", 0, NULL, NULL }, /* for completion: one name a line */
    { 0 },
};

static const char *const examples[] = {
    "roost units pi",
    "services, timers and sockets of a host",
    "roost units pi --failed",
    "what went wrong",
    "roost units pi 'nginx*' --all --json",
    "a pattern; parts of names and descriptions fit too",
    NULL,
};

const struct command cmd_units = {
    .name = "units",
    .usage = "NODE [FILTER]",
    .summary = "list what systemd manages on a host",
    .details = "The agent of an ordinary user lists the units that this user brought.",
    .examples = examples,
    .options = options,
    .least = 1,
    .most = 2,
    .operands = "node",
    .run = run,
};
