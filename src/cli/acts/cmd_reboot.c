#include <stddef.h>

#include "cli/acts/act.h"
#include "cli/acts/ending.h"
#include "cli/commands.h"

static int run(struct cli *cli) {
    return ending_run(cli, "reboot", "/roost.v1.Power/Reboot");
}

static const struct args_option options[] = {
    ENDING_OPTIONS,
    ACT_OPTIONS,
    { 0 },
};

static const char *const examples[] = {
    "roost reboot pi",
    "now, after a question",
    "roost reboot pi --in 5m -m 'new kernel'",
    "in five minutes; who is logged in is told why",
    "roost reboot pi --cancel",
    "not any more",
    "roost reboot '@lab' --yes",
    "all hosts with a tag, without a question",
    NULL,
};

const struct command cmd_reboot = {
    .name = "reboot",
    .usage = "NODE",
    .summary = "restart a host",
    .details = ENDING_DETAILS,
    .examples = examples,
    .options = options,
    .least = 1,
    .most = 1,
    .operands = "node",
    .run = run,
};
