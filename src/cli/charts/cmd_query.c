#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "cli/charts/query_out.h"
#include "cli/charts/series.h"
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/output.h"
#include "cli/terminal/units.h"
#include "wire/pb.h"

enum {
    SPAN_MS = 3600000, /* what is asked for unless --since says otherwise */
    POINTS_MAX = 10000,
    PAGE_MS = 3600000, /* of --raw, at first */
    PAGE_LEAST_MS = 1000,
    PAGE_MOST_MS = 24 * 3600000,
    PAGE_ROWS = 4000, /* a page with fewer may be longer */
};

/* Prints the points of every series as one document. */
struct document {
    struct buf out;
    const Roost__V1__QueryResponse *response; /* borrowed: the caller */
};

static void add_number(struct buf *out, const char *key, double value, unsigned places) {
    char text[UNITS_LEN];
    units_json(value, places, text);
    buf_printf(out, ", \"%s\": %s", key, text);
}

static void add_point(struct document *document,
                      const Roost__V1__Series *series,
                      size_t i) {
    unsigned places = series->metric->scale;
    struct buf *out = &document->out;
    char when[CLOCK_TEXT_LEN];

    clock_print(series_time_ms(document->response, i), when);
    buf_printf(out, "{\"time\": \"%s\"", when);
    add_number(out, "mean", series->mean[i], places + 3);
    if (i < series->n_min)
        add_number(out, "min", series->min[i], places);
    if (i < series->n_max)
        add_number(out, "max", series->max[i], places);
    if (i < series->n_count)
        buf_printf(out, ", \"count\": %u", series->count[i]);
    buf_add_byte(out, '}');
}

static void add_text(struct buf *out, const char *key, const char *text) {
    buf_printf(out, "\"%s\": ", key);
    output_add_string(out, text);
    buf_add_text(out, ", ");
}

static void print_document(const Roost__V1__QueryResponse *response) {
    struct document document = { .response = response };
    struct buf *out = &document.out;

    buf_printf(out, "{\"stepMs\": %llu, \"series\": [",
               (unsigned long long)response->step_ms);
    for (size_t i = 0; i < response->n_series; i++) {
        const Roost__V1__Series *series = response->series[i];
        buf_add_text(out, i > 0 ? ",\n  {" : "\n  {");
        add_text(out, "node", series->node);
        add_text(out, "metric", series->metric->name);
        add_text(out, "unit", series->metric->unit);
        add_text(out, "tier", series->tier);
        buf_printf(out, "\"intervalMs\": %u, \"points\": [", series->interval_ms);
        for (size_t at = 0; at < series->n_mean; at++) {
            buf_add_text(out, at > 0 ? ",\n    " : "\n    ");
            add_point(&document, series, at);
        }
        buf_add_text(out, "]}");
    }
    buf_add_text(out, "]}\n");
    fwrite(out->data, 1, out->len, stdout);
    buf_done(out);
}

static enum query_form form_of(const struct cli *cli) {
    return args_has(cli->args, "csv") ? QUERY_CSV : cli->json ? QUERY_LINES : QUERY_TABLE;
}

static void print_points(const struct cli *cli,
                         const Roost__V1__QueryResponse *response) {
    struct query_out_config config = {
        .terminal = &cli->terminal,
        .form = form_of(cli),
        .seconds = response->step_ms % 60000 != 0,
        .is_rounded = true,
    };
    auto_(mem_freep) void *room = mem_new_array(response->n_series, sizeof(double));
    double *values = room;

    if (config.form == QUERY_LINES) {
        print_document(response);
        return;
    }
    struct query_out *out = query_out_new(&config, response);
    for (size_t i = 0; i < response->points && !report_is_output_over(); i++) {
        for (size_t at = 0; at < response->n_series; at++)
            values[at] = i < response->series[at]->n_mean ? response->series[at]->mean[i]
                                                          : (double)NAN;
        query_out_row(out, series_time_ms(response, i), values);
    }
    query_out_free(out);
}

/* Where in each series of a page the next row is. */
struct page {
    const Roost__V1__QueryResponse *response; /* borrowed: the caller */
    size_t *next;                             /* owned */
    size_t *columns;                          /* owned */
};

static size_t length_of(const Roost__V1__Series *series) {
    return series->n_mean < series->n_time_ms ? series->n_mean : series->n_time_ms;
}

/* The time of the earliest row that is left: false at the end. */
static bool next_time(const struct page *page, int64_t *ret_ms) {
    bool found = false;

    for (size_t i = 0; i < page->response->n_series; i++) {
        const Roost__V1__Series *series = page->response->series[i];
        if (page->next[i] >= length_of(series))
            continue;
        int64_t time_ms = series->time_ms[page->next[i]];
        if (!found || time_ms < *ret_ms)
            *ret_ms = time_ms;
        found = true;
    }
    return found;
}

/* Takes the values of that time out of every series. */
static void take_row(struct page *page, int64_t time_ms, double *values, size_t count) {
    for (size_t i = 0; i < count; i++)
        values[i] = (double)NAN;
    for (size_t i = 0; i < page->response->n_series; i++) {
        const Roost__V1__Series *series = page->response->series[i];
        size_t at = page->next[i];
        if (at >= length_of(series) || series->time_ms[at] != time_ms)
            continue;
        page->next[i]++;
        if (page->columns[i] < count)
            values[page->columns[i]] = series->mean[at];
    }
}

/* How many rows there were. */
static size_t print_page(struct query_out *out,
                         const Roost__V1__QueryResponse *response) {
    size_t count = query_out_count(out), rows = 0;
    struct page page = {
        .response = response,
        .next = mem_new_array(response->n_series, sizeof(*page.next)),
        .columns = mem_new_array(response->n_series, sizeof(*page.columns)),
    };
    double *values = mem_new_array(count, sizeof(*values));
    int64_t time_ms = 0;

    for (size_t i = 0; i < response->n_series; i++)
        page.columns[i] = query_out_find(out, response->series[i]);
    while (next_time(&page, &time_ms)) {
        take_row(&page, time_ms, values, count);
        query_out_row(out, time_ms, values);
        rows++;
    }
    free(values);
    free(page.columns);
    free(page.next);
    return rows;
}

/* Page after page, each as long as the hub can answer at once. */
static int print_pages(struct cli *cli,
                       const struct series_ask *ask,
                       struct query_out *out) {
    int64_t page_ms = PAGE_MS;
    struct series_ask part = *ask;

    while (part.since_ms < ask->until_ms && !report_is_output_over()) {
        Roost__V1__QueryResponse *response;
        bool is_too_much = false, can_shrink = page_ms / 2 >= PAGE_LEAST_MS;
        part.until_ms = part.since_ms + page_ms;
        if (part.until_ms > ask->until_ms)
            part.until_ms = ask->until_ms;
        int r = series_fetch(cli, &part, can_shrink ? &is_too_much : NULL, &response);
        if (is_too_much) {
            page_ms /= 2;
            continue;
        }
        if (r != 0)
            return r;
        size_t rows = print_page(out, response);
        pb_free((ProtobufCMessage *)response);
        part.since_ms = part.until_ms;
        if (rows < PAGE_ROWS / 2 && page_ms < PAGE_MOST_MS)
            page_ms *= 2;
    }
    return 0;
}

/* What there is at all is asked first: columns must be known before the first row. */
static int print_raw(struct cli *cli, struct series_ask *ask) {
    struct query_out_config config = {
        .terminal = &cli->terminal,
        .form = form_of(cli),
        .seconds = true,
    };
    Roost__V1__QueryResponse *response;

    ask->raw = false;
    ask->points = 1;
    int r = series_fetch(cli, ask, NULL, &response);
    if (r != 0)
        return r;
    if (response->n_series == 0) {
        r = series_none(ask);
    } else {
        struct query_out *out = query_out_new(&config, response);
        series_settle(ask, response);
        ask->raw = true;
        r = print_pages(cli, ask, out);
        query_out_free(out);
    }
    pb_free((ProtobufCMessage *)response);
    return r;
}

static int run(struct cli *cli) {
    struct series_ask ask;
    Roost__V1__QueryResponse *response;
    uint32_t points = 500;

    if (args_has(cli->args, "csv") && cli->json)
        return cli_usage(cli, "--csv and --json: one of them");
    int r = cli_number(cli, "points", "--points", 1, POINTS_MAX, &points);
    if (r == 0)
        r = series_read(cli, SPAN_MS, &ask);
    if (r != 0)
        return r;
    if (args_has(cli->args, "raw")) {
        r = print_raw(cli, &ask);
        series_done(&ask);
        return r;
    }
    ask.points = points;
    r = series_fetch(cli, &ask, NULL, &response);
    if (r == 0) {
        if (response->n_series == 0)
            r = series_none(&ask);
        else
            print_points(cli, response);
        pb_free((ProtobufCMessage *)response);
    }
    series_done(&ask);
    return r;
}

static const struct args_option options[] = {
    { "since", 0, "TIME", "from then on: 24h (ago), 2026-11-20, yesterday (1h)" },
    { "until", 0, "TIME", "up to then (now)" },
    { "points", 0, "N", "at most so many points a series, 10000 at most (500)" },
    { "raw", 0, NULL, "every sample as it was taken, with its own time" },
    { "csv", 0, NULL, "comma-separated, times in UTC, for a spreadsheet" },
    { 0 },
};

static const char *const examples[] = {
    "roost query pi cpu,mem",
    "the last hour, a column each",
    "roost query pi temp.cpu --since 7d --points 84",
    "a week in steps of two hours",
    "roost query @home 'disk.used:*' --since yesterday --until today --csv",
    "a day of several nodes for a spreadsheet",
    "roost query pi cpu --raw --since 10m",
    "each sample",
    "roost query pi cpu --since 24h --json | jq '.series[0].points[].mean'",
    "for a script",
    NULL,
};

const struct command cmd_query = {
    .name = "query",
    .usage = "NODE METRIC[,METRIC]...",
    .summary = "show what was, as numbers",
    .details = "Metrics are names or patterns as `roost status NODE -v` lists them. A "
               "point is\nthe mean of its step; \"-\" means that nothing is known of it. "
               "Times are those of\nthe local time zone (TZ), in CSV and JSON of UTC; a "
               "date alone is the start of\nthat day. With --raw and --json, each sample "
               "is a line.",
    .examples = examples,
    .options = options,
    .least = 2,
    .most = COMMAND_ANY,
    .operands = "node",
    .run = run,
};
