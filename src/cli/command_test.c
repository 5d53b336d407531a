#include "cli/command.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "cli/cli.h"

static void check_row(const struct command *command, bool is_top) {
    size_t len = strlen(command->summary);

    CHECK(command->run);
    CHECK(command->usage);
    CHECK(len > 0 && command->summary[len - 1] != '.');
    CHECK(!is_top || command->examples);
    CHECK(command->least <= command->most);
    for (const char *const *at = command->examples; at && at[0]; at += 2) {
        CHECK(strstr(at[0], "roost "));
        CHECK(at[1] && *at[1]);
    }
}

static void every_row_can_be_run_and_explained(void) {
    for (const struct command *const *at = command_all(); *at; at++) {
        check_row(*at, true);
        for (const struct command *const *sub = (*at)->subcommands; sub && *sub; sub++)
            check_row(*sub, false);
    }
}

static void check_letters(const struct args_option *table) {
    for (; table && table->name; table++)
        for (const struct args_option *at = cli_options(); at->name; at++) {
            CHECK(strcmp(table->name, at->name) != 0);
            CHECK(!table->letter || table->letter != at->letter);
        }
}

static void no_option_hides_a_global_one(void) {
    for (const struct command *const *at = command_all(); *at; at++) {
        check_letters((*at)->options);
        for (const struct command *const *sub = (*at)->subcommands; sub && *sub; sub++)
            check_letters((*sub)->options);
    }
}

static void names_and_aliases_mean_one_command_each(void) {
    for (const struct command *const *at = command_all(); *at; at++) {
        CHECK(command_find(command_all(), (*at)->name) == *at);
        CHECK(!(*at)->alias || command_find(command_all(), (*at)->alias) == *at);
    }
    CHECK(!command_find(command_all(), "nonsense"));
    CHECK(!command_find(NULL, "list"));
}

static void subcommands_win_over_nodes_of_that_name(void) {
    const struct command *command = NULL;
    const struct command *parent = NULL;

    CHECK_INT(command_resolve("node", "rename", &command, &parent), 2);
    CHECK_TEXT(command->name, "rename");
    CHECK_TEXT(parent->name, "node");
    CHECK_INT(command_resolve("node", "pi", &command, &parent), 1);
    CHECK_TEXT(command->name, "node");
    CHECK(!parent);
    CHECK_INT(command_resolve("tokens", "new", &command, &parent), 2);
    CHECK_INT(command_resolve("nonsense", NULL, &command, &parent), 0);
    CHECK_INT(command_resolve(NULL, NULL, &command, &parent), 0);
    CHECK_TEXT(command_nearest(command_all(), "sttaus"), "status");
}

/* Runs a command line without a hub; what it says goes nowhere. */
static int run(const char *line) {
    char copy[256];
    char *words[16] = { "roost" };
    int count = 1;
    int out = dup(STDOUT_FILENO);
    int null = open("/dev/null", O_WRONLY | O_CLOEXEC);

    snprintf(copy, sizeof(copy), "%s", line);
    for (char *at = strtok(copy, " "); at; at = strtok(NULL, " "))
        words[count++] = at;
    fflush(stdout);
    dup2(null, STDOUT_FILENO);
    int status = cli_main(count, words);
    fflush(stdout);
    dup2(out, STDOUT_FILENO);
    close(out);
    close(null);
    return status;
}

/* The exit statuses of cli.md, as far as no hub is needed for them. */
static void wrong_command_lines_have_their_statuses(void) {
    static const struct {
        const char *line;
        int status;
    } rows[] = {
        { "", REPORT_USAGE },
        { "nonsense", REPORT_USAGE },
        { "--nonsense", REPORT_USAGE },
        { "nodes --nonsense", REPORT_USAGE },
        { "nodes --json=yes", REPORT_USAGE },
        { "nodes --timeout soon", REPORT_USAGE },
        { "nodes --timeout", REPORT_USAGE },
        { "whoami me", REPORT_USAGE },
        { "node rename pi", REPORT_USAGE },
        { "token rvoke x", REPORT_USAGE },
        { "completion tcsh", REPORT_USAGE },
        { "help nonsense", REPORT_USAGE },
        { "login ftp://a --token x", REPORT_USAGE },
        { "login http://192.0.2.1 --token x", REPORT_USAGE },
        { "nodes", REPORT_NO_HUB },
        { "status pi", REPORT_NO_HUB },
        { "--hub other nodes", REPORT_NO_HUB },
        { "hubs use other", REPORT_NOT_FOUND },
        { "hubs", REPORT_OK },
        { "version", REPORT_OK },
        { "--version", REPORT_OK },
        { "--help", REPORT_OK },
        { "help", REPORT_OK },
        { "help node rename", REPORT_OK },
        { "node rename --help", REPORT_OK },
        { "completion bash", REPORT_OK },
        { "completion zsh", REPORT_OK },
        { "completion fish", REPORT_OK },
    };

    setenv("XDG_CONFIG_HOME", "/nowhere/at/all", 1);
    unsetenv("ROOST_HUB");
    unsetenv("ROOST_TOKEN");
    CHECK(freopen("/dev/null", "r", stdin));
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        CHECK_INT(run(rows[i].line), rows[i].status);
}

TESTS(TEST(every_row_can_be_run_and_explained),
      TEST(no_option_hides_a_global_one),
      TEST(names_and_aliases_mean_one_command_each),
      TEST(subcommands_win_over_nodes_of_that_name),
      TEST(wrong_command_lines_have_their_statuses))
