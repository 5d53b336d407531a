/*
 * unit_out - units of a host, and what was done with them, as a person reads it
 */
#pragma once

#include "roost/v1/units.pb-c.h"

struct cli;

/* The table of `roost units`. */
void unit_out_list(const struct cli *cli, const Roost__V1__ListUnitsResponse *list);

/* All that is known of one. */
void unit_out_unit(const struct cli *cli, const Roost__V1__Unit *unit);

/* A line of a log, or with --json an object. 0, or the exit status. */
int unit_out_line(const struct cli *cli, const Roost__V1__LogLine *line);

/* What became of an act: a line, or on standard error why it failed and the unit's last
 * lines. done: "started". The exit status. */
int unit_out_result(const struct cli *cli,
                    const char *node,
                    const char *done,
                    const Roost__V1__UnitResult *result);
