#include "loop/loop.h"

#include <assert.h>
#include <signal.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/mem.h"
#include "loop/conn_layer.h"
#include "loop/conn_tls.h"
#include "loop/loop_uv.h"

enum {
    TURN_WARN_MS = 50,
    TURN_TASKS_MAX = 10000, /* then sockets get their turn, lest a task that posts itself
                               starve them */
};

static struct task *next_task(struct loop *loop) {
    struct list *node = list_pop(&loop->tasks);
    if (!node)
        node = list_pop(&loop->flushes);
    return node ? container_of(node, struct task, node) : NULL;
}

static bool has_tasks(const struct loop *loop) {
    return !list_is_empty(&loop->tasks) || !list_is_empty(&loop->flushes);
}

static void run_graves(struct loop *loop) {
    struct list *node;
    while ((node = list_pop(&loop->graves))) {
        struct task *task = container_of(node, struct task, node);
        task->run(task);
    }
}

static void run_queues(struct loop *loop) {
    for (unsigned i = 0; i < TURN_TASKS_MAX; i++) {
        struct task *task = next_task(loop);
        if (!task)
            break;
        task->run(task);
    }
    run_graves(loop);
}

static void on_no_sleep(uv_idle_t *idle) {
    (void)idle; /* its being active is what keeps the loop from sleeping */
}

static void on_before_sleep(uv_prepare_t *prepare) {
    struct loop *loop = prepare->data;

    run_queues(loop);
    if (has_tasks(loop))
        uv_idle_start(&loop->no_sleep, on_no_sleep);
    else
        uv_idle_stop(&loop->no_sleep);
    loop->turn++;

    uint64_t now_ms = uv_hrtime() / 1000000;
    if (now_ms > loop->woke_ms + TURN_WARN_MS)
        log_warning("a turn of the loop took %llu ms",
                    (unsigned long long)(now_ms - loop->woke_ms));
}

static void on_after_sleep(uv_check_t *check) {
    struct loop *loop = check->data;
    loop->woke_ms = uv_now(&loop->uv);
}

static void start_handles(struct loop *loop) {
    uv_prepare_init(&loop->uv, &loop->before_sleep);
    uv_check_init(&loop->uv, &loop->after_sleep);
    uv_idle_init(&loop->uv, &loop->no_sleep);
    uv_timer_init(&loop->uv, &loop->alarm);
    loop->before_sleep.data = loop;
    loop->after_sleep.data = loop;
    loop->no_sleep.data = loop;
    loop->alarm.data = loop;

    uv_prepare_start(&loop->before_sleep, on_before_sleep);
    uv_check_start(&loop->after_sleep, on_after_sleep);
    uv_unref((uv_handle_t *)&loop->before_sleep);
    uv_unref((uv_handle_t *)&loop->after_sleep);
}

struct loop *loop_new(void) {
    struct loop *loop = mem_new(sizeof(*loop));

    signal(SIGPIPE, SIG_IGN); /* a write to a dead peer is an error code, not a death */
    int r = uv_loop_init(&loop->uv);
    if (r < 0) {
        log_error("cannot make an event loop: %s", uv_strerror(r));
        abort();
    }
    list_init(&loop->tasks);
    list_init(&loop->flushes);
    list_init(&loop->graves);
    list_init(&loop->orphans);
    start_handles(loop);
    return loop;
}

static void assert_is_closing(uv_handle_t *handle, void *arg) {
    (void)arg;
    assert(uv_is_closing(handle));
}

struct loop *loop_free(struct loop *loop) {
    if (!loop)
        return NULL;
    conn_close_orphans(loop);
    assert(!has_tasks(loop));
    assert(loop->timer_count == 0);
    run_graves(loop);
    uv_close((uv_handle_t *)&loop->before_sleep, NULL);
    uv_close((uv_handle_t *)&loop->after_sleep, NULL);
    uv_close((uv_handle_t *)&loop->no_sleep, NULL);
    uv_close((uv_handle_t *)&loop->alarm, NULL);
    uv_walk(&loop->uv, assert_is_closing, NULL);

    /* What is left are close callbacks and name look-ups that nobody waits for. A stop
     * that libuv has not seen yet ends its first run at once. */
    while (uv_run(&loop->uv, UV_RUN_DEFAULT) != 0)
        ;
    run_graves(loop);
    int r = uv_loop_close(&loop->uv);
    assert(r == 0);
    (void)r;
    conn_tls_scratch_free(loop->scratch);
    buf_done(&loop->gather);
    free(loop->read_chunk);
    free(loop->timers);
    free(loop);
    return NULL;
}

void loop_run(struct loop *loop) {
    uv_update_time(&loop->uv);
    loop->woke_ms = uv_now(&loop->uv);
    while (!loop->stopping) {
        int is_alive = uv_run(&loop->uv, UV_RUN_ONCE);
        if (is_alive || loop->stopping)
            continue;
        if (!has_tasks(loop))
            break;
        run_queues(loop); /* libuv runs no turn when no handle is left */
    }
    loop->stopping = false;
}

void loop_stop(struct loop *loop) {
    loop->stopping = true;
    uv_stop(&loop->uv);
}

uint64_t loop_now_ms(const struct loop *loop) {
    return uv_now(&loop->uv);
}

void loop_settle(struct loop *loop) {
    while (has_tasks(loop))
        run_queues(loop);
}

static void enqueue(struct list *queue, struct task *task) {
    if (!list_is_linked(&task->node))
        list_add_tail(queue, &task->node);
}

uint64_t loop_clock_us(void) {
    return uv_hrtime() / 1000;
}

struct buf *loop_gather(struct loop *loop) {
    return &loop->gather;
}

void loop_post(struct loop *loop, struct task *task) {
    enqueue(&loop->tasks, task);
}

void loop_flush_later(struct loop *loop, struct task *task) {
    enqueue(&loop->flushes, task);
}

void loop_bury(struct loop *loop, struct task *task) {
    enqueue(&loop->graves, task);
}

void loop_cancel(struct task *task) {
    list_remove(&task->node);
}

uint8_t *loop_read_chunk(struct loop *loop) {
    if (!loop->read_chunk)
        loop->read_chunk = mem_grow(NULL, LOOP_READ_CHUNK);
    return loop->read_chunk;
}
