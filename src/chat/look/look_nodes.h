/*
 * look_nodes - the list of nodes
 */
#pragma once

struct turn;

/* nodes [WORD]: the nodes that the person may see, with a button for each. */
void look_nodes_run(struct turn *turn);
