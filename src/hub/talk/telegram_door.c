#include "hub/talk/telegram_door.h"

#include <stdlib.h>

#include "base/buf.h"
#include "base/list.h"
#include "base/mem.h"
#include "chat/telegram/telegram.h"
#include "rpc/exchange.h"
#include "wire/headers.h"

enum { BODY_MAX = 1 << 20 };

struct telegram_door {
    struct telegram *telegram; /* borrowed: outlives us; or NULL */
    bool is_closed;
    struct list visits;
};

/* One request. It stays until the carrier has answered, also when its peer has gone. */
struct visit {
    struct list in_list;
    struct telegram_door *door; /* borrowed: owns us */
    struct exchange *exchange;  /* owned: NULL when it was let go */
    struct buf body;
    bool is_given; /* to the carrier */
};

static void visit_free(struct visit *visit) {
    if (visit->exchange)
        exchange_release(visit->exchange);
    list_remove(&visit->in_list);
    buf_done(&visit->body);
    free(visit);
}

static void leave(struct visit *visit, unsigned status) {
    exchange_answer(visit->exchange, status, NULL, (struct slice) { 0 });
    visit_free(visit);
}

static void on_answer(void *arg, unsigned status) {
    struct visit *visit = arg;

    if (visit->exchange)
        leave(visit, status);
    else
        visit_free(visit);
}

/* False: it was more than an update can be, and the visit is over. */
static bool read_body(struct visit *visit) {
    struct exchange *exchange = visit->exchange;

    while (exchange->body->len > 0) {
        struct slice part = pipe_peek(exchange->body);
        size_t len = part.len;
        if (visit->body.len + len > BODY_MAX ||
            !exchange_hold(exchange, visit->body.len + len)) {
            leave(visit, 413);
            return false;
        }
        buf_add_slice(&visit->body, part);
        pipe_drop(exchange->body, len);
        exchange_taken(exchange, len);
    }
    return true;
}

static void give(struct visit *visit) {
    const struct headers *head = visit->exchange->head;

    visit->is_given = true;
    telegram_take_webhook(visit->door->telegram, exchange_method(visit->exchange),
                          headers_get(head, "x-telegram-bot-api-secret-token"),
                          buf_slice(&visit->body), on_answer, visit);
}

static void on_wake(struct exchange *exchange) {
    struct visit *visit = exchange->user;

    if (exchange->gone) {
        exchange_release(TAKE(visit->exchange));
        if (!visit->is_given)
            visit_free(visit);
        return;
    }
    if (visit->is_given || !read_body(visit) || !exchange->body_ended)
        return;
    give(visit);
}

void telegram_door_serve(struct telegram_door *door, struct exchange *exchange) {
    if (!door->telegram) {
        exchange_answer(exchange, door->is_closed ? 503 : 404, NULL,
                        (struct slice) { 0 });
        exchange_release(exchange);
        return;
    }
    struct visit *visit = mem_new(sizeof(*visit));
    visit->door = door;
    visit->exchange = exchange;
    list_add_tail(&door->visits, &visit->in_list);
    exchange->user = visit;
    exchange->on_wake = on_wake;
    on_wake(exchange);
}

struct telegram_door *telegram_door_new(struct telegram *telegram) {
    struct telegram_door *door = mem_new(sizeof(*door));

    door->telegram = telegram;
    list_init(&door->visits);
    return door;
}

void telegram_door_close(struct telegram_door *door) {
    door->telegram = NULL;
    door->is_closed = true;
    list_for_each_safe(at, after, &door->visits) {
        struct visit *visit = container_of(at, struct visit, in_list);
        if (visit->exchange)
            leave(visit, 503);
        else
            visit_free(visit);
    }
}

struct telegram_door *telegram_door_free(struct telegram_door *door) {
    if (!door)
        return NULL;
    list_for_each_safe(at, after, &door->visits)
        visit_free(container_of(at, struct visit, in_list));
    free(door);
    return NULL;
}
