#include "cli/calls/older.h"
#include "cli/cli.h"
#include "cli/commands.h"
#include "compat/fluentd.pb-c.h"

static int run_start(struct cli *cli) {
    static const struct older start = {
        .path = "/external.Fluentd/Start",
        .method = {
            .input = &external__fluentd_start_request__descriptor,
            .output = &external__fluentd_start_response__descriptor,
        },
    };
    return older_run(cli, &start);
}

static int run_stop(struct cli *cli) {
    static const struct older stop = {
        .path = "/external.Fluentd/Stop",
        .method = {
            .input = &external__fluentd_stop_request__descriptor,
            .output = &external__fluentd_stop_response__descriptor,
        },
    };
    return older_run(cli, &stop);
}

static int run_restart(struct cli *cli) {
    static const struct older restart = {
        .path = "/external.Fluentd/Restart",
        .method = {
            .input = &external__fluentd_restart_request__descriptor,
            .output = &external__fluentd_restart_response__descriptor,
        },
    };
    return older_run(cli, &restart);
}

static int run(struct cli *cli) {
    return cli_usage(cli, "fluentd: one of start, stop, restart is missing");
}

static const struct args_option options[] = { OLDER_OPTIONS, { 0 } };

static const struct command start = {
    .name = "start",
    .usage = "NODE",
    .summary = "start fluentd on a node",
    .options = options,
    .least = 1,
    .most = 1,
    .operands = "node",
    .run = run_start,
};
static const struct command stop = {
    .name = "stop",
    .usage = "NODE",
    .summary = "stop fluentd on a node",
    .options = options,
    .least = 1,
    .most = 1,
    .operands = "node",
    .run = run_stop,
};
static const struct command restart = {
    .name = "restart",
    .usage = "NODE",
    .summary = "restart fluentd on a node",
    .options = options,
    .least = 1,
    .most = 1,
    .operands = "node",
    .run = run_restart,
};
static const struct command *const subcommands[] = { &start, &stop, &restart, NULL };

static const char *const examples[] = {
    "roost fluentd restart pi",
    "through the hub of the profile",
    "roost fluentd start web1 -s hub.example:9090 -o prettyjson",
    "through an older hub",
    NULL,
};

const struct command cmd_fluentd = {
    .name = "fluentd",
    .usage = "start|stop|restart NODE",
    .summary = "the older client's calls of external.Fluentd",
    .details =
        "They go to the server of -s or SERVER_ADDR, else to the hub of the profile, "
        "else "
        "to\nlocalhost:9090. The request is empty unless -f gives one: standard input is "
        "read only\nwith \"-f -\". The older client's --jwt-key is not there; give a "
        "token "
        "with --auth-token.",
    .examples = examples,
    .operands = "",
    .subcommands = subcommands,
    .run = run,
};
