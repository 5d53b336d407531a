/*
 * first_contact - an agent started with the older system's variables
 *
 * AGENT_SECRET, AGENT_SERVER_IP and the rest stand in for a join link. The hub's key is
 * taken as it is met the first time and kept in STATE/first-contact; deleting that file
 * lets another key in.
 */
#pragma once

struct agent_config;
struct identity;

/*
 * Sees to an identity made of the variables: pins at first contact, exchanges the secret
 * (a join token) for a credential, saves both. Waits, with back-off, for a hub that is
 * not there. 0, or 1 after telling on standard error why not.
 */
int first_contact_make(const struct agent_config *config, struct identity *ret_identity);

/* STATE/first-contact, a new string. */
char *first_contact_path(const struct agent_config *config);
