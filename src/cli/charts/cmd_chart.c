#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/name.h"
#include "cli/charts/picture.h"
#include "cli/charts/plot.h"
#include "cli/charts/series.h"
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/hub/hub.h"
#include "draw/kind.h"
#include "draw/zone.h"
#include "wire/pb.h"

enum {
    SPAN_MS = 24 * 3600000, /* what is drawn unless --since says otherwise */
    THRESHOLDS_MAX = 8,
    SIDE_MIN = 200, /* of a picture, in points */
    SIDE_MAX = 4096,
    SCALE_MAX = 3,
    PLAIN_COLUMNS = 80, /* where there is no terminal */
    PLAIN_ROWS = 20,
    ROWS_MAX = 28, /* higher is no easier to read */
};

/* What is to be drawn. */
struct wish {
    struct series_ask ask;
    struct kind kind;
    double thresholds[THRESHOLDS_MAX];
    size_t threshold_count;
    double y_top; /* NaN: automatic */
    uint32_t width;
    uint32_t height;
    uint32_t scale;
    char *time_zone; /* owned; an IANA name; NULL: not known */
};

/* A number of an option: 0, or a status after telling. Untouched when not given. */
static int read_number(const struct cli *cli,
                       const char *option,
                       const char *text,
                       double *ret_number) {
    char *end;

    if (!text)
        return 0;
    double number = strtod(text, &end);
    if (end == text || *end != '\0' || !isfinite(number))
        return cli_usage(cli, "--%s: \"%s\" is no number", option, text);
    *ret_number = number;
    return 0;
}

static int read_count(const struct cli *cli,
                      const char *option,
                      uint32_t low,
                      uint32_t high,
                      uint32_t *ret_count) {
    double number = 0;
    const char *text = args_value(cli->args, option);

    int r = read_number(cli, option, text, &number);
    if (r != 0 || !text)
        return r;
    if (!args_has(cli->args, "output"))
        return cli_usage(cli, "--%s is for pictures: it needs -o FILE.png", option);
    if (number < low || number > high || number != floor(number))
        return cli_usage(cli, "--%s: \"%s\" is not from %u to %u", option, text, low,
                         high);
    *ret_count = (uint32_t)number;
    return 0;
}

static int read_thresholds(const struct cli *cli, struct wish *wish) {
    size_t count = args_times(cli->args, "threshold");

    if (count > THRESHOLDS_MAX)
        return cli_usage(cli, "--threshold: at most %d of them", THRESHOLDS_MAX);
    for (size_t i = 0; i < count; i++) {
        int r = read_number(cli, "threshold", args_value_at(cli->args, "threshold", i),
                            &wish->thresholds[i]);
        if (r != 0)
            return r;
    }
    wish->threshold_count = count;
    return 0;
}

static bool is_zone(const char *name) {
    struct zone *zone;

    if (!name || *name == '\0' || zone_open(name, &zone) != 0)
        return false;
    zone_free(zone);
    return true;
}

/* Where the person is: TZ, or what /etc/localtime points to. NULL: not known. */
static char *local_zone(void) {
    static const char mark[] = "/zoneinfo/";
    const char *name = getenv("TZ");
    char path[512];

    if (name && *name == ':')
        name++;
    if (is_zone(name))
        return mem_strdup(name);
    ssize_t len = readlink("/etc/localtime", path, sizeof(path) - 1);
    if (len <= 0)
        return NULL;
    path[len] = '\0';
    const char *found = strstr(path, mark);
    return found && is_zone(found + sizeof(mark) - 1)
               ? mem_strdup(found + sizeof(mark) - 1)
               : NULL;
}

static int read_zone(const struct cli *cli, struct wish *wish) {
    const char *name = args_value(cli->args, "time-zone");

    if (name && !is_zone(name))
        return cli_usage(cli, "--time-zone: \"%s\" is no time zone (Europe/Berlin)",
                         name);
    wish->time_zone = name ? mem_strdup(name) : local_zone();
    return 0;
}

static int choose_kind(const struct cli *cli, struct wish *wish) {
    struct buf names = { 0 };
    char *why = NULL;
    int r = 0;

    for (size_t i = 0; i < wish->ask.count; i++)
        buf_printf(&names, "%s%s", i > 0 ? "," : "", wish->ask.metrics[i]);
    if (kind_choose(buf_text(&names), args_value(cli->args, "unit"), wish->y_top,
                    &wish->kind, &why) != 0)
        r = cli_usage(cli, "%s: %s", buf_text(&names), why);
    free(why);
    buf_done(&names);
    return r;
}

static int read_wish(const struct cli *cli, struct wish *wish) {
    int r = series_read(cli, SPAN_MS, &wish->ask);
    if (r == 0)
        r = read_number(cli, "y-top", args_value(cli->args, "y-top"), &wish->y_top);
    if (r == 0)
        r = read_count(cli, "width", SIDE_MIN, SIDE_MAX, &wish->width);
    if (r == 0)
        r = read_count(cli, "height", SIDE_MIN, SIDE_MAX, &wish->height);
    if (r == 0)
        r = read_count(cli, "scale", 1, SCALE_MAX, &wish->scale);
    if (r == 0)
        r = read_thresholds(cli, wish);
    if (r == 0)
        r = read_zone(cli, wish);
    if (r == 0)
        r = choose_kind(cli, wish);
    return r;
}

static int make_picture(struct cli *cli, struct wish *wish) {
    Roost__V1__ChartRequest request = ROOST__V1__CHART_REQUEST__INIT;
    Google__Protobuf__Timestamp times[2];
    const char *unit = args_value(cli->args, "unit");
    const char *title = args_value(cli->args, "title");
    struct session_ask ask = {
        .method = "/roost.v1.Metrics/Chart",
        .request = &request.base,
        .reply_type = &roost__v1__chart_response__descriptor,
    };
    ProtobufCMessage *reply;

    request.select = wish->ask.select;
    request.metrics = wish->ask.metrics;
    request.n_metrics = wish->ask.count;
    series_fill_span(&wish->ask, times, &request.since, &request.until, &request.last_ms);
    request.width = wish->width;
    request.height = wish->height;
    request.scale = wish->scale;
    request.light = args_has(cli->args, "light");
    request.time_zone = wish->time_zone ? wish->time_zone : "";
    if (isfinite(wish->y_top)) {
        request.y_axis_case = ROOST__V1__CHART_REQUEST__Y_AXIS_Y_TOP;
        request.y_top = wish->y_top;
    }
    request.unit = pb_lend(unit);
    request.title = pb_lend(title);
    request.thresholds = wish->thresholds;
    request.n_thresholds = wish->threshold_count;
    int r = hub_call(cli, wish->ask.select, ask, &reply);
    if (r != 0)
        return r;
    const ProtobufCBinaryData *image = &((const Roost__V1__ChartResponse *)reply)->image;
    r = picture_put(args_value(cli->args, "output"), slice_of(image->data, image->len));
    pb_free(reply);
    return r;
}

/* The lines of a plot: copies without gaps, which the plot finds by itself. */
struct lines {
    struct plot_series series[PLOT_SERIES_MAX];
    size_t count;
    size_t left_out;
};

/* A step stands in its middle; the last one is not over yet. */
static void add_points(struct plot_series *out,
                       const Roost__V1__QueryResponse *response,
                       const Roost__V1__Series *from,
                       int64_t until_ms) {
    int64_t *times = mem_new_array(from->n_mean, sizeof(*times));
    double *values = mem_new_array(3 * from->n_mean, sizeof(*values));
    double *min = values + from->n_mean, *max = min + from->n_mean;
    bool has_band = from->n_min == from->n_mean && from->n_max == from->n_mean;

    for (size_t i = 0; i < from->n_mean; i++) {
        if (!isfinite(from->mean[i]))
            continue;
        int64_t middle_ms = series_time_ms(response, i) + (int64_t)response->step_ms / 2;
        times[out->count] = middle_ms < until_ms ? middle_ms : until_ms;
        values[out->count] = from->mean[i];
        min[out->count] = has_band ? from->min[i] : 0;
        max[out->count] = has_band ? from->max[i] : 0;
        out->count++;
    }
    out->times_ms = times;
    out->mean = values;
    out->min = has_band ? min : NULL;
    out->max = has_band ? max : NULL;
}

static char *label_of(const struct kind_series *kind,
                      const Roost__V1__QueryResponse *response,
                      const Roost__V1__Series *series) {
    bool is_pattern = strpbrk(kind->metric, "*?") != NULL;
    char *title = series_title(response, series);
    bool has_node = strcmp(title, series->metric->name) != 0;
    char *label = has_node ? mem_printf("%s %s", series->node,
                                        is_pattern ? series->metric->name : kind->label)
                           : mem_strdup(is_pattern ? series->metric->name : kind->label);
    free(title);
    return label;
}

static void lines_init(struct lines *lines,
                       const struct kind *kind,
                       const Roost__V1__QueryResponse *response,
                       int64_t until_ms) {
    *lines = (struct lines) { 0 };
    for (size_t place = 0; place < kind->series_count; place++)
        for (size_t i = 0; i < response->n_series; i++) {
            const Roost__V1__Series *series = response->series[i];
            if (!name_match_glob(kind->series[place].metric, series->metric->name))
                continue;
            if (lines->count == PLOT_SERIES_MAX) {
                lines->left_out++;
                continue;
            }
            struct plot_series *out = &lines->series[lines->count];
            out->label = label_of(&kind->series[place], response, series);
            out->colour = plot_colour(lines->count++);
            add_points(out, response, series, until_ms);
        }
}

static void lines_done(struct lines *lines) {
    for (size_t i = 0; i < lines->count; i++) {
        free((char *)(uintptr_t)lines->series[i].label);
        free((int64_t *)(uintptr_t)lines->series[i].times_ms);
        free((double *)(uintptr_t)lines->series[i].mean);
    }
}

static int64_t gap_of(const Roost__V1__QueryResponse *response) {
    int64_t step_ms = (int64_t)response->step_ms;

    for (size_t i = 0; i < response->n_series; i++)
        if (response->series[i]->interval_ms > step_ms)
            step_ms = response->series[i]->interval_ms;
    return step_ms + step_ms / 2;
}

static size_t rows_of(const struct terminal *terminal) {
    if (!terminal->is_terminal)
        return PLAIN_ROWS;
    return terminal->rows > ROWS_MAX ? ROWS_MAX : terminal->rows - 1;
}

/* Without colours lines cannot be told apart: each gets a picture of its own. */
static void draw(const struct cli *cli, struct plot *plot, const struct lines *lines) {
    bool apart = !cli->terminal.colour && lines->count > 1;
    struct buf out = { 0 };

    for (size_t i = 0; i < (apart ? lines->count : 1); i++) {
        plot->series = lines->series + i;
        plot->series_count = apart ? 1 : lines->count;
        buf_add_text(&out, i > 0 ? "\n" : "");
        plot_draw(plot, &cli->terminal, &out);
    }
    fwrite(out.data, 1, out.len, stdout);
    buf_done(&out);
    if (lines->left_out > 0)
        report_note("%zu more series are not drawn", lines->left_out);
}

static void draw_response(const struct cli *cli,
                          const struct wish *wish,
                          const Roost__V1__QueryResponse *response,
                          size_t columns) {
    const char *title = args_value(cli->args, "title");
    const struct kind *kind = &wish->kind;
    auto_(mem_freep) char *usual = mem_printf("%s  %s", wish->ask.select, kind->title);
    double size = figure_scale(kind->unit, kind->fixed, 0).size;
    double thresholds[THRESHOLDS_MAX];
    struct zone *zone = NULL;
    struct lines lines;

    if (zone_open(wish->time_zone, &zone) != 0 && zone_open("UTC", &zone) != 0)
        return;
    for (size_t i = 0; i < wish->threshold_count; i++)
        thresholds[i] = wish->thresholds[i] * (kind->fixed == FIGURE_AUTO ? 1 : size);
    struct plot plot = {
        .title = title ? title : usual,
        .thresholds = thresholds,
        .threshold_count = wish->threshold_count,
        .since_ms = wish->ask.since_ms,
        .until_ms = wish->ask.until_ms,
        .gap_ms = gap_of(response),
        .zone = zone,
        .unit = kind->unit,
        .fixed = kind->fixed,
        .y_bottom = kind->y_bottom,
        .y_top = kind->y_top,
        .columns = columns,
        .rows = rows_of(&cli->terminal),
    };
    lines_init(&lines, kind, response, wish->ask.until_ms);
    draw(cli, &plot, &lines);
    lines_done(&lines);
    zone_free(zone);
}

static int draw_in_terminal(struct cli *cli, struct wish *wish) {
    size_t columns = cli->terminal.columns ? cli->terminal.columns : PLAIN_COLUMNS;
    Roost__V1__QueryResponse *response;
    struct series_ask ask = wish->ask;
    char *metrics[KIND_SERIES_MAX];

    for (size_t i = 0; i < wish->kind.series_count; i++)
        metrics[i] = wish->kind.series[i].metric;
    ask.metrics = metrics;
    ask.count = wish->kind.series_count;
    ask.points = (uint32_t)plot_dots(columns);
    int r = series_fetch(cli, &ask, NULL, &response);
    if (r != 0)
        return r;
    series_settle(&wish->ask, response);
    if (response->n_series == 0)
        r = series_none(&wish->ask);
    else
        draw_response(cli, wish, response, columns);
    pb_free((ProtobufCMessage *)response);
    return r;
}

static int run(struct cli *cli) {
    struct wish wish = { .y_top = (double)NAN };
    const char *path = args_value(cli->args, "output");

    if (cli->json)
        return cli_usage(cli, "chart draws; numbers are \"roost query ... --json\"");
    if (path && strcmp(path, "-") == 0 && cli->terminal.is_terminal)
        return cli_usage(cli, "-o -: a picture is nothing for a terminal; redirect it");
    int r = read_wish(cli, &wish);
    if (r == 0)
        r = path ? make_picture(cli, &wish) : draw_in_terminal(cli, &wish);
    series_done(&wish.ask);
    free(wish.time_zone);
    return r;
}

static const struct args_option options[] = {
    { "output", 'o', "FILE", "a PNG file instead of the terminal; - is standard output" },
    { "since", 0, "TIME", "from then on: 24h (ago), 2026-11-20, yesterday (24h)" },
    { "until", 0, "TIME", "up to then (now)" },
    { "threshold", 0, "VALUE", "a line at this value (repeats)" },
    { "y-top", 0, "VALUE", "the upper end of the axis, in the unit" },
    { "unit", 0, "UNIT", "of the axis: b kib mib gib, bit kbit mbit gbit" },
    { "title", 0, "TEXT", "instead of the usual one" },
    { "time-zone", 0, "ZONE", "of the axis: Europe/Berlin (the local one)" },
    { "width", 0, "POINTS", "of the picture (1200)" },
    { "height", 0, "POINTS", "of the picture (600)" },
    { "scale", 0, "N", "pixels a point: 2 for screens with many of them (1)" },
    { "light", 0, NULL, "dark on white, for print" },
    { 0 },
};

static const char *const examples[] = {
    "roost chart pi cpu",
    "the last day, in the terminal",
    "roost chart pi net --since 6h --unit mbit",
    "both directions, in megabits",
    "roost chart pi,nas temp.cpu --since 7d --threshold 80",
    "two nodes and a line at 80 degrees",
    "roost chart pi all --since yesterday --until today -o day.png",
    "cpu, mem, gpu and vram of a day as a picture",
    "roost chart pi 'disk.used:*' --unit gib -o - > disks.png",
    "for a pipe",
    NULL,
};

const struct command cmd_chart = {
    .name = "chart",
    .usage = "NODE METRIC[,METRIC]...",
    .summary = "draw what was",
    .details =
        "Charts: cpu, mem, net, disk, gpu, vram, temp, all, or metrics of one unit "
        "as\n`roost status NODE -v` lists them. Lines are means; the shade around "
        "a line is\nbetween the least and greatest values. Where nothing is known "
        "nothing is drawn.",
    .examples = examples,
    .options = options,
    .least = 2,
    .most = COMMAND_ANY,
    .operands = "node",
    .run = run,
};
