#include "chat/kept/keep.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/list.h"
#include "base/log.h"
#include "base/mem.h"
#include "loop/loop.h"
#include "loop/timer.h"
#include "store/records.h"
#include "store/store.h"

enum {
    AGAIN_MS = 200,  /* the store is busy, or its disk is full: no hurry */
    OWN_MAX = 50000, /* rows; beyond it the oldest are given up */
};

struct waiter {
    struct list node;
    struct records rows; /* his */
    void (*done)(void *arg, int result);
    void *arg; /* borrowed: the waiter's */
};

struct keep {
    struct loop *loop;   /* borrowed: outlives it */
    struct store *store; /* borrowed: outlives it */
    struct records own;  /* that nobody waits for */
    struct list waiters;
    struct flight *flight; /* owned by the store's answer; NULL: none is under way */
    struct task flush;
    struct timer again;
    bool is_refused; /* said once */
};

/* What the store works on. It outlives the keep when that ends before the answer. */
struct flight {
    struct keep *keep;   /* borrowed; NULL when it has ended */
    struct records own;  /* a copy, to be written again */
    struct list waiters; /* owned */
};

static void copy_rows(struct records *to, const struct records *from) {
    for (size_t i = 0; i < from->count; i++) {
        const struct records_row *row = &from->rows[i];

        if (row->is_removed)
            records_remove(to, row->space, row->key);
        else
            records_put(to, row->space, row->key, slice_of(row->value, row->len));
    }
}

static void tell(struct list *waiters, int result) {
    struct list *node;

    while ((node = list_pop(waiters))) {
        struct waiter *waiter = container_of(node, struct waiter, node);

        records_done(&waiter->rows);
        if (waiter->done)
            waiter->done(waiter->arg, result);
        free(waiter);
    }
}

static void free_waiters(struct list *waiters) {
    struct list *node;

    while ((node = list_pop(waiters))) {
        struct waiter *waiter = container_of(node, struct waiter, node);
        records_done(&waiter->rows);
        free(waiter);
    }
}

/* What was refused comes before what changed since. */
static void put_back(struct keep *keep, struct records *rows) {
    if (rows->count + keep->own.count > OWN_MAX) {
        log_error("chat: the store refuses to write: %zu changes are given up",
                  rows->count);
        records_done(rows);
        return;
    }
    records_move(rows, &keep->own);
    keep->own = *rows;
    *rows = (struct records) { 0 };
}

static void on_written(void *arg, int result) {
    struct flight *flight = arg;
    struct keep *keep = flight->keep;

    if (!keep) {
        free_waiters(&flight->waiters);
        records_done(&flight->own);
        free(flight);
        return;
    }
    keep->flight = NULL;
    if (result != 0) {
        if (!keep->is_refused)
            log_warning("chat: the store refused a write (%d)", result);
        keep->is_refused = true;
        put_back(keep, &flight->own);
        timer_start(keep->loop, &keep->again, AGAIN_MS);
    } else if (keep->is_refused) {
        log_info("chat: the store takes writes again");
        keep->is_refused = false;
    }
    if (result == 0 && (keep->own.count > 0 || !list_is_empty(&keep->waiters)))
        loop_flush_later(keep->loop, &keep->flush);
    records_done(&flight->own);
    tell(&flight->waiters, result > 0 ? -EIO : result);
    free(flight);
}

static void write_all(struct keep *keep) {
    struct records batch = { 0 };

    if (keep->flight || (keep->own.count == 0 && list_is_empty(&keep->waiters)))
        return;
    struct flight *flight = mem_new(sizeof(*flight));
    flight->keep = keep;
    list_init(&flight->waiters);
    list_splice(&flight->waiters, &keep->waiters);
    flight->own = keep->own;
    keep->own = (struct records) { 0 };
    copy_rows(&batch, &flight->own);
    list_for_each_safe(at, after, &flight->waiters) {
        struct waiter *waiter = container_of(at, struct waiter, node);
        copy_rows(&batch, &waiter->rows);
    }
    keep->flight = flight;
    int r = store_put_records(keep->store, &batch, on_written, flight);
    records_done(&batch);
    if (r != 0)
        on_written(flight, r);
}

static void on_flush(struct task *task) {
    write_all(container_of(task, struct keep, flush));
}

static void on_again(struct timer *timer) {
    write_all(container_of(timer, struct keep, again));
}

struct keep *keep_new(struct loop *loop, struct store *store) {
    struct keep *keep = mem_new(sizeof(*keep));

    keep->loop = loop;
    keep->store = store;
    keep->flush.run = on_flush;
    keep->again.fire = on_again;
    list_init(&keep->waiters);
    return keep;
}

struct keep *keep_free(struct keep *keep) {
    if (!keep)
        return NULL;
    if (keep->own.count > 0)
        store_put_records(keep->store, &keep->own, NULL, NULL);
    records_done(&keep->own);
    free_waiters(&keep->waiters);
    if (keep->flight)
        keep->flight->keep = NULL;
    loop_cancel(&keep->flush);
    timer_stop(&keep->again);
    free(keep);
    return NULL;
}

/* While the store rests after a refusal, the timer writes. */
static void write_later(struct keep *keep) {
    if (!keep->flight && !timer_is_running(&keep->again))
        loop_flush_later(keep->loop, &keep->flush);
}

void keep_put(struct keep *keep, const char *space, const char *key, struct slice value) {
    records_put(&keep->own, space, key, value);
    write_later(keep);
}

void keep_remove(struct keep *keep, const char *space, const char *key) {
    records_remove(&keep->own, space, key);
    write_later(keep);
}

void keep_write(struct keep *keep,
                struct records *records,
                void (*done)(void *arg, int result),
                void *arg) {
    struct waiter *waiter = mem_new(sizeof(*waiter));

    *waiter = (struct waiter) { .done = done, .arg = arg };
    records_move(&waiter->rows, records);
    list_add_tail(&keep->waiters, &waiter->node);
    write_later(keep);
}
