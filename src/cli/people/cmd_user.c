#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/mem.h"
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/hub/hub.h"
#include "cli/hub/named.h"
#include "cli/nodes/node_cells.h"
#include "cli/output.h"
#include "cli/people/grants.h"
#include "cli/terminal/units.h"
#include "roost/v1/users.pb-c.h"
#include "wire/pb.h"

static void add_row(struct table *table, const Roost__V1__User *user) {
    auto_(mem_freep) char *grants = grants_text(user);
    int64_t seen_ms = node_cells_time_ms(user->last_seen);
    char text[UNITS_LEN] = "";

    table_cell(table, TERMINAL_BOLD, user->name);
    table_cell(table, TERMINAL_PLAIN, grants);
    snprintf(text, sizeof(text), "%zu", user->n_identities);
    table_cell(table, TERMINAL_PLAIN, text);
    if (seen_ms > 0)
        units_ago(seen_ms, clock_wall_ms(), text);
    table_cell(table, TERMINAL_PLAIN, seen_ms > 0 ? text : "never");
}

static void print_list(struct cli *cli, const ProtobufCMessage *reply) {
    const Roost__V1__ListUsersResponse *list =
        (const Roost__V1__ListUsersResponse *)reply;
    struct table *table = table_new();

    table_column(table, "NAME", TABLE_LEFT);
    table_column(table, "MAY", TABLE_FLEXIBLE);
    table_column(table, "DEVICES", TABLE_RIGHT);
    table_column(table, "LAST SEEN", TABLE_LEFT);
    for (size_t i = 0; i < list->n_users; i++)
        add_row(table, list->users[i]);
    table_print(table, &cli->terminal);
    table_free(table);
}

static void print_user(struct cli *cli, const ProtobufCMessage *message) {
    const Roost__V1__User *user = (const Roost__V1__User *)message;
    int64_t seen_ms = node_cells_time_ms(user->last_seen);
    char text[UNITS_LEN] = "never";

    if (seen_ms > 0)
        units_ago(seen_ms, clock_wall_ms(), text);
    printf("%s%s, last seen %s\n", user->name, user->admin ? ", administrator" : "",
           text);
    for (size_t i = 0; i < user->n_identities; i++)
        printf("  %s\n", user->identities[i]);
    grants_print(cli, user->grants, user->n_grants, false);
}

static const struct named_kind users = {
    .word = "user",
    .words = "users",
    .list = {
        "/roost.v1.Users/List",
        &roost__v1__list_users_request__descriptor,
        &roost__v1__list_users_response__descriptor,
    },
    .remove = {
        "/roost.v1.Users/Remove",
        &roost__v1__remove_user_request__descriptor,
        &roost__v1__remove_user_response__descriptor,
    },
    .removed = "removed, with all devices and calls",
    .print_list = print_list,
    .print_one = print_user,
};

static int run_list(struct cli *cli) {
    return named_list(cli, &users);
}

static int run_show(struct cli *cli) {
    return named_show(cli, &users);
}

static int print_invited(struct cli *cli, const Roost__V1__InviteUserResponse *made) {
    char until[UNITS_LEN];

    if (cli->json)
        return output_message(&made->base, true);
    puts(made->login);
    units_ago(node_cells_time_ms(made->expires), clock_wall_ms(), until);
    if (!cli->quiet)
        report_note("works once, until %s; shown this once", until);
    return REPORT_OK;
}

/* The values of --node; an array to free. */
static char **read_nodes(const struct cli *cli, size_t *ret_count) {
    size_t count = 0;

    while (args_value_at(cli->args, "node", count))
        count++;
    char **nodes = mem_new_array(count + 1, sizeof(*nodes));
    for (size_t i = 0; i < count; i++)
        nodes[i] = pb_lend(args_value_at(cli->args, "node", i));
    *ret_count = count;
    return nodes;
}

static int run_invite(struct cli *cli) {
    Roost__V1__InviteUserRequest request = ROOST__V1__INVITE_USER_REQUEST__INIT;
    struct session_ask ask = {
        .method = "/roost.v1.Users/Invite",
        .request = &request.base,
        .reply_type = &roost__v1__invite_user_response__descriptor,
    };
    const char *role = args_value(cli->args, "role");
    ProtobufCMessage *reply;

    request.name = pb_lend(args_at(cli->args, 0));
    request.admin = role && (strcasecmp(role, "admin") == 0 ||
                             strcasecmp(role, "administrator") == 0);
    int r = request.admin ? 0 : grants_role(cli, role ? role : "viewer", &request.role);
    if (r == 0)
        r = grants_lifetime(cli, &request.lifetime_s);
    if (r != 0)
        return r;
    auto_(mem_freep) char **nodes = read_nodes(cli, &request.n_nodes);
    request.nodes = nodes;
    if (role && !request.admin && request.n_nodes == 0)
        return cli_usage(cli, "user invite: on which nodes? --node NAME, 'web*' or @tag");
    r = hub_call(cli, "user invite", ask, &reply);
    if (r != 0)
        return r;
    r = print_invited(cli, (const Roost__V1__InviteUserResponse *)reply);
    pb_free(reply);
    return r;
}

static int run_remove(struct cli *cli) {
    return named_remove(cli, &users);
}

static const struct command list = {
    .name = "list",
    .usage = "",
    .summary = "all users; yourself, unless you are an administrator",
    .options = named_list_options,
    .run = run_list,
};
static const struct command show = {
    .name = "show",
    .usage = "USER",
    .summary = "one user, with devices and grants",
    .least = 1,
    .most = 1,
    .operands = "user",
    .run = run_show,
};
static const struct args_option invite_options[] = {
    { "role", 0, "ROLE", "viewer, operator or owner of the nodes, or admin" },
    { "node", 0, "GLOB", "a name, a pattern or a @tag; may be repeated" },
    { "lifetime", 0, "TIME", "how long the code works (24h)" },
    { 0 },
};
static const char *const invite_examples[] = {
    "roost user invite bob --role operator --node 'web*'",
    "prints the line that bob types once",
    "roost user invite eve --role admin",
    "another administrator",
    NULL,
};
static const struct command invite = {
    .name = "invite",
    .alias = "new",
    .usage = "USER",
    .summary = "make a user, and a code to log in with, once",
    .details = "Without --role the user may do nothing until he is granted something.",
    .examples = invite_examples,
    .options = invite_options,
    .least = 1,
    .most = 1,
    .run = run_invite,
};
static const char *const remove_examples[] = {
    "roost user remove bob",
    "ends his devices' access and his calls at once",
    NULL,
};
static const struct command remove_user = {
    .name = "remove",
    .usage = "USER...",
    .summary = "remove a user, with all tokens and calls",
    .examples = remove_examples,
    .least = 1,
    .most = COMMAND_ANY,
    .operands = "user",
    .run = run_remove,
};
static const struct command *const subcommands[] = {
    &list, &show, &invite, &remove_user, NULL,
};

static const char *const examples[] = {
    "roost user",
    "who there is",
    "roost user invite bob --role viewer --node @home",
    "one more, who may look at the nodes with a tag",
    NULL,
};

const struct command cmd_user = {
    .name = "user",
    .alias = "users",
    .usage = "[list|show|invite|remove] [USER]",
    .summary = "the people of this hub",
    .details = "What a user may do is what he was granted: see \"roost help grant\".",
    .examples = examples,
    .options = named_list_options,
    .subcommands = subcommands,
    .run = run_list,
};
