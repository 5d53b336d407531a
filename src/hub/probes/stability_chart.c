#include "hub/probes/stability_chart.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/mem.h"
#include "draw/chart.h"
#include "hub/metrics/painters.h"

struct stability_chart {
    void (*on_painted)(void *arg, int result, struct slice png); /* NULL: forgotten */
    void *arg;                                                   /* borrowed: the asker */
    struct chart chart;
    struct chart_series series;
    char *title; /* owned, and so is what follows */
    char *subtitle;
    int64_t *times_ms; /* of answers alone: what is lost leaves a gap */
    double *values;
    struct buf png;
    atomic_bool cancelled;
    int result;
};

static void free_chart(struct stability_chart *chart) {
    free(chart->title);
    free(chart->subtitle);
    free(chart->times_ms);
    free(chart->values);
    buf_done(&chart->png);
    free(chart);
}

static void on_paint(void *arg) { /* on a painter's thread */
    struct stability_chart *chart = arg;
    chart->result = chart_render(&chart->chart, &chart->cancelled, &chart->png);
}

static void on_done(void *arg) {
    struct stability_chart *chart = arg;

    if (chart->on_painted)
        chart->on_painted(chart->arg, chart->result, buf_slice(&chart->png));
    free_chart(chart);
}

static void copy_answers(struct stability_chart *chart,
                         const struct stability_chart_config *config) {
    chart->times_ms = mem_new_array(config->count + 1, sizeof(*chart->times_ms));
    chart->values = mem_new_array(config->count + 1, sizeof(*chart->values));
    for (size_t i = 0; i < config->count; i++) {
        if (config->rtts_ms[i] < 0)
            continue;
        chart->times_ms[chart->series.count] =
            config->started_ms + (int64_t)i * config->interval_ms;
        chart->values[chart->series.count++] = (double)config->rtts_ms[i];
    }
    chart->series.label = "round trip";
    chart->series.times_ms = chart->times_ms;
    chart->series.mean = chart->values;
}

struct stability_chart *stability_chart_start(
    struct painters *painters, const struct stability_chart_config *config) {
    struct stability_chart *chart = mem_new(sizeof(*chart));

    chart->on_painted = config->on_painted;
    chart->arg = config->arg;
    chart->title = mem_strdup(config->title);
    chart->subtitle = mem_strdup(config->subtitle);
    copy_answers(chart, config);
    chart_init(&chart->chart);
    chart->chart.title = chart->title;
    chart->chart.subtitle = chart->subtitle;
    chart->chart.series = &chart->series;
    chart->chart.series_count = 1;
    chart->chart.since_ms = config->started_ms;
    chart->chart.until_ms =
        config->started_ms +
        (int64_t)(config->count > 0 ? config->count : 1) * config->interval_ms;
    chart->chart.gap_ms = config->outage_ms;
    chart->chart.unit = FIGURE_MS;
    if (painters_add(painters, on_paint, on_done, chart) == 0)
        return chart;
    free_chart(chart);
    return NULL;
}

struct stability_chart *stability_chart_forget(struct stability_chart *chart) {
    if (chart) {
        chart->on_painted = NULL;
        atomic_store(&chart->cancelled, true);
    }
    return NULL;
}
