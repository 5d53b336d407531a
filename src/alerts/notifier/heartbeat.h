/*
 * heartbeat - tells somebody outside that the hub works (a dead man's switch)
 *
 * Once in a while a record is written, and only when it is durable the address is called:
 * a hub that is gone, hangs, or whose store cannot write, is not heard of any more. The
 * other side (healthchecks.io, Uptime Kuma, Dead Man's Snitch, a script) sounds the
 * alarm.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct heartbeat;
struct loop;
struct records;
struct store;

struct heartbeat_config {
    struct loop *loop;   /* borrowed: outlives it */
    struct store *store; /* borrowed: likewise; started */
    const char *url;     /* http:// or https://; GET. Copied, as the text below */
    const char *ca_file; /* NULL: the system's */
    uint64_t every_ms;   /* 0: 60,000 */
    /* Why the hub is not well at the moment ("the disk is full"), or NULL; may be NULL.
     */
    const char *(*trouble)(void *arg);
    /* A beat was not heard, or is heard again (why NULL); may be NULL. */
    void (*on_change)(void *arg, const char *why);
    void *arg;
    /* Instead of the store, for tests: as store_put_records(). NULL: the store. */
    int (*put)(void *arg,
               struct records *records,
               void (*done)(void *done_arg, int result),
               void *done_arg);
};

/* Begins with a beat at once. */
struct heartbeat *heartbeat_new(const struct heartbeat_config *config);

/* Does it call that address as often as that? Without an address: is there none? NULL is
 * fine. */
bool heartbeat_is(const struct heartbeat *heartbeat, const char *url, uint64_t every_ms);

/* NULL is fine; always returns NULL. The store may answer later. */
struct heartbeat *heartbeat_free(struct heartbeat *heartbeat);
