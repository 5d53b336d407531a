#include "hub/metrics/metrics_chart.h"

#include <errno.h>
#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "draw/chart.h"
#include "draw/kind.h"
#include "hub/metrics/history_status.h"
#include "hub/metrics/metrics_span.h"
#include "hub/metrics/painters.h"
#include "hub/nodes/node.h"
#include "hub/nodes/selection.h"
#include "hub/samples/latest.h"
#include "hub/timekeeper.h"
#include "rpc/invocation.h"
#include "store/history/history.h"

enum {
    RUNNING_MAX = 64, /* of all callers */
    METRICS_MAX = KIND_SERIES_MAX,
    NODES_NAMED_MAX = 3, /* in the title */
    WIDTH_USUAL = 1200,
    HEIGHT_USUAL = 600,
    SPAN_USUAL_MS = 86400000,
    PIXELS_MAX = 16 << 20, /* 64 MiB while it is drawn */
};

/* From the request to the reply; the last of invocation and painter frees it. */
struct drawing {
    struct metrics_chart_shared *shared; /* borrowed: the service */
    struct invocation *invocation;       /* borrowed: until on_gone; then NULL */
    struct history_request *request;     /* owned; NULL once it was answered */
    atomic_bool cancelled;
    bool is_painted; /* a painter has it */

    struct kind kind;
    struct chart chart;
    char *title;     /* owned, and so is what follows */
    char *time_zone; /* NULL: the machine's */
    struct chart_threshold thresholds[CHART_THRESHOLDS_MAX];
    size_t node_count;
    struct chart_series *series;
    struct buf png;
    int result; /* of chart_render() */
};

static void free_drawing(struct drawing *drawing) {
    for (size_t i = 0; i < drawing->chart.series_count; i++) {
        free((char *)drawing->series[i].label);
        free((int64_t *)drawing->series[i].times_ms);
        free((double *)drawing->series[i].mean);
        free((double *)drawing->series[i].min);
        free((double *)drawing->series[i].max);
    }
    free(drawing->series);
    free(drawing->title);
    free(drawing->time_zone);
    buf_done(&drawing->png);
    free(drawing);
}

static void on_gone(struct invocation *invocation, void *user) {
    struct drawing *drawing = user;

    drawing->invocation = NULL;
    drawing->request = history_cancel(drawing->request);
    drawing->shared->running--;
    atomic_store(&drawing->cancelled, true);
    if (!drawing->is_painted)
        free_drawing(drawing);
}

/* --- drawing --- */

static void on_paint(void *arg) { /* on a painter's thread */
    struct drawing *drawing = arg;
    drawing->result = chart_render(&drawing->chart, &drawing->cancelled, &drawing->png);
}

static void reply(struct drawing *drawing) {
    Roost__V1__ChartResponse response = ROOST__V1__CHART_RESPONSE__INIT;

    response.image.data = drawing->png.data;
    response.image.len = drawing->png.len;
    response.media_type = (char *)"image/png";
    invocation_reply(drawing->invocation, &response.base);
}

static void on_painted(void *arg) {
    struct drawing *drawing = arg;

    drawing->is_painted = false;
    if (!drawing->invocation)
        free_drawing(drawing); /* nobody waits any more */
    else if (drawing->result == 0)
        reply(drawing);
    else if (drawing->result == -EINVAL)
        invocation_finish(drawing->invocation, GRPC_INVALID_ARGUMENT,
                          "there is no time zone \"%s\"",
                          drawing->time_zone ? drawing->time_zone : "");
    else
        invocation_finish(drawing->invocation, GRPC_INTERNAL, "it cannot be drawn: %s",
                          strerror(-drawing->result));
}

/* --- samples --- */

/* "received", "Disk /srv", "temp:nvme", and before it the node when there are several. */
static char *make_label(const struct drawing *drawing,
                        const struct history_series *series) {
    const struct kind *kind = &drawing->kind;
    const struct kind_series *found = NULL;
    const char *object = strchr(series->metric, ':');

    for (size_t i = 0; i < kind->series_count && !found; i++) {
        char *wish = (char *)kind->series[i].metric;
        if (latest_is_wanted(series->metric, &wish, 1))
            found = &kind->series[i];
    }
    bool has_label = found && !strchr(found->label, ':');
    const char *label = has_label ? found->label : series->metric;
    bool is_one_of_many =
        has_label && object && strcmp(found->metric, series->metric) != 0;
    char *text =
        is_one_of_many ? mem_printf("%s %s", label, object + 1) : mem_strdup(label);
    if (drawing->node_count <= 1)
        return text;
    char *longer = kind->series_count == 1 && !is_one_of_many
                       ? mem_strdup(series->node)
                       : mem_printf("%s: %s", series->node, text);
    free(text);
    return longer;
}

/* A point stands for the middle of its step. */
static int64_t *make_times(const struct history_answer *answer) {
    int64_t *times_ms = mem_new_array(answer->points, sizeof(*times_ms));

    for (size_t i = 0; i < answer->points; i++)
        times_ms[i] =
            answer->since_ms + (int64_t)i * answer->step_ms + answer->step_ms / 2;
    return times_ms;
}

static double *copy_values(const double *values, size_t count) {
    return values ? mem_dup(values, count * sizeof(*values)) : NULL;
}

static void take_series(struct drawing *drawing, const struct history_answer *answer) {
    drawing->series = mem_new_array(answer->series_count, sizeof(*drawing->series));
    for (size_t i = 0; i < answer->series_count; i++) {
        const struct history_series *from = &answer->series[i];
        drawing->series[i] = (struct chart_series) {
            .label = make_label(drawing, from),
            .times_ms = make_times(answer),
            .mean = copy_values(from->mean, from->count),
            .min = copy_values(from->min, from->count),
            .max = copy_values(from->max, from->count),
            .count = from->count,
        };
    }
    drawing->chart.series = drawing->series;
    drawing->chart.series_count = answer->series_count;
}

static void paint(struct drawing *drawing, const struct history_answer *answer) {
    if (answer->series_count > CHART_SERIES_MAX) {
        invocation_finish(drawing->invocation, GRPC_INVALID_ARGUMENT,
                          "a chart has at most %d series, these are %zu: name fewer "
                          "nodes or metrics",
                          CHART_SERIES_MAX, answer->series_count);
        return;
    }
    take_series(drawing, answer);
    drawing->is_painted = true;
    if (painters_add(drawing->shared->painters, on_paint, on_painted, drawing) == 0)
        return;
    drawing->is_painted = false;
    invocation_finish(drawing->invocation, GRPC_RESOURCE_EXHAUSTED,
                      "too many charts are being drawn; ask again");
}

static void on_answer(void *arg, int result, const struct history_answer *answer) {
    struct drawing *drawing = arg;

    drawing->request = NULL;
    if (result == 0)
        paint(drawing, answer);
    else
        history_status_finish(drawing->invocation, result);
}

/* --- the request --- */

/* The names as kind_choose() takes them. */
static char *join_metrics(const Roost__V1__ChartRequest *request) {
    struct buf text = { 0 };

    for (size_t i = 0; i < request->n_metrics; i++) {
        if (i > 0)
            buf_add_byte(&text, ';');
        buf_add_text(&text, request->metrics[i]);
    }
    return buf_take_text(&text);
}

/* Why not, as a new string; NULL: it is fine. */
static char *choose_kind(struct drawing *drawing,
                         const Roost__V1__ChartRequest *request) {
    double top = request->y_axis_case == ROOST__V1__CHART_REQUEST__Y_AXIS_Y_TOP
                     ? request->y_top
                     : NAN;
    char *why = NULL;

    if (request->n_metrics == 0)
        return mem_strdup("no metric is named: a kind (cpu, mem, net, disk, gpu, vram, "
                          "temp, all) or metrics");
    if (request->n_metrics > METRICS_MAX)
        return mem_printf("a chart shows at most %d metrics", METRICS_MAX);
    char *names = join_metrics(request);
    kind_choose(names, request->unit, top, &drawing->kind, &why);
    free(names);
    return why;
}

static char *set_size(struct chart *chart, const Roost__V1__ChartRequest *request) {
    uint64_t width = request->width ? request->width : WIDTH_USUAL;
    uint64_t height = request->height ? request->height : HEIGHT_USUAL;
    uint64_t scale = request->scale ? request->scale : 1;

    if (width < CHART_SIDE_MIN || width > CHART_SIDE_MAX || height < CHART_SIDE_MIN ||
        height > CHART_SIDE_MAX)
        return mem_printf("width and height are from %d to %d points", CHART_SIDE_MIN,
                          CHART_SIDE_MAX);
    if (scale > CHART_SCALE_MAX)
        return mem_printf("scale is from 1 to %d", CHART_SCALE_MAX);
    if (width * height * scale * scale > PIXELS_MAX)
        return mem_printf("a picture has at most %d million pixels", PIXELS_MAX >> 20);
    chart->width = (int)width;
    chart->height = (int)height;
    chart->scale = (int)scale;
    return NULL;
}

static char *set_span(struct drawing *drawing, const Roost__V1__ChartRequest *request) {
    struct metrics_span span = {
        .since = request->since,
        .until = request->until,
        .last_ms = request->last_ms,
        .usual_ms = SPAN_USUAL_MS,
    };

    return mem_strdup(
        metrics_span_read(&span, timekeeper_now_ms(drawing->shared->timekeeper),
                          &drawing->chart.since_ms, &drawing->chart.until_ms));
}

static char *set_thresholds(struct drawing *drawing,
                            const Roost__V1__ChartRequest *request) {
    if (request->n_thresholds > CHART_THRESHOLDS_MAX)
        return mem_printf("at most %d thresholds", CHART_THRESHOLDS_MAX);
    for (size_t i = 0; i < request->n_thresholds; i++) {
        if (!isfinite(request->thresholds[i]))
            return mem_strdup("a threshold must be a number");
        drawing->thresholds[i].value = request->thresholds[i];
    }
    drawing->chart.thresholds = drawing->thresholds;
    drawing->chart.threshold_count = request->n_thresholds;
    return NULL;
}

static char *read_request(struct drawing *drawing,
                          const Roost__V1__ChartRequest *request) {
    struct chart *chart = &drawing->chart;

    chart_init(chart);
    char *why = choose_kind(drawing, request);
    if (!why)
        why = set_size(chart, request);
    if (!why)
        why = set_span(drawing, request);
    if (!why)
        why = set_thresholds(drawing, request);
    if (why)
        return why;
    chart->theme = request->light ? CHART_LIGHT : CHART_DARK;
    chart->unit = drawing->kind.unit;
    chart->fixed = drawing->kind.fixed;
    chart->y_bottom = drawing->kind.y_bottom;
    chart->y_top = drawing->kind.y_top;
    if (request->time_zone[0])
        drawing->time_zone = mem_strdup(request->time_zone);
    chart->time_zone = drawing->time_zone;
    return NULL;
}

/* "Kitchen Pi · CPU", "a, b, c and 4 more · Network". */
static char *make_title(const struct drawing *drawing, struct node *const *nodes) {
    struct buf text = { 0 };

    for (size_t i = 0; i < drawing->node_count && i < NODES_NAMED_MAX; i++)
        buf_printf(&text, "%s%s", i > 0 ? ", " : "",
                   nodes[i]->title[0] ? nodes[i]->title : nodes[i]->name);
    if (drawing->node_count > NODES_NAMED_MAX)
        buf_printf(&text, " and %zu more", drawing->node_count - NODES_NAMED_MAX);
    buf_printf(&text, " · %s", drawing->kind.title);
    return buf_take_text(&text);
}

static void ask(struct drawing *drawing, struct node *const *nodes) {
    const struct kind *kind = &drawing->kind;
    const char **names = mem_new_array(drawing->node_count, sizeof(*names));
    const char *metrics[KIND_SERIES_MAX];

    for (size_t i = 0; i < drawing->node_count; i++)
        names[i] = nodes[i]->name;
    for (size_t i = 0; i < kind->series_count; i++)
        metrics[i] = kind->series[i].metric;
    struct history_query query = {
        .nodes = names,
        .node_count = drawing->node_count,
        .metrics = metrics,
        .metric_count = kind->series_count,
        .since_ms = drawing->chart.since_ms,
        .until_ms = drawing->chart.until_ms,
        .points = (size_t)drawing->chart.width,
    };
    drawing->request = history_ask(drawing->shared->history, &query, on_answer, drawing);
    free(names);
}

static struct drawing *drawing_new(struct metrics_chart_shared *shared,
                                   struct invocation *invocation) {
    struct drawing *drawing = mem_new(sizeof(*drawing));

    drawing->shared = shared;
    drawing->invocation = invocation;
    shared->running++;
    invocation_set_user(invocation, drawing, on_gone);
    return drawing;
}

void metrics_chart_start(struct metrics_chart_shared *shared,
                         struct invocation *invocation,
                         const Roost__V1__ChartRequest *request) {
    if (shared->running >= RUNNING_MAX) {
        invocation_finish(invocation, GRPC_RESOURCE_EXHAUSTED,
                          "%d charts are under way already; ask again", RUNNING_MAX);
        return;
    }
    struct drawing *drawing = drawing_new(shared, invocation);
    struct node **nodes = NULL;
    char *why = read_request(drawing, request);
    if (why) {
        invocation_finish(invocation, GRPC_INVALID_ARGUMENT, "%s", why);
    } else if (selection_find(shared->registry, invocation, request->select, &nodes,
                              &drawing->node_count)) {
        drawing->title =
            request->title[0] ? mem_strdup(request->title) : make_title(drawing, nodes);
        drawing->chart.title = drawing->title;
        ask(drawing, nodes);
    }
    free(nodes);
    free(why);
}
