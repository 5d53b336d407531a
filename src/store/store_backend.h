/*
 * store_backend - what a database must be able to do to be a store
 *
 * A table of functions, one a database. A back end is used by one thread at a time; it
 * translates its library's codes to -errno and STORE_E_*.
 */
#pragma once

#include "store/store.h"

struct history_backend;
struct job;
struct store_database; /* each back end's own */
struct store_request;

struct store_backend {
    /* Opens or makes it and brings the schema up to date; *ret_why as store_open(). */
    int (*open)(const char *path, struct store_database **ret_database, char **ret_why);
    void (*close)(struct store_database *database);

    /* A transaction, in which run() may be called many times. */
    int (*begin)(struct store_database *database);
    int (*commit)(struct store_database *database);
    void (*rollback)(struct store_database *database);

    /*
     * Does what is asked, all or nothing, and sets request->result. Returns 0 also when
     * the request failed alone, -errno when the transaction as a whole is lost.
     */
    int (*run)(struct store_database *database, struct store_request *request);

    int (*load)(struct store_database *database, const struct store_loader *loader);
    /* Counts a start and reads the facts, in a transaction of its own. */
    int (*begin_start)(struct store_database *database, struct store_facts *ret_facts);
    int (*read_claim)(struct store_database *database,
                      uint8_t ret_secret[static STORE_CLAIM_LEN]);
    int (*put_claim)(struct store_database *database,
                     const uint8_t secret[static STORE_CLAIM_LEN],
                     int64_t now_ms);
    int (*check)(struct store_database *database,
                 struct store_counts *ret_counts,
                 char **ret_why);

    const struct history_backend *history; /* what it can do for samples */
};

extern const struct store_backend store_sqlite_backend;

/*
 * For what lives in the store beside it (the history): runs a job on the store's thread
 * between batches, where it may use the database; -EAGAIN when some wait already.
 */
int store_add_job(struct store *store, struct job *job);
const struct store_backend *store_backend(const struct store *store);
struct store_database *store_database(const struct store *store);
