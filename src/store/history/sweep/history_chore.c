#include "store/history/sweep/history_chore.h"

#include <stdlib.h>

#include "store/history/history_backend.h"

/* What one transaction does at most: some milliseconds. */
enum {
    JOURNAL_ROWS_MAX = 8,
    PAIRS_MAX = 256,
    CHUNKS_MAX = 64,
    PAGES_MAX = 64,
};

typedef int work(struct history_chore *chore,
                 const struct history_backend *backend,
                 struct store_database *db);

static int remove_journal(struct history_chore *chore,
                          const struct history_backend *backend,
                          struct store_database *db) {
    uint64_t until = chore->until;

    if (until - chore->from >= JOURNAL_ROWS_MAX)
        until = chore->from + JOURNAL_ROWS_MAX - 1;
    int r = backend->remove_journal(db, chore->from, until);
    if (r != 0)
        return r;
    chore->from = until + 1;
    chore->is_more = until < chore->until;
    return 0;
}

static int remove_catalogues(struct history_chore *chore,
                             const struct history_backend *backend,
                             struct store_database *db) {
    int r = 0;
    for (size_t i = 0; r == 0 && i < chore->hash_count; i++)
        r = backend->remove_catalogue(
            db, slice_of(chore->hashes[i], sizeof(chore->hashes[i])));
    return r;
}

/* Pairs of a node and a tier: one after another. */
static int prune(struct history_chore *chore,
                 const struct history_backend *backend,
                 struct store_database *db) {
    size_t all = 0, pairs = chore->id_count * TIER_COUNT;
    int r = 0;

    for (size_t i = 0; r == 0 && i < PAIRS_MAX && chore->pair < pairs; i++) {
        enum tier tier = (enum tier)(chore->pair % TIER_COUNT);
        int64_t id = chore->ids[chore->pair / TIER_COUNT];
        size_t removed = 0;
        if (id != 0 && chore->before_ms[tier] != HISTORY_NEVER)
            r = backend->prune(db, id, tier, chore->before_ms[tier], CHUNKS_MAX - all,
                               &removed);
        all += removed;
        if (all == CHUNKS_MAX)
            break; /* there may be more of this pair */
        chore->pair += r == 0;
    }
    chore->is_more = chore->pair < pairs;
    return r;
}

static int forget(struct history_chore *chore,
                  const struct history_backend *backend,
                  struct store_database *db) {
    size_t all = 0;
    int r = 0;

    for (int tier = 0; r == 0 && tier < TIER_COUNT && all < CHUNKS_MAX; tier++) {
        size_t removed = 0;
        r = backend->prune(db, chore->removed, (enum tier)tier, INT64_MAX,
                           CHUNKS_MAX - all, &removed);
        all += removed;
    }
    chore->is_more = all == CHUNKS_MAX;
    return r == 0 && !chore->is_more ? backend->forget_node(db, chore->removed) : r;
}

int history_chore_run(struct history_chore *chore,
                      const struct history_backend *backend,
                      struct store_database *db) {
    static work *const works[] = {
        [HISTORY_CHORE_JOURNAL] = remove_journal,
        [HISTORY_CHORE_CATALOGUES] = remove_catalogues,
        [HISTORY_CHORE_PRUNE] = prune,
        [HISTORY_CHORE_FORGET] = forget,
    };

    chore->is_more = false;
    if (chore->kind == HISTORY_CHORE_SHRINK)
        return backend->shrink(db, PAGES_MAX, &chore->is_more);
    int r = backend->begin(db);
    if (r != 0)
        return r;
    r = works[chore->kind](chore, backend, db);
    if (r == 0)
        r = backend->commit(db);
    if (r != 0)
        backend->rollback(db);
    return r;
}

void history_chore_done(struct history_chore *chore) {
    free(chore->hashes);
    free(chore->ids);
    *chore = (struct history_chore) { 0 };
}
