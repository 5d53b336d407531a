#include "store/store.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "loop/worker.h"
#include "store/history/history_check.h"
#include "store/store_backend.h"
#include "store/store_request.h"

enum {
    WAITING_MAX = 10000, /* a fleet of 2,000 that comes back makes 4,000 at once */
    BATCH_MAX = 500,     /* one transaction: well under a second even on an SD card */
    QUERY_DEFAULT = 100,
    QUERY_MAX = 1000,
    SUMS_MAX = 4, /* a month of counts takes half a second, in which nothing is written */
    JOBS_MAX = 8, /* of others on our thread: they wait for one before the next */
};

/* Requests of one transaction on their way through the thread. */
struct batch {
    struct job job;
    struct store *store; /* borrowed: waits for its batch before it goes */
    struct list requests;
};

struct store {
    const struct store_backend *backend; /* borrowed: static */
    struct store_database *database;     /* owned; the thread's while a batch runs */
    struct worker *worker;               /* owned; NULL before store_start() */
    struct batch *batch;                 /* owned; the one that runs, or NULL */
    struct list waiting;                 /* owned requests */
    size_t count;                        /* of those that wait and run */
    size_t sums;                         /* of these: lists of traffic */
    uint64_t events_max;
    bool closing;
};

int store_open(const char *path, struct store **ret_store, char **ret_why) {
    const struct store_backend *backend = &store_sqlite_backend;
    struct store_database *database;

    int r = backend->open(path, &database, ret_why);
    if (r != 0)
        return r;
    struct store *store = mem_new(sizeof(*store));
    *store = (struct store) { .backend = backend, .database = database };
    list_init(&store->waiting);
    *ret_store = store;
    return 0;
}

int store_load(struct store *store, const struct store_loader *loader) {
    assert(!store->worker);
    return store->backend->load(store->database, loader);
}

int store_start(struct store *store,
                struct loop *loop,
                uint64_t events_max,
                struct store_facts *ret_facts) {
    assert(!store->worker);
    int r = store->backend->begin_start(store->database, ret_facts);
    if (r != 0)
        return r;
    store->events_max = events_max;
    store->worker = worker_new(loop, "store", 1 + JOBS_MAX);
    return 0;
}

void store_limit_events(struct store *store, uint64_t events_max) {
    store->events_max = events_max;
}

/* One transaction; when it is lost, nothing of it has happened. */
static void run_batch(struct store *store, struct list *requests) {
    int r = store->backend->begin(store->database);

    list_for_each_safe(node, after, requests) {
        struct store_request *request = container_of(node, struct store_request, waiting);
        if (r == 0)
            r = store->backend->run(store->database, request);
    }
    if (r == 0)
        r = store->backend->commit(store->database);
    if (r == 0)
        return;
    store->backend->rollback(store->database);
    list_for_each_safe(node, after, requests)
        container_of(node, struct store_request, waiting)
            ->result = r;
}

static void on_run(struct job *job) { /* on the store's thread */
    struct batch *batch = container_of(job, struct batch, job);
    run_batch(batch->store, &batch->requests);
}

static void answer_all(struct store *store, struct list *requests) {
    struct list *node;
    while ((node = list_pop(requests))) {
        struct store_request *request = container_of(node, struct store_request, waiting);
        store->count--;
        store->sums -= request->op == STORE_LIST_TRAFFIC;
        store_request_answer(request);
        store_request_free(request);
    }
}

static void send_batch(struct store *store);

static void on_done(struct job *job) { /* on the loop */
    struct batch *batch = container_of(job, struct batch, job);
    struct store *store = batch->store;

    store->batch = NULL;
    answer_all(store, &batch->requests);
    free(batch);
    send_batch(store);
}

static void take_waiting(struct store *store, struct list *ret_requests) {
    list_init(ret_requests);
    for (int i = 0; i < BATCH_MAX && !list_is_empty(&store->waiting); i++)
        list_add_tail(ret_requests, list_pop(&store->waiting));
}

/* Sends what waits, unless a batch runs: the next one grows meanwhile. */
static void send_batch(struct store *store) {
    if (store->batch || store->closing || list_is_empty(&store->waiting))
        return;
    struct batch *batch = mem_new(sizeof(*batch));
    batch->store = store;
    batch->job.run = on_run;
    batch->job.done = on_done;
    take_waiting(store, &batch->requests);
    store->batch = batch;

    int r = worker_add(store->worker, &batch->job);
    assert(r == 0); /* its queue has room for one beside jobs, and there is one at most */
    (void)r;
}

void store_release(struct store *store) {
    store->closing = true;
    if (store->worker)
        store->worker = worker_free(store->worker);
    while (!list_is_empty(&store->waiting)) {
        struct list requests;
        take_waiting(store, &requests);
        run_batch(store, &requests);
        answer_all(store, &requests);
    }
    if (store->database)
        store->backend->close(store->database);
    store->database = NULL;
}

struct store *store_close(struct store *store) {
    if (!store)
        return NULL;
    store_release(store);
    free(store);
    return NULL;
}

/* Takes the request; frees it when there is no room. */
static int add(struct store *store,
               struct store_request *request,
               store_done *done,
               void *arg) {
    assert(store->worker || store->closing);
    if (!store->database || store->count >= WAITING_MAX) {
        store_request_free(request);
        return store->database ? -EAGAIN : -ESHUTDOWN;
    }
    request->done = done;
    request->arg = arg;
    store->count++;
    list_add_tail(&store->waiting, &request->waiting);
    send_batch(store);
    return 0;
}

int store_put_node(struct store *store,
                   const struct store_node *node,
                   store_done *done,
                   void *arg) {
    struct store_request *request = store_request_new(STORE_PUT_NODE);
    request->node = store_request_copy_node(request, node);
    return add(store, request, done, arg);
}

int store_remove_node(struct store *store,
                      const char *name,
                      store_done *done,
                      void *arg) {
    struct store_request *request = store_request_new(STORE_REMOVE_NODE);
    request->name = store_request_copy_text(request, name);
    return add(store, request, done, arg);
}

int store_rename_node(struct store *store,
                      const char *name,
                      const char *new_name,
                      store_done *done,
                      void *arg) {
    struct store_request *request = store_request_new(STORE_RENAME_NODE);
    request->name = store_request_copy_text(request, name);
    request->other = store_request_copy_text(request, new_name);
    return add(store, request, done, arg);
}

int store_touch(struct store *store,
                const struct store_touch *touches,
                size_t count,
                store_done *done,
                void *arg) {
    struct store_request *request = store_request_new(STORE_TOUCH);
    request->touches =
        store_request_own(request, mem_dup(touches, count * sizeof(*touches)));
    request->touch_count = count;
    for (size_t i = 0; i < count; i++)
        if (touches[i].node)
            request->touches[i].node = store_request_copy_text(request, touches[i].node);
    return add(store, request, done, arg);
}

int store_put_token(struct store *store,
                    const struct store_token *token,
                    store_done *done,
                    void *arg) {
    struct store_request *request = store_request_new(STORE_PUT_TOKEN);
    request->token = store_request_copy_token(request, token);
    return add(store, request, done, arg);
}

int store_remove_token(struct store *store,
                       const uint8_t hash[static STORE_HASH_LEN],
                       store_done *done,
                       void *arg) {
    struct store_request *request = store_request_new(STORE_REMOVE_TOKEN);
    memcpy(request->hash, hash, STORE_HASH_LEN);
    return add(store, request, done, arg);
}

int store_put_user(struct store *store,
                   const struct store_user *user,
                   store_done *done,
                   void *arg) {
    struct store_request *request = store_request_new(STORE_PUT_USER);
    request->user = store_request_copy_user(request, user);
    return add(store, request, done, arg);
}

int store_remove_user(struct store *store,
                      const char *name,
                      store_done *done,
                      void *arg) {
    struct store_request *request = store_request_new(STORE_REMOVE_USER);
    request->name = store_request_copy_text(request, name);
    return add(store, request, done, arg);
}

int store_put_code(struct store *store,
                   const struct store_code *code,
                   store_done *done,
                   void *arg) {
    struct store_request *request = store_request_new(STORE_PUT_CODE);
    request->code = store_request_copy_code(request, code);
    return add(store, request, done, arg);
}

int store_redeem(struct store *store,
                 const uint8_t code_hash[static STORE_HASH_LEN],
                 const struct store_token *token,
                 store_done *done,
                 void *arg) {
    struct store_request *request = store_request_new(STORE_REDEEM);
    memcpy(request->hash, code_hash, STORE_HASH_LEN);
    request->token = store_request_copy_token(request, token);
    return add(store, request, done, arg);
}

int store_begin_act(struct store *store,
                    const struct store_act *act,
                    store_done *done,
                    void *arg) {
    struct store_request *request = store_request_new(STORE_BEGIN_ACT);
    request->act = store_request_copy_act(request, act);
    return add(store, request, done, arg);
}

int store_end_act(struct store *store,
                  uint64_t id,
                  const struct store_event *event,
                  store_done *done,
                  void *arg) {
    struct store_request *request = store_request_new(STORE_END_ACT);
    request->act.id = id;
    if (event)
        request->event = store_request_copy_event(request, event);
    request->events_max = store->events_max;
    return add(store, request, done, arg);
}

int store_put_group(struct store *store,
                    const struct store_group *group,
                    store_done *done,
                    void *arg) {
    struct store_request *request = store_request_new(STORE_PUT_GROUP);
    request->group = store_request_copy_group(request, group);
    return add(store, request, done, arg);
}

int store_remove_group(struct store *store,
                       const char *name,
                       store_done *done,
                       void *arg) {
    struct store_request *request = store_request_new(STORE_REMOVE_GROUP);
    request->name = store_request_copy_text(request, name);
    return add(store, request, done, arg);
}

int store_join(struct store *store,
               const uint8_t join_hash[static STORE_HASH_LEN],
               const struct store_token *credential,
               store_done *done,
               void *arg) {
    struct store_request *request = store_request_new(STORE_JOIN);
    memcpy(request->hash, join_hash, STORE_HASH_LEN);
    request->token = store_request_copy_token(request, credential);
    return add(store, request, done, arg);
}

int store_claim(struct store *store,
                const uint8_t secret[static STORE_CLAIM_LEN],
                const struct store_token *token,
                store_done *done,
                void *arg) {
    struct store_request *request = store_request_new(STORE_CLAIM);
    memcpy(request->secret, secret, STORE_CLAIM_LEN);
    request->token = store_request_copy_token(request, token);
    return add(store, request, done, arg);
}

int store_add_event(struct store *store,
                    const struct store_event *event,
                    store_done *done,
                    void *arg) {
    struct store_request *request = store_request_new(STORE_ADD_EVENT);
    request->event = store_request_copy_event(request, event);
    request->events_max = store->events_max;
    return add(store, request, done, arg);
}

int store_list_events(struct store *store,
                      const struct store_event_query *query,
                      store_events_done *done,
                      void *arg) {
    struct store_request *request = store_request_new(STORE_LIST_EVENTS);
    request->query = *query;
    request->query.node = store_request_copy_text(request, query->node);
    request->query.actor = store_request_copy_text(request, query->actor);
    request->query.kind = store_request_copy_text(request, query->kind);
    request->query.limit = query->limit == 0          ? QUERY_DEFAULT
                           : query->limit > QUERY_MAX ? QUERY_MAX
                                                      : query->limit;
    request->events_done = done;
    return add(store, request, NULL, arg);
}

int store_put_meta(struct store *store,
                   const char *key,
                   const char *value,
                   store_done *done,
                   void *arg) {
    struct store_request *request = store_request_new(STORE_PUT_META);
    request->name = store_request_copy_text(request, key);
    request->other = value ? store_request_copy_text(request, value) : NULL;
    return add(store, request, done, arg);
}

int store_put_records(struct store *store,
                      struct records *records,
                      store_done *done,
                      void *arg) {
    struct store_request *request = store_request_new(STORE_PUT_RECORDS);
    records_move(&request->records, records);
    return add(store, request, done, arg);
}

int store_add_traffic(struct store *store,
                      const struct store_traffic *rows,
                      size_t count,
                      int64_t oldest_ms,
                      uint64_t rows_max,
                      store_done *done,
                      void *arg) {
    struct store_request *request = store_request_new(STORE_ADD_TRAFFIC);
    request->traffic = store_request_copy_traffic(request, rows, count);
    request->traffic_count = count;
    request->oldest_ms = oldest_ms;
    request->rows_max = rows_max;
    return add(store, request, done, arg);
}

int store_list_traffic(struct store *store,
                       const struct store_traffic_query *query,
                       store_traffic_done *done,
                       void *arg) {
    if (store->sums >= SUMS_MAX)
        return -EAGAIN;
    struct store_request *request = store_request_new(STORE_LIST_TRAFFIC);
    request->traffic_query = store_request_copy_traffic_query(request, query);
    request->traffic_done = done;
    int r = add(store, request, NULL, arg);
    store->sums += r == 0;
    return r;
}

size_t store_waiting(const struct store *store) {
    return store->count;
}

int store_read_claim_now(struct store *store,
                         uint8_t ret_secret[static STORE_CLAIM_LEN]) {
    assert(!store->worker);
    return store->backend->read_claim(store->database, ret_secret);
}

int store_put_claim_now(struct store *store,
                        const uint8_t secret[static STORE_CLAIM_LEN],
                        int64_t now_ms) {
    assert(!store->worker);
    return store->backend->put_claim(store->database, secret, now_ms);
}

int store_check_now(struct store *store,
                    struct store_counts *ret_counts,
                    char **ret_why) {
    assert(!store->worker);
    int r = store->backend->check(store->database, ret_counts, ret_why);
    if (r != 0)
        return r;
    return history_check_run(store->backend->history, store->database, ret_why);
}

int store_add_job(struct store *store, struct job *job) {
    assert(store->worker);
    return worker_add(store->worker, job);
}

const struct store_backend *store_backend(const struct store *store) {
    return store->backend;
}

struct store_database *store_database(const struct store *store) {
    return store->database;
}
