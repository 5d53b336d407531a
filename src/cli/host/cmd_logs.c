#include <stddef.h>

#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/host/log_view.h"

static const char *const examples[] = {
    "roost logs pi nginx",
    "the last 100 lines of nginx.service",
    "roost logs pi nginx -f",
    "and those to come",
    "roost logs pi ssh --since 1h --grep 'Failed password'",
    "what somebody tried",
    "roost logs pi kernel -p err",
    "what the kernel complains of",
    "roost logs pi -n 500 --json",
    "the whole journal, one object a line",
    NULL,
};

const struct command cmd_logs = {
    .name = "logs",
    .alias = "log",
    .usage = "NODE [UNIT]",
    .summary = "show the journal of a unit, or of the host",
    .details =
        "Without UNIT the lines of all units are shown, as far as the host's policy\n"
        "allows; \"kernel\" means the kernel's. It needs the role of an operator, and a\n"
        "line \"allow logs UNIT\" of the policy. With -f it goes on, also when the link\n"
        "to the host was lost for a while.",
    .examples = examples,
    .options = log_view_options,
    .least = 1,
    .most = 2,
    .operands = "node",
    .second = "unit",
    .run = log_view_run,
};
