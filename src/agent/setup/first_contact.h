/*
 * first_contact - an agent started with the older system's variables
 *
 * AGENT_SECRET, AGENT_SERVER_IP and the rest stand in for a join link. The hub's key is
 * taken as it is met the first time and kept in STATE/first-contact; the secret, a join
 * token, is exchanged for a credential, kept in STATE/identity like any other. Later
 * starts need neither, unless another secret or server is set. A hub that is not there
 * is waited for; a hub with another key ends the agent, until that file is deleted.
 *
 *   pinned?  --no pin yet-->  looking --key kept-->  joining --credential-->  ready
 *      \____________ pin kept _________________________/
 */
#pragma once

#include <stdbool.h>

struct agent_config;
struct identity;

enum first_contact_end {
    FIRST_CONTACT_READY,
    FIRST_CONTACT_FAILED,  /* the log says why, and what to do */
    FIRST_CONTACT_STOPPED, /* by a signal, while it waited */
};

/*
 * Sees to an identity made of the variables; *ret_identity is set when READY. anew: the
 * hub does not know the credential that is kept, the secret is to be exchanged again.
 */
enum first_contact_end first_contact_make(const struct agent_config *config,
                                          bool anew,
                                          struct identity *ret_identity);

/* Was the identity made here, and does it hang on a pin? */
bool first_contact_pinned(const struct identity *identity);

/* The hub announced a successor of its key over a live link: it is as good as met. */
void first_contact_learn(const struct agent_config *config,
                         const struct identity *identity);

/* Logs that the hub has another key, and which file lets it in. */
void first_contact_tell_changed(const struct agent_config *config);
