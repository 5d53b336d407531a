#include <stdio.h>

#include "base/clock.h"
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/hub/hub.h"
#include "cli/hub/profile.h"
#include "cli/nodes/node_cells.h"
#include "cli/output.h"
#include "cli/people/grants.h"
#include "cli/terminal/units.h"
#include "roost/v1/users.pb-c.h"

static int run(struct cli *cli) {
    Roost__V1__PairRequest request = ROOST__V1__PAIR_REQUEST__INIT;
    struct session_ask ask = {
        .method = "/roost.v1.Users/Pair",
        .request = &request.base,
        .reply_type = &roost__v1__pair_response__descriptor,
    };
    ProtobufCMessage *reply;
    char until[UNITS_LEN];

    int r = grants_lifetime(cli, &request.lifetime_s);
    if (r == 0)
        r = hub_call(cli, "pair", ask, &reply);
    if (r != 0)
        return r;
    const Roost__V1__PairResponse *made = (const Roost__V1__PairResponse *)reply;
    if (cli->json) {
        r = output_message(reply, true);
    } else {
        puts(made->code);
        units_ago(node_cells_time_ms(made->expires), clock_wall_ms(), until);
        if (!cli->quiet)
            report_note("works once, until %s: /start CODE in a chat, or roost login %s "
                        "--code CODE",
                        until, cli->profile->hub);
    }
    pb_free(reply);
    return r;
}

static const struct args_option options[] = {
    { "lifetime", 0, "TIME", "how long the code works (10m)" },
    { 0 },
};

static const char *const examples[] = {
    "roost pair",
    "a code with which a chat (/start CODE) or another device of yours comes in, once",
    NULL,
};

const struct command cmd_pair = {
    .name = "pair",
    .usage = "",
    .summary = "print a code that lets a chat or another device of yours in",
    .examples = examples,
    .options = options,
    .run = run,
};
