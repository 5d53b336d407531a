/*
 * actor - on whose behalf a call is made
 *
 * Made by whoever checks credentials, carried by each call, read by the one gate that
 * authorises. A counted, unchanging value.
 */
#pragma once

#include <stdbool.h>

enum actor_role { ACTOR_NOBODY, ACTOR_VIEWER, ACTOR_OPERATOR, ACTOR_OWNER };

struct actor {
    unsigned refs;
    char *name;           /* owned: "ada", "token 3f2a..." */
    char *token_id;       /* owned: of the credential; NULL for the hub itself */
    char **nodes;         /* owned: globs of node names; NULL-terminated */
    enum actor_role role; /* on those nodes */
    bool admin;           /* owns every node */
};

/* The actor of a token; copies. nodes is NULL-terminated, or NULL for none. */
struct actor *actor_new(const char *name,
                        const char *token_id,
                        bool admin,
                        enum actor_role role,
                        const char *const *nodes);

struct actor *actor_ref(struct actor *actor);

/* NULL is fine; always returns NULL. */
struct actor *actor_unref(struct actor *actor);

/* The role on the node of that name: ACTOR_OWNER everywhere for an administrator. */
enum actor_role actor_role_on(const struct actor *actor, const char *node);

/* "viewer" and so on. */
const char *actor_role_name(enum actor_role role);
