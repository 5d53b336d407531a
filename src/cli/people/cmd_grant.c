#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/hub/hub.h"
#include "cli/output.h"
#include "cli/people/grants.h"
#include "roost/v1/users.pb-c.h"
#include "wire/pb.h"

static int run_list(struct cli *cli) {
    Roost__V1__ListGrantsRequest request = ROOST__V1__LIST_GRANTS_REQUEST__INIT;
    struct session_ask ask = {
        .method = "/roost.v1.Users/Grants",
        .request = &request.base,
        .reply_type = &roost__v1__list_grants_response__descriptor,
    };
    ProtobufCMessage *reply;

    request.user = pb_lend(args_value(cli->args, "user"));
    request.node = pb_lend(args_value(cli->args, "node"));
    int r = hub_call(cli, "grants", ask, &reply);
    if (r != 0)
        return r;
    const Roost__V1__ListGrantsResponse *list =
        (const Roost__V1__ListGrantsResponse *)reply;
    if (cli->json)
        r = output_message(reply, true);
    else
        grants_print(cli, list->grants, list->n_grants, true);
    pb_free(reply);
    return r;
}

static int run_new(struct cli *cli) {
    Roost__V1__GrantRequest request = ROOST__V1__GRANT_REQUEST__INIT;
    struct session_ask ask = {
        .method = "/roost.v1.Users/Grant",
        .request = &request.base,
        .reply_type = &roost__v1__grant_response__descriptor,
    };
    ProtobufCMessage *reply;

    request.user = pb_lend(args_at(cli->args, 0));
    request.nodes = pb_lend(args_at(cli->args, 1));
    int r = grants_role(cli, args_at(cli->args, 2), &request.role);
    if (r == 0)
        r = grants_lifetime(cli, &request.lifetime_s);
    if (r == 0)
        r = hub_call(cli, "grant", ask, &reply);
    if (r != 0)
        return r;
    const Roost__V1__GrantResponse *made = (const Roost__V1__GrantResponse *)reply;
    if (cli->json)
        r = output_message(reply, true);
    else if (!cli->quiet && made->grant)
        grants_print(cli, &made->grant, 1, true);
    pb_free(reply);
    return r;
}

static int run_remove(struct cli *cli) {
    Roost__V1__RevokeGrantRequest request = ROOST__V1__REVOKE_GRANT_REQUEST__INIT;
    struct session_ask ask = {
        .method = "/roost.v1.Users/Revoke",
        .request = &request.base,
        .reply_type = &roost__v1__revoke_grant_response__descriptor,
    };
    const char *nodes = args_at(cli->args, 1);
    ProtobufCMessage *reply;

    if (!nodes && !args_has(cli->args, "all"))
        return cli_usage(cli, "grant remove: which nodes? or --all");
    request.user = pb_lend(args_at(cli->args, 0));
    request.nodes = pb_lend(nodes);
    int r = hub_call(cli, request.user, ask, &reply);
    if (r != 0)
        return r;
    if (cli->json)
        r = output_message(reply, true);
    else if (!cli->quiet)
        printf("%s: %u taken away\n", request.user,
               ((const Roost__V1__RevokeGrantResponse *)reply)->revoked);
    pb_free(reply);
    return r;
}

static const struct args_option list_options[] = {
    { "user", 0, "USER", "only of this user" },
    { "node", 0, "NODE", "only those that mean this node" },
    { 0 },
};
static const struct command list = {
    .name = "list",
    .usage = "",
    .summary = "your grants, and those on nodes that you own",
    .options = list_options,
    .run = run_list,
};
static const struct args_option new_options[] = {
    { "lifetime", 0, "TIME", "until when: 8h, 30d; for good unless given" },
    { 0 },
};
static const char *const new_examples[] = {
    "roost grant new bob 'web*' operator",
    "on all nodes of such names, also later ones",
    "roost grant new bob @prod viewer --lifetime 8h",
    "on the nodes with a tag, until the evening",
    NULL,
};
static const struct command new_grant = {
    .name = "new",
    .alias = "add",
    .usage = "USER NODES ROLE",
    .summary = "let a user look at, operate or own nodes",
    .examples = new_examples,
    .options = new_options,
    .least = 3,
    .most = 3,
    .operands = "user",
    .second = "node",
    .run = run_new,
};
static const struct args_option remove_options[] = {
    { "all", 0, NULL, "all that you may take from him" },
    { 0 },
};
static const char *const remove_examples[] = {
    "roost grant remove bob 'web*'",
    "calls that need it end at once",
    NULL,
};
static const struct command remove_grant = {
    .name = "remove",
    .alias = "revoke",
    .usage = "USER [NODES]",
    .summary = "take a grant away",
    .examples = remove_examples,
    .options = remove_options,
    .least = 1,
    .most = 2,
    .operands = "user",
    .run = run_remove,
};
static const struct command *const subcommands[] = {
    &list,
    &new_grant,
    &remove_grant,
    NULL,
};

static const char *const examples[] = {
    "roost grant",
    "who may do what",
    "roost grant --node pi",
    "on one node",
    "roost grant new bob pi viewer",
    "one more",
    NULL,
};

const struct command cmd_grant = {
    .name = "grant",
    .alias = "grants",
    .usage = "[list|new|remove] [USER NODES ROLE]",
    .summary = "who may do what on which nodes",
    .details =
        "A grant is a role (viewer, operator, owner) on nodes: a name, a pattern\n"
        "('web*') or a tag (@prod), as they are at each moment. Owners make grants on\n"
        "their own nodes, administrators on all. What is taken away is gone at once,\n"
        "for calls under way too.",
    .examples = examples,
    .options = list_options,
    .subcommands = subcommands,
    .run = run_list,
};
