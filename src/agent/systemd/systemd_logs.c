#include "agent/systemd/systemd_logs.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "agent/systemd/systemd_library.h"
#include "base/list.h"
#include "base/mem.h"
#include "loop/loop.h"
#include "loop/timer.h"
#include "loop/worker.h"
#include "wire/pb.h"

enum { IDLE_MS = 10000 }; /* how long the thread waits for another reader */

struct systemd_logs {
    struct loop *loop;     /* borrowed: outlives us */
    struct worker *worker; /* owned; NULL while nobody reads */
    struct timer idle;
    struct list all;
    size_t count;
};

struct systemd_log {
    struct list node;
    struct systemd_logs *logs;       /* borrowed: its list has us */
    struct systemd_library *library; /* reference */
    struct systemd_log_events events;
    struct systemd_journal_query query; /* its texts are owned */
    struct loop_poll *poll;             /* owned; NULL until there is something to poll */

    /* The thread's while the job is under way. */
    struct job job;
    struct systemd_journal *journal; /* owned */
    struct systemd_journal_batch batch;
    int state; /* of the read, or -errno */
    bool stalled;

    bool busy;    /* the job is under way */
    bool stopped; /* it goes when the job is back */
    bool holds;   /* the reader did not go on */
};

/* --- on the thread --- */

static void run_read(struct job *job) {
    struct systemd_log *log = container_of(job, struct systemd_log, job);

    log->state = 0;
    if (!log->journal) {
        log->state = systemd_journal_access(log->query.root);
        if (log->state == 0)
            log->state = systemd_journal_open(log->library, &log->query, &log->journal);
    }
    if (log->state >= 0)
        log->state = systemd_journal_read(log->journal, log->stalled, &log->batch);
}

static void run_close(struct job *job) {
    struct systemd_log *log = container_of(job, struct systemd_log, job);
    log->journal = systemd_journal_close(log->journal);
}

/* --- on the loop --- */

static void drop_lines(struct systemd_log *log) {
    for (size_t i = 0; i < log->batch.count; i++)
        pb_free(&log->batch.lines[i]->base);
    log->batch.count = 0;
}

static void on_idle(struct timer *timer) {
    struct systemd_logs *logs = container_of(timer, struct systemd_logs, idle);
    logs->worker = worker_free(logs->worker);
}

static void on_closed(struct job *job) {
    struct systemd_log *log = container_of(job, struct systemd_log, job);
    struct systemd_logs *logs = log->logs;

    list_remove(&log->node);
    drop_lines(log);
    systemd_library_free(log->library);
    free((char *)log->query.root);
    free((char *)log->query.unit);
    free((char *)log->query.grep);
    free((char *)log->query.after_cursor);
    free(log);
    if (--logs->count == 0)
        timer_start(logs->loop, &logs->idle, IDLE_MS);
}

/* The queue has room for every reader's one job. */
static void add(struct systemd_log *log) {
    log->busy = true;
    worker_add(log->logs->worker, &log->job);
}

/* The journal is closed where it was read. */
static void close_log(struct systemd_log *log) {
    log->stopped = true;
    log->poll = loop_poll_free(log->poll);
    log->job.run = run_close;
    log->job.done = on_closed;
    add(log);
}

static void read_on(struct systemd_log *log, bool stalled) {
    log->stalled = stalled;
    if (log->poll)
        loop_poll_set(log->poll, 0);
    add(log);
}

static void on_ready(void *arg, int events) {
    struct systemd_log *log = arg;

    if (!log->busy && !log->holds)
        read_on(log, false);
}

static void await(struct systemd_log *log) {
    if (!log->poll)
        log->poll = loop_poll_new(log->logs->loop, systemd_journal_fd(log->journal),
                                  on_ready, log);
    if (log->poll)
        loop_poll_set(log->poll, POLLIN);
}

static char *why(int error) {
    if (error == EACCES)
        return mem_strdup("the agent may not read the journal: on the host, as root, "
                          "roost-agent policy apply (or make its user a member of the "
                          "group systemd-journal)");
    if (error == ENOENT)
        return mem_strdup("this host keeps no journal");
    if (error == EINVAL)
        return mem_strdup("the journal does not know this cursor");
    return mem_printf("the journal cannot be read: %s", strerror(error));
}

static enum grpc_status status_of(int error) {
    switch (error) {
    case EACCES:
        return GRPC_PERMISSION_DENIED;
    case ENOENT:
        return GRPC_UNIMPLEMENTED;
    case EINVAL:
        return GRPC_INVALID_ARGUMENT;
    default:
        return GRPC_INTERNAL;
    }
}

static void end_log(struct systemd_log *log) {
    struct systemd_log_events events = log->events;
    int error = log->state < 0 ? -log->state : 0;

    close_log(log);
    if (error == 0) {
        events.on_end(events.arg, NULL);
        return;
    }
    auto_(mem_freep) char *text = why(error);
    struct systemd_fault fault = { status_of(error), text };
    events.on_end(events.arg, &fault);
}

/* After its lines were told, or when the reader goes on. */
static void proceed(struct systemd_log *log, bool stalled) {
    bool is_over = log->state < 0 || log->state == SYSTEMD_JOURNAL_END;

    if (!is_over && (log->state == SYSTEMD_JOURNAL_MORE || stalled))
        read_on(log, stalled);
    else if (!is_over && log->query.follow)
        await(log);
    else
        end_log(log);
}

static void on_read(struct job *job) {
    struct systemd_log *log = container_of(job, struct systemd_log, job);
    const struct systemd_log_events *events = &log->events;

    log->busy = false;
    if (!log->stopped && (log->batch.count > 0 || log->state == SYSTEMD_JOURNAL_WAIT))
        log->holds = !events->on_lines(events->arg, log->batch.lines, log->batch.count);
    drop_lines(log);
    if (log->stopped)
        close_log(log);
    else if (!log->holds || log->state < 0 || log->state == SYSTEMD_JOURNAL_END)
        proceed(log, false);
}

void systemd_logs_go_on(struct systemd_log *log) {
    if (!log->holds)
        return;
    log->holds = false;
    if (!log->busy)
        proceed(log, log->query.follow);
}

struct systemd_log *systemd_logs_stop(struct systemd_log *log) {
    if (!log || log->stopped)
        return NULL;
    log->stopped = true;
    if (!log->busy)
        close_log(log);
    return NULL;
}

struct systemd_log *systemd_logs_read(struct systemd_logs *logs,
                                      struct systemd_library *library,
                                      const struct systemd_journal_query *query,
                                      const struct systemd_log_events *events) {
    if (logs->count == SYSTEMD_LOGS_MAX)
        return NULL;
    struct systemd_log *log = mem_new(sizeof(*log));

    *log = (struct systemd_log) {
        .logs = logs,
        .library = systemd_library_ref(library),
        .events = *events,
        .query = *query,
        .job = { .run = run_read, .done = on_read },
    };
    log->query.root = mem_strdup(query->root);
    log->query.unit = mem_strdup(query->unit);
    log->query.grep = mem_strdup(query->grep);
    log->query.after_cursor = mem_strdup(query->after_cursor);
    list_add_tail(&logs->all, &log->node);
    logs->count++;
    timer_stop(&logs->idle);
    if (!logs->worker)
        logs->worker = worker_new(logs->loop, "journal", SYSTEMD_LOGS_MAX);
    add(log);
    return log;
}

struct systemd_logs *systemd_logs_new(struct loop *loop) {
    struct systemd_logs *logs = mem_new(sizeof(*logs));

    logs->loop = loop;
    logs->idle.fire = on_idle;
    list_init(&logs->all);
    return logs;
}

struct systemd_logs *systemd_logs_free(struct systemd_logs *logs) {
    if (!logs)
        return NULL;
    list_for_each_safe(node, after, &logs->all)
        systemd_logs_stop(container_of(node, struct systemd_log, node));
    /* Twice: a read that comes back has its journal to close. */
    while (logs->count > 0) {
        logs->worker = worker_free(logs->worker);
        if (logs->count > 0)
            logs->worker = worker_new(logs->loop, "journal", SYSTEMD_LOGS_MAX);
        list_for_each_safe(node, after, &logs->all) {
            struct systemd_log *log = container_of(node, struct systemd_log, node);
            add(log);
        }
    }
    worker_free(logs->worker);
    timer_stop(&logs->idle);
    free(logs);
    return NULL;
}
