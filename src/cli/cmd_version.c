#include <stdio.h>

#include "base/version.h"
#include "cli/cli.h"
#include "cli/commands.h"

static int run(struct cli *cli) {
    printf(cli->json ? "{\"version\": \"%s\"}\n" : "roost %s\n", ROOST_VERSION);
    return REPORT_OK;
}

static const char *const examples[] = {
    "roost version",
    "which roost this is; \"roost whoami\" tells the hub's",
    NULL,
};

const struct command cmd_version = {
    .name = "version",
    .usage = "",
    .summary = "tell which version this is",
    .examples = examples,
    .run = run,
};
