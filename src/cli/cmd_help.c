#include <stdio.h>

#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/help.h"

static int run(struct cli *cli) {
    const char *first = args_at(cli->args, 0);
    const char *second = args_at(cli->args, 1);
    const struct command *command = NULL;
    const struct command *parent = NULL;

    if (!first) {
        help_overview(&cli->terminal, stdout);
        return REPORT_OK;
    }
    unsigned names = command_resolve(first, second, &command, &parent);
    if (names == (second ? 2u : 1u)) {
        help_command(&cli->terminal, command, parent, stdout);
        return REPORT_OK;
    }
    const char *near = names == 0 ? command_nearest(command_all(), first)
                                  : command_nearest(command->subcommands, second);
    if (near)
        return report_fail(REPORT_USAGE, "roost help",
                           "%s%s%s: no such command; did you "
                           "mean %s?",
                           first, second ? " " : "", second ? second : "", near);
    return report_fail(REPORT_USAGE, "roost help", "%s%s%s: no such command", first,
                       second ? " " : "", second ? second : "");
}

static const char *const examples[] = {
    "roost help", "all commands", "roost help node rename", "one of them", NULL,
};

const struct command cmd_help = {
    .name = "help",
    .usage = "[COMMAND]",
    .summary = "explain a command, with examples",
    .examples = examples,
    .most = 2,
    .operands = "command",
    .run = run,
};
