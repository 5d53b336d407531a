#include <stddef.h>

#include "cli/acts/act.h"
#include "cli/acts/ending.h"
#include "cli/commands.h"

static int run(struct cli *cli) {
    return ending_run(cli, "shutdown", "/roost.v1.Power/Shutdown");
}

static const struct args_option options[] = {
    ENDING_OPTIONS,
    ACT_OPTIONS,
    { 0 },
};

static const char *const examples[] = {
    "roost shutdown pi",
    "turn it off; \"roost wake\" may turn it on again",
    "roost shutdown pi --in 1h",
    "in an hour",
    "roost shutdown pi --status",
    "what is planned",
    NULL,
};

const struct command cmd_shutdown = {
    .name = "shutdown",
    .usage = "NODE",
    .summary = "turn a host off",
    .details = ENDING_DETAILS,
    .examples = examples,
    .options = options,
    .least = 1,
    .most = 1,
    .operands = "node",
    .run = run,
};
