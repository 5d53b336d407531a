/*
 * traffic - counts the calls that the gate leads to nodes
 *
 * Keeps one set of counts for each caller, node and method, writes them to the store once
 * a minute and begins anew: a call costs one look-up and two readings of the clock,
 * however many there are. What many different methods a minute cannot have of their own
 * is counted under the method "other". Those who watch are told of each call.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/list.h"
#include "wire/grpc.h"

struct call;
struct loop;
struct store;
struct store_traffic;
struct traffic;

/* A call that is or was led to a node. Texts are lent. */
struct traffic_call {
    int64_t time_ms; /* when it began or ended */
    const char *caller;
    const char *node;
    const char *method; /* "CONNECT HOST:PORT" of a tunnel */
    /* Of one that has ended: */
    enum grpc_status status;
    uint64_t duration_us;
    uint64_t request_bytes;
    uint64_t reply_bytes;
};

/* Told of each call; embedded in whoever watches. Each may be NULL. */
struct traffic_watcher {
    struct list node;
    void (*on_begun)(struct traffic_watcher *watcher, const struct traffic_call *call);
    void (*on_ended)(struct traffic_watcher *watcher, const struct traffic_call *call);
};

struct traffic_config {
    struct loop *loop;   /* borrowed: outlives it */
    struct store *store; /* borrowed: outlives it; NULL: nothing is kept */
    uint64_t keep_ms;    /* how long counts are kept; 0: for ever */
    uint64_t rows_max;   /* how many rows of counts are kept */
};

struct traffic *traffic_new(const struct traffic_config *config);

/* Writes what is counted; asserts that no call is under way and nobody watches. Always
 * returns NULL. */
struct traffic *traffic_free(struct traffic *traffic);

/* Writes what is counted now instead of with the minute. */
void traffic_write(struct traffic *traffic);

/* Other limits, from the next minute on. */
void traffic_limit(struct traffic *traffic, uint64_t keep_ms, uint64_t rows_max);

/* The call is being led to the node: counts it when it ends. Again for one that did not
 * arrive and is led to another. */
void traffic_begin(struct traffic *traffic, struct call *call, const char *node);

/* Calls under way. */
size_t traffic_running(const struct traffic *traffic);

/* What is counted and not yet written: rows to free, whose texts are lent until the
 * caller returns to the loop. */
struct store_traffic *traffic_rows(const struct traffic *traffic, size_t *ret_count);

void traffic_watch(struct traffic *traffic, struct traffic_watcher *watcher);
void traffic_unwatch(struct traffic_watcher *watcher);
