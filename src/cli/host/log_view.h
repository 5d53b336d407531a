/*
 * log_view - the journal of a host, line by line
 */
#pragma once

#include "cli/args.h"

struct cli;

/* Of `roost logs` and `roost unit logs`. */
extern const struct args_option log_view_options[];

/* Shows the lines of the operands NODE and UNIT, and with -f those to come: the exit
 * status. */
int log_view_run(struct cli *cli);
