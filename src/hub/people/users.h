/*
 * users - the people of this hub, and what they were granted
 *
 * A grant is a role on nodes: a name, a pattern ("web*"), or a tag ("@prod"). All
 * credentials of a user share one set of rights, which follows his grants at once, for
 * calls under way too: watchers are told. A user without grants may do nothing. A code
 * lets one more device of a user in, once; only its hash is known.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"
#include "base/token.h"
#include "rpc/actor.h"

struct users;

enum {
    USERS_MAX = 10000,
    USERS_GRANTS_MAX = 256,  /* of one user: all are looked at for each node */
    USERS_PATTERN_MAX = 128, /* bytes of what nodes a grant means */
};

struct users_grant {
    char *nodes; /* owned */
    enum actor_role role;
    int64_t expires_ms; /* wall time; 0: never */
    char *granted_by;   /* owned */
    int64_t created_ms;
};

/* One user. For reading. */
struct users_row {
    char *name; /* owned */
    bool admin;
    int64_t created_ms;
    struct users_grant *grants; /* owned; own their texts */
    size_t grant_count;
    struct actor_rights *rights; /* reference */
};

struct users_code {
    uint8_t hash[TOKEN_HASH_LEN];
    char *user; /* owned */
    int64_t created_ms;
    int64_t expires_ms;
};

/* Where a user is kept when his grants follow a node. */
struct users_keeper {
    void (*save)(void *arg, const struct users_row *row);
    void *arg; /* borrowed: outlives the users */
};

/* Told when somebody's rights have changed; embedded in whoever watches. */
struct users_watcher {
    struct list node;
    void (*on_change)(struct users_watcher *watcher);
};

struct users *users_new(const struct users_keeper *keeper);

/* Asserts that nobody watches. NULL is fine; always returns NULL. */
struct users *users_free(struct users *users);

/* Can this be the name of a user: up to 64 characters, none of ',', '@', '*' and white
 * space at an end? */
bool users_is_name(const char *text);

/* Is it what a grant can be for: a name, a pattern or a tag? */
bool users_is_pattern(const char *text);

/* Adds a user of a free name. */
struct users_row *users_add(struct users *users,
                            const char *name,
                            bool admin,
                            int64_t created_ms);

/* The user of that name, or NULL. */
struct users_row *users_find(const struct users *users, const char *name);

/* Walks in no particular order: *at starts at 0; NULL at the end. */
struct users_row *users_next(const struct users *users, size_t *at);
size_t users_count(const struct users *users);

void users_make_admin(struct users *users, struct users_row *row);

/* Adds the grant, or puts it in the place of the one for the same nodes; copies. False:
 * there are too many. */
bool users_grant(struct users *users,
                 struct users_row *row,
                 const struct users_grant *grant);

/* The user's grant of exactly these nodes, or NULL. */
const struct users_grant *users_find_grant(const struct users_row *row,
                                           const char *nodes);

/* Takes the grant of these nodes away. False: there is none. */
bool users_revoke(struct users *users, struct users_row *row, const char *nodes);

/* Forgets the user: he may do nothing any more. */
void users_remove(struct users *users, struct users_row *row);

/* Grants of the node by its name follow it. Nobody is told: what the registry tells when
 * it renames the node is enough. */
void users_rename_node(struct users *users, const char *from, const char *to);

/* Grants of the node by its name go with it: another one of that name is another. */
void users_forget_node(struct users *users, const char *name);

/* A code, in the place of all others of the user; copies. */
void users_put_code(struct users *users, const struct users_code *code);

/* The code of this hash, or NULL. Lent. */
const struct users_code *users_find_code(const struct users *users,
                                         const uint8_t hash[static TOKEN_HASH_LEN]);

/* It was used. */
void users_drop_code(struct users *users, const uint8_t hash[static TOKEN_HASH_LEN]);

void users_watch(struct users *users, struct users_watcher *watcher);
void users_unwatch(struct users_watcher *watcher);
