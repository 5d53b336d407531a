#include <stdio.h>
#include <string.h>

#include "cli/calls/older.h"
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/hub/hub.h"
#include "cli/hub/profile.h"
#include "cli/output.h"
#include "cli/terminal/table.h"
#include "compat/hub.pb-c.h"

static bool is_current(const struct cli *cli, const struct profile *profile) {
    return cli->profiles->current && strcmp(cli->profiles->current, profile->name) == 0;
}

static const char *trust_word(const struct profile *profile) {
    if (profile->ca)
        return "own CA file";
    if (!profile->pin || strcmp(profile->pin, "web") == 0)
        return "public certificate";
    return "pin";
}

static void add_field(struct buf *out, const char *key, const char *value) {
    buf_printf(out, ", \"%s\": ", key);
    output_add_string(out, value ? value : "");
}

static void print_json(const struct cli *cli) {
    struct buf out = { 0 };

    buf_add_text(&out, "{\"hubs\": [");
    for (size_t i = 0; i < cli->profiles->count; i++) {
        const struct profile *profile = cli->profiles->items[i];

        buf_add_text(&out, i ? ",\n  {\"profile\": " : "\n  {\"profile\": ");
        output_add_string(&out, profile->name);
        add_field(&out, "hub", profile->hub);
        add_field(&out, "user", profile->user);
        add_field(&out, "pin", profile->pin);
        buf_printf(&out, ", \"current\": %s, \"loggedIn\": %s}",
                   is_current(cli, profile) ? "true" : "false",
                   profile->token ? "true" : "false");
    }
    buf_add_text(&out, cli->profiles->count ? "\n]}\n" : "]}\n");
    fwrite(out.data, 1, out.len, stdout);
    buf_done(&out);
}

static void print_table(const struct cli *cli) {
    struct table *table = table_new();

    table_column(table, "", TABLE_LEFT);
    table_column(table, "PROFILE", TABLE_LEFT);
    table_column(table, "HUB", TABLE_LEFT);
    table_column(table, "YOU", TABLE_FLEXIBLE);
    table_column(table, "TRUST", TABLE_LEFT);
    for (size_t i = 0; i < cli->profiles->count; i++) {
        const struct profile *profile = cli->profiles->items[i];

        table_cell(table, TERMINAL_GREEN, is_current(cli, profile) ? "*" : "");
        table_cell(table, TERMINAL_BOLD, profile->name);
        table_cell(table, TERMINAL_PLAIN, profile->hub);
        if (profile->token)
            table_cell(table, TERMINAL_PLAIN, profile->user);
        else
            table_cell(table, TERMINAL_YELLOW, "logged out");
        table_cell(table, TERMINAL_PLAIN, trust_word(profile));
    }
    table_print(table, &cli->terminal);
    table_free(table);
}

static int run_list(struct cli *cli) {
    int r = hub_load_profiles(cli);
    if (r != 0)
        return r;
    if (args_has(cli->args, "names"))
        for (size_t i = 0; i < cli->profiles->count; i++)
            puts(cli->profiles->items[i]->name);
    else if (cli->json)
        print_json(cli);
    else if (cli->profiles->count > 0)
        print_table(cli);
    else if (!cli->quiet)
        report_hint("no hub is known yet", "roost login https://HOST:8000 --code CODE");
    return REPORT_OK;
}

static int save(struct cli *cli) {
    int r = profile_list_save(cli->profiles);
    if (r < 0)
        return report_fail(REPORT_FAILED, NULL, "%s: %s", cli->profiles->path,
                           strerror(-r));
    return REPORT_OK;
}

static int find(struct cli *cli, const char **ret_name) {
    int r = hub_load_profiles(cli);
    if (r != 0)
        return r;
    const char *name = args_at(cli->args, 0);
    if (!profile_list_find(cli->profiles, name))
        return report_fail(REPORT_NOT_FOUND, "roost hubs", "%s: no such profile", name);
    *ret_name = name;
    return 0;
}

static int run_list_clients(struct cli *cli) {
    static const struct older list = {
        .path = "/internal.Hub/ListClients",
        .method = {
            .input = &internal__hub_list_clients_request__descriptor,
            .output = &internal__hub_list_clients_response__descriptor,
        },
    };
    return older_run(cli, &list);
}

static int run_activity_feed(struct cli *cli) {
    static const struct older feed = {
        .path = "/internal.Hub/StreamActivityFeed",
        .method = {
            .input = &internal__hub_activity_feed_request__descriptor,
            .output = &internal__activity_event__descriptor,
            .server_streaming = true,
        },
    };
    return older_run(cli, &feed);
}

static int run_use(struct cli *cli) {
    const char *name = NULL;

    int r = find(cli, &name);
    if (r != 0)
        return r;
    profile_list_set_current(cli->profiles, name);
    return save(cli);
}

static int run_remove(struct cli *cli) {
    const char *name = NULL;

    int r = find(cli, &name);
    if (r != 0)
        return r;
    profile_list_remove(cli->profiles, name);
    return save(cli);
}

static const struct args_option options[] = {
    { "names", 0, NULL, NULL }, /* for completion: one name a line */
    { 0 },
};

static const struct command list = {
    .name = "list",
    .usage = "",
    .summary = "the hubs that roost knows",
    .options = options,
    .run = run_list,
};
static const struct command use = {
    .name = "use",
    .usage = "PROFILE",
    .summary = "talk to this hub when nothing else is said",
    .least = 1,
    .most = 1,
    .operands = "profile",
    .run = run_use,
};
static const struct command forget = {
    .name = "remove",
    .usage = "PROFILE",
    .summary = "forget a hub; \"roost logout\" gives its token up as well",
    .least = 1,
    .most = 1,
    .operands = "profile",
    .run = run_remove,
};
static const struct args_option older_options[] = { OLDER_OPTIONS, { 0 } };

static const struct command list_clients = {
    .name = "list-clients",
    .usage = "",
    .summary = "the nodes that are connected, as the older client prints them",
    .options = older_options,
    .run = run_list_clients,
};
static const struct command activity_feed = {
    .name = "activity-feed",
    .usage = "",
    .summary = "what happens from now on, as the older client prints it",
    .options = older_options,
    .run = run_activity_feed,
};
static const struct command *const subcommands[] = {
    &list, &use, &forget, &list_clients, &activity_feed, NULL,
};

static const char *const examples[] = {
    "roost hubs",
    "the hubs that roost knows; * marks the one in use",
    "roost hubs use work",
    "talk to that one from now on",
    "roost --hub work nodes",
    "talk to it once",
    "roost hub list-clients -s hub.example:9090 -o yaml",
    "ask an older hub",
    NULL,
};

const struct command cmd_hubs = {
    .name = "hubs",
    .alias = "hub",
    .usage = "[list|use|remove]",
    .summary = "list the hubs that roost knows",
    .details =
        "list-clients and activity-feed ask one hub, as the older client did: the server "
        "of -s\nor SERVER_ADDR, else the hub of the profile, else localhost:9090.",
    .examples = examples,
    .options = options,
    .operands = "",
    .subcommands = subcommands,
    .run = run_list,
};
