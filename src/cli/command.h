/*
 * command - one command of the command line, as a row of a table
 *
 * Parser, help, completion and near-miss suggestions all read these rows.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cli/args.h"

struct cli;

enum { COMMAND_ANY = 1000 }; /* operands without a limit */

struct command {
    const char *name;
    const char *alias;                 /* the plural, say; may be NULL */
    const char *usage;                 /* operands: "NODE NAME"; "" for none */
    const char *summary;               /* one line, no full stop */
    const char *details;               /* paragraphs for `help COMMAND`; may be NULL */
    const char *const *examples;       /* a command, what it does, ...; ends with NULL */
    const struct args_option *options; /* its own; may be NULL */
    unsigned least;                    /* operands */
    unsigned most;
    /* What they are, for completion: "node", "group", "profile", "shell", "command",
     * "file", or words apart by spaces; may be NULL. */
    const char *operands;
    const char *second; /* what the second one is: "method" or "process" of the first; or
                           NULL */
    bool keep_dashes;   /* "-home" is an operand */
    unsigned rest;      /* behind so many operands every word is one; 0: none */
    const struct command *const *subcommands; /* ends with NULL; may be NULL */
    int (*run)(struct cli *cli);              /* the exit status */
};

/* Every command in the order of `help`; ends with NULL. */
const struct command *const *command_all(void);

/* Finds by name or alias in a table that ends with NULL (which may be NULL itself). */
const struct command *command_find(const struct command *const *table, const char *name);

/* What was perhaps meant; NULL: nothing near. */
const char *command_nearest(const struct command *const *table, const char *name);

/* The command and subcommand that two operands mean: how many of them were names (0: no
 * such command). *ret_parent is the command of a subcommand, else NULL. */
unsigned command_resolve(const char *first,
                         const char *second,
                         const struct command **ret_command,
                         const struct command **ret_parent);
