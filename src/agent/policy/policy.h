/*
 * policy - what the host's owner allows to be asked of this host
 *
 * One file says it: lines "allow VERB [OBJECT]" and "deny VERB [OBJECT]". The one of the
 * system, owned by root, alone counts when it is there, else the one in the state folder.
 * Deny beats allow, whatever the order; a file that cannot be read or understood means
 * look only. What nothing allows is denied; looking is allowed unless a line denies it,
 * and so are, of an ordinary user's own agent, signals and units of that user.
 *
 * Objects are globs, but for `tcp` and `probe`: these are places (policy_place.h), which
 * are compared after names were resolved. "require signature VERB" asks for the signature
 * of an operator's key (lines "operator NAME ed25519:KEY") with each request; what cannot
 * be signed (look, probe, tcp, grpc) is denied then.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "agent/policy/policy_rules.h"

enum {
    POLICY_LOOK_MS = 1000,  /* how long a file that was looked at counts as unchanged */
    POLICY_VERBS_LEN = 168, /* room for every verb, twice, and commas */
};

#define POLICY_SYSTEM_PATH "/etc/roost/policy.conf"

struct policy;

struct policy_config {
    const char *system_path; /* copied; NULL: POLICY_SYSTEM_PATH */
    const char *state;       /* the state folder; copied */
    bool is_user;            /* the agent of an ordinary user */
    bool is_roots;           /* read for a person: root may read what is of the agent's */
    /* It was read anew, by whoever refreshed it. May be NULL. */
    void (*on_change)(void *arg, const struct policy *policy);
    void *arg;
};

/* Reads the file that counts. */
struct policy *policy_new(const struct policy_config *config);

/* NULL is fine; always returns NULL. */
struct policy *policy_free(struct policy *policy);

/* Reads it anew when it has changed: true when it did. now_ms: a monotonic clock. */
bool policy_refresh(struct policy *policy, uint64_t now_ms);

/* Is it allowed to do this to the object? Without an object (NULL): to any at all. For
 * tcp and probe only the latter can be asked here. */
bool policy_allows(const struct policy *policy,
                   enum policy_verb verb,
                   const char *object);

/* Does a line say no to it, or can the file not be understood? For what is allowed
 * elsewhere. */
bool policy_denies(const struct policy *policy,
                   enum policy_verb verb,
                   const char *object);

/* Must requests of the verb be signed? */
bool policy_wants_signature(const struct policy *policy, enum policy_verb verb);

/* The operator's key of that name, or NULL; lent until the next refresh. */
const struct policy_key *policy_key(const struct policy *policy, const char *name);

/* The line that denies this (not a place), or NULL: none does. Lent likewise. */
const struct policy_rule *policy_denial(const struct policy *policy,
                                        enum policy_verb verb,
                                        const char *object);

/*
 * Keeps of count addresses that `host` resolved to those that may be reached at the
 * port, and returns how many. Addresses that mean this host whatever they look like
 * (0.0.0.0, ::) are replaced by its loopback. When none is left *ret_denied is the line
 * that says so, or NULL when no line allows it (lent until the next refresh).
 */
size_t policy_keep_places(const struct policy *policy,
                          enum policy_verb verb,
                          const char *host,
                          unsigned port,
                          struct sockaddr_storage *addresses,
                          size_t count,
                          const struct policy_rule **ret_denied);

/* The file that counts, there or not; lent. */
const char *policy_path(const struct policy *policy);

/* Does the file of the system count? */
bool policy_is_of_system(const struct policy *policy);

/* Why nothing but looking is allowed, or NULL; lent until the next refresh. */
const char *policy_trouble(const struct policy *policy);

/* What is in force, in the order of the file behind the defaults (line 0). Lent. */
const struct policy_rules *policy_rules(const struct policy *policy);

/* The verbs that are allowed for something, "look,power,power/signed,tcp": the second
 * form of a verb says that its requests must be signed. Lent for as long as the policy
 * lives; its content follows policy_refresh(). */
const char *policy_capabilities(const struct policy *policy);
