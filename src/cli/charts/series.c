#include "cli/charts/series.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/metric.h"
#include "cli/cli.h"
#include "cli/hub/hub.h"
#include "cli/terminal/when.h"
#include "wire/timestamp.h"

static void add_metric(struct series_ask *ask, const char *name, size_t len) {
    char *typed = mem_dup(name, len);

    ask->metrics = mem_grow(ask->metrics, (ask->count + 1) * sizeof(*ask->metrics));
    ask->metrics[ask->count++] = mem_strdup(metric_resolve(typed));
    free(typed);
}

/* "cpu,mem" and "cpu mem" are the same. */
static void add_metrics(struct series_ask *ask, const char *text) {
    while (*text) {
        size_t len = strcspn(text, ",");
        if (len > 0)
            add_metric(ask, text, len);
        text += len + (text[len] == ',');
    }
}

/* "The last hour", of which the hub knows best when it ends. */
static bool is_relative(const struct cli *cli) {
    const char *since = args_value(cli->args, "since");
    uint64_t ms;

    return !args_has(cli->args, "until") &&
           (!since || clock_parse_duration(since, &ms) == 0);
}

int series_read(const struct cli *cli, uint64_t default_ms, struct series_ask *ret_ask) {
    int64_t now_ms = clock_wall_ms(), since_ms = now_ms - (int64_t)default_ms;
    int64_t until_ms = now_ms;

    int r = when_option(cli, "since", &since_ms);
    if (r == 0)
        r = when_option(cli, "until", &until_ms);
    if (r != 0)
        return r;
    if (args_has(cli->args, "until") && !args_has(cli->args, "since"))
        since_ms = until_ms - (int64_t)default_ms;
    if (since_ms >= until_ms)
        return cli_usage(cli, "--since must be before --until");
    *ret_ask = (struct series_ask) {
        .select = mem_strdup(args_at(cli->args, 0)),
        .since_ms = since_ms,
        .until_ms = until_ms,
        .last_ms = is_relative(cli) ? until_ms - since_ms : 0,
    };
    for (size_t i = 1; i < args_count(cli->args); i++)
        add_metrics(ret_ask, args_at(cli->args, i));
    return 0;
}

void series_done(struct series_ask *ask) {
    for (size_t i = 0; i < ask->count; i++)
        free(ask->metrics[i]);
    free(ask->metrics);
    free(ask->select);
}

void series_fill_span(const struct series_ask *ask,
                      Google__Protobuf__Timestamp times[static 2],
                      Google__Protobuf__Timestamp **ret_since,
                      Google__Protobuf__Timestamp **ret_until,
                      uint64_t *ret_last_ms) {
    *ret_last_ms = (uint64_t)ask->last_ms;
    if (ask->last_ms > 0)
        return;
    *ret_since = timestamp_set(&times[0], ask->since_ms);
    *ret_until = timestamp_set(&times[1], ask->until_ms);
}

void series_settle(struct series_ask *ask, const Roost__V1__QueryResponse *response) {
    if (ask->last_ms > 0 && response->now) {
        ask->until_ms = timestamp_get(response->now);
        ask->since_ms = ask->until_ms - ask->last_ms;
    }
    ask->last_ms = 0;
}

int series_fetch(struct cli *cli,
                 const struct series_ask *ask,
                 bool *ret_is_too_much,
                 Roost__V1__QueryResponse **ret_response) {
    Roost__V1__QueryRequest request = ROOST__V1__QUERY_REQUEST__INIT;
    Google__Protobuf__Timestamp times[2];
    struct session_answer answer;
    struct session_ask call = {
        .method = "/roost.v1.Metrics/Query",
        .request = &request.base,
        .reply_type = &roost__v1__query_response__descriptor,
        .timeout_ms = cli->timeout_ms ? cli->timeout_ms : HUB_CALL_MS,
    };

    int r = hub_connect(cli);
    if (r != 0)
        return r;
    request.select = ask->select;
    request.metrics = ask->metrics;
    request.n_metrics = ask->count;
    series_fill_span(ask, times, &request.since, &request.until, &request.last_ms);
    request.points = ask->points;
    request.raw = ask->raw;
    session_call(cli->session, &call, &answer);
    bool is_too_much =
        ret_is_too_much && answer.status == GRPC_RESOURCE_EXHAUSTED && !answer.reply;
    if (ret_is_too_much)
        *ret_is_too_much = is_too_much;
    if (answer.status == GRPC_OK)
        *ret_response = (Roost__V1__QueryResponse *)TAKE(answer.reply);
    else if (!is_too_much)
        r = hub_report_call(cli, ask->select, answer.status, answer.message);
    session_answer_done(&answer);
    return r;
}

int series_none(const struct series_ask *ask) {
    struct buf names = { 0 };
    char *remedy = mem_printf("roost status %s -v", ask->select);

    for (size_t i = 0; i < ask->count; i++)
        buf_printf(&names, "%s%s", i > 0 ? "," : "", ask->metrics[i]);
    int r = report_fail(REPORT_NOT_FOUND, remedy, "%s: no samples of %s in that time",
                        ask->select, buf_text(&names));
    buf_done(&names);
    free(remedy);
    return r;
}

static double greatest_of(const double *values, size_t count, double so_far) {
    for (size_t i = 0; i < count; i++)
        if (isfinite(values[i]) && fabs(values[i]) > so_far)
            so_far = fabs(values[i]);
    return so_far;
}

double series_greatest(const Roost__V1__Series *series) {
    double greatest = greatest_of(series->mean, series->n_mean, 0);

    greatest = greatest_of(series->min, series->n_min, greatest);
    return greatest_of(series->max, series->n_max, greatest);
}

char *series_title(const Roost__V1__QueryResponse *response,
                   const Roost__V1__Series *series) {
    const char *first = response->series[0]->node;

    for (size_t i = 1; i < response->n_series; i++)
        if (strcmp(response->series[i]->node, first) != 0)
            return mem_printf("%s %s", series->node, series->metric->name);
    return mem_strdup(series->metric->name);
}

int64_t series_time_ms(const Roost__V1__QueryResponse *response, size_t i) {
    return timestamp_get(response->since) + (int64_t)(response->step_ms * i);
}
