#include "hub/metrics/metrics_query.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/metric.h"
#include "hub/metrics/history_status.h"
#include "hub/metrics/metrics_span.h"
#include "hub/nodes/node.h"
#include "hub/nodes/selection.h"
#include "hub/timekeeper.h"
#include "rpc/invocation.h"
#include "store/history/history.h"
#include "store/tier.h"
#include "wire/timestamp.h"

enum {
    RUNNING_MAX = 64,     /* of all callers; each holds up to 50 MB for a moment */
    METRICS_MAX = 256,    /* names of one request */
    NAME_MAX_LEN = 256,   /* as in a catalogue */
    POINTS_USUAL = 500,   /* more is more than a screen shows */
    ANSWER_MAX = 4 << 20, /* what every gRPC library takes by default */
};

struct metrics_query {
    struct metrics_query_shared *shared; /* borrowed: the service */
    struct invocation *invocation;       /* borrowed: until on_gone */
    struct history_request *request;     /* owned; NULL once it was answered */
};

/* What the request means; borrows from it. */
struct question {
    struct history_query query;
    const char **nodes;   /* owned */
    const char **metrics; /* owned */
};

static void on_gone(struct invocation *invocation, void *user) {
    struct metrics_query *query = user;

    history_cancel(query->request);
    query->shared->running--;
    free(query);
}

/* A series as a message that borrows the answer's arrays. */
static void fill_series(Roost__V1__Series *out,
                        Roost__V1__MetricInfo *info,
                        const struct history_series *series) {
    roost__v1__series__init(out);
    roost__v1__metric_info__init(info);
    info->name = (char *)series->metric;
    info->unit = (char *)series->unit;
    info->scale = series->scale;
    out->node = (char *)series->node;
    out->metric = info;
    out->tier = (char *)tier_word(series->tier);
    out->interval_ms = series->interval_ms;
    out->mean = series->mean;
    out->n_mean = series->count;
    out->min = series->min;
    out->n_min = series->min ? series->count : 0;
    out->max = series->max;
    out->n_max = series->max ? series->count : 0;
    out->count = series->samples;
    out->n_count = series->samples ? series->count : 0;
    out->time_ms = series->times_ms;
    out->n_time_ms = series->times_ms ? series->count : 0;
}

static void reply(const struct metrics_query *query,
                  const struct history_answer *answer) {
    struct invocation *invocation = query->invocation;
    Roost__V1__QueryResponse response = ROOST__V1__QUERY_RESPONSE__INIT;
    Google__Protobuf__Timestamp since, now;
    Roost__V1__Series *series = mem_new_array(answer->series_count, sizeof(*series));
    Roost__V1__MetricInfo *infos = mem_new_array(answer->series_count, sizeof(*infos));

    response.now = timestamp_set(&now, timekeeper_now_ms(query->shared->timekeeper));
    response.since = timestamp_set(&since, answer->since_ms);
    response.step_ms = (uint64_t)answer->step_ms;
    response.points = (uint32_t)answer->points;
    response.series = mem_new_array(answer->series_count, sizeof(*response.series));
    response.n_series = answer->series_count;
    for (size_t i = 0; i < answer->series_count; i++) {
        fill_series(&series[i], &infos[i], &answer->series[i]);
        response.series[i] = &series[i];
    }
    if (roost__v1__query_response__get_packed_size(&response) > ANSWER_MAX)
        invocation_finish(invocation, GRPC_RESOURCE_EXHAUSTED,
                          "the answer would be larger than 4 MiB; ask for fewer metrics, "
                          "nodes or points, or for less time");
    else
        invocation_reply(invocation, &response.base);
    free(response.series);
    free(infos);
    free(series);
}

static void on_answer(void *arg, int result, const struct history_answer *answer) {
    struct metrics_query *query = arg;
    struct invocation *invocation = query->invocation;

    query->request = NULL;
    if (result == 0)
        reply(query, answer);
    else
        history_status_finish(invocation, result);
}

/* Why not, as a new string; NULL: it is fine. */
static char *check_metrics(const Roost__V1__QueryRequest *request) {
    if (request->n_metrics == 0)
        return mem_strdup("no metric is named; \"*\" means all of them");
    if (request->n_metrics > METRICS_MAX)
        return mem_printf("at most %d names of metrics", METRICS_MAX);
    for (size_t i = 0; i < request->n_metrics; i++)
        if (request->metrics[i][0] == '\0' || strlen(request->metrics[i]) > NAME_MAX_LEN)
            return mem_printf("a metric's name has 1 to %d bytes", NAME_MAX_LEN);
    return NULL;
}

/* As check_metrics(). */
static char *read_span(const struct metrics_query_shared *shared,
                       const Roost__V1__QueryRequest *request,
                       struct history_query *ret_query) {
    struct metrics_span span = {
        .since = request->since,
        .until = request->until,
        .last_ms = request->last_ms,
    };

    if (!request->raw)
        ret_query->points = request->points ? request->points : POINTS_USUAL;
    if (ret_query->points > HISTORY_POINTS_MAX)
        return mem_printf("at most %d points", HISTORY_POINTS_MAX);
    return mem_strdup(metrics_span_read(&span, timekeeper_now_ms(shared->timekeeper),
                                        &ret_query->since_ms, &ret_query->until_ms));
}

static void take_names(struct question *question,
                       const Roost__V1__QueryRequest *request,
                       struct node *const *nodes,
                       size_t count) {
    question->nodes = mem_new_array(count, sizeof(*question->nodes));
    question->metrics = mem_new_array(request->n_metrics, sizeof(*question->metrics));
    for (size_t i = 0; i < count; i++)
        question->nodes[i] = nodes[i]->name;
    for (size_t i = 0; i < request->n_metrics; i++)
        question->metrics[i] = metric_resolve(request->metrics[i]);
    question->query.nodes = question->nodes;
    question->query.node_count = count;
    question->query.metrics = question->metrics;
    question->query.metric_count = request->n_metrics;
}

static void question_done(struct question *question) {
    free(question->nodes);
    free(question->metrics);
}

static void ask(struct metrics_query_shared *shared,
                struct invocation *invocation,
                const struct question *question) {
    struct metrics_query *query = mem_new(sizeof(*query));

    *query = (struct metrics_query) { .shared = shared, .invocation = invocation };
    shared->running++;
    invocation_set_user(invocation, query, on_gone);
    query->request = history_ask(shared->history, &question->query, on_answer, query);
}

void metrics_query_start(struct metrics_query_shared *shared,
                         struct invocation *invocation,
                         const Roost__V1__QueryRequest *request) {
    struct question question = { 0 };
    struct node **nodes = NULL;
    size_t count = 0;

    char *why = read_span(shared, request, &question.query);
    if (!why)
        why = check_metrics(request);
    if (why) {
        invocation_finish(invocation, GRPC_INVALID_ARGUMENT, "%s", why);
    } else if (shared->running >= RUNNING_MAX) {
        invocation_finish(invocation, GRPC_RESOURCE_EXHAUSTED,
                          "%d queries are under way already; ask again", RUNNING_MAX);
    } else if (selection_find(shared->registry, invocation, request->select, &nodes,
                              &count)) {
        take_names(&question, request, nodes, count);
        ask(shared, invocation, &question);
        question_done(&question);
    }
    free(nodes);
    free(why);
}
