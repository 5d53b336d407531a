/*
 * describe - what this agent would report, without a hub
 */
#pragma once

#include <stdbool.h>

struct sampler;

/* Takes two samples a second apart and prints facts and values as a table, or as JSON. 0.
 */
int describe_run(struct sampler *sampler, bool json);
