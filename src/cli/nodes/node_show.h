/*
 * node_show - all that is known of some nodes, as text or JSON
 */
#pragma once

#include "roost/v1/nodes.pb-c.h"

struct cli;

/* Shows each node with what it says of itself when it is online. The exit status. */
int node_show(struct cli *cli, const Roost__V1__ListNodesResponse *list);
