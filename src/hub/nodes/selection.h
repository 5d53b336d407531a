/*
 * selection - the nodes that a call names
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct invocation;
struct node;
struct registry;

/*
 * The nodes that a selection means for whoever calls, as registry_select() has them;
 * *ret_nodes is an array to free. False: the call is finished, for there is no such node.
 */
bool selection_find(const struct registry *registry,
                    struct invocation *invocation,
                    const char *select,
                    struct node ***ret_nodes,
                    size_t *ret_count);
