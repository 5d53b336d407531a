#include "loop/loop.h"

#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "loop/timer.h"

struct step {
    struct task task;
    struct loop *loop;
    struct step *then; /* borrowed: the test */
    char *trace;       /* borrowed: the test */
    char name;
    unsigned again;
};

static void run_step(struct task *task) {
    struct step *step = container_of(task, struct step, task);

    strncat(step->trace, &step->name, 1);
    if (step->then)
        loop_post(step->loop, &step->then->task);
    if (step->again > 0) {
        step->again--;
        loop_post(step->loop, &step->task);
    }
}

static struct step make_step(struct loop *loop, char *trace, char name) {
    return (struct step) {
        .task.run = run_step,
        .loop = loop,
        .trace = trace,
        .name = name,
    };
}

static void flushes_run_after_all_tasks(void) {
    struct loop *loop = loop_new();
    char trace[16] = "";
    struct step a = make_step(loop, trace, 'a');
    struct step b = make_step(loop, trace, 'b');
    struct step f = make_step(loop, trace, 'f');

    a.then = &b;
    loop_flush_later(loop, &f.task);
    loop_post(loop, &a.task);
    loop_run(loop);
    CHECK_TEXT(trace, "abf");
    loop_free(loop);
}

static void posting_twice_runs_once(void) {
    struct loop *loop = loop_new();
    char trace[16] = "";
    struct step a = make_step(loop, trace, 'a');

    loop_post(loop, &a.task);
    loop_post(loop, &a.task);
    loop_run(loop);
    CHECK_TEXT(trace, "a");
    loop_free(loop);
}

static void a_cancelled_task_does_not_run(void) {
    struct loop *loop = loop_new();
    char trace[16] = "";
    struct step a = make_step(loop, trace, 'a');
    struct step b = make_step(loop, trace, 'b');

    loop_cancel(&a.task);
    loop_post(loop, &a.task);
    loop_flush_later(loop, &b.task);
    loop_cancel(&a.task);
    loop_cancel(&b.task);
    loop_run(loop);
    CHECK_TEXT(trace, "");
    loop_free(loop);
}

static void count_fire(struct timer *timer) {
    timer->place++;
}

/* A task that posts itself must not keep timers and sockets from their turn. */
struct selfish {
    struct task task;
    struct timer timer;
    struct loop *loop;
    bool done;
};

static void run_selfish(struct task *task) {
    struct selfish *selfish = container_of(task, struct selfish, task);
    if (!selfish->done)
        loop_post(selfish->loop, task);
}

static void on_selfish_timer(struct timer *timer) {
    container_of(timer, struct selfish, timer)->done = true;
}

static void a_task_that_posts_itself_starves_nobody(void) {
    struct selfish selfish = {
        .task.run = run_selfish,
        .timer.fire = on_selfish_timer,
        .loop = loop_new(),
    };
    loop_post(selfish.loop, &selfish.task);
    timer_start(selfish.loop, &selfish.timer, 5);
    loop_run(selfish.loop);
    CHECK(selfish.done);
    loop_free(selfish.loop);
}

static void stop_task(struct task *task) {
    loop_stop(container_of(task, struct step, task)->loop);
}

static void stopping_leaves_what_still_waits(void) {
    struct loop *loop = loop_new();
    struct step stop = { .task.run = stop_task, .loop = loop };
    struct timer late = { .fire = count_fire };

    timer_start(loop, &late, 3600 * 1000);
    loop_post(loop, &stop.task);
    loop_run(loop);
    CHECK(timer_is_running(&late));
    timer_stop(&late);

    loop_stop(loop); /* before the run: it ends at once */
    loop_run(loop);
    loop_run(loop); /* nothing to wait for */
    loop_free(loop);
}

struct watch {
    struct loop *loop;
    struct loop_signal *signal;
    struct loop_poll *poll;
    int signo;
    int events;
    int fd;
};

static void on_signal(void *arg, int signo) {
    struct watch *watch = arg;
    watch->signo = signo;
    loop_stop(watch->loop);
}

static void raise_it(struct timer *timer) {
    (void)timer;
    raise(SIGUSR1);
}

static void a_signal_arrives_on_the_loop(void) {
    struct watch watch = { .loop = loop_new() };
    struct timer trigger = { .fire = raise_it };
    struct timer alive = { .fire = count_fire };

    watch.signal = loop_signal_new(watch.loop, SIGUSR1, on_signal, &watch);
    timer_start(watch.loop, &trigger, 1);
    timer_start(watch.loop, &alive, 60000);
    loop_run(watch.loop);
    CHECK_INT(watch.signo, SIGUSR1);
    timer_stop(&alive);
    loop_signal_free(watch.signal);
    loop_free(watch.loop);
}

static void on_events(void *arg, int events) {
    struct watch *watch = arg;
    char byte;

    watch->events = events;
    CHECK_INT(read(watch->fd, &byte, 1), 1);
    watch->poll = loop_poll_free(watch->poll);
}

static void a_foreign_descriptor_is_watched(void) {
    struct watch watch = { .loop = loop_new() };
    int ends[2];

    CHECK_INT(pipe(ends), 0);
    watch.fd = ends[0];
    watch.poll = loop_poll_new(watch.loop, ends[0], on_events, &watch);
    loop_poll_set(watch.poll, POLLIN);
    CHECK_INT(write(ends[1], "x", 1), 1);
    loop_run(watch.loop);
    CHECK_INT(watch.events, POLLIN);
    CHECK(!watch.poll);
    loop_free(watch.loop);
    close(ends[0]);
    close(ends[1]);
}

TESTS(TEST(flushes_run_after_all_tasks),
      TEST(posting_twice_runs_once),
      TEST(a_cancelled_task_does_not_run),
      TEST(a_task_that_posts_itself_starves_nobody),
      TEST(stopping_leaves_what_still_waits),
      TEST(a_signal_arrives_on_the_loop),
      TEST(a_foreign_descriptor_is_watched))
