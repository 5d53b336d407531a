/*
 * store - what the hub must not forget
 *
 * The hub keeps all state in memory: it reads everything once at start and then writes
 * through. Writes are requests that a thread of the store's own runs in batches, one
 * transaction each, and that are answered on the loop; a request that fails leaves the
 * others of its batch alone. "Answered with 0" means durable. Requests take effect in the
 * order in which they were made.
 *
 * Before store_start() and without it (in roostd's subcommands, which may run while the
 * hub does) the functions named _now work at once on the caller's thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"
#include "store/durations.h"

struct loop;
struct records;
struct store;

enum {
    STORE_HASH_LEN = 32,
    STORE_CLAIM_LEN = 10,
};

enum {
    STORE_E_NEWER = 1, /* the schema is of a newer Roost */
    STORE_E_DAMAGED,   /* the file is no store, or has been damaged */
    STORE_E_NONE,      /* there is no such thing */
    STORE_E_USED,      /* the token or claim code was used up, revoked or replaced */
};

/* A node as it is remembered. Times are wall milliseconds; 0: never. */
struct store_node {
    const char *name;
    const char *title; /* texts may be NULL, which is "" */
    unsigned kind;     /* a NodeKind of nodes.proto */
    const char *const *tags;
    size_t tag_count;
    int64_t created_ms;
    int64_t online_since_ms;
    int64_t last_seen_ms;
    const char *address;
    const char *version;
    const char *const *capabilities;
    size_t capability_count;
    const char *networks;
    const char *transport;
    uint64_t generation;
    const char *instance;
};

/* A token, of which only the hash is known. */
struct store_token {
    uint8_t hash[STORE_HASH_LEN];
    unsigned kind; /* a TokenKind of tokens.proto */
    const char *name;
    int64_t created_ms;
    int64_t expires_ms; /* 0: never */
    int64_t last_used_ms;
    bool reusable;
    bool used;
    bool revoked;
    bool admin;
    unsigned role; /* a Role of common.proto */
    const char *const *nodes;
    size_t node_count;
    const char *user;   /* whose token it is; "": a program's */
    const char *device; /* where the user keeps it: "laptop" */
};

/* What a user may do on which nodes. */
struct store_grant {
    const char *nodes;
    unsigned role; /* a Role of common.proto */
    int64_t expires_ms;
    const char *granted_by;
    int64_t created_ms;
};

struct store_user {
    const char *name;
    bool admin;
    int64_t created_ms;
    const struct store_grant *grants;
    size_t grant_count;
};

/* What lets a device of a user in, once. */
struct store_code {
    uint8_t hash[STORE_HASH_LEN];
    const char *user;
    int64_t created_ms;
    int64_t expires_ms;
};

/* An act that was begun, and of whose end nothing is known yet. */
struct store_act {
    uint64_t id; /* the hub's, rising */
    int64_t time_ms;
    const char *node;
    const char *actor;
    const char *method;
    const char *arguments;
};

/* A group of nodes. */
struct store_group {
    const char *name;
    const char *const *members; /* selections; none holds a line's end */
    size_t member_count;
    int64_t created_ms;
};

/* One row of the activity. Ids are the hub's: rising from store_facts.last_event_id. */
struct store_event {
    uint64_t id;
    int64_t time_ms;
    const char *kind;
    const char *node;
    const char *actor;
    const char *text;
    const char *method; /* of acts; "" else, and so are the rest */
    const char *arguments;
    unsigned status;
    uint64_t duration_us;
};

/* Which events; 0 and NULL do not restrict. */
struct store_event_query {
    const char *node;
    const char *actor;
    const char *kind; /* a kind, or with a '.' at its end the first part of some */
    int64_t since_ms; /* inclusive */
    int64_t until_ms; /* exclusive */
    uint64_t before_id;
    uint64_t after_id;
    bool oldest_first;
    size_t limit; /* at most 1000; 0: 100 */
};

/* What one caller called of one method of one node, counted over a time. */
struct store_traffic {
    int64_t time_ms; /* where the time begins; of what is put in: the minute */
    const char *node;
    const char *caller;
    const char *method;
    uint64_t calls;
    uint64_t errors; /* of those: with a status other than OK and CANCELLED */
    uint64_t duration_us;
    uint64_t longest_us;
    uint64_t request_bytes;
    uint64_t reply_bytes;
    struct durations durations;
};

/* What store_list_traffic() tells apart; the other texts are "". */
enum {
    STORE_BY_NODE = 1,
    STORE_BY_CALLER = 2,
    STORE_BY_METHOD = 4,
};

/* Which calls; 0 and NULL do not restrict. */
struct store_traffic_query {
    int64_t since_ms; /* inclusive, whole minutes */
    int64_t until_ms; /* exclusive */
    int64_t step_ms;  /* apart in steps of so long; 0: the whole time as one */
    const char *node;
    const char *caller;
    const char *method;       /* a pattern with '*' and '?' */
    const char *const *nodes; /* patterns of names that may be seen */
    size_t node_count;
    bool is_limited;                  /* nodes count; else all may be seen */
    unsigned by;                      /* STORE_BY_* together */
    size_t limit;                     /* of the answer; what is beyond it is left out */
    const struct store_traffic *more; /* counted as if they had been put in */
    size_t more_count;
};

/* When something was last there: a node by its name, or a token by its hash. */
struct store_touch {
    const char *node;              /* NULL: a token */
    uint8_t token[STORE_HASH_LEN]; /* when node is NULL */
    int64_t time_ms;
};

/* What store_load() hands out; everything is lent for the call. Each may be NULL. */
struct store_loader {
    void (*on_node)(void *arg, const struct store_node *node);
    void (*on_user)(void *arg, const struct store_user *user);
    void (*on_code)(void *arg, const struct store_code *code);
    void (*on_token)(void *arg, const struct store_token *token);
    void (*on_group)(void *arg, const struct store_group *group);
    void (*on_act)(void *arg, const struct store_act *act);
    void (*on_meta)(void *arg, const char *key, const char *value);
    void (*on_record)(void *arg, const char *space, const char *key, struct slice value);
    void *arg;
};

struct store_facts {
    char hub_id[33];        /* made with the store; stays */
    uint64_t start;         /* of this start: 1, 2, ...; generations begin with it */
    uint64_t last_event_id; /* 0: none yet */
    uint64_t last_act_id;
};

/*
 * Opens or makes the store (SQLite) at path and brings its schema up to date. 0, -errno
 * or STORE_E_*; on failure *ret_why is a text to free ("PATH: WHY").
 */
int store_open(const char *path, struct store **ret_store, char **ret_why);

/* Reads all nodes, tokens and groups. 0, -errno, STORE_E_DAMAGED. Before store_start().
 */
int store_load(struct store *store, const struct store_loader *loader);

/*
 * Counts this start of the hub and starts the thread. events_max is how many events are
 * kept, the newest. 0, -errno, STORE_E_DAMAGED.
 */
int store_start(struct store *store,
                struct loop *loop,
                uint64_t events_max,
                struct store_facts *ret_facts);

/* Runs and answers what is waiting, then closes. NULL is fine; always returns NULL. */
struct store *store_close(struct store *store);

/*
 * Writes what waits, answers it and closes the database: another process may open it.
 * Until store_close(), which still is to come, every request is refused with -ESHUTDOWN.
 */
void store_release(struct store *store);

/* Called once on the loop with 0, -errno or STORE_E_*; never before the request returns.
 */
typedef void store_done(void *arg, int result);

/*
 * The requests. Each copies what it is given and returns 0, or -EAGAIN when too many are
 * waiting; then done is not called. done may be NULL.
 */
int store_put_node(struct store *store,
                   const struct store_node *node,
                   store_done *done,
                   void *arg);

/* Removes the node and revokes the tokens by which it came in (JOIN, NODE). */
int store_remove_node(struct store *store, const char *name, store_done *done, void *arg);

/* Gives the node and its tokens (JOIN, NODE, DIALECT) another name; -EEXIST when taken.
 */
int store_rename_node(struct store *store,
                      const char *name,
                      const char *new_name,
                      store_done *done,
                      void *arg);

/* Updates when nodes were last seen and tokens last used; unknown ones are passed over.
 */
int store_touch(struct store *store,
                const struct store_touch *touches,
                size_t count,
                store_done *done,
                void *arg);

/* Puts a token in, or in the place of the one with this hash. */
int store_put_token(struct store *store,
                    const struct store_token *token,
                    store_done *done,
                    void *arg);

/* Forgets a token. */
int store_remove_token(struct store *store,
                       const uint8_t hash[static STORE_HASH_LEN],
                       store_done *done,
                       void *arg);

/* Puts a user in with all grants, in the place of what was there. */
int store_put_user(struct store *store,
                   const struct store_user *user,
                   store_done *done,
                   void *arg);

/* Removes the user, with grants and codes, and revokes his tokens. */
int store_remove_user(struct store *store, const char *name, store_done *done, void *arg);

/* Puts a code in, in the place of all others of the user. */
int store_put_code(struct store *store,
                   const struct store_code *code,
                   store_done *done,
                   void *arg);

/*
 * Exchanges a code for a token, both or neither. STORE_E_USED when there is no such code
 * or it has expired.
 */
int store_redeem(struct store *store,
                 const uint8_t code_hash[static STORE_HASH_LEN],
                 const struct store_token *token,
                 store_done *done,
                 void *arg);

/* Notes that an act begins. */
int store_begin_act(struct store *store,
                    const struct store_act *act,
                    store_done *done,
                    void *arg);

/* Forgets that the act is under way and adds the event that tells of its end, both or
 * neither; without an event (NULL) it never was. */
int store_end_act(struct store *store,
                  uint64_t id,
                  const struct store_event *event,
                  store_done *done,
                  void *arg);

/* Puts a group in, or in the place of the one of this name. */
int store_put_group(struct store *store,
                    const struct store_group *group,
                    store_done *done,
                    void *arg);

/* Forgets a group. */
int store_remove_group(struct store *store,
                       const char *name,
                       store_done *done,
                       void *arg);

/*
 * Exchanges a join token for a credential: marks the one used, puts the other in, both or
 * neither. STORE_E_USED when the join token is unknown, revoked, or used and not
 * reusable.
 */
int store_join(struct store *store,
               const uint8_t join_hash[static STORE_HASH_LEN],
               const struct store_token *credential,
               store_done *done,
               void *arg);

/*
 * Exchanges the secret half of the claim code for a token, both or neither; the user of
 * the token is made, or made an administrator. STORE_E_USED when there is no open claim
 * or it has another secret (compared in constant time).
 */
int store_claim(struct store *store,
                const uint8_t secret[static STORE_CLAIM_LEN],
                const struct store_token *token,
                store_done *done,
                void *arg);

/* Another events_max, from the next event on. */
void store_limit_events(struct store *store, uint64_t events_max);

/* Appends to the activity and drops what is beyond events_max. */
int store_add_event(struct store *store,
                    const struct store_event *event,
                    store_done *done,
                    void *arg);

/* The answer: result 0 and events, newest first unless asked otherwise, lent. */
typedef void store_events_done(void *arg,
                               int result,
                               const struct store_event *events,
                               size_t count);

int store_list_events(struct store *store,
                      const struct store_event_query *query,
                      store_events_done *done,
                      void *arg);

/*
 * Adds counts, and forgets those before oldest_ms and all but the newest rows_max.
 */
int store_add_traffic(struct store *store,
                      const struct store_traffic *rows,
                      size_t count,
                      int64_t oldest_ms,
                      uint64_t rows_max,
                      store_done *done,
                      void *arg);

/* The answer: result 0 and sums, by time and then most calls first; lent. is_cut: there
 * were more than the limit. */
typedef void store_traffic_done(
    void *arg, int result, const struct store_traffic *sums, size_t count, bool is_cut);

/* -EAGAIN also when some such questions wait: each keeps the store from writing. */
int store_list_traffic(struct store *store,
                       const struct store_traffic_query *query,
                       store_traffic_done *done,
                       void *arg);

/* Puts a value under a key of the hub's own; NULL removes it. */
int store_put_meta(
    struct store *store, const char *key, const char *value, store_done *done, void *arg);

/* Takes the batch, which is empty afterwards, and makes all of its changes or none. */
int store_put_records(struct store *store,
                      struct records *records,
                      store_done *done,
                      void *arg);

/* Requests that wait or run. */
size_t store_waiting(const struct store *store);

/* The secret of the open claim: 0, STORE_E_NONE (none was made), STORE_E_USED, -errno. */
int store_read_claim_now(struct store *store, uint8_t ret_secret[static STORE_CLAIM_LEN]);

/* Opens a claim in the place of any other. */
int store_put_claim_now(struct store *store,
                        const uint8_t secret[static STORE_CLAIM_LEN],
                        int64_t now_ms);

struct store_counts {
    uint64_t schema; /* version */
    uint64_t nodes;
    uint64_t tokens;
    uint64_t events;
    uint64_t bytes; /* of the database file */
};

/*
 * Checks every page and row, and every sample: 0 and *ret_counts, or STORE_E_DAMAGED and
 * *ret_why, a text to free, or -errno.
 */
int store_check_now(struct store *store, struct store_counts *ret_counts, char **ret_why);
