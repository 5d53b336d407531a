#include <stdio.h>

#include "base/mem.h"
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/hub/hub.h"
#include "cli/hub/profile.h"
#include "cli/output.h"
#include "cli/people/grants.h"
#include "cli/terminal/table.h"
#include "roost/v1/tokens.pb-c.h"

static void add(struct table *table, const char *key, const char *value) {
    if (!value || *value == '\0')
        return;
    table_cell(table, TERMINAL_DIM, key);
    table_cell(table, TERMINAL_PLAIN, value);
}

static const char *role(const Roost__V1__Token *token) {
    static const char *const words[] = { "none", "viewer", "operator", "owner" };

    if (token->admin)
        return "administrator";
    return (unsigned)token->role < 4 ? words[token->role] : "unknown";
}

static void print_text(struct cli *cli, const Roost__V1__WhoAmIResponse *me) {
    struct table *table = table_new();
    struct buf nodes = { 0 };

    table_column(table, "", TABLE_LEFT);
    table_column(table, "", TABLE_FLEXIBLE);
    if (me->user) {
        auto_(mem_freep) char *may = grants_text(me->user);
        table_cell(table, TERMINAL_DIM, "user");
        table_cell(table, TERMINAL_BOLD, me->user->name);
        add(table, "may", may);
        add(table, "token", me->token ? me->token->id : NULL);
        add(table, "device", me->token ? me->token->device : NULL);
    } else if (me->token) {
        table_cell(table, TERMINAL_DIM, "name");
        table_cell(table, TERMINAL_BOLD, me->token->name);
        add(table, "role", role(me->token));
        for (size_t i = 0; i < me->token->n_nodes; i++)
            buf_printf(&nodes, "%s%s", i ? ", " : "", me->token->nodes[i]);
        add(table, "nodes", me->token->admin ? "all" : buf_text(&nodes));
        add(table, "token", me->token->id);
    }
    add(table, "hub", cli->profile->hub);
    add(table, "hub version", me->hub_version);
    add(table, "links name it", me->hub_address);
    add(table, "profile", cli->profile->name);
    table_print(table, &cli->terminal);
    table_free(table);
    buf_done(&nodes);
}

static int run(struct cli *cli) {
    Roost__V1__WhoAmIRequest request = ROOST__V1__WHO_AM_IREQUEST__INIT;
    struct session_ask ask = {
        .method = "/roost.v1.Tokens/WhoAmI",
        .request = &request.base,
        .reply_type = &roost__v1__who_am_iresponse__descriptor,
    };
    ProtobufCMessage *reply;

    int r = hub_call(cli, "whoami", ask, &reply);
    if (r != 0)
        return r;
    if (cli->json)
        r = output_message(reply, true);
    else
        print_text(cli, (const Roost__V1__WhoAmIResponse *)reply);
    pb_free(reply);
    return r;
}

static const char *const examples[] = {
    "roost whoami",
    "who you are to the hub, and which hub that is",
    NULL,
};

const struct command cmd_whoami = {
    .name = "whoami",
    .usage = "",
    .summary = "tell who you are to the hub",
    .examples = examples,
    .run = run,
};
