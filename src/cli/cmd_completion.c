#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/commands.h"

/* Told of an option and of the command that has it; NULL: all have it. */
typedef void option_fn(const struct args_option *option, const struct command *command);

/* Each option of each command, the global ones first. */
static void each_option(option_fn *on_option) {
    const struct args_option *option;

    for (option = cli_options(); option->name; option++)
        on_option(option, NULL);
    for (const struct command *const *at = command_all(); *at; at++) {
        for (option = (*at)->options; option && option->name; option++)
            on_option(option, *at);
        for (const struct command *const *sub = (*at)->subcommands; sub && *sub; sub++)
            for (option = (*sub)->options; option && option->name; option++)
                on_option(option, *at);
    }
}

/* How each kind of operand, or of an option's value, is completed: by what a shell runs,
 * or by words; "" by nothing. Operands may be the words themselves. */
static const char *source_of(const char *kind) {
    static const char nodes[] = "$(roost nodes --names --timeout 2s 2>/dev/null)";
    static const char groups[] = "$(roost group --names --timeout 2s 2>/dev/null)";
    static const char users[] = "$(roost user --names --timeout 2s 2>/dev/null)";
    static const char approvals[] = "$(roost approve --names --timeout 2s 2>/dev/null)";
    static const char incidents[] = "$(roost alert --names --timeout 2s 2>/dev/null)";
    static const char silences[] =
        "$(roost alert silences --names --timeout 2s 2>/dev/null)";
    static const char rules[] = "$(roost rule --names --timeout 2s 2>/dev/null)";
    static const char channels[] = "$(roost channel --names --timeout 2s 2>/dev/null)";
    static const char profiles[] = "$(roost hubs --names 2>/dev/null)";
    static const char methods[] =
        "$(roost call \"$of\" --names --timeout 2s 2>/dev/null)";
    static const char processes[] =
        "$(roost ps \"$of\" --names --timeout 2s 2>/dev/null)";
    static const char units[] = "$(roost units \"$of\" --names --timeout 2s 2>/dev/null)";
    static const char *const sources[][2] = {
        { "node", nodes },
        { "NODE", nodes },
        { "GLOB", nodes },
        { "group", groups },
        { "user", users },
        { "USER", users },
        { "approval", approvals },
        { "incident", incidents },
        { "silence", silences },
        { "rule", rules },
        { "RULE", rules },
        { "channel", channels },
        { "CHANNEL", channels },
        { "SEVERITY", "info warning critical" },
        { "method", methods },
        { "process", processes },
        { "unit", units },
        { "profile", profiles },
        { "PROFILE", profiles },
        { "shell", "bash zsh fish" },
        { "TYPE", "service timer socket" },
        { "STATE", "active inactive failed activating deactivating" },
        { "LEVEL", "emerg alert crit err warning notice info debug" },
        { "ROLE", "viewer operator owner admin" },
        { "ORDER", "pid cpu memory name started time" },
        { "SIGNAL", "TERM KILL HUP INT QUIT USR1 USR2 STOP CONT" },
        { "WHAT", "node caller method" },
        { "FORM", "json prettyjson yaml xml" },
    };

    for (size_t i = 0; kind && i < sizeof(sources) / sizeof(sources[0]); i++)
        if (strcmp(sources[i][0], kind) == 0)
            return sources[i][1];
    return kind && kind[0] >= 'a' && kind[0] <= 'z' ? kind : "";
}

static bool is_file(const struct args_option *option) {
    return strcmp(option->value, "FILE") == 0;
}

static void print_option_words(const struct args_option *table) {
    for (; table && table->name; table++)
        if (table->help)
            printf(" --%s", table->name);
}

static void print_names(const struct command *const *table) {
    for (; table && *table; table++)
        printf(" %s", (*table)->name);
}

/* "'node rename'" or "'node '*", with each name that the command goes by. */
static void print_pattern(const struct command *command, const struct command *parent) {
    const struct command *first = parent ? parent : command;
    const char *const firsts[] = { first->name, first->alias };
    const char *const seconds[] = { command->name, command->alias };
    const char *apart = "    ";

    for (size_t i = 0; i < 2; i++) {
        for (size_t k = 0; k < (parent ? 2 : 1); k++) {
            if (!firsts[i] || !seconds[k])
                continue;
            printf("%s'%s ", apart, firsts[i]);
            printf(parent ? "%s'" : "'*", seconds[k]);
            apart = " | ";
        }
    }
    printf(")\n");
}

/* One branch of the case that bash and zsh share. */
static void print_branch(const struct command *command, const struct command *parent) {
    const char *operands = command->operands;

    print_pattern(command, parent);
    printf("        options=\"$options");
    print_option_words(command->options);
    printf("\"\n");
    if (command->subcommands) {
        printf("        [ -z \"$sub\" ] && offers='");
        print_names(command->subcommands);
        printf("'\n");
    }
    if (operands && strcmp(operands, "command") == 0) {
        printf("        offers='");
        print_names(command_all());
        printf("'\n");
    } else if (command->second) {
        printf("        of=$%s\n"
               "        if [ \"${cur#-}\" != \"$cur\" ]; then :\n"
               "        elif [ -z \"$of\" ]; then offers=\"$offers %s\"\n"
               "        else offers=\"$offers %s\"\n"
               "        fi\n",
               parent ? "third" : "sub", source_of(operands), source_of(command->second));
    } else if (operands && *operands) {
        printf("        [ \"${cur#-}\" = \"$cur\" ] && offers=\"$offers %s\"\n",
               source_of(operands));
    }
    printf("        ;;\n");
}

/* The word behind such an option is its value. */
static void print_skip(const struct args_option *option, const struct command *command) {
    (void)command;
    if (option->help && option->value)
        printf("        --%s) skip=1 ;;\n", option->name);
}

/* What may stand behind an option. */
static void print_value_branch(const struct args_option *option,
                               const struct command *command) {
    if (!option->help || !option->value)
        return;
    if (!command)
        printf("    *' --%s'", option->name);
    else
        printf("    '%s --%s'", command->name, option->name);
    if (command && command->alias)
        printf(" | '%s --%s'", command->alias, option->name);
    printf(") options= files=%s offers=\"%s\" ;;\n", is_file(option) ? "1" : "",
           source_of(option->value));
}

/* Finds cmd, sub and third among the words before the cursor. */
static void print_word_loop(const char *words) {
    printf("    for word in %s; do\n"
           "        case $word in\n"
           "        =) ;;\n",
           words);
    each_option(print_skip);
    printf("        -*) ;;\n"
           "        *)\n"
           "            if [ -n \"$skip\" ]; then skip=\n"
           "            elif [ -z \"$cmd\" ]; then cmd=$word\n"
           "            elif [ -z \"$sub\" ]; then sub=$word\n"
           "            elif [ -z \"$third\" ]; then third=$word\n"
           "            fi\n"
           "            ;;\n"
           "        esac\n"
           "    done\n");
}

/* Sets offers, options and files from cmd, sub, prev and cur: the same words for bash and
 * zsh. */
static void print_cases(void) {
    printf("    offers= files= options='");
    print_option_words(cli_options());
    printf("'\n    case \"$cmd $sub\" in\n    ' ')\n        offers='");
    print_names(command_all());
    printf("'\n        ;;\n");
    for (const struct command *const *at = command_all(); *at; at++) {
        for (const struct command *const *sub = (*at)->subcommands; sub && *sub; sub++)
            print_branch(*sub, *at);
        print_branch(*at, NULL);
    }
    printf("    esac\n"
           "    case $cur in -*) offers=$options ;; esac\n"
           "    case \"$cmd $prev\" in\n");
    each_option(print_value_branch);
    printf("    esac\n");
}

static void print_bash(void) {
    printf("# bash completion of roost; use: source <(roost completion bash)\n"
           "_roost() {\n"
           "    local cur prev cmd= sub= third= of= skip= word offers options files\n"
           "    cur=${COMP_WORDS[COMP_CWORD]}\n"
           "    prev=${COMP_WORDS[COMP_CWORD - 1]}\n");
    print_word_loop("\"${COMP_WORDS[@]:1:COMP_CWORD-1}\"");
    print_cases();
    printf("    [ -z \"$files\" ] || compopt -o default\n"
           "    COMPREPLY=($(compgen -W \"$offers\" -- \"$cur\"))\n"
           "}\n"
           "complete -F _roost roost\n");
}

/* Zsh runs an installed file as the function at the first Tab; sourced, it defines one.
 */
static void print_zsh(void) {
    printf("#compdef roost\n"
           "# zsh completion of roost; use: source <(roost completion zsh)\n"
           "_roost() {\n"
           "    local cur prev cmd= sub= third= of= skip= word offers options files\n"
           "    cur=${words[CURRENT]}\n"
           "    prev=${words[CURRENT - 1]}\n");
    print_word_loop("\"${(@)words[2,CURRENT - 1]}\"");
    print_cases();
    printf("    [ -z \"$files\" ] || _files\n"
           "    compadd -- ${=offers}\n"
           "}\n"
           "if [ \"${funcstack[1]}\" = _roost ]; then _roost \"$@\"\n"
           "else compdef _roost roost\n"
           "fi\n");
}

/* A description, in quotes as fish reads them. */
static void print_fish_text(const char *text) {
    putchar('\'');
    for (; *text; text++) {
        if (*text == '\'' || *text == '\\')
            putchar('\\');
        putchar(*text);
    }
    putchar('\'');
}

/* fish runs (COMMAND) where other shells have $(COMMAND). */
static void print_fish_source(const char *kind) {
    const char *source = source_of(kind);
    if (*source)
        printf(" -a '%s'", source[0] == '$' ? source + 1 : source);
}

static void print_fish_option(const struct args_option *option, const char *condition) {
    if (!option->help)
        return;
    printf("complete -c roost%s -l %s", condition, option->name);
    if (option->letter)
        printf(" -s %c", option->letter);
    if (option->value) {
        printf(is_file(option) ? " -r -F" : " -x");
        print_fish_source(option->value);
    }
    printf(" -d ");
    print_fish_text(option->help);
    printf("\n");
}

/* What lists the names that a second operand may be. */
static const char *lister_of(const struct command *command) {
    if (strcmp(command->second, "process") == 0)
        return "ps";
    return strcmp(command->second, "unit") == 0 ? "units" : command->name;
}

/* The methods, processes or units of the node that stands behind the command (and its
 * subcommand); options before it, which would stand in its place, are rare enough. */
static void print_fish_second(const struct command *command, const char *condition) {
    int node = strstr(condition, "; and ") ? 4 : 3;

    printf(
        "complete -c roost%.*s; and test (count (commandline -opc)) -ge %d' -a '(roost "
        "%s (commandline -opc)[%d] --names --timeout 2s 2>/dev/null)'\n",
        (int)strlen(condition) - 1, condition, node, lister_of(command), node);
}

/* What belongs to one command, where the condition holds. */
static void print_fish_words(const struct command *command, const char *condition) {
    const char *operands = command->operands;

    for (const struct args_option *at = command->options; at && at->name; at++)
        print_fish_option(at, condition);
    if (!operands || *operands == '\0')
        return;
    if (command->second)
        print_fish_second(command, condition);
    printf("complete -c roost%s", condition);
    if (strcmp(operands, "command") == 0) {
        printf(" -a '");
        print_names(command_all());
        printf("'");
    } else {
        print_fish_source(operands);
    }
    printf("\n");
}

static void print_fish_choice(const char *condition, const struct command *command) {
    printf("complete -c roost%s -a %s -d ", condition, command->name);
    print_fish_text(command->summary);
    printf("\n");
}

static void print_fish_command(const struct command *command) {
    char condition[160];

    print_fish_choice(" -n __fish_use_subcommand", command);
    snprintf(condition, sizeof(condition), " -n '__fish_seen_subcommand_from %s%s%s'",
             command->name, command->alias ? " " : "",
             command->alias ? command->alias : "");
    print_fish_words(command, condition);
    for (const struct command *const *sub = command->subcommands; sub && *sub; sub++)
        print_fish_choice(condition, *sub);
    for (const struct command *const *sub = command->subcommands; sub && *sub; sub++) {
        snprintf(condition, sizeof(condition),
                 " -n '__fish_seen_subcommand_from %s; and __fish_seen_subcommand_from "
                 "%s'",
                 command->name, (*sub)->name);
        print_fish_words(*sub, condition);
    }
}

static void print_fish(void) {
    printf("# fish completion of roost; use: roost completion fish | source\n"
           "complete -c roost -f\n");
    for (const struct args_option *at = cli_options(); at->name; at++)
        print_fish_option(at, "");
    for (const struct command *const *at = command_all(); *at; at++)
        print_fish_command(*at);
}

static int run(struct cli *cli) {
    static const struct {
        const char *name;
        void (*print)(void);
    } shells[] = { { "bash", print_bash }, { "zsh", print_zsh }, { "fish", print_fish } };
    const char *shell = args_at(cli->args, 0);

    for (size_t i = 0; i < sizeof(shells) / sizeof(shells[0]); i++) {
        if (strcmp(shells[i].name, shell) == 0) {
            shells[i].print();
            return REPORT_OK;
        }
    }
    return cli_usage(cli, "completion: %s is none of bash, zsh, fish", shell);
}

static const char *const examples[] = {
    "source <(roost completion bash)",
    "in ~/.bashrc",
    "source <(roost completion zsh)",
    "in ~/.zshrc, after compinit",
    "roost completion fish | source",
    "in ~/.config/fish/config.fish",
    NULL,
};

const struct command cmd_completion = {
    .name = "completion",
    .usage = "bash|zsh|fish",
    .summary = "print a completion script; it offers live names",
    .examples = examples,
    .least = 1,
    .most = 1,
    .operands = "shell",
    .run = run,
};
