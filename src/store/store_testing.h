/*
 * store_testing - a store in a folder of its own, for tests
 *
 * On a loop, with calls that wait for their answer.
 */
#pragma once

#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/mem.h"
#include "loop/loop.h"
#include "store/store.h"

/* The store, and what was answered. */
struct place {
    char dir[32];
    char path[64];
    struct loop *loop;   /* owned */
    struct store *store; /* owned; NULL while it is closed */
    struct store_facts facts;
    int waiting;
    int result;
    char text[1024]; /* what a test makes of an answer */
};

static inline void place_init(struct place *place) {
    *place = (struct place) { .dir = "/tmp/roost-store-XXXXXX" };
    CHECK(mkdtemp(place->dir));
    snprintf(place->path, sizeof(place->path), "%s/roost.db", place->dir);
    place->loop = loop_new();
}

static inline int place_open(struct place *place) {
    char *why = NULL;
    int r = store_open(place->path, &place->store, &why);
    free(why);
    return r;
}

static inline void place_start(struct place *place, uint64_t events_max) {
    CHECK_INT(place_open(place), 0);
    CHECK_INT(store_start(place->store, place->loop, events_max, &place->facts), 0);
}

static inline void place_done(struct place *place) {
    auto_(mem_freep) char *command = mem_printf("rm -r '%s'", place->dir);
    place->store = store_close(place->store);
    loop_free(place->loop);
    CHECK_INT(system(command), 0);
}

static inline void on_done(void *arg, int result) {
    struct place *place = arg;
    place->result = result;
    if (--place->waiting == 0)
        loop_stop(place->loop);
}

/* Waits for the answer to the request whose return value this is. */
static inline int answer(struct place *place, int r) {
    CHECK_INT(r, 0);
    place->result = 12345;
    place->waiting++;
    loop_run(place->loop);
    return place->result;
}

#define ASK(place, call) answer(place, call)
