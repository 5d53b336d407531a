#include "loop/timer.h"

#include <string.h>

#include "base/check.h"
#include "base/list.h"
#include "loop/loop.h"

struct entry {
    struct timer timer;
    struct loop *loop;
    struct entry *victim; /* borrowed: the test; stopped when this one fires */
    uint64_t fired_at_ms;
    uint64_t due_ms; /* of the model; 0: not running */
    unsigned fired;
    unsigned again;
};

static void on_fire(struct timer *timer) {
    struct entry *entry = container_of(timer, struct entry, timer);

    CHECK(!timer_is_running(timer));
    entry->fired++;
    entry->fired_at_ms = loop_now_ms(entry->loop);
    if (entry->victim)
        timer_stop(&entry->victim->timer);
    if (entry->again > 0) {
        entry->again--;
        timer_start(entry->loop, timer, 0);
    }
}

static struct entry make_entry(struct loop *loop) {
    return (struct entry) { .timer.fire = on_fire, .loop = loop };
}

static void timers_fire_in_order(void) {
    struct loop *loop = loop_new();
    struct entry late = make_entry(loop), soon = make_entry(loop);
    uint64_t start = loop_now_ms(loop);

    timer_start(loop, &late.timer, 20);
    timer_start(loop, &soon.timer, 5);
    loop_run(loop);
    CHECK_INT(soon.fired, 1);
    CHECK_INT(late.fired, 1);
    CHECK(soon.fired_at_ms >= start + 5);
    CHECK(late.fired_at_ms >= start + 20);
    CHECK(soon.fired_at_ms <= late.fired_at_ms);
    loop_free(loop);
}

static void a_stopped_timer_does_not_fire(void) {
    struct loop *loop = loop_new();
    struct entry entry = make_entry(loop);

    timer_stop(&entry.timer);
    timer_start(loop, &entry.timer, 1);
    CHECK(timer_is_running(&entry.timer));
    timer_stop(&entry.timer);
    timer_stop(&entry.timer);
    CHECK(!timer_is_running(&entry.timer));
    loop_run(loop);
    CHECK_INT(entry.fired, 0);
    loop_free(loop);
}

/* Both are due at once; the one that fires first stops the other. */
static void a_timer_may_stop_another_that_is_due(void) {
    struct loop *loop = loop_new();
    struct entry a = make_entry(loop), b = make_entry(loop);

    a.victim = &b;
    b.victim = &a;
    timer_start(loop, &a.timer, 3);
    timer_start(loop, &b.timer, 3);
    loop_run(loop);
    CHECK_INT(a.fired + b.fired, 1);
    loop_free(loop);
}

static void a_timer_may_restart_itself(void) {
    struct loop *loop = loop_new();
    struct entry entry = make_entry(loop);

    entry.again = 3;
    timer_start(loop, &entry.timer, 1);
    loop_run(loop);
    CHECK_INT(entry.fired, 4);
    loop_free(loop);
}

static void restarting_moves_the_time(void) {
    struct loop *loop = loop_new();
    struct entry entry = make_entry(loop);
    uint64_t start = loop_now_ms(loop);

    timer_start(loop, &entry.timer, 3600 * 1000);
    timer_start(loop, &entry.timer, 2);
    timer_start(loop, &entry.timer, 10);
    loop_run(loop);
    CHECK_INT(entry.fired, 1);
    CHECK(entry.fired_at_ms >= start + 10);
    loop_free(loop);
}

static uint32_t next_random(uint32_t *state) {
    *state = *state * 1664525 + 1013904223;
    return *state >> 8;
}

static void operate(struct loop *loop, struct entry *entry, uint32_t random) {
    if (random % 3 == 0) {
        timer_stop(&entry->timer);
        entry->due_ms = 0;
    } else {
        uint64_t delay_ms = 1 + random % 40;
        timer_start(loop, &entry->timer, delay_ms);
        entry->due_ms = loop_now_ms(loop) + delay_ms;
    }
    CHECK(timer_is_running(&entry->timer) == (entry->due_ms != 0));
}

static void random_operations_agree_with_a_model(void) {
    enum { COUNT = 300, OPERATIONS = 10000 };
    static struct entry entries[COUNT];
    struct loop *loop = loop_new();
    uint32_t state = 7;

    for (size_t i = 0; i < COUNT; i++)
        entries[i] = make_entry(loop);
    for (unsigned i = 0; i < OPERATIONS; i++)
        operate(loop, &entries[next_random(&state) % COUNT], next_random(&state));
    loop_run(loop);
    for (size_t i = 0; i < COUNT; i++) {
        CHECK_INT(entries[i].fired, entries[i].due_ms != 0 ? 1 : 0);
        CHECK(entries[i].fired_at_ms >= entries[i].due_ms);
    }
    loop_free(loop);
}

TESTS(TEST(timers_fire_in_order),
      TEST(a_stopped_timer_does_not_fire),
      TEST(a_timer_may_stop_another_that_is_due),
      TEST(a_timer_may_restart_itself),
      TEST(restarting_moves_the_time),
      TEST(random_operations_agree_with_a_model))
