/*
 * node_cells - how parts of a node look to a person
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "cli/terminal/table.h"
#include "roost/v1/nodes.pb-c.h"

/* Milliseconds since 1970; -1 for NULL. */
int64_t node_cells_time_ms(const Google__Protobuf__Timestamp *time);

/* Adds a coloured dot and the word. */
void node_cells_add_state(struct table *table,
                          const struct terminal *terminal,
                          bool is_online,
                          const char *word);

/* "agent", "service", "device". */
const char *node_cells_kind(Roost__V1__NodeKind kind);

/* The tags as "@a @b". A new string. */
char *node_cells_tags(const Roost__V1__Node *node);
