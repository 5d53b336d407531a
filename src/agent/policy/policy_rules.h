/*
 * policy_rules - the lines of a policy, read and written
 *
 * A pure reader: it opens no file. Verbs are the table's; comments begin with '#'.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "agent/policy/policy_place.h"
#include "base/buf.h"
#include "base/crypto_sign.h"

enum policy_verb {
    POLICY_LOOK,
    POLICY_PROBE,
    POLICY_SIGNAL,
    POLICY_UNITS,
    POLICY_POWER,
    POLICY_TCP,
    POLICY_GRPC,
    POLICY_LOGS,
    POLICY_VERBS
};

enum policy_act { POLICY_ALLOW, POLICY_DENY, POLICY_SIGN };

enum {
    POLICY_FILE_MAX = 65536, /* nobody writes a thousand lines by hand */
    POLICY_LINE_MAX = 512,
};

struct policy_rule {
    enum policy_act act;
    enum policy_verb verb;
    char *object;              /* owned; NULL: any */
    struct policy_place place; /* of tcp and probe with an object */
    unsigned line;             /* from 1; 0: a default */
};

/* "operator NAME ed25519:BASE64": whose signature counts. */
struct policy_key {
    char *name; /* owned */
    uint8_t key[CRYPTO_SIGN_KEY_LEN];
    unsigned line;
};

/* A plain value: zero it, end it with policy_rules_done(). */
struct policy_rules {
    struct policy_rule *items; /* owned */
    size_t count;
    struct policy_key *keys; /* owned */
    size_t key_count;
};

/*
 * Appends the rules of a whole file. 0, or -EINVAL: *ret_why is "line 3: ..." with what
 * is allowed there, for the caller to free, and the rules are as they were.
 */
int policy_rules_parse(struct policy_rules *rules, struct slice text, char **ret_why);

/* Appends one rule that is not of a file. */
void policy_rules_add(struct policy_rules *rules,
                      enum policy_act act,
                      enum policy_verb verb);

/* Appends what the other one has, which is empty afterwards. */
void policy_rules_move(struct policy_rules *rules, struct policy_rules *from);

void policy_rules_done(struct policy_rules *rules);

/* "allow tcp 127.0.0.1:22", the way a file says it. */
void policy_rules_print(const struct policy_rule *rule, struct buf *out);

void policy_rules_print_key(const struct policy_key *key, struct buf *out);

/* "ed25519:BASE64" of a public key, as a policy names it. */
void policy_rules_print_public(const uint8_t key[static CRYPTO_SIGN_KEY_LEN],
                               struct buf *out);

/* The verb of that name: false when there is none. */
bool policy_rules_find_verb(const char *word, enum policy_verb *ret_verb);

/* "tcp" */
const char *policy_rules_verb(enum policy_verb verb);

/* Are the objects of the verb places? */
bool policy_rules_has_places(enum policy_verb verb);

/* Can requests of the verb carry a signature? What cannot is denied when one is needed.
 */
bool policy_rules_can_sign(enum policy_verb verb);
