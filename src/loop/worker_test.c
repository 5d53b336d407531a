#include "loop/worker.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>

#include "base/check.h"
#include "base/mem.h"

struct sum {
    struct job job;
    unsigned *done_count; /* borrowed: the test */
    sem_t *gate;          /* borrowed: the test; waited for on the thread, or NULL */
    pthread_t ran_on;
    unsigned n;
    unsigned result;
};

static void run_sum(struct job *job) {
    struct sum *sum = container_of(job, struct sum, job);

    if (sum->gate)
        while (sem_wait(sum->gate) != 0)
            continue;
    for (unsigned i = 1; i <= sum->n; i++)
        sum->result += i;
    sum->ran_on = pthread_self();
}

static void sum_done(struct job *job) {
    struct sum *sum = container_of(job, struct sum, job);

    CHECK_INT(sum->result, sum->n * (sum->n + 1) / 2);
    CHECK(!pthread_equal(sum->ran_on, pthread_self()));
    CHECK_INT(*sum->done_count, sum->n); /* in the order in which they were given */
    (*sum->done_count)++;
    free(sum);
}

static struct sum *make_sum(unsigned n, unsigned *done_count) {
    struct sum *sum = mem_new(sizeof(*sum));

    sum->job.run = run_sum;
    sum->job.done = sum_done;
    sum->done_count = done_count;
    sum->n = n;
    return sum;
}

/* The loop waits for the answers, and only for them. */
static void answers_come_back_in_order(void) {
    struct loop *loop = loop_new();
    struct worker *worker = worker_new(loop, "summing", 1000);
    unsigned done_count = 0;

    for (unsigned n = 0; n < 1000; n++)
        CHECK_INT(worker_add(worker, &make_sum(n, &done_count)->job), 0);
    loop_run(loop);
    CHECK_INT(done_count, 1000);
    loop_run(loop);
    worker_free(worker);
    loop_free(loop);
}

static void a_full_queue_says_so(void) {
    struct loop *loop = loop_new();
    struct worker *worker = worker_new(loop, "summing", 3);
    unsigned done_count = 0, added = 0;
    sem_t gate;

    sem_init(&gate, 0, 0);
    for (unsigned n = 0; n < 10; n++) {
        struct sum *sum = make_sum(added, &done_count);
        sum->gate = &gate;
        int r = worker_add(worker, &sum->job);
        if (r == 0)
            added++;
        else
            free(sum);
        CHECK(r == 0 || r == -EAGAIN);
    }
    /* Three wait, and the thread may have taken one already. */
    CHECK(added == 3 || added == 4);
    for (unsigned n = 0; n < added; n++)
        sem_post(&gate);
    loop_run(loop);
    CHECK_INT(done_count, added);
    worker_free(worker);
    loop_free(loop);
    sem_destroy(&gate);
}

static void freeing_delivers_what_is_left(void) {
    struct loop *loop = loop_new();
    struct worker *worker = worker_new(loop, "a name that is much too long", 100);
    unsigned done_count = 0;

    for (unsigned n = 0; n < 100; n++)
        CHECK_INT(worker_add(worker, &make_sum(n, &done_count)->job), 0);
    CHECK(!worker_free(worker));
    CHECK_INT(done_count, 100);
    CHECK(!worker_free(NULL));
    loop_free(loop);
}

TESTS(TEST(answers_come_back_in_order),
      TEST(a_full_queue_says_so),
      TEST(freeing_delivers_what_is_left))
