/*
 * nodes - lists of nodes from the hub
 *
 * Functions that ask return 0, or an exit status after telling why not.
 */
#pragma once

#include "roost/v1/nodes.pb-c.h"

struct cli;

/* The nodes that a selection means; "" is every node. pb_free() the result. */
int nodes_list(struct cli *cli,
               const char *selection,
               Roost__V1__ListNodesResponse **ret_list);

/* The same; that there is none is a failure, and told. */
int nodes_some(struct cli *cli,
               const char *selection,
               Roost__V1__ListNodesResponse **ret_list);

/* Tells that a selection means no node; returns the exit status. */
int nodes_report_none(const char *selection);

/* The one node that a text means, as its name (a new string). act says what needs exactly
 * one: "rename". */
int nodes_one(struct cli *cli, const char *text, const char *act, char **ret_name);

/* Prints the table of `roost nodes`. */
void nodes_print(struct cli *cli, const Roost__V1__ListNodesResponse *list);
