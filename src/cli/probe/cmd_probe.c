#include "cli/cli.h"
#include "cli/commands.h"

static int run(struct cli *cli) {
    return cli_usage(cli, "probe: which one?");
}

static const struct command *const subcommands[] = {
    &cmd_probe_speed, &cmd_probe_stability, &cmd_probe_diagnose, &cmd_probe_ping,
    &cmd_probe_tcp,   &cmd_probe_http,      &cmd_probe_dns,      NULL,
};

static const char *const examples[] = {
    "roost probe speed pi",
    "how fast its link to the hub is",
    "roost probe stability pi --for 10m -o pi.png",
    "what gets lost on the way, as a picture",
    "roost probe diagnose pi",
    "what it is made of, and what is wrong with it",
    "roost probe http pi https://example.org",
    "status, times and certificate of a web server, as pi sees them",
    NULL,
};

const struct command cmd_probe = {
    .name = "probe",
    .usage = "speed|stability|diagnose|ping|tcp|http|dns NODE [TARGET]",
    .summary = "measure from a node",
    .examples = examples,
    .subcommands = subcommands,
    .most = COMMAND_ANY,
    .run = run,
};
