#include "cli/cli.h"
#include "cli/commands.h"

static int run(struct cli *cli) {
    return cli_usage(cli, "probe: which one?");
}

static const struct command *const subcommands[] = {
    &cmd_probe_speed,
    &cmd_probe_stability,
    NULL,
};

static const char *const examples[] = {
    "roost probe speed pi",
    "how fast its link to the hub is",
    "roost probe stability pi --for 10m -o pi.png",
    "what gets lost on the way, as a picture",
    NULL,
};

const struct command cmd_probe = {
    .name = "probe",
    .usage = "speed|stability NODE",
    .summary = "measure from a node",
    .examples = examples,
    .subcommands = subcommands,
    .most = COMMAND_ANY,
    .run = run,
};
