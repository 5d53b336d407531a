#include "loop/timer.h"

#include "base/mem.h"
#include "loop/loop_uv.h"

enum { HEAP_CAP_FIRST = 16 };

static void put(struct loop *loop, size_t place, struct timer *timer) {
    loop->timers[place] = timer;
    timer->place = place;
}

static void sift_up(struct loop *loop, struct timer *timer) {
    size_t place = timer->place;

    while (place > 0) {
        struct timer *parent = loop->timers[(place - 1) / 2];
        if (parent->at_ms <= timer->at_ms)
            break;
        put(loop, place, parent);
        place = (place - 1) / 2;
    }
    put(loop, place, timer);
}

static void sift_down(struct loop *loop, struct timer *timer) {
    size_t place = timer->place;

    for (;;) {
        size_t child = 2 * place + 1;
        if (child >= loop->timer_count)
            break;
        if (child + 1 < loop->timer_count &&
            loop->timers[child + 1]->at_ms < loop->timers[child]->at_ms)
            child++;
        if (timer->at_ms <= loop->timers[child]->at_ms)
            break;
        put(loop, place, loop->timers[child]);
        place = child;
    }
    put(loop, place, timer);
}

static void heap_add(struct loop *loop, struct timer *timer) {
    if (loop->timer_count == loop->timer_cap) {
        loop->timer_cap = loop->timer_cap ? 2 * loop->timer_cap : HEAP_CAP_FIRST;
        loop->timers = mem_grow(loop->timers, loop->timer_cap * sizeof(loop->timers[0]));
    }
    put(loop, loop->timer_count++, timer);
    sift_up(loop, timer);
}

static void heap_remove(struct loop *loop, struct timer *timer) {
    struct timer *last = loop->timers[--loop->timer_count];

    if (last != timer) {
        put(loop, timer->place, last);
        sift_up(loop, last);
        sift_down(loop, last);
    }
    timer->at_ms = 0;
    timer->loop = NULL;
}

static void set_alarm(struct loop *loop);

static void on_alarm(uv_timer_t *alarm) {
    struct loop *loop = alarm->data;
    uint64_t now_ms = uv_now(&loop->uv);

    loop->alarm_ms = 0;
    while (loop->timer_count > 0 && loop->timers[0]->at_ms <= now_ms) {
        struct timer *timer = loop->timers[0];
        heap_remove(loop, timer);
        timer->fire(timer); /* the timer may be gone here */
    }
    set_alarm(loop);
}

/*
 * Rings at the earliest timer. An alarm that is too early is left alone: timers are
 * mostly restarted before they fire, and one idle ring costs less than moving the alarm
 * each time.
 */
static void set_alarm(struct loop *loop) {
    if (loop->timer_count == 0) {
        uv_timer_stop(&loop->alarm);
        loop->alarm_ms = 0;
        return;
    }
    uint64_t at_ms = loop->timers[0]->at_ms;
    if (loop->alarm_ms != 0 && loop->alarm_ms <= at_ms)
        return;

    uint64_t now_ms = uv_now(&loop->uv);
    uv_timer_start(&loop->alarm, on_alarm, at_ms > now_ms ? at_ms - now_ms : 0, 0);
    loop->alarm_ms = at_ms;
}

void timer_start(struct loop *loop, struct timer *timer, uint64_t delay_ms) {
    if (timer->at_ms != 0)
        heap_remove(timer->loop, timer);

    /* At least 1 ms, so that a timer that restarts itself lets others run. */
    timer->at_ms = uv_now(&loop->uv) + (delay_ms ? delay_ms : 1);
    timer->loop = loop;
    heap_add(loop, timer);
    set_alarm(loop);
}

void timer_stop(struct timer *timer) {
    if (timer->at_ms == 0)
        return;
    struct loop *loop = timer->loop;
    heap_remove(loop, timer);
    set_alarm(loop);
}

bool timer_is_running(const struct timer *timer) {
    return timer->at_ms != 0;
}
