#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/forward/forward.h"
#include "cli/forward/forward_grpc.h"
#include "cli/forward/forward_spec.h"
#include "cli/forward/staying.h"
#include "cli/hub/hub.h"
#include "cli/nodes/nodes.h"
#include "cli/terminal/units.h"

/* What runs: one of the two is set. */
struct forwarding {
    struct cli *cli;
    struct forward *tcp;       /* owned */
    struct forward_grpc *grpc; /* owned */
};

static void on_lost(void *user) {
    struct forwarding *forwarding = user;

    report_note("the hub is away: new connections wait");
    if (forwarding->tcp)
        forward_pause(forwarding->tcp);
    else
        forward_grpc_pause(forwarding->grpc);
}

static void on_back(void *user) {
    struct forwarding *forwarding = user;

    report_note("the hub is back");
    if (forwarding->tcp)
        forward_resume(forwarding->tcp);
    else
        forward_grpc_resume(forwarding->grpc);
}

static int listen_tcp(struct forwarding *forwarding, const char *node) {
    const struct args *args = forwarding->cli->args;
    struct forward_config config = { .cli = forwarding->cli, .node = node };
    int r = 0;

    forwarding->tcp = forward_new(&config);
    for (size_t i = 1; r == 0 && i < args_count(args); i++) {
        struct forward_spec spec;
        const char *why = NULL;
        if (forward_spec_parse(args_at(args, i), &spec, &why) != 0)
            return cli_usage(forwarding->cli, "forward: %s: %s", args_at(args, i), why);
        r = forward_listen(forwarding->tcp, &spec);
    }
    return r;
}

static int listen_grpc(struct forwarding *forwarding, const char *node) {
    const struct args *args = forwarding->cli->args;
    struct address local;
    const char *why = NULL;

    if (args_count(args) > 2)
        return cli_usage(forwarding->cli, "forward --grpc: one port at a time");
    if (forward_spec_parse_local(args_at(args, 1), &local, &why) != 0)
        return cli_usage(forwarding->cli, "forward --grpc: %s: %s", args_at(args, 1),
                         why);
    return forward_grpc_new(forwarding->cli, node, &local, &forwarding->grpc);
}

static void print_totals(const struct forwarding *forwarding) {
    char sent[UNITS_LEN];
    char received[UNITS_LEN];

    if (!forwarding->tcp || forwarding->cli->quiet)
        return;
    struct forward_totals totals = forward_totals(forwarding->tcp);
    bool unicode = forwarding->cli->terminal.unicode;
    units_value((double)totals.sent, "B", unicode, sent);
    units_value((double)totals.received, "B", unicode, received);
    report_note("%llu connections, %llu failed; %s sent, %s received",
                (unsigned long long)totals.connections, (unsigned long long)totals.failed,
                sent, received);
}

static int run(struct cli *cli) {
    struct forwarding forwarding = { .cli = cli };
    struct staying staying = {
        .cli = cli,
        .on_lost = on_lost,
        .on_back = on_back,
        .user = &forwarding,
    };
    bool grpc = args_has(cli->args, "grpc");
    char *node = NULL;

    /* gRPC may be for a group, which is no node. */
    int r =
        grpc ? hub_connect(cli) : nodes_one(cli, args_at(cli->args, 0), "forward", &node);
    if (grpc)
        node = mem_strdup(args_at(cli->args, 0));
    if (r == 0)
        r = grpc ? listen_grpc(&forwarding, node) : listen_tcp(&forwarding, node);
    if (r == 0) {
        staying_run(&staying);
        print_totals(&forwarding);
    }
    forward_free(forwarding.tcp);
    forward_grpc_free(forwarding.grpc);
    free(node);
    return r;
}

static const struct args_option options[] = {
    { "grpc", 0, NULL, "a gRPC port: adds the node's name and the credential" },
    { 0 },
};

static const char *const examples[] = {
    "roost forward nas 5432",
    "the node's own PostgreSQL, on the same port here",
    "roost forward nas 15432:db.lan:5432 8080:router.lan:80",
    "two places in its network",
    "roost forward nas 0.0.0.0:8080:127.0.0.1:80",
    "for others in this network too",
    "roost forward --grpc svc 50051",
    "any gRPC client, unchanged, reaches svc at 127.0.0.1:50051",
    NULL,
};

const struct command cmd_forward = {
    .name = "forward",
    .usage = "NODE [LOCAL:]HOST:PORT...",
    .summary = "open local ports that lead to places behind a node",
    .details =
        "LOCAL is [ADDR:]PORT; without it 127.0.0.1 and the same port, or another one "
        "when\n"
        "that is taken. Prints where it listens and stays until it is interrupted; when "
        "the\n"
        "hub or the node is away, new connections wait for 30 s. The node's policy must\n"
        "allow the place: roost-agent allow tcp HOST:PORT there.",
    .examples = examples,
    .options = options,
    .least = 2,
    .most = COMMAND_ANY,
    .operands = "node",
    .run = run,
};
