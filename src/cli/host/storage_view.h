/*
 * storage_view - what lies in a folder of a node, shown while it is counted
 */
#pragma once

#include "roost/v1/usage.pb-c.h"

struct cli;

/* Asks the one node that the text means, and shows what comes: the exit status. */
int storage_view_run(struct cli *cli,
                     const char *node,
                     const Roost__V1__StorageUsageRequest *request);
