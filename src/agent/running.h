/*
 * running - an agent at work: sampler, services and uplink, put together
 */
#pragma once

#include <stdbool.h>

struct agent_config;
struct identity;
struct sampler;

enum running_end {
    RUNNING_STOPPED, /* by SIGTERM or SIGINT, in order */
    RUNNING_FAILED,  /* no use in going on: the hub of a first contact has another key */
    RUNNING_UNKNOWN, /* its hub does not know the credential: the secret may help */
};

/*
 * Keeps the link until a signal ends it. SIGHUP reads the settings and the identity anew.
 * asks_again: end with RUNNING_UNKNOWN where that can be.
 */
enum running_end running_run(struct agent_config *config,
                             struct identity *identity,
                             bool asks_again);

/* The sampler as the settings want it; the caller owns it. */
struct sampler *running_make_sampler(const struct agent_config *config);
void running_free_sampler(struct sampler *sampler);
