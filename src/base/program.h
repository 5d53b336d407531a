/*
 * program - what roostd and roost-agent do alike with a command line
 *
 * A program has a table of settings, whose struct begins with struct settings_common, and
 * a list of commands. Its main() loads the settings and hands them over: --help and
 * --version are answered here, else the command is found and run.
 */
#pragma once

#include <stddef.h>

struct settings;
struct settings_table;

enum { PROGRAM_EXIT_USAGE = 2 };

struct program_command {
    const char *name;
    /* config: the struct that the settings were filled into. Returns the exit status. */
    int (*run)(void *config, const struct settings *settings);
    size_t words_max; /* its name included */
    const char *help; /* what stands behind the name in --help */
};

struct program {
    const struct settings_table *table;
    const struct program_command *commands;
    size_t command_count;
    int (*run)(void *config, const struct settings *settings); /* without a command */
    const char *usage;    /* the first line of --help */
    const char *indent;   /* before each command there */
    const char *examples; /* the last lines of it */
};

/* Does what the command line says, and returns the exit status. */
int program_run(const struct program *program,
                void *config,
                const struct settings *settings);

/* Tells what is wrong with the command line and how to get help; PROGRAM_EXIT_USAGE. */
int program_misused(const struct settings *settings, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* The command "config show": every setting, its value and where it comes from. */
int program_show_config(void *config, const struct settings *settings);
