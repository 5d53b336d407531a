/*
 * sign - this person's operator key, and acts signed with it
 *
 * Hosts that must survive a captured hub want acts signed (policy.conf: require signature
 * VERB). The key is $XDG_CONFIG_HOME/roost/operator.key, mode 0600: "NAME SEED", the seed
 * in base64. It never leaves this machine.
 *
 * A signature names the host by its instance id, which the hub passes on. So that a hub
 * cannot lead a signature for one host to another, the id of each node is remembered when
 * it is first signed for (operator-nodes beside the key) and has to stay the same.
 */
#pragma once

#include <stdbool.h>

#include "roost/v1/acts.pb-c.h"
#include "wire/signed_act.h"

enum {
    SIGN_E_NONE = 1, /* there is no key */
    SIGN_E_OPEN,     /* others may read it */
    SIGN_E_DAMAGED,  /* the file is not one of ours */
    SIGN_E_HOME,     /* neither XDG_CONFIG_HOME nor HOME is set */
    SIGN_E_UNKNOWN,  /* the host's policy does not know the key */
    SIGN_E_OTHER,    /* the node was another host before */
};

/* The private key. To be wiped with mem_wipe(). */
struct sign_key {
    char name[SIGNED_ACT_KEY_MAX + 1];
    uint8_t seed[CRYPTO_SIGN_KEY_LEN];
};

/* Reads it: 0, -errno or SIGN_E_*. */
int sign_load(struct sign_key *ret_key);

/* Makes one of that name and writes it: 0, -errno (-EEXIST: there is one) or SIGN_E_*. */
int sign_make(const char *name, struct sign_key *ret_key);

/* Where it is or would be; NULL: SIGN_E_HOME. To be freed. */
char *sign_path(void);

/* What the host's policy needs: "operator NAME ed25519:KEY". To be freed. */
char *sign_line(const struct sign_key *key);

/* Why, in one clause for a person; of any SIGN_E_* or -errno. */
const char *sign_error_text(int error);

/* Believes anew which host a node is: 0, -errno or SIGN_E_HOME. */
int sign_forget(const char *hub, const char *node);

/* What is signed. */
struct sign_question {
    const char *hub;  /* of the profile: its URL */
    const char *node; /* as the hub calls it */
    const char *method;
    struct slice request; /* the exact bytes */
};

/*
 * Signs the request for the host that issued the challenge: 0, and *ret_value (to be
 * freed) is the value of the metadata field SIGNED_ACT_METADATA; SIGN_E_UNKNOWN,
 * SIGN_E_OTHER, SIGN_E_HOME, or -errno.
 */
int sign_act(const struct sign_key *key,
             const struct sign_question *question,
             const Roost__V1__ChallengeResponse *challenge,
             char **ret_value);
