#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/token.h"
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/hub/hub.h"
#include "cli/hub/profile.h"
#include "cli/hub/url.h"
#include "cli/output.h"
#include "cli/suggest.h"
#include "cli/terminal/table.h"

static int bad_key(const struct cli *cli, const char *key) {
    const char *names[16] = { "profile" };
    size_t count = 1;

    for (size_t i = 0; profile_key(i); i++)
        names[count++] = profile_key(i);
    const char *near = suggest_nearest(key, names, count);
    if (near)
        return report_fail(REPORT_NOT_FOUND, "roost config list",
                           "%s: no such setting; did you mean %s?", key, near);
    return report_fail(REPORT_NOT_FOUND, "roost config list", "%s: no such setting", key);
}

static int run_get(struct cli *cli) {
    const char *key = args_at(cli->args, 0);

    int r = hub_load_profile(cli);
    if (r != 0)
        return r;
    char **field = profile_field(cli->profile, key);
    if (strcmp(key, "profile") == 0) {
        puts(cli->profile->name);
        return REPORT_OK;
    }
    if (!field)
        return bad_key(cli, key);
    if (!*field)
        return report_fail(REPORT_NOT_FOUND, "roost config list", "%s: is not set", key);
    puts(*field);
    return REPORT_OK;
}

/* Secrets are shown by `config get` alone, where nobody looks over a shoulder by chance.
 */
static const char *shown(const char *key, const char *value) {
    return strcmp(key, "token") == 0 ? "(set)" : value;
}

static void print_json(const struct cli *cli) {
    struct buf out = { 0 };

    buf_add_text(&out, "{\"profile\": ");
    output_add_string(&out, cli->profile->name);
    for (size_t i = 0; profile_key(i); i++) {
        const char *value = *profile_field(cli->profile, profile_key(i));
        if (!value)
            continue;
        buf_printf(&out, ", \"%s\": ", profile_key(i));
        output_add_string(&out, shown(profile_key(i), value));
    }
    buf_add_text(&out, "}\n");
    fwrite(out.data, 1, out.len, stdout);
    buf_done(&out);
}

static int run_list(struct cli *cli) {
    int r = hub_load_profile(cli);
    if (r != 0)
        return r;
    if (cli->json) {
        print_json(cli);
        return REPORT_OK;
    }
    struct table *table = table_new();
    table_column(table, "", TABLE_LEFT);
    table_column(table, "", TABLE_LEFT);
    table_cell(table, TERMINAL_DIM, "profile");
    table_cell(table, TERMINAL_BOLD, cli->profile->name);
    for (size_t i = 0; profile_key(i); i++) {
        const char *value = *profile_field(cli->profile, profile_key(i));
        table_cell(table, TERMINAL_DIM, profile_key(i));
        table_cell(table, value ? TERMINAL_PLAIN : TERMINAL_DIM,
                   value ? shown(profile_key(i), value) : "-");
    }
    table_print(table, &cli->terminal);
    table_free(table);
    return REPORT_OK;
}

/* NULL: good; else why not. */
static const char *check(const char *key, const char *value) {
    struct url url;

    if (*value == '\0')
        return NULL;
    if (strchr(value, '\n'))
        return "a value is one line";
    if (strcmp(key, "hub") == 0 && url_parse(value, &url) != 0)
        return url_error_text(url_parse(value, &url));
    if (strcmp(key, "pin") == 0 && strcmp(value, "web") != 0 && !token_is_pin(value))
        return "a pin has 43 characters, or is the word web";
    if (strcmp(key, "token") == 0 && token_check(value) != 0)
        return token_error_text(token_check(value));
    return NULL;
}

/* The profile that is to be changed: as it stands in the file. */
static struct profile *stored(struct cli *cli) {
    const char *name = args_value(cli->args, "hub");

    if (!name)
        name = getenv("ROOST_HUB");
    if (!name || *name == '\0')
        name = cli->profiles->current;
    return name ? profile_list_find(cli->profiles, name) : NULL;
}

static int run_set(struct cli *cli) {
    const char *key = args_at(cli->args, 0);
    const char *value = args_at(cli->args, 1);

    int r = hub_load_profiles(cli);
    if (r != 0)
        return r;
    if (strcmp(key, "profile") == 0) {
        if (!profile_list_find(cli->profiles, value))
            return report_fail(REPORT_NOT_FOUND, "roost hubs", "%s: no such profile",
                               value);
        profile_list_set_current(cli->profiles, value);
    } else {
        struct profile *profile = stored(cli);
        if (!profile)
            return report_fail(REPORT_NO_HUB, "roost login https://HOST:8000",
                               "config: no hub is known yet");
        char **field = profile_field(profile, key);
        if (!field)
            return bad_key(cli, key);
        const char *why = check(key, value);
        if (why)
            return cli_usage(cli, "%s: %s", key, why);
        profile_set(field, value);
    }
    r = profile_list_save(cli->profiles);
    if (r < 0)
        return report_fail(REPORT_FAILED, NULL, "%s: %s", cli->profiles->path,
                           strerror(-r));
    return REPORT_OK;
}

static const struct command get = {
    .name = "get",
    .usage = "KEY",
    .summary = "print one setting alone",
    .least = 1,
    .most = 1,
    .operands = "profile hub pin ca token user",
    .run = run_get,
};
static const struct command set = {
    .name = "set",
    .usage = "KEY VALUE",
    .summary = "change one setting; \"\" empties it",
    .least = 2,
    .most = 2,
    .operands = "profile hub pin ca token user",
    .run = run_set,
};
static const struct command list = {
    .name = "list",
    .usage = "",
    .summary = "all settings of the profile in use",
    .run = run_list,
};
static const struct command *const subcommands[] = { &list, &get, &set, NULL };

static const char *const examples[] = {
    "roost config",
    "the settings of the profile in use",
    "roost config get token",
    "the token alone, for another client",
    "roost config set hub https://10.0.0.5:8000",
    "the hub moved",
    NULL,
};

const struct command cmd_config = {
    .name = "config",
    .usage = "[list|get|set]",
    .summary = "show or change the settings of a profile",
    .details =
        "Settings: hub (its URL), pin (of the hub's CA, or web), ca (a PEM file to "
        "trust\ninstead), token, user. They stand in "
        "$XDG_CONFIG_HOME/roost/profiles.ini, mode 0600.",
    .examples = examples,
    .subcommands = subcommands,
    .run = run_list,
};
