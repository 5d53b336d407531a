/*
 * history_chore - one small transaction of housekeeping, on the store's thread
 *
 * Filled in on the loop, run on the thread, and looked at on the loop again. Each deletes
 * so much at most that nobody waits long; is_more says that the same is to be done again.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/crypto.h"
#include "store/tier.h"

struct history_backend;
struct store_database;

enum history_chore_kind {
    HISTORY_CHORE_JOURNAL,    /* journal rows [from, until] */
    HISTORY_CHORE_CATALOGUES, /* those with these hashes */
    HISTORY_CHORE_PRUNE,      /* chunks of nodes that begin before a time */
    HISTORY_CHORE_FORGET,     /* a removed node, its chunks first */
    HISTORY_CHORE_SHRINK,     /* pages go back to the file system */
};

struct history_chore {
    enum history_chore_kind kind;
    bool is_more;
    uint64_t from; /* JOURNAL: goes up by what is deleted */
    uint64_t until;
    uint8_t (*hashes)[CRYPTO_SHA256_LEN]; /* CATALOGUES; owned */
    size_t hash_count;
    int64_t *ids; /* PRUNE; owned: of nodes, 0 for none */
    size_t id_count;
    int64_t before_ms[TIER_COUNT]; /* PRUNE; HISTORY_NEVER: nothing of this tier */
    size_t pair;                   /* PRUNE: the node and tier that is next */
    int64_t removed;               /* FORGET: this node */
};

/* 0, -errno or STORE_E_*. After a failure the chore may be run again. */
int history_chore_run(struct history_chore *chore,
                      const struct history_backend *backend,
                      struct store_database *db);

void history_chore_done(struct history_chore *chore);
