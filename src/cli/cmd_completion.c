#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/commands.h"

/* How each kind of operand is completed: what a shell runs, or words. */
static const char *source_of(const char *operands) {
    static const char *const sources[][2] = {
        { "node", "$(roost nodes --names --timeout 2s 2>/dev/null)" },
        { "profile", "$(roost hubs --names 2>/dev/null)" },
        { "shell", "bash zsh fish" },
        { "file", "" },
    };
    for (size_t i = 0; i < sizeof(sources) / sizeof(sources[0]); i++)
        if (strcmp(sources[i][0], operands) == 0)
            return sources[i][1];
    return operands;
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

/* One branch of the case that bash and zsh share. */
static void print_branch(const struct command *command, const struct command *parent) {
    const char *operands = command->operands;

    if (parent)
        printf("    '%s %s')\n", parent->name, command->name);
    else
        printf("    '%s '*)\n", command->name);
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
    } else if (operands && *operands) {
        printf("        [ \"${cur#-}\" = \"$cur\" ] && offers=\"$offers %s\"\n",
               source_of(operands));
    }
    printf("        ;;\n");
}

/* Sets offers and options from cmd, sub, prev and cur: the same words for bash and zsh.
 */
static void print_cases(void) {
    printf("    offers= options='");
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
           "    case $prev in\n"
           "    --hub) offers=\"$(roost hubs --names 2>/dev/null)\" ;;\n"
           "    --role) offers='viewer operator owner admin' ;;\n"
           "    esac\n"
           "    case $cur in -*) offers=$options ;; esac\n");
}

/* Finds cmd and sub among the words before the cursor. */
static const char word_loop[] = "        case $word in\n"
                                "        --hub | --timeout) skip=1 ;;\n"
                                "        -*) ;;\n"
                                "        *)\n"
                                "            if [ -n \"$skip\" ]; then skip=\n"
                                "            elif [ -z \"$cmd\" ]; then cmd=$word\n"
                                "            elif [ -z \"$sub\" ]; then sub=$word\n"
                                "            fi\n"
                                "            ;;\n"
                                "        esac\n";

static void print_bash(void) {
    printf("# bash completion of roost; use: source <(roost completion bash)\n"
           "_roost() {\n"
           "    local cur prev cmd= sub= skip= word offers options\n"
           "    cur=${COMP_WORDS[COMP_CWORD]}\n"
           "    prev=${COMP_WORDS[COMP_CWORD - 1]}\n"
           "    for word in \"${COMP_WORDS[@]:1:COMP_CWORD-1}\"; do\n"
           "%s"
           "    done\n",
           word_loop);
    print_cases();
    printf("    COMPREPLY=($(compgen -W \"$offers\" -- \"$cur\"))\n"
           "}\n"
           "complete -o default -F _roost roost\n");
}

static void print_zsh(void) {
    printf("#compdef roost\n"
           "# zsh completion of roost; use: source <(roost completion zsh)\n"
           "_roost() {\n"
           "    local cur prev cmd= sub= skip= word offers options\n"
           "    cur=${words[CURRENT]}\n"
           "    prev=${words[CURRENT - 1]}\n"
           "    for word in \"${(@)words[2,CURRENT - 1]}\"; do\n"
           "%s"
           "    done\n",
           word_loop);
    print_cases();
    printf("    compadd -- ${=offers}\n"
           "    [ -n \"$offers\" ] || _files\n"
           "}\n"
           "compdef _roost roost\n");
}

static void print_fish_options(const struct command *command, const char *condition) {
    for (const struct args_option *at = command->options; at && at->name; at++) {
        if (!at->help)
            continue;
        printf("complete -c roost -n '%s' -l %s", condition, at->name);
        if (at->letter)
            printf(" -s %c", at->letter);
        printf("%s -d \"%s\"\n", at->value ? " -r" : "", at->help);
    }
}

/* fish runs (COMMAND) where other shells have $(COMMAND). */
static void print_fish_operands(const struct command *command, const char *condition) {
    const char *operands = command->operands;

    if (!operands || *operands == '\0')
        return;
    const char *source = source_of(operands);
    printf("complete -c roost -n '%s' -a \"", condition);
    if (strcmp(operands, "command") == 0)
        print_names(command_all());
    else
        printf("%s", source[0] == '$' ? source + 1 : source);
    printf("\"\n");
}

static void print_fish_command(const struct command *command) {
    char condition[128];

    printf("complete -c roost -n __fish_use_subcommand -a %s -d \"%s\"\n", command->name,
           command->summary);
    snprintf(condition, sizeof(condition), "__fish_seen_subcommand_from %s",
             command->name);
    print_fish_options(command, condition);
    print_fish_operands(command, condition);
    for (const struct command *const *sub = command->subcommands; sub && *sub; sub++)
        printf("complete -c roost -n '%s' -a %s -d '%s'\n", condition, (*sub)->name,
               (*sub)->summary);
    for (const struct command *const *sub = command->subcommands; sub && *sub; sub++) {
        snprintf(condition, sizeof(condition),
                 "__fish_seen_subcommand_from %s; and __fish_seen_subcommand_from %s",
                 command->name, (*sub)->name);
        print_fish_options(*sub, condition);
        print_fish_operands(*sub, condition);
    }
}

static void print_fish(void) {
    printf("# fish completion of roost; use: roost completion fish | source\n"
           "complete -c roost -f\n");
    for (const struct args_option *at = cli_options(); at->name; at++)
        if (at->help)
            printf("complete -c roost -l %s%s -d \"%s\"\n", at->name,
                   at->value ? " -r" : "", at->help);
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
