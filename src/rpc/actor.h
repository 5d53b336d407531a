/*
 * actor - on whose behalf a call is made
 *
 * Made by whoever checks credentials, carried by each call, read by the one gate that
 * authorises. A counted value, one for each credential; the rights are counted too and
 * shared by all credentials of one user. They change while calls are under way: what is
 * asked of them is always what holds now.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum actor_role { ACTOR_NOBODY, ACTOR_VIEWER, ACTOR_OPERATOR, ACTOR_OWNER };

struct actor_grant {
    char *nodes; /* owned: a name, a pattern, or "@tag" */
    enum actor_role role;
    int64_t expires_ms; /* wall time; 0: never */
};

struct actor_rights {
    unsigned refs;
    bool admin;                 /* owns every node */
    bool ended;                 /* the user was removed: he may do nothing any more */
    struct actor_grant *grants; /* owned; owns their texts */
    size_t count;
};

struct actor {
    unsigned refs;
    char *name;                  /* owned: the user's or the program's: "ada" */
    char *token_id;              /* owned: of the credential; NULL for the hub itself */
    bool is_person;              /* a user; else a program */
    bool ended;                  /* the credential was revoked: its calls end */
    int64_t expires_ms;          /* of the credential; wall time; 0: never */
    struct actor_rights *rights; /* reference */
};

struct actor_rights *actor_rights_new(bool admin);
struct actor_rights *actor_rights_ref(struct actor_rights *rights);

/* NULL is fine; always returns NULL. */
struct actor_rights *actor_rights_unref(struct actor_rights *rights);

/* Adds a grant; copies the text. */
void actor_rights_add(struct actor_rights *rights,
                      const char *nodes,
                      enum actor_role role,
                      int64_t expires_ms);

/* Takes all grants away. */
void actor_rights_clear(struct actor_rights *rights);

/* The highest role that the grants give on a node of that name and of those tags
 * (NULL-terminated, or NULL); ACTOR_OWNER everywhere for an administrator. */
enum actor_role actor_rights_on(const struct actor_rights *rights,
                                const char *name,
                                char *const *tags,
                                int64_t now_ms);

/* Does a grant's text mean a node of that name and of those tags? */
bool actor_grant_means(const char *nodes, const char *name, char *const *tags);

/* The actor of a credential; copies the texts, takes a reference to the rights. */
struct actor *actor_new(const char *name,
                        const char *token_id,
                        bool is_person,
                        struct actor_rights *rights);

struct actor *actor_ref(struct actor *actor);

/* NULL is fine; always returns NULL. */
struct actor *actor_unref(struct actor *actor);

/* What actor_rights_on() says of his rights now; ACTOR_NOBODY of NULL. */
enum actor_role actor_role_on(const struct actor *actor,
                              const char *name,
                              char *const *tags);

bool actor_is_admin(const struct actor *actor);

/* May he do nothing any more: revoked, removed, expired? */
bool actor_has_ended(const struct actor *actor, int64_t now_ms);

/* Will anything of him end by itself: the credential, or a grant? */
bool actor_expires(const struct actor *actor);

/* "viewer" and so on. */
const char *actor_role_name(enum actor_role role);
