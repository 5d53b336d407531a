#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/name.h"
#include "cli/acts/sign.h"
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/hub/hub.h"
#include "cli/hub/profile.h"
#include "cli/output.h"

static int fail(int error) {
    auto_(mem_freep) char *path = sign_path();
    const char *remedy = error == SIGN_E_NONE ? "roost key new"
                         : error == -EEXIST   ? "roost key show"
                                              : NULL;

    return report_fail(
        REPORT_FAILED, remedy, "key: %s: %s", path ? path : "no folder for it",
        error == -EEXIST ? "there is a key already" : sign_error_text(error));
}

static void print_key(const struct cli *cli, const struct sign_key *key) {
    auto_(mem_freep) char *line = sign_line(key);
    auto_(mem_freep) char *path = sign_path();
    struct buf out = { 0 };

    if (!cli->json) {
        puts(line);
        return;
    }
    buf_add_text(&out, "{\"name\":");
    output_add_string(&out, key->name);
    buf_add_text(&out, ",\"key\":");
    output_add_string(&out, strrchr(line, ' ') + 1);
    buf_add_text(&out, ",\"file\":");
    output_add_string(&out, path);
    buf_add_byte(&out, '}');
    puts(buf_text(&out));
    buf_done(&out);
}

static int run_show(struct cli *cli) {
    struct sign_key key;

    int r = sign_load(&key);
    if (r != 0)
        return fail(r);
    print_key(cli, &key);
    mem_wipe(&key, sizeof(key));
    if (!cli->json && !cli->quiet)
        report_note("this line goes into policy.conf of a host, and beside it: require "
                    "signature VERB");
    return 0;
}

static int run_new(struct cli *cli) {
    const char *name = args_at(cli->args, 0);
    const char *user = getenv("USER");
    char made[NAME_LEN_MAX + 1];
    struct sign_key key;

    if (name && !name_is_valid(name))
        return cli_usage(cli, "new: %s: a name is a-z, 0-9, '.', '_' and '-'", name);
    if (!name) {
        name_from_host(user && *user ? user : "operator", made);
        name = made;
    }
    int r = sign_make(name, &key);
    mem_wipe(&key, sizeof(key));
    return r != 0 ? fail(r) : run_show(cli);
}

static int run_forget(struct cli *cli) {
    int r = hub_load_profile(cli);

    for (size_t i = 0; r == 0 && args_at(cli->args, i); i++) {
        r = sign_forget(cli->profile->hub, args_at(cli->args, i));
        if (r != 0)
            return fail(r);
    }
    return r;
}

static const char *const new_examples[] = {
    "roost key new",
    "a key called like you are",
    NULL,
};
static const struct command new_key = {
    .name = "new",
    .usage = "[NAME]",
    .summary = "make an operator key and print its line for policy.conf",
    .examples = new_examples,
    .most = 1,
    .run = run_new,
};
static const char *const show_examples[] = {
    "roost key show",
    "the line that a host's policy.conf needs",
    NULL,
};
static const struct command show = {
    .name = "show",
    .usage = "",
    .summary = "print the operator key's line for policy.conf",
    .examples = show_examples,
    .run = run_show,
};
static const char *const forget_examples[] = {
    "roost key forget pi",
    "after pi was set up anew",
    NULL,
};
static const struct command forget = {
    .name = "forget",
    .usage = "NODE...",
    .summary = "believe anew which host a node is",
    .examples = forget_examples,
    .least = 1,
    .most = COMMAND_ANY,
    .operands = "node",
    .run = run_forget,
};
static const struct command *const subcommands[] = { &new_key, &show, &forget, NULL };

static const char *const examples[] = {
    "roost key new",
    "make a key, once",
    "roost key show",
    "print the line for policy.conf of a host",
    NULL,
};

const struct command cmd_key = {
    .name = "key",
    .usage = "[new|show|forget] [NAME]",
    .summary = "your operator key, with which acts are signed",
    .details =
        "A host whose policy.conf says \"require signature power\" does that only when\n"
        "an operator's key signed it, whatever its hub says. The line of a key, as show\n"
        "prints it, goes into the same file. Commands sign by themselves when a host\n"
        "asks for it. The key is a file of yours (operator.key beside the profiles,\n"
        "mode 0600) and never leaves this machine.",
    .examples = examples,
    .subcommands = subcommands,
    .run = run_show,
};
