#include "cli/help.h"

#include <string.h>

#include "cli/cli.h"
#include "cli/suggest.h"

enum { OPTIONS_MAX = 64 };

static const char *bold(const struct terminal *terminal) {
    return terminal_colour(terminal, TERMINAL_BOLD);
}

static const char *plain(const struct terminal *terminal) {
    return terminal_colour(terminal, TERMINAL_PLAIN);
}

static size_t collect(const struct args_option *table, const char **names, size_t count) {
    for (; table && table->name && count < OPTIONS_MAX; table++)
        if (table->help)
            names[count++] = table->name;
    return count;
}

const char *help_nearest_option(const struct args_option *own, const char *name) {
    const char *names[OPTIONS_MAX];
    size_t count = collect(own, names, 0);

    count = collect(cli_options(), names, count);
    return suggest_nearest(name, names, count);
}

static void print_options(const struct terminal *terminal,
                          const char *title,
                          const struct args_option *table,
                          FILE *to) {
    bool has_any = false;

    for (; table && table->name; table++) {
        char left[48];
        char letter[8] = "   ";

        if (!table->help)
            continue;
        if (!has_any)
            fprintf(to, "\n%s%s%s\n", bold(terminal), title, plain(terminal));
        has_any = true;
        if (table->letter)
            snprintf(letter, sizeof(letter), "-%c,", table->letter);
        snprintf(left, sizeof(left), "%s --%s %s", letter, table->name,
                 table->value ? table->value : "");
        fprintf(to, "  %-26s %s\n", left, table->help);
    }
}

static void print_line(const struct command *command,
                       const struct command *parent,
                       FILE *to) {
    char left[96];

    snprintf(left, sizeof(left), "%s%s%s %s", parent ? parent->name : "",
             parent ? " " : "", command->name, command->usage);
    fprintf(to, "  %-34s %s\n", left, command->summary);
}

static void print_examples(const struct terminal *terminal,
                           const char *const *examples,
                           FILE *to) {
    if (!examples)
        return;
    fprintf(to, "\n%sExamples%s\n", bold(terminal), plain(terminal));
    for (; examples[0]; examples += 2)
        fprintf(to, "  %s\n      %s\n", examples[0], examples[1]);
}

void help_overview(const struct terminal *terminal, FILE *to) {
    fprintf(to,
            "%sroost%s - see and reach the hosts that dialled in to your hub\n\n"
            "Usage: roost COMMAND [ARGUMENTS]   NODE: a name, a title, a,b, 'pi*', @tag\n"
            "\n%sCommands%s\n",
            bold(terminal), plain(terminal), bold(terminal), plain(terminal));
    for (const struct command *const *at = command_all(); *at; at++)
        print_line(*at, NULL, to);
    print_options(terminal, "Options of every command", cli_options(), to);
    fprintf(to, "\nroost help COMMAND explains one, with examples.\n");
}

void help_command(const struct terminal *terminal,
                  const struct command *command,
                  const struct command *parent,
                  FILE *to) {
    fprintf(to, "%sroost %s%s%s%s - %s\n\n", bold(terminal), parent ? parent->name : "",
            parent ? " " : "", command->name, plain(terminal), command->summary);
    fprintf(to, "Usage: roost %s%s%s%s%s%s\n", parent ? parent->name : "",
            parent ? " " : "", command->name, command->options ? " [OPTIONS]" : "",
            *command->usage ? " " : "", command->usage);
    if (command->details)
        fprintf(to, "\n%s\n", command->details);
    if (command->subcommands) {
        fprintf(to, "\n%sCommands%s\n", bold(terminal), plain(terminal));
        for (const struct command *const *at = command->subcommands; *at; at++)
            print_line(*at, command, to);
    }
    print_options(terminal, "Options", command->options, to);
    print_options(terminal, "Options of every command", cli_options(), to);
    print_examples(terminal, command->examples, to);
}
