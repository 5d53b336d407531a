/*
 * nodes - lists of nodes from the hub, and how they look in a table
 *
 * Functions that ask return 0, or an exit status after telling why not.
 */
#pragma once

#include <stdint.h>

#include "cli/table.h"
#include "roost/v1/nodes.pb-c.h"

struct cli;

/* The nodes that a selection means; "" is every node. pb_free() the result. */
int nodes_list(struct cli *cli,
               const char *selection,
               Roost__V1__ListNodesResponse **ret_list);

/* The one node that a text means, as its name (a new string). act says what needs exactly
 * one: "rename". */
int nodes_one(struct cli *cli, const char *text, const char *act, char **ret_name);

/* Milliseconds since 1970; -1 for NULL. */
int64_t nodes_time_ms(const Google__Protobuf__Timestamp *time);

/* A coloured dot and the word. */
void nodes_add_state(struct table *table,
                     const struct terminal *terminal,
                     bool is_online,
                     const char *word);

/* "agent", "service", "device". */
const char *nodes_kind(Roost__V1__NodeKind kind);

/* The tags as "@a @b". A new string. */
char *nodes_tags(const Roost__V1__Node *node);

/* Prints the table of `roost nodes`. */
void nodes_print(struct cli *cli, const Roost__V1__ListNodesResponse *list);
