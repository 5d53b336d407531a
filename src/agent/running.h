/*
 * running - an agent at work: sampler, services and uplink, put together
 */
#pragma once

struct agent_config;
struct identity;
struct sampler;

/*
 * Keeps the link until SIGTERM or SIGINT, then ends in order. Returns the exit status: 0,
 * or 1 when there is no use in going on (an agent of the older system's variables whose
 * hub has another key).
 */
int running_run(const struct agent_config *config, struct identity *identity);

/* The sampler as the settings want it; the caller owns it. */
struct sampler *running_make_sampler(const struct agent_config *config);
void running_free_sampler(struct sampler *sampler);
