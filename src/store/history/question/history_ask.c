#include "store/history/question/history_ask.h"

#include <errno.h>
#include <stdlib.h>

#include "base/map.h"
#include "base/mem.h"
#include "loop/worker.h"
#include "store/history/history_private.h"
#include "store/history/question/history_query.h"

/* One question, or one look at what all takes. */
struct history_request {
    struct job job;
    struct task refusal;     /* when there is no room */
    struct list link;        /* of the history's */
    struct history *history; /* borrowed: outlives its requests */
    struct history_question question;
    int result;
    bool is_abandoned; /* nobody waits */
    history_done *done;
    void *arg; /* borrowed: of who asked */
};

static void end_request(struct history_request *request) {
    struct history *history = request->history;

    for (size_t i = 0; i < request->question.source_count; i++) {
        struct history_source *source = &request->question.sources[i];
        for (size_t j = 0; j < source->view_count; j++)
            history_block_view_done(&source->views[j]);
    }
    list_remove(&request->link);
    history->request_count--;
    history_query_done(&request->question);
    free(request);
}

static void answer(struct history_request *request, int result) {
    if (!request->is_abandoned)
        request->done(request->arg, result,
                      result == 0 ? &request->question.answer : NULL);
    end_request(request);
}

static void on_run(struct job *job) { /* on the reader's thread */
    struct history_request *request = container_of(job, struct history_request, job);
    struct history *history = request->history;

    if (atomic_load(&request->question.is_cancelled))
        request->result = -ECANCELED;
    else
        request->result = history_query_run(&request->question, history->backend,
                                            history->reader_db, history->reader_codec);
}

static void on_done(struct job *job) { /* on the loop */
    struct history_request *request = container_of(job, struct history_request, job);
    answer(request, request->result);
}

static void on_refused(struct task *task) {
    struct history_request *request = container_of(task, struct history_request, refusal);
    answer(request, request->history->is_closing ? -ECANCELED : -EAGAIN);
}

static bool is_in_span(const struct history_block *block,
                       const struct history_question *question) {
    /* A step may reach over both ends of what was asked. */
    enum { MARGIN_MS = 1000 * 60 * 60 * 24 };
    int64_t margin_ms = question->until_ms - question->since_ms + MARGIN_MS;
    return block->rows > 0 && block->last_ms >= question->since_ms - margin_ms &&
           block->first_ms <= question->until_ms + margin_ms;
}

static void capture(struct history_source *source,
                    const struct history_node *node,
                    const struct history_question *question) {
    size_t count = 0;

    source->name = mem_strdup(node->name);
    /* An id that is not durable yet finds nothing. */
    source->id = node->id;
    for (const struct list *at = node->blocks.next; at != &node->blocks; at = at->next)
        count++;
    source->views = mem_new_array(count, sizeof(*source->views));
    for (struct list *at = node->blocks.next; at != &node->blocks; at = at->next) {
        struct history_block *block = container_of(at, struct history_block, link);
        if (is_in_span(block, question))
            source->views[source->view_count++] = history_block_view(block);
    }
}

static int64_t limit(int64_t time_ms) {
    return time_ms > HISTORY_TIME_MAX    ? HISTORY_TIME_MAX
           : time_ms < -HISTORY_TIME_MAX ? -HISTORY_TIME_MAX
                                         : time_ms;
}

static void copy_query(struct history *history,
                       const struct history_query *query,
                       struct history_question *question) {
    question->since_ms = limit(query->since_ms);
    question->until_ms = limit(query->until_ms);
    question->points =
        query->points > HISTORY_POINTS_MAX ? HISTORY_POINTS_MAX : query->points;
    question->now_ms = history->config.now_ms(history->config.arg);
    for (size_t i = 0; i < TIER_COUNT; i++)
        question->retention_ms[i] = history->config.retention_ms[i];

    question->metrics = mem_new_array(query->metric_count, sizeof(char *));
    question->metric_count = query->metric_count;
    for (size_t i = 0; i < query->metric_count; i++)
        question->metrics[i] = mem_strdup(query->metrics[i]);

    question->sources = mem_new_array(query->node_count, sizeof(*question->sources));
    for (size_t i = 0; i < query->node_count; i++) {
        struct history_node *node = map_get(history->nodes, query->nodes[i]);
        if (node)
            capture(&question->sources[question->source_count++], node, question);
    }
}

struct history_request *history_ask(struct history *history,
                                    const struct history_query *query,
                                    history_done *done,
                                    void *arg) {
    struct history_request *request = mem_new(sizeof(*request));

    request->history = history;
    request->done = done;
    request->arg = arg;
    request->job.run = on_run;
    request->job.done = on_done;
    request->refusal.run = on_refused;
    list_add_tail(&history->requests, &request->link);
    history->request_count++;
    copy_query(history, query, &request->question);
    if (worker_add(history->reader, &request->job) != 0)
        loop_post(history->loop, &request->refusal);
    return request;
}

struct history_request *history_ask_cancel(struct history_request *request) {
    if (!request)
        return NULL;
    request->is_abandoned = true;
    atomic_store(&request->question.is_cancelled, true);
    return NULL;
}

void history_ask_cancel_all(struct history *history) {
    list_for_each_safe(at, after, &history->requests) {
        struct history_request *request = container_of(at, struct history_request, link);
        atomic_store(&request->question.is_cancelled, true);
        if (list_is_linked(&request->refusal.node)) {
            loop_cancel(&request->refusal);
            answer(request, -ECANCELED);
        }
    }
}
