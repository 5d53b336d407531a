/*
 * processes - processes of nodes as a table or as JSON
 */
#pragma once

#include <stdbool.h>

#include "base/buf.h"
#include "cli/terminal/table.h"
#include "roost/v1/processes.pb-c.h"

struct cli;

/* The order that a word means ("cpu", "mem"); UNSPECIFIED for NULL. 0, or the status
 * after telling which words there are. */
int processes_sort(const struct cli *cli,
                   const char *word,
                   Roost__V1__ProcessSort *ret_sort);

/* A table with its columns; has_node: with the node's name first. */
struct table *processes_table(bool has_node);

/* Adds the row of one process; node NULL: without it. now_ms: the wall clock. */
void processes_add_row(struct table *table,
                       const char *node,
                       const Roost__V1__Process *process,
                       int64_t now_ms);

/* Appends one process as an element of a JSON array, its node first. */
int processes_add_json(struct buf *out,
                       const char *node,
                       const Roost__V1__Process *process);

/* Prints the elements as an array. */
void processes_print_json(struct buf *elements);

/* "nginx (812)". A new string. */
char *processes_label(const Roost__V1__Process *process);
