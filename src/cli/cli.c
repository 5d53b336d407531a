#include "cli/cli.h"

#include <locale.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/version.h"
#include "cli/help.h"
#include "cli/hub/profile.h"
#include "cli/hub/session.h"
#include "cli/terminal/text.h"
#include "loop/loop.h"
#include "loop/tls.h"

static const struct args_option options[] = {
    { "hub", 0, "PROFILE", "which hub: a profile, or a URL with #PIN (ROOST_HUB)" },
    { "json", 0, NULL, "print JSON" },
    { "timeout", 0, "TIME", "give up after this long (10s, 2m)" },
    { "quiet", 'q', NULL, "say only what was asked for" },
    { "verbose", 'v', NULL, "say more; twice: everything" },
    { "help", 'h', NULL, "explain this command" },
    { "version", 0, NULL, NULL },
    { 0 },
};

const struct args_option *cli_options(void) {
    return options;
}

int cli_usage(const struct cli *cli, const char *format, ...) {
    struct buf why = { 0 };
    struct buf remedy = { 0 };
    va_list args;

    va_start(args, format);
    buf_vprintf(&why, format, args);
    va_end(args);
    buf_add_text(&remedy, "roost help");
    if (cli->parent)
        buf_printf(&remedy, " %s", cli->parent->name);
    if (cli->command)
        buf_printf(&remedy, " %s", cli->command->name);
    report_fail(REPORT_USAGE, buf_text(&remedy), "%s", buf_text(&why));
    buf_done(&why);
    buf_done(&remedy);
    return REPORT_USAGE;
}

int cli_duration(const struct cli *cli, const char *option, uint64_t *ret_ms) {
    const char *text = args_value(cli->args, option);

    if (!text)
        return 0;
    if (clock_parse_duration(text, ret_ms) != 0)
        return cli_usage(cli, "--%s: \"%s\" is no length of time (10s, 5m, 2h, 1d)",
                         option, text);
    return 0;
}

int cli_number(const struct cli *cli,
               const char *option,
               const char *shown,
               uint32_t least,
               uint32_t most,
               uint32_t *ret_number) {
    const char *text = args_value(cli->args, option);
    char *end;

    if (!text)
        return 0;
    unsigned long number = strtoul(text, &end, 10);
    if (*text < '0' || *text > '9' || *end != '\0' || number < least || number > most)
        return cli_usage(cli, "%s: \"%s\" is no number from %u to %u", shown, text, least,
                         most);
    *ret_number = (uint32_t)number;
    return 0;
}

struct loop *cli_loop(struct cli *cli) {
    if (!cli->loop)
        cli->loop = loop_new();
    return cli->loop;
}

static int unknown_option(const struct cli *cli, const struct args_option *own) {
    const char *word = args_culprit(cli->args);
    const char *near =
        word[0] == '-' && word[1] == '-' ? help_nearest_option(own, word + 2) : NULL;
    if (near)
        return cli_usage(cli, "%s: no such option; did you mean --%s?", word, near);
    return cli_usage(cli, "%s: no such option", word);
}

static int parse(struct cli *cli, int count, char **words, unsigned names) {
    const struct args_option *own = cli->command ? cli->command->options : NULL;
    const struct args_option *const tables[] = { options, own, NULL };

    if (cli->command && cli->command->keep_dashes)
        args_keep_dashes(cli->args);
    if (cli->command && cli->command->rest > 0)
        args_take_rest(cli->args, names + cli->command->rest);
    switch (args_parse(cli->args, tables, count, words)) {
    case 0:
        break;
    case ARGS_E_UNKNOWN:
        return unknown_option(cli, own);
    case ARGS_E_NO_VALUE:
        return cli_usage(cli, "%s: its value is missing", args_culprit(cli->args));
    default:
        return cli_usage(cli, "%s: takes no value", args_culprit(cli->args));
    }
    for (; names > 0; names--)
        args_shift(cli->args);
    cli->json = args_has(cli->args, "json");
    cli->quiet = args_has(cli->args, "quiet");
    cli->verbose = (unsigned)args_times(cli->args, "verbose");
    if (cli->verbose > 0)
        log_set_level(cli->verbose > 1 ? LOG_LEVEL_DEBUG : LOG_LEVEL_INFO);
    return cli_duration(cli, "timeout", &cli->timeout_ms);
}

static int check_operands(const struct cli *cli) {
    const struct command *command = cli->command;
    size_t count = args_count(cli->args);
    const char *first = args_at(cli->args, 0);

    if (command->subcommands && count > command->most) {
        const char *near = command_nearest(command->subcommands, first);
        if (near)
            return cli_usage(cli, "%s %s: no such command; did you mean \"roost %s %s\"?",
                             command->name, first, command->name, near);
        return cli_usage(cli, "%s %s: no such command", command->name, first);
    }
    const char *parent = cli->parent ? cli->parent->name : "";
    const char *space = cli->parent ? " " : "";
    if (count > command->most)
        return cli_usage(cli, "%s%s%s: \"%s\" is one argument too many", parent, space,
                         command->name, args_at(cli->args, command->most));
    if (count < command->least)
        return cli_usage(cli, "%s%s%s: arguments are missing: %s", parent, space,
                         command->name, command->usage);
    return 0;
}

static int no_command(struct cli *cli, const char *word) {
    if (args_has(cli->args, "version")) {
        puts("roost " ROOST_VERSION);
        return REPORT_OK;
    }
    if (args_has(cli->args, "help")) {
        help_overview(&cli->terminal, stdout);
        return REPORT_OK;
    }
    if (!word) {
        help_overview(&cli->terminal, stderr);
        return REPORT_USAGE;
    }
    const char *near = command_nearest(command_all(), word);
    if (near)
        return cli_usage(cli, "%s: no such command; did you mean \"roost %s\"?", word,
                         near);
    return cli_usage(cli, "%s: no such command", word);
}

static int run(struct cli *cli, int count, char **words) {
    const struct args_option *const globals[] = { options, NULL };
    const char *first = args_peek(globals, count, words, 0);
    const char *second = args_peek(globals, count, words, 1);
    unsigned names = command_resolve(first, second, &cli->command, &cli->parent);

    if (first && names == 0)
        return no_command(cli, first);
    int r = parse(cli, count, words, names);
    if (r != 0)
        return r;
    if (names == 0)
        return no_command(cli, NULL);
    if (args_has(cli->args, "help")) {
        help_command(&cli->terminal, cli->command, cli->parent, stdout);
        return REPORT_OK;
    }
    r = check_operands(cli);
    return r != 0 ? r : cli->command->run(cli);
}

static void add_names(struct buf *out, const char *const *names, size_t count) {
    for (size_t i = 0; i < count; i++)
        buf_printf(out, "%s%s", i == 0 ? "" : i + 1 < count ? ", " : " and ", names[i]);
}

int cli_confirm(const struct cli *cli,
                const char *act,
                const char *const *names,
                size_t count) {
    struct buf list = { 0 };
    struct buf question = { 0 };
    int code = 0;

    if (args_has(cli->args, "yes"))
        return 0;
    add_names(&list, names, count);
    if (!terminal_can_ask()) {
        code = report_fail(REPORT_USAGE, "the same with --yes",
                           "%s %s: nobody is there to confirm it", act, buf_text(&list));
    } else {
        text_add_clean(&question, act);
        buf_add_byte(&question, ' ');
        text_add_clean(&question, buf_text(&list));
        buf_add_text(&question, "? [y/N] ");
        auto_(mem_freep) char *answer = terminal_ask(buf_text(&question), false);
        if (!answer || (answer[0] != 'y' && answer[0] != 'Y'))
            code = report_fail(REPORT_FAILED, NULL, "%s: not confirmed, nothing was done",
                               act);
    }
    buf_done(&list);
    buf_done(&question);
    return code;
}

char *cli_selection(const struct cli *cli, size_t first) {
    struct buf out = { 0 };

    for (size_t i = first; i < args_count(cli->args); i++)
        buf_printf(&out, "%s%s", i > first ? "," : "", args_at(cli->args, i));
    return buf_take_text(&out);
}

static void done(struct cli *cli) {
    session_free(cli->session);
    loop_free(cli->loop); /* connections end with it; they need the TLS client */
    tls_client_free(cli->tls);
    tls_client_free(cli->tls_first);
    profile_free(cli->profile);
    profile_list_free(cli->profiles);
    args_free(cli->args);
}

int cli_main(int count, char **words) {
    struct cli cli = { .args = args_new() };

    setlocale(LC_CTYPE, "");
    terminal_init(&cli.terminal, fileno(stdout));
    log_set_level(LOG_LEVEL_ERROR);
    int code = run(&cli, count - 1, words + 1);
    code = report_finish(code);
    done(&cli);
    return code;
}
