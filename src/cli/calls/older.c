#include "cli/calls/older.h"

#include <stdio.h>
#include <stdlib.h>

#include "cli/calls/call_run.h"
#include "cli/cli.h"
#include "cli/hub/hub.h"
#include "cli/hub/profile.h"

enum { MESSAGE_MAX = 4 << 20 }; /* what gRPC takes by default */

/* Is a hub known or named? A file of profiles that cannot be read is none. */
static bool has_profile(struct cli *cli) {
    char *why = NULL;

    if (args_value(cli->args, "hub") || direct_environment("ROOST_HUB"))
        return true;
    if (!cli->profiles)
        profile_list_load(&cli->profiles, &why);
    free(why);
    return cli->profiles && cli->profiles->current;
}

static int connect_somewhere(struct cli *cli) {
    const char *server = args_value(cli->args, "server-addr");

    if (!server)
        server = direct_environment("SERVER_ADDR");
    if (!server && has_profile(cli))
        return hub_connect(cli);
    return direct_connect(cli, server ? server : "localhost:9090");
}

static int print_sample(const struct older *older, enum form form) {
    struct buf out = { 0 };

    form_add_sample(&out, older->method.input, form);
    fwrite(out.data, 1, out.len, stdout);
    buf_done(&out);
    return REPORT_OK;
}

int older_run(struct cli *cli, const struct older *older) {
    const char *format = args_value(cli->args, "response-format");
    const char *file = args_value(cli->args, "request-file");
    struct call_run run = {
        .cli = cli,
        .node = args_at(cli->args, 0),
        .path = older->path,
        .method = &older->method,
        .json = file ? NULL : "{}",
        .file = file,
        .deadline_ms = older->method.server_streaming ? 0 : cli->timeout_ms,
        .message_max = MESSAGE_MAX,
        .older = true,
    };

    if (form_parse(format ? format : "json", &run.form) != 0)
        return cli_usage(cli, "-o: %s is none of json, prettyjson, yaml, xml", format);
    if (args_has(cli->args, "print-sample-request"))
        return print_sample(older, run.form);
    int r = connect_somewhere(cli);
    return r == 0 ? call_run(&run) : r;
}
