#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/mem.h"
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/hub/hub.h"
#include "cli/nodes/node_cells.h"
#include "cli/output.h"
#include "cli/terminal/units.h"
#include "roost/v1/tokens.pb-c.h"
#include "wire/pb.h"

static const char *kind_word(Roost__V1__TokenKind kind) {
    switch (kind) {
    case ROOST__V1__TOKEN_KIND__JOIN:
        return "join";
    case ROOST__V1__TOKEN_KIND__NODE:
        return "node";
    case ROOST__V1__TOKEN_KIND__CALLER:
        return "caller";
    case ROOST__V1__TOKEN_KIND__DIALECT:
        return "dialect";
    default:
        return "?";
    }
}

static const char *role_word(const Roost__V1__Token *token) {
    if (token->admin)
        return "administrator";
    switch (token->role) {
    case ROOST__V1__ROLE__VIEWER:
        return "viewer";
    case ROOST__V1__ROLE__OPERATOR:
        return "operator";
    case ROOST__V1__ROLE__OWNER:
        return "owner";
    default:
        return "";
    }
}

static bool is_past(const Google__Protobuf__Timestamp *time) {
    int64_t at_ms = node_cells_time_ms(time);
    return at_ms > 0 && at_ms <= clock_wall_ms();
}

static void add_state(struct table *table, const Roost__V1__Token *token) {
    if (token->revoked)
        table_cell(table, TERMINAL_RED, "revoked");
    else if (is_past(token->expires))
        table_cell(table, TERMINAL_YELLOW, "expired");
    else if (token->used && !token->reusable &&
             token->kind == ROOST__V1__TOKEN_KIND__JOIN)
        table_cell(table, TERMINAL_DIM, "used");
    else
        table_cell(table, TERMINAL_GREEN, token->reusable ? "valid, reusable" : "valid");
}

static void add_time(struct table *table, const Google__Protobuf__Timestamp *time) {
    int64_t at_ms = node_cells_time_ms(time);
    char text[UNITS_LEN] = "";

    if (at_ms > 0)
        units_ago(at_ms, clock_wall_ms(), text);
    table_cell(table, TERMINAL_PLAIN, text);
}

static void add_row(struct table *table, const Roost__V1__Token *token) {
    struct buf nodes = { 0 };

    for (size_t i = 0; i < token->n_nodes; i++)
        buf_printf(&nodes, "%s%s", i ? "," : "", token->nodes[i]);
    table_cell(table, TERMINAL_BOLD, token->id);
    table_cell(table, TERMINAL_PLAIN, kind_word(token->kind));
    table_cell(table, TERMINAL_PLAIN, token->name);
    table_cell(table, TERMINAL_PLAIN, role_word(token));
    table_cell(table, TERMINAL_PLAIN, buf_text(&nodes));
    add_state(table, token);
    add_time(table, token->created);
    add_time(table, token->last_used);
    add_time(table, token->expires);
    buf_done(&nodes);
}

static void print_list(struct cli *cli, const Roost__V1__ListTokensResponse *list) {
    struct table *table = table_new();

    table_column(table, "ID", TABLE_LEFT);
    table_column(table, "KIND", TABLE_LEFT);
    table_column(table, "NAME", TABLE_FLEXIBLE);
    table_column(table, "ROLE", TABLE_LEFT);
    table_column(table, "NODES", TABLE_FLEXIBLE);
    table_column(table, "STATE", TABLE_LEFT);
    table_column(table, "MADE", TABLE_LEFT);
    table_column(table, "LAST USED", TABLE_LEFT);
    table_column(table, "EXPIRES", TABLE_LEFT);
    for (size_t i = 0; i < list->n_tokens; i++)
        add_row(table, list->tokens[i]);
    table_print(table, &cli->terminal);
    table_free(table);
}

static int run_list(struct cli *cli) {
    Roost__V1__ListTokensRequest request = ROOST__V1__LIST_TOKENS_REQUEST__INIT;
    struct session_ask ask = {
        .method = "/roost.v1.Tokens/List",
        .request = &request.base,
        .reply_type = &roost__v1__list_tokens_response__descriptor,
    };
    ProtobufCMessage *reply;

    int r = hub_call(cli, "tokens", ask, &reply);
    if (r != 0)
        return r;
    if (cli->json)
        r = output_message(reply, true);
    else
        print_list(cli, (const Roost__V1__ListTokensResponse *)reply);
    pb_free(reply);
    return r;
}

static int read_role(const struct cli *cli, Roost__V1__CreateTokenRequest *request) {
    static const char *const words[] = { "", "viewer", "operator", "owner" };
    const char *word = args_value(cli->args, "role");

    if (!word)
        return 0;
    request->kind = ROOST__V1__TOKEN_KIND__CALLER;
    if (strcasecmp(word, "admin") == 0 || strcasecmp(word, "administrator") == 0) {
        request->admin = true;
        return 0;
    }
    for (int i = 1; i < 4; i++)
        if (strcasecmp(words[i], word) == 0) {
            request->role = (Roost__V1__Role)i;
            return 0;
        }
    return cli_usage(cli, "--role: %s is none of viewer, operator, owner, admin", word);
}

static int read_lifetime(const struct cli *cli, Roost__V1__CreateTokenRequest *request) {
    uint64_t lifetime_ms = 0;

    int r = cli_duration(cli, "lifetime", &lifetime_ms);
    if (r != 0)
        return r;
    if (lifetime_ms / 1000 > UINT32_MAX ||
        (args_has(cli->args, "lifetime") && lifetime_ms < 1000))
        return cli_usage(cli, "--lifetime: from 1s to 100 years");
    request->lifetime_s = (uint32_t)(lifetime_ms / 1000);
    return 0;
}

static int read_request(const struct cli *cli, Roost__V1__CreateTokenRequest *request) {
    const char *name = args_at(cli->args, 0);

    request->kind = ROOST__V1__TOKEN_KIND__JOIN;
    request->name = pb_lend(name);
    request->reusable = args_has(cli->args, "reusable");
    if (args_has(cli->args, "caller")) {
        request->kind = ROOST__V1__TOKEN_KIND__CALLER;
        request->role = ROOST__V1__ROLE__VIEWER;
    }
    if (args_has(cli->args, "dialect"))
        request->kind = ROOST__V1__TOKEN_KIND__DIALECT;
    int r = read_role(cli, request);
    if (r == 0)
        r = read_lifetime(cli, request);
    if (r != 0)
        return r;
    if (request->kind != ROOST__V1__TOKEN_KIND__CALLER && args_has(cli->args, "node"))
        return cli_usage(cli, "--node goes with --caller");
    if (request->kind != ROOST__V1__TOKEN_KIND__JOIN && *request->name == '\0')
        return cli_usage(cli, "token new: a name is missing: whom is it for?");
    return 0;
}

static const char *hint(Roost__V1__TokenKind kind) {
    switch (kind) {
    case ROOST__V1__TOKEN_KIND__JOIN:
        return "on the host: roost-agent join LINK";
    case ROOST__V1__TOKEN_KIND__CALLER:
        return "shown this once; use: authorization: Bearer TOKEN, or ROOST_TOKEN";
    default:
        return "shown this once";
    }
}

static int print_new(struct cli *cli, const Roost__V1__CreateTokenResponse *made) {
    if (made->warning[0] != '\0')
        report_note("warning: %s", made->warning);
    if (cli->json)
        return output_message(&made->base, true);
    puts(made->link[0] != '\0' ? made->link : made->secret);
    if (!cli->quiet && made->token)
        report_note("%s", hint(made->token->kind));
    return REPORT_OK;
}

static int run_new(struct cli *cli) {
    Roost__V1__CreateTokenRequest request = ROOST__V1__CREATE_TOKEN_REQUEST__INIT;
    struct session_ask ask = {
        .method = "/roost.v1.Tokens/Create",
        .request = &request.base,
        .reply_type = &roost__v1__create_token_response__descriptor,
    };
    size_t nodes = args_times(cli->args, "node");
    auto_(mem_freep) char **globs = mem_new_array(nodes + 1, sizeof(*globs));
    ProtobufCMessage *reply;

    int r = read_request(cli, &request);
    if (r != 0)
        return r;
    for (size_t i = 0; i < nodes; i++)
        globs[i] = pb_lend(args_value_at(cli->args, "node", i));
    if (nodes == 0)
        globs[0] = "*";
    if (request.kind == ROOST__V1__TOKEN_KIND__CALLER && !request.admin) {
        request.n_nodes = nodes ? nodes : 1;
        request.nodes = globs;
    }
    r = hub_call(cli, "token new", ask, &reply);
    if (r != 0)
        return r;
    r = print_new(cli, (const Roost__V1__CreateTokenResponse *)reply);
    pb_free(reply);
    return r;
}

static int run_revoke(struct cli *cli) {
    Roost__V1__RevokeTokenRequest request = ROOST__V1__REVOKE_TOKEN_REQUEST__INIT;
    struct session_ask ask = {
        .method = "/roost.v1.Tokens/Revoke",
        .request = &request.base,
        .reply_type = &roost__v1__revoke_token_response__descriptor,
    };
    ProtobufCMessage *reply;

    request.id = pb_lend(args_at(cli->args, 0));
    if (*request.id == '\0')
        return cli_usage(cli, "token revoke: the id is empty");
    int r = hub_call(cli, request.id, ask, &reply);
    if (r != 0)
        return r;
    const Roost__V1__Token *token = ((Roost__V1__RevokeTokenResponse *)reply)->token;
    if (cli->json)
        r = output_message(reply, true);
    else if (!cli->quiet && token)
        printf("%s: the %s token of %s is revoked\n", token->id, kind_word(token->kind),
               *token->name ? token->name : "any name");
    pb_free(reply);
    return r;
}

static const struct args_option new_options[] = {
    { "reusable", 0, NULL, "works more than once" },
    { "caller", 0, NULL, "for a person or program that calls, not for a node" },
    { "node", 0, "GLOB", "a caller's nodes (repeats; all unless given)" },
    { "role", 0, "ROLE", "a caller's role: viewer, operator, owner, admin" },
    { "lifetime", 0, "TIME", "valid for so long (24h for joining, else no end)" },
    { "dialect", 0, NULL, "lasting, for other people's clients" },
    { 0 },
};

static const struct command list = {
    .name = "list",
    .usage = "",
    .summary = "all tokens, without their secrets",
    .run = run_list,
};

static const char *const new_examples[] = {
    "roost token new pi",
    "a join link for one node, good once within 24 hours",
    "roost token new pi | ssh pi roost-agent join -",
    "hand it over without a file",
    "roost token new --reusable --lifetime 30d",
    "for a fleet; agents take their host name",
    "roost token new --caller grafana --role viewer --node 'db*'",
    "a token for a program that reads",
    NULL,
};
static const struct command new_token = {
    .name = "new",
    .alias = "add",
    .usage = "[NAME]",
    .summary = "make a join link, or a caller's token; printed alone",
    .examples = new_examples,
    .options = new_options,
    .most = 1,
    .run = run_new,
};
static const char *const revoke_examples[] = {
    "roost token revoke 3f2a",
    "by the first digits of its id; live links end at once",
    "roost token revoke pi",
    "the credential of that node",
    NULL,
};
static const struct command revoke = {
    .name = "revoke",
    .alias = "remove",
    .usage = "ID",
    .summary = "end a token at once",
    .examples = revoke_examples,
    .least = 1,
    .most = 1,
    .operands = "node",
    .run = run_revoke,
};
static const struct command *const subcommands[] = { &list, &new_token, &revoke, NULL };

static const char *const examples[] = {
    "roost token new pi",
    "a join link for a new node",
    "roost token",
    "all tokens",
    "roost token revoke 3f2a",
    "end one",
    NULL,
};

const struct command cmd_token = {
    .name = "token",
    .alias = "tokens",
    .usage = "[list|new [NAME]|revoke ID]",
    .summary = "let nodes and callers in, or shut them out",
    .examples = examples,
    .subcommands = subcommands,
    .run = run_list,
};
