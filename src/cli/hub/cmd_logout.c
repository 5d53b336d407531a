#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/hub/hub.h"
#include "cli/hub/profile.h"
#include "roost/v1/tokens.pb-c.h"

static int forget(struct cli *cli) {
    int r = hub_load_profiles(cli);
    if (r != 0)
        return r;
    profile_list_remove(cli->profiles, cli->profile->name);
    r = profile_list_save(cli->profiles);
    if (r < 0)
        return report_fail(REPORT_FAILED, NULL, "%s: %s", cli->profiles->path,
                           strerror(-r));
    if (!cli->quiet)
        printf("logged out of %s\n", cli->profile->hub);
    return REPORT_OK;
}

static int run(struct cli *cli) {
    Roost__V1__LogoutRequest request = ROOST__V1__LOGOUT_REQUEST__INIT;
    struct session_ask ask = {
        .method = "/roost.v1.Tokens/Logout",
        .request = &request.base,
        .reply_type = &roost__v1__logout_response__descriptor,
    };
    ProtobufCMessage *reply;

    int r = hub_load_profile(cli);
    if (r != 0)
        return r;
    if (!cli->profile->token)
        return report_fail(REPORT_NO_HUB, "roost login", "logout: not logged in to %s",
                           cli->profile->hub ? cli->profile->hub : cli->profile->name);
    if (args_has(cli->args, "force"))
        return forget(cli);
    r = hub_call(cli, "logout", ask, &reply);
    if (r == REPORT_NO_HUB)
        report_note("to forget the token here only: roost logout --force");
    if (r != 0)
        return r;
    pb_free(reply);
    return forget(cli);
}

static const struct args_option options[] = {
    { "force", 0, NULL, "forget the token here, without telling the hub" },
    { 0 },
};

static const char *const examples[] = {
    "roost logout",
    "give your token up: nobody can use it any more",
    "roost logout --force",
    "when the hub is gone for good",
    NULL,
};

const struct command cmd_logout = {
    .name = "logout",
    .usage = "",
    .summary = "give up the token of this hub",
    .examples = examples,
    .options = options,
    .run = run,
};
