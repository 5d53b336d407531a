#include "base/address.h"
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/forward/forward.h"
#include "cli/forward/pump.h"
#include "cli/hub/hub.h"

static int run(struct cli *cli) {
    const char *node = args_at(cli->args, 0);
    const char *to = args_at(cli->args, 1);
    struct address address;
    struct pump_end end;

    if (address_parse(slice_of_text(to), &address) != 0)
        return cli_usage(cli, "connect: %s: write HOST:PORT, an IPv6 address in brackets",
                         to);
    int r = hub_connect(cli);
    if (r != 0)
        return r;
    pump_run(cli, node, to, &end);
    if (end.status != GRPC_OK)
        r = forward_report(cli, node, to, end.status, end.message, &end.trailers);
    pump_end_done(&end);
    return r;
}

static const char *const examples[] = {
    "roost connect nas 127.0.0.1:22",
    "talk to what listens there",
    "ssh -o ProxyCommand='roost connect %h 127.0.0.1:%p' nas",
    "as ssh does it; roost ssh nas is the same",
    "roost connect nas 127.0.0.1:9100 < request > answer",
    "each side ends for itself",
    NULL,
};

const struct command cmd_connect = {
    .name = "connect",
    .usage = "NODE HOST:PORT",
    .summary = "connect standard input and output to a place behind a node",
    .details =
        "The node's policy must allow the place: roost-agent allow tcp HOST:PORT there.",
    .examples = examples,
    .least = 2,
    .most = 2,
    .operands = "node",
    .run = run,
};
