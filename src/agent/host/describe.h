/*
 * describe - what this agent would report, without a hub
 */
#pragma once

#include <stdbool.h>

struct sampler;

/* Takes two samples a second apart and prints facts and values as a table, or as JSON;
 * root is where the host's "/" is seen, "" as usual; allowed: the verbs of the policy. 0.
 */
int describe_run(struct sampler *sampler,
                 const char *root,
                 const char *allowed,
                 bool json);
