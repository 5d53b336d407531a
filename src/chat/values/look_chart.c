#include "chat/values/look_chart.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "base/metric.h"
#include "chat/look/look_gather.h"
#include "chat/look/look_text.h"
#include "chat/values/look_plot_words.h"
#include "chat/values/look_values.h"
#include "roost/v1/metrics.pb-c.h"
#include "wire/pb.h"
#include "wire/timestamp.h"

enum { CHART, QUERY, LATEST };

enum {
    WIDTH = 1200,
    HEIGHT = 600,
    WIDTH_MAX = 3600, /* with two pixels a point: 26 MB while it is drawn */
    POINTS = 500,
    LINES_MAX = 6,
    LABEL_MAX = 40,
    TITLE_MAX = 120,
};

static const int64_t DAY_MS = INT64_C(86400000);

static void add_buttons(struct turn *turn, struct view *view, const char *select);

struct drawing {
    struct look_gather gather; /* first: turn_state() ends it */
    char *select;              /* owned, and so are the next two */
    char *title;
    char *note; /* NULL: none */
    int64_t span_ms;
    bool is_file;
    void (*add_buttons)(struct turn *turn, struct view *view, const char *select);
};

/* What the node measures, if that is known: what it does not is no choice. */
static const Roost__V1__NodeValues *find_values(struct turn *turn) {
    const struct drawing *drawing = turn_state(turn, sizeof(*drawing), NULL);

    return look_values_of(
        (const Roost__V1__LatestResponse *)drawing->gather.slots[LATEST].reply,
        drawing->select);
}

static void end_drawing(void *state) {
    struct drawing *drawing = state;

    look_gather_done(&drawing->gather);
    free(drawing->select);
    free(drawing->title);
    free(drawing->note);
}

/* --- figures --- */

struct extent {
    double least;
    double greatest;
    double sum;
    double weight;
};

static struct extent measure(const Roost__V1__Series *series) {
    struct extent extent = { .least = INFINITY, .greatest = -INFINITY };

    for (size_t i = 0; i < series->n_mean; i++) {
        double weight = i < series->n_count ? series->count[i] : 1;
        if (!isfinite(series->mean[i]) || weight == 0)
            continue;
        extent.sum += series->mean[i] * weight;
        extent.weight += weight;
        extent.least =
            fmin(extent.least, i < series->n_min ? series->min[i] : series->mean[i]);
        extent.greatest =
            fmax(extent.greatest, i < series->n_max ? series->max[i] : series->mean[i]);
    }
    return extent;
}

/* "cpu" of one node, "nas cpu" of several. */
static void add_label(struct view *view,
                      const struct turn *turn,
                      const Roost__V1__Series *series,
                      bool has_node,
                      const struct extent *extent) {
    const char *metric = series->metric ? series->metric->name : "";
    const char *unit = series->metric ? series->metric->unit : "1";
    auto_(mem_freep) char *name =
        mem_printf("%s%s%s", has_node ? series->node : "", has_node ? " " : "", metric);
    auto_(mem_freep) char *cut = look_text_cut(name, LABEL_MAX);
    char least[LOOK_TEXT_LEN];
    char mean[LOOK_TEXT_LEN];
    char greatest[LOOK_TEXT_LEN];

    view_field(view, cut, turn_say(turn, "min %s, mean %s, max %s"),
               look_text_value(turn, metric, unit, extent->least, least),
               look_text_value(turn, metric, unit, extent->sum / extent->weight, mean),
               look_text_value(turn, metric, unit, extent->greatest, greatest));
}

static bool has_several_nodes(const Roost__V1__QueryResponse *query) {
    for (size_t i = 1; i < query->n_series; i++)
        if (strcmp(query->series[i]->node, query->series[0]->node) != 0)
            return true;
    return false;
}

/* A line for each series: false when there is no value at all. */
static bool add_figures(struct view *view,
                        const struct turn *turn,
                        const Roost__V1__QueryResponse *query) {
    bool has_node = has_several_nodes(query);
    size_t lines = 0;

    for (size_t i = 0; i < query->n_series; i++) {
        struct extent extent = measure(query->series[i]);
        if (extent.weight > 0 && lines++ < LINES_MAX)
            add_label(view, turn, query->series[i], has_node, &extent);
    }
    if (lines > LINES_MAX)
        view_note(view, turn_say(turn, "and %zu more"), lines - LINES_MAX);
    return lines > 0;
}

/* --- the picture --- */

static void add_image(struct view *view,
                      const struct drawing *drawing,
                      const Roost__V1__ChartResponse *chart) {
    struct slice png = slice_of(chart->image.data, chart->image.len);

    if (drawing->is_file) {
        auto_(mem_freep) char *name = mem_printf("%s.png", drawing->select);
        for (char *at = name; *at; at++)
            if (*at == '/' || *at == '*' || *at == '?' || *at == ',' || *at == '@')
                *at = '_';
        view_document(view, name, png);
        view->is_fresh = true;
    } else {
        view_picture(view, png, drawing->title);
    }
}

static void on_drawn(struct turn *turn, struct look_gather *gather) {
    struct drawing *drawing = (struct drawing *)gather;
    const Roost__V1__QueryResponse *query =
        (const Roost__V1__QueryResponse *)gather->slots[QUERY].reply;

    if (look_gather_fail(gather, turn, CHART, turn_say(turn, "Draw a chart")))
        return;
    struct view *view = view_new();
    view_title(view, "%s", drawing->title);
    bool has_values = !query || add_figures(view, turn, query);
    if (has_values)
        add_image(view, drawing,
                  (const Roost__V1__ChartResponse *)gather->slots[CHART].reply);
    else
        view_text(view, "%s", turn_say(turn, "There are no values in this time."));
    if (drawing->note)
        view_note(view, "%s", drawing->note);
    if (drawing->add_buttons && !drawing->is_file)
        drawing->add_buttons(turn, view, drawing->select);
    turn_show(turn, view);
}

static unsigned choose_width(const struct drawing *drawing) {
    int64_t half_days = drawing->span_ms / (DAY_MS / 2);

    if (!drawing->is_file || half_days < 2)
        return WIDTH;
    int64_t wide = (int64_t)WIDTH * 3 / 2 * (half_days < 4 ? 2 : half_days) / 2;
    return wide < WIDTH_MAX ? (unsigned)wide : WIDTH_MAX;
}

static void ask_chart(struct turn *turn,
                      struct drawing *drawing,
                      const struct look_chart_wish *wish) {
    Roost__V1__ChartRequest request = ROOST__V1__CHART_REQUEST__INIT;
    Google__Protobuf__Timestamp since = GOOGLE__PROTOBUF__TIMESTAMP__INIT;
    Google__Protobuf__Timestamp until = GOOGLE__PROTOBUF__TIMESTAMP__INIT;
    char *names[] = { pb_lend(wish->names) };

    request.select = pb_lend(wish->select);
    request.metrics = names;
    request.n_metrics = 1;
    if (wish->span_ms > 0)
        request.last_ms = (uint64_t)wish->span_ms;
    else
        request.since = timestamp_set(&since, wish->since_ms);
    request.until = timestamp_set(&until, wish->until_ms);
    request.width = choose_width(drawing);
    request.height = HEIGHT;
    request.scale = wish->is_file ? 2 : 1;
    request.light = wish->is_light;
    request.unit = pb_lend(wish->unit);
    if (!isnan(wish->top)) {
        request.y_axis_case = ROOST__V1__CHART_REQUEST__Y_AXIS_Y_TOP;
        request.y_top = wish->top;
    }
    look_gather_call(&drawing->gather, turn, CHART, NULL, "/roost.v1.Metrics/Chart",
                     &request.base);
}

static void ask_values(struct turn *turn,
                       struct drawing *drawing,
                       const struct look_chart_wish *wish,
                       const struct kind *kind) {
    Roost__V1__QueryRequest request = ROOST__V1__QUERY_REQUEST__INIT;
    Google__Protobuf__Timestamp since = GOOGLE__PROTOBUF__TIMESTAMP__INIT;
    Google__Protobuf__Timestamp until = GOOGLE__PROTOBUF__TIMESTAMP__INIT;
    char *metrics[KIND_SERIES_MAX];

    for (size_t i = 0; i < kind->series_count; i++)
        metrics[i] = pb_lend(kind->series[i].metric);
    request.select = pb_lend(wish->select);
    request.metrics = metrics;
    request.n_metrics = kind->series_count;
    request.points = POINTS;
    if (wish->span_ms > 0)
        request.last_ms = (uint64_t)wish->span_ms;
    else
        request.since = timestamp_set(&since, wish->since_ms);
    request.until = timestamp_set(&until, wish->until_ms);
    look_gather_call(&drawing->gather, turn, QUERY, NULL, "/roost.v1.Metrics/Query",
                     &request.base);
}

static void ask_latest(struct turn *turn, struct drawing *drawing) {
    static const char *const metrics[] = { "cpu", "gpu", "vram", "temp.cpu", "temp.gpu" };
    Roost__V1__LatestRequest request = ROOST__V1__LATEST_REQUEST__INIT;

    request.select = drawing->select;
    request.metrics = (char **)(uintptr_t)metrics;
    request.n_metrics = sizeof(metrics) / sizeof(metrics[0]);
    look_gather_call(&drawing->gather, turn, LATEST, NULL, "/roost.v1.Metrics/Latest",
                     &request.base);
}

/* "nas: CPU, 24 h" */
static char *make_title(const struct turn *turn,
                        const struct look_chart_wish *wish,
                        const struct kind *kind) {
    struct buf title = { 0 };
    char text[LOOK_TEXT_LEN];

    look_text_add(&title, wish->select, TITLE_MAX / 2);
    buf_add_text(&title, ": ");
    look_text_add(&title, turn_say(turn, kind->title), TITLE_MAX / 2);
    if (wish->span_ms > 0)
        buf_printf(&title, ", %s", look_text_duration(turn, wish->span_ms, text));
    else
        buf_printf(&title, turn_say(turn, ", since %s"),
                   look_text_clock(turn, wish->since_ms, text));
    return buf_take_text(&title);
}

void look_chart_show(struct turn *turn, const struct look_chart_wish *wish) {
    const struct chat_host *host = turn_host(turn);
    struct kind kind;
    char *why = NULL;

    if (kind_choose(wish->names, wish->unit, wish->top, &kind, &why) != 0) {
        auto_(mem_freep) char *cut = look_text_cut(wish->names, LABEL_MAX);
        turn_complain(turn, turn_say(turn, "\"%s\" cannot be drawn."), cut);
        free(why);
        return;
    }
    int64_t until_ms = wish->until_ms ? wish->until_ms : host->now_ms(host->arg);
    struct drawing *drawing = turn_state(turn, sizeof(*drawing), end_drawing);
    drawing->select = mem_strdup(wish->select);
    drawing->title = make_title(turn, wish, &kind);
    drawing->note = mem_strdup(wish->note);
    drawing->span_ms = wish->span_ms ? wish->span_ms : until_ms - wish->since_ms;
    drawing->is_file = wish->is_file;
    drawing->add_buttons = wish->add_buttons;
    look_gather_start(&drawing->gather, on_drawn);
    ask_chart(turn, drawing, wish);
    ask_values(turn, drawing, wish, &kind);
    if (wish->add_buttons == add_buttons)
        ask_latest(turn, drawing);
}

/* --- chart NODE KIND PERIOD --- */

struct choice {
    const char *word;    /* of the action */
    const char *label;   /* English */
    const char *metrics; /* one of these is measured; NULL: always a choice */
};

static const struct choice kinds[] = {
    { "all", "All", NULL },     { "cpu", "CPU", NULL },
    { "mem", "RAM", NULL },     { "net", "Network", NULL },
    { "disk", "Disk", NULL },   { "gpu", "GPU", "gpu" },
    { "vram", "VRAM", "vram" }, { "temp", "Temp.", "temp.cpu temp.gpu" },
};
static const struct choice periods[] = {
    { "10m", "10 min", NULL }, { "1h", "1 h", NULL },   { "24h", "24 h", NULL },
    { "7d", "7 d", NULL },     { "30d", "30 d", NULL },
};

enum {
    KINDS = sizeof(kinds) / sizeof(kinds[0]),
    PERIODS = sizeof(periods) / sizeof(periods[0]),
    KINDS_A_ROW = 4,
};

/* The kind or metrics and the period that the words say. */
struct chosen {
    const char *names;
    const char *period;
};

static struct chosen choose(const struct turn *turn) {
    struct chosen chosen = { "all", "1h" };

    for (size_t i = 0; i < turn_count(turn); i++) {
        if (look_plot_words_span(turn_word(turn, i)) > 0)
            chosen.period = turn_word(turn, i);
        else
            chosen.names = turn_word(turn, i);
    }
    return chosen;
}

static void add_choice(struct view *view,
                       const struct turn *turn,
                       const struct choice *choice,
                       bool is_chosen,
                       const char *action) {
    auto_(mem_freep) char *label =
        mem_printf("%s%s", is_chosen ? "• " : "", turn_say(turn, choice->label));

    view_button(view, is_chosen ? VIEW_PRIMARY : VIEW_PLAIN, label, "%s", action);
}

static bool means(const char *typed, const char *word) {
    return strcasecmp(typed, word) == 0 || strcmp(metric_resolve(typed), word) == 0;
}

static bool is_measured(const Roost__V1__NodeValues *values, const char *metrics) {
    double value;

    while (values && metrics && *metrics) {
        size_t len = strcspn(metrics, " ");
        auto_(mem_freep) char *metric = mem_dup(metrics, len);
        if (look_values_find(values, metric, &value))
            return true;
        metrics += len + strspn(metrics + len, " ");
    }
    return !values || !metrics;
}

static void add_kinds(struct view *view,
                      struct turn *turn,
                      const char *select,
                      const struct chosen *chosen) {
    const Roost__V1__NodeValues *values = find_values(turn);
    size_t count = 0;

    for (size_t i = 0; i < KINDS; i++) {
        auto_(mem_freep) char *action =
            mem_printf("chart %s %s %s", select, kinds[i].word, chosen->period);
        if (!is_measured(values, kinds[i].metrics))
            continue;
        if (count++ % KINDS_A_ROW == 0)
            view_row(view);
        add_choice(view, turn, &kinds[i], means(chosen->names, kinds[i].word), action);
    }
}

static void add_buttons(struct turn *turn, struct view *view, const char *select) {
    struct chosen chosen = choose(turn);
    struct buf names = { 0 };

    view_quote(&names, chosen.names);
    add_kinds(view, turn, select, &chosen);
    view_row(view);
    for (size_t i = 0; i < PERIODS; i++) {
        auto_(mem_freep) char *action =
            mem_printf("chart %s %s %s", select, buf_text(&names), periods[i].word);
        add_choice(view, turn, &periods[i],
                   strcasecmp(chosen.period, periods[i].word) == 0, action);
    }
    view_row(view);
    view_button(view, VIEW_PLAIN, turn_say(turn, "Refresh"), "chart %s %s %s", select,
                buf_text(&names), chosen.period);
    view_button(view, VIEW_PLAIN, turn_say(turn, "As a file"), "chart %s %s %s --file",
                select, buf_text(&names), chosen.period);
    view_button(view, VIEW_PLAIN, turn_say(turn, "‹ Back"), "status %s", select);
    buf_done(&names);
}

void look_chart_run(struct turn *turn) {
    struct chosen chosen = choose(turn);
    struct look_chart_wish wish = {
        .select = turn_node(turn),
        .names = chosen.names,
        .top = NAN,
        .span_ms = look_plot_words_span(chosen.period),
        .is_light = turn_flag(turn, "light") != NULL,
        .is_file = turn_flag(turn, "file") != NULL,
        .add_buttons = add_buttons,
    };

    look_chart_show(turn, &wish);
}
