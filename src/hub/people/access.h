/*
 * access - who is let in: tokens, the claim code, and how fast one may guess
 *
 * Holds every token's hash and rights in memory; the keeper (the store) learns of each
 * change. A credential is looked up by its SHA-256, so nothing here depends on the
 * secret's bytes, and compared in constant time. Attempts with wrong claim codes slow
 * their client down.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/token.h"

struct access;
struct actor;
struct actor_rights;

enum access_kind { ACCESS_JOIN = 1, ACCESS_NODE, ACCESS_CALLER, ACCESS_DIALECT };

/* A token as it is kept. */
struct access_token {
    uint8_t hash[TOKEN_HASH_LEN];
    char id[TOKEN_ID_LEN + 1];
    enum access_kind kind;
    char *name;   /* owned: the node's or the caller's; "" leaves a joining node's to its
                     agent */
    char **nodes; /* owned: CALLER: globs; NULL-terminated */
    int role;     /* CALLER: enum actor_role */
    bool admin;
    bool reusable; /* JOIN */
    bool used;     /* JOIN */
    bool revoked;
    int64_t created_ms;
    int64_t expires_ms;          /* 0: never */
    int64_t used_ms;             /* last use; 0: never */
    char *user;                  /* owned: CALLER: whose it is; "": a program's */
    char *device;                /* owned: where the user keeps it; "" */
    struct actor_rights *rights; /* reference: the user's; NULL: by nodes, role, admin */
    struct actor *actor;         /* reference; NULL until access_actor() makes it */
};

/* Where changes of tokens that are known already are kept. */
struct access_keeper {
    void (*save)(void *arg, const struct access_token *token);
    void *arg; /* borrowed: outlives the access */
};

enum {
    ACCESS_E_FORM = 1, /* not a token at all, or mistyped (the checksum does not fit) */
    ACCESS_E_UNKNOWN,
    ACCESS_E_KIND, /* known, but not for this */
    ACCESS_E_USED,
    ACCESS_E_EXPIRED,
    ACCESS_E_REVOKED,
    ACCESS_E_SLOW, /* too many wrong attempts: later */
};

struct access *access_new(const struct access_keeper *keeper);
struct access *access_free(struct access *access);

/* Takes a token that is kept already: from now on it lets in. */
void access_add(struct access *access, struct access_token *token);

/* An empty token of that kind; strings are never NULL. */
struct access_token *access_token_new(enum access_kind kind, const char *name);
struct access_token *access_token_free(struct access_token *token);

/* Replaces the globs of nodes; copies. */
void access_token_set_nodes(struct access_token *token,
                            const char *const *nodes,
                            size_t count);

/* Gives a token that is not added yet a fresh secret, to be shown once and wiped. */
void access_token_make_secret(struct access_token *token,
                              char ret_secret[static TOKEN_LEN + 1]);

/* Finds a live token of that kind: 0 and *ret_token (lent), or ACCESS_E_*. */
int access_find(struct access *access,
                const char *secret,
                enum access_kind kind,
                int64_t now_ms,
                struct access_token **ret_token);

/* By id or the first 4 and more digits of one, if only one fits; NULL otherwise. Lent. */
struct access_token *access_find_id(const struct access *access, const char *id);

/* A join token was spent; whoever spent it has kept that. */
void access_spend(struct access_token *token, int64_t now_ms);

/* Revokes and keeps it. */
void access_revoke(struct access *access, struct access_token *token);

/* Revokes all tokens of a user. Returns how many. */
size_t access_revoke_user(struct access *access, const char *user);

/* Makes it a user's: shares those rights. */
void access_token_set_user(struct access_token *token,
                           const char *user,
                           struct actor_rights *rights);

/* Revokes the node credentials of a name, but not this one; when that is NULL, those of
 * dialects too. Returns how many. */
size_t access_revoke_node(struct access *access,
                          const char *name,
                          const struct access_token *but);

/* Tokens for the name follow the node's new one; the store does the same by itself. */
void access_rename_node(struct access *access, const char *from, const char *to);

/* Walks in no particular order: *at starts at 0; NULL at the end. */
struct access_token *access_next(const struct access *access, size_t *at);

/* The actor of a caller token, a new reference. */
struct actor *access_actor(struct access_token *token);

/* How many references to its actor others hold: one for each call under way. */
size_t access_actor_users(const struct access_token *token);

/* May the client (a conn_peer_key()) try a claim code now? */
bool access_may_guess(struct access *access, const char *peer_key, uint64_t now_ms);

/* It was wrong: after some more the client has to wait. */
void access_guessed_wrong(struct access *access, const char *peer_key, uint64_t now_ms);

/* Why, in words, with the remedy. */
const char *access_error_text(int error);
