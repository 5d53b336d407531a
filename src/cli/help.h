/*
 * help - what the table of commands says, for a person
 */
#pragma once

#include <stdio.h>

#include "cli/args.h"

struct command;
struct terminal;

/* All commands with one line each. */
void help_overview(const struct terminal *terminal, FILE *to);

/* One command: usage, options, examples. parent: of a subcommand, else NULL. */
void help_command(const struct terminal *terminal,
                  const struct command *command,
                  const struct command *parent,
                  FILE *to);

/* The long option that was perhaps meant, of a command's own (may be NULL) and the global
 * ones; NULL: none. */
const char *help_nearest_option(const struct args_option *own, const char *name);
