/*
 * keeper - the hub's state on its way into the store
 *
 * Loads nodes and tokens at start, and writes registry, access, groups and activity
 * through as
 * they change. A write that fails is logged; what depends on its being durable (a new
 * token, a claim, a join) asks the store itself and waits.
 */
#pragma once

#include "hub/groups/groups.h"
#include "hub/nodes/registry.h"
#include "hub/people/access.h"
#include "hub/people/users.h"
#include "store/store.h"

struct activity_event;

/* The keepers that registry, access and groups are made with. */
struct registry_keeper keeper_of_nodes(struct store *store);
struct access_keeper keeper_of_tokens(struct store *store);
struct groups_keeper keeper_of_groups(struct store *store);
struct users_keeper keeper_of_users(struct store *store);

/* For activity_new(); arg is the store. */
void keeper_keep_event(void *arg, const struct activity_event *event);

/* Reads everything that is kept: 0, -errno or STORE_E_*. */
int keeper_load(struct store *store,
                struct registry *registry,
                struct users *users,
                struct access *access);

/* Writes a user, with all that was granted to him; answers as the store does. */
int keeper_put_user(struct store *store,
                    const struct users_row *row,
                    store_done *done,
                    void *arg);

/* Reads the groups, when the nodes are there: 0, -errno or STORE_E_*. */
int keeper_load_groups(struct store *store, struct groups *groups);

/* Acts that the hub before had begun, and of whose end it knew nothing. */
struct keeper_acts {
    struct store_act *rows; /* owned; owns their texts */
    size_t count;
};

int keeper_load_acts(struct store *store, struct keeper_acts *ret_acts);
void keeper_acts_done(struct keeper_acts *acts);

/* The token as the store takes it; lends the token's strings. */
struct store_token keeper_token(const struct access_token *token);

/* Tells the store when the nodes that are online and the tokens were last there. */
void keeper_touch(struct store *store, struct registry *registry, int64_t now_ms);
