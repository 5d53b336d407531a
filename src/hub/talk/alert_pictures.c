#include "hub/talk/alert_pictures.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "alerts/incidents/incident.h"
#include "base/buf.h"
#include "base/list.h"
#include "base/mem.h"
#include "base/metric.h"
#include "loop/loop.h"
#include "roost/v1/metrics.pb-c.h"
#include "rpc/client.h"
#include "wire/pb.h"
#include "wire/timestamp.h"

enum {
    BEFORE_MS = 3600000, /* of the chart */
    DRAW_MS = 3000,      /* a critical alert does not wait longer for its picture */
    WEEK_MS = 7 * 24 * 3600 * 1000,
    WEEK_DRAW_MS = 30000,
};

static const char *const week_kinds[] = { "cpu", "mem", "disk" };

enum { WEEK_CHARTS = sizeof(week_kinds) / sizeof(week_kinds[0]) };

struct alert_pictures {
    struct loop *loop;    /* borrowed: outlives us */
    struct target *gate;  /* borrowed: outlives us */
    struct actor *actor;  /* borrowed: the hub itself; outlives us */
    struct list drawings; /* under way */
    struct list weeks;    /* likewise */
};

struct drawing {
    struct list in_list;
    struct alert_pictures *pictures; /* borrowed: owns us */
    struct client_call *call;        /* owned; NULL: there is nothing to draw */
    struct task task;                /* says so */
    void (*done)(void *arg, struct slice png);
    void *arg; /* borrowed: until done */
};

/* The charts of a week, one behind the other. */
struct week {
    struct list in_list;
    struct alert_pictures *pictures; /* borrowed: owns us */
    struct client_call *call;        /* owned */
    char *select;                    /* owned */
    size_t asked;
    struct buf pngs[WEEK_CHARTS];
    size_t count;
    void (*done)(void *arg, const struct slice *pngs, size_t count);
    void *arg; /* borrowed: until done */
};

static void finish(struct drawing *drawing, struct slice png) {
    loop_cancel(&drawing->task);
    list_remove(&drawing->in_list);
    client_cancel(drawing->call);
    drawing->done(drawing->arg, png);
    free(drawing);
}

static void on_chart(void *user,
                     enum grpc_status status,
                     const char *message,
                     const ProtobufCMessage *reply) {
    const Roost__V1__ChartResponse *response = (const Roost__V1__ChartResponse *)reply;
    struct drawing *drawing = user;
    struct slice png = { 0 };

    drawing->call = NULL;
    if (status == GRPC_OK)
        png = slice_of(response->image.data, response->image.len);
    finish(drawing, png);
}

static void run_empty(struct task *task) {
    finish(container_of(task, struct drawing, task), (struct slice) { 0 });
}

/* Is it about a metric that agents report? */
static bool has_chart(const struct incident *incident) {
    return incident->node[0] != '\0' && metric_find(incident->series) != NULL;
}

static struct client_call *ask(struct drawing *drawing, const struct incident *incident) {
    const struct alert_pictures *pictures = drawing->pictures;
    Roost__V1__ChartRequest request = ROOST__V1__CHART_REQUEST__INIT;
    const struct client_request call = {
        .method = "/roost.v1.Metrics/Chart",
        .timeout_ms = DRAW_MS,
        .actor = pictures->actor,
    };
    Google__Protobuf__Timestamp since;
    double threshold = incident->threshold;

    request.select = incident->node;
    request.metrics = (char **)(uintptr_t)&incident->series;
    request.n_metrics = 1;
    request.since = timestamp_set(&since, incident->started_ms - BEFORE_MS);
    if (!isnan(threshold)) {
        request.thresholds = &threshold;
        request.n_thresholds = 1;
    }
    return client_unary(pictures->loop, pictures->gate, &call, &request.base,
                        &roost__v1__chart_response__descriptor, on_chart, drawing);
}

void alert_pictures_draw(struct alert_pictures *pictures,
                         const struct incident *incident,
                         void (*done)(void *arg, struct slice png),
                         void *arg) {
    struct drawing *drawing = mem_new(sizeof(*drawing));

    *drawing = (struct drawing) {
        .pictures = pictures,
        .task.run = run_empty,
        .done = done,
        .arg = arg,
    };
    list_add_tail(&pictures->drawings, &drawing->in_list);
    if (has_chart(incident))
        drawing->call = ask(drawing, incident);
    else
        loop_post(pictures->loop, &drawing->task);
}

static void finish_week(struct week *week) {
    struct slice pngs[WEEK_CHARTS];

    list_remove(&week->in_list);
    client_cancel(week->call);
    for (size_t i = 0; i < week->count; i++)
        pngs[i] = buf_slice(&week->pngs[i]);
    week->done(week->arg, pngs, week->count);
    for (size_t i = 0; i < week->count; i++)
        buf_done(&week->pngs[i]);
    free(week->select);
    free(week);
}

static void ask_week(struct week *week);

static void on_week_chart(void *user,
                          enum grpc_status status,
                          const char *message,
                          const ProtobufCMessage *reply) {
    const Roost__V1__ChartResponse *response = (const Roost__V1__ChartResponse *)reply;
    struct week *week = user;

    week->call = NULL;
    if (status == GRPC_OK)
        buf_add_slice(&week->pngs[week->count++],
                      slice_of(response->image.data, response->image.len));
    if (week->asked == WEEK_CHARTS)
        finish_week(week);
    else
        ask_week(week);
}

static void ask_week(struct week *week) {
    const struct alert_pictures *pictures = week->pictures;
    Roost__V1__ChartRequest request = ROOST__V1__CHART_REQUEST__INIT;
    char *kind = pb_lend(week_kinds[week->asked++]);
    const struct client_request call = {
        .method = "/roost.v1.Metrics/Chart",
        .timeout_ms = WEEK_DRAW_MS,
        .actor = pictures->actor,
    };

    request.select = week->select;
    request.metrics = &kind;
    request.n_metrics = 1;
    request.last_ms = WEEK_MS;
    week->call =
        client_unary(pictures->loop, pictures->gate, &call, &request.base,
                     &roost__v1__chart_response__descriptor, on_week_chart, week);
}

void alert_pictures_draw_week(struct alert_pictures *pictures,
                              const char *select,
                              void (*done)(void *arg,
                                           const struct slice *pngs,
                                           size_t count),
                              void *arg) {
    struct week *week = mem_new(sizeof(*week));

    week->pictures = pictures;
    week->select = mem_strdup(select);
    week->done = done;
    week->arg = arg;
    list_add_tail(&pictures->weeks, &week->in_list);
    ask_week(week);
}

struct alert_pictures *alert_pictures_new(struct loop *loop,
                                          struct target *gate,
                                          struct actor *actor) {
    struct alert_pictures *pictures = mem_new(sizeof(*pictures));

    *pictures = (struct alert_pictures) {
        .loop = loop,
        .gate = gate,
        .actor = actor,
    };
    list_init(&pictures->drawings);
    list_init(&pictures->weeks);
    return pictures;
}

struct alert_pictures *alert_pictures_free(struct alert_pictures *pictures) {
    if (!pictures)
        return NULL;
    list_for_each_safe(at, after, &pictures->drawings)
        finish(container_of(at, struct drawing, in_list), (struct slice) { 0 });
    list_for_each_safe(at, after, &pictures->weeks)
        finish_week(container_of(at, struct week, in_list));
    free(pictures);
    return NULL;
}
