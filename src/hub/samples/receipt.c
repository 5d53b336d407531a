#include "hub/samples/receipt.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "hub/nodes/node.h"
#include "hub/samples/intake.h"
#include "loop/loop.h"
#include "loop/timer.h"

struct receipt {
    struct intake_shared shared;
    struct node *node;                   /* borrowed: the registry */
    const struct receipt_events *events; /* borrowed: static */
    void *user;                          /* borrowed: who tells */
    struct history_watcher watcher;
    char *watched; /* owned: the node's name as the watcher has it */
    struct history_cursor durable;
    struct history_cursor told;
    uint64_t told_ms; /* loop time */
    struct timer due;
    bool is_open; /* there is a stream on which to tell */
    bool is_settling;
};

static bool are_equal(struct history_cursor a, struct history_cursor b) {
    return a.epoch == b.epoch && a.seq == b.seq;
}

static void tell(struct receipt *receipt) {
    timer_stop(&receipt->due);
    if (!receipt->is_open || are_equal(receipt->durable, receipt->told))
        return;
    receipt->told = receipt->durable;
    receipt->told_ms = loop_now_ms(receipt->shared.loop);
    receipt->events->on_due(receipt->user, receipt->told);
}

static void on_due(struct timer *timer) {
    tell(container_of(timer, struct receipt, due));
}

/* The last word, once everything that was taken is durable or the disk refuses. */
static void settle_if_done(struct receipt *receipt) {
    struct history *history = receipt->shared.history;

    if (!receipt->is_open ||
        (!are_equal(receipt->durable, history_taken(history, receipt->watched)) &&
         !history_trouble(history)))
        return;
    tell(receipt);
    receipt->is_open = false;
    receipt->events->on_settled(receipt->user);
}

static void on_durable(struct history_watcher *watcher, struct history_cursor durable) {
    struct receipt *receipt = container_of(watcher, struct receipt, watcher);
    uint64_t waited_ms = loop_now_ms(receipt->shared.loop) - receipt->told_ms;
    uint64_t pause_ms = receipt->shared.ack_ms;

    receipt->durable = durable;
    if (receipt->is_settling)
        settle_if_done(receipt);
    else if (receipt->events->is_urgent(receipt->user))
        tell(receipt);
    else if (!timer_is_running(&receipt->due))
        timer_start(receipt->shared.loop, &receipt->due,
                    waited_ms >= pause_ms ? 0 : pause_ms - waited_ms);
}

void receipt_follow(struct receipt *receipt) {
    if (receipt->watched && strcmp(receipt->watched, receipt->node->name) == 0)
        return;
    if (receipt->watched)
        history_unwatch(&receipt->watcher);
    free(receipt->watched);
    receipt->watched = mem_strdup(receipt->node->name);
    receipt->watcher.node = receipt->watched;
    receipt->durable = history_durable(receipt->shared.history, receipt->watched);
    history_watch(receipt->shared.history, &receipt->watcher);
}

struct history_cursor receipt_begin(struct receipt *receipt) {
    receipt_follow(receipt);
    receipt->durable = history_durable(receipt->shared.history, receipt->watched);
    receipt->told = receipt->durable;
    receipt->told_ms = loop_now_ms(receipt->shared.loop);
    receipt->is_open = true;
    return receipt->durable;
}

void receipt_pause(struct receipt *receipt) {
    timer_stop(&receipt->due);
    receipt->is_open = false;
}

void receipt_settle(struct receipt *receipt) {
    if (receipt->is_settling)
        return;
    receipt->is_settling = true;
    timer_stop(&receipt->due);
    receipt->durable = history_durable(receipt->shared.history, receipt->watched);
    history_flush(receipt->shared.history);
    settle_if_done(receipt);
}

struct receipt *receipt_new(const struct intake_shared *shared,
                            struct node *node,
                            const struct receipt_events *events,
                            void *user) {
    struct receipt *receipt = mem_new(sizeof(*receipt));

    *receipt = (struct receipt) {
        .shared = *shared,
        .node = node,
        .events = events,
        .user = user,
        .watcher.on_durable = on_durable,
        .due.fire = on_due,
    };
    receipt_follow(receipt);
    return receipt;
}

struct receipt *receipt_free(struct receipt *receipt) {
    if (!receipt)
        return NULL;
    timer_stop(&receipt->due);
    history_unwatch(&receipt->watcher);
    free(receipt->watched);
    free(receipt);
    return NULL;
}
