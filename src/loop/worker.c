#include "loop/worker.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <uv.h>

#include "base/log.h"
#include "base/mem.h"
#include "loop/loop_uv.h"

enum { NAME_CAP = 16 /* pthread_setname_np(3) */ };

struct worker {
    pthread_t thread;
    uv_async_t mailbox; /* wakes the loop */
    size_t queue_max;
    size_t pending; /* of the loop alone: given, and done() not yet called */

    pthread_mutex_t lock; /* for what follows */
    pthread_cond_t news;
    struct list todo;
    struct list finished;
    size_t queued;
    bool ending;
};

static struct job *wait_for_job(struct worker *worker) {
    struct list *node;

    pthread_mutex_lock(&worker->lock);
    while (list_is_empty(&worker->todo) && !worker->ending)
        pthread_cond_wait(&worker->news, &worker->lock);
    node = list_pop(&worker->todo);
    if (node)
        worker->queued--;
    pthread_mutex_unlock(&worker->lock);
    return node ? container_of(node, struct job, node) : NULL;
}

static void hand_back(struct worker *worker, struct job *job) {
    pthread_mutex_lock(&worker->lock);
    list_add_tail(&worker->finished, &job->node);
    pthread_mutex_unlock(&worker->lock);
    uv_async_send(&worker->mailbox);
}

static void *work(void *arg) {
    struct worker *worker = arg;
    struct job *job;

    while ((job = wait_for_job(worker))) {
        job->run(job);
        hand_back(worker, job);
    }
    return NULL;
}

/* The mailbox keeps the loop alive exactly while an answer is due. */
static void count_pending(struct worker *worker, size_t pending) {
    worker->pending = pending;
    if (pending > 0)
        uv_ref((uv_handle_t *)&worker->mailbox);
    else
        uv_unref((uv_handle_t *)&worker->mailbox);
}

static void deliver(struct worker *worker) {
    struct list *node;

    for (;;) {
        pthread_mutex_lock(&worker->lock);
        node = list_pop(&worker->finished);
        pthread_mutex_unlock(&worker->lock);
        if (!node)
            return;
        struct job *job = container_of(node, struct job, node);
        count_pending(worker, worker->pending - 1);
        job->done(job);
    }
}

static void on_mail(uv_async_t *mailbox) {
    deliver(mailbox->data);
}

static void name_thread(pthread_t thread, const char *name) {
    char cut[NAME_CAP];
    snprintf(cut, sizeof(cut), "%s", name);
    pthread_setname_np(thread, cut);
}

struct worker *worker_new(struct loop *loop, const char *name, size_t queue_max) {
    struct worker *worker = mem_new(sizeof(*worker));

    worker->queue_max = queue_max;
    list_init(&worker->todo);
    list_init(&worker->finished);
    pthread_mutex_init(&worker->lock, NULL);
    pthread_cond_init(&worker->news, NULL);
    uv_async_init(&loop->uv, &worker->mailbox, on_mail);
    worker->mailbox.data = worker;
    uv_unref((uv_handle_t *)&worker->mailbox);
    if (pthread_create(&worker->thread, NULL, work, worker) != 0) {
        log_error("cannot start the thread %s", name);
        abort();
    }
    name_thread(worker->thread, name);
    return worker;
}

int worker_add(struct worker *worker, struct job *job) {
    int r = 0;

    pthread_mutex_lock(&worker->lock);
    if (worker->ending || worker->queued >= worker->queue_max) {
        r = -EAGAIN;
    } else {
        list_add_tail(&worker->todo, &job->node);
        worker->queued++;
        pthread_cond_signal(&worker->news);
    }
    pthread_mutex_unlock(&worker->lock);
    if (r == 0)
        count_pending(worker, worker->pending + 1);
    return r;
}

bool worker_is_idle(const struct worker *worker) {
    return worker->pending == 0;
}

static void on_mailbox_closed(uv_handle_t *handle) {
    struct worker *worker = handle->data;

    pthread_mutex_destroy(&worker->lock);
    pthread_cond_destroy(&worker->news);
    free(worker);
}

struct worker *worker_free(struct worker *worker) {
    if (!worker)
        return NULL;
    pthread_mutex_lock(&worker->lock);
    worker->ending = true;
    pthread_cond_signal(&worker->news);
    pthread_mutex_unlock(&worker->lock);
    pthread_join(worker->thread, NULL);
    deliver(worker);
    assert(worker->pending == 0);
    uv_close((uv_handle_t *)&worker->mailbox, on_mailbox_closed);
    return NULL;
}
