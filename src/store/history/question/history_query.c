#include "store/history/question/history_query.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/name.h"
#include "store/chunk/chunk.h"
#include "store/history/history_backend.h"
#include "store/history/history_catalogue.h"
#include "store/history/history_private.h"
#include "store/history/question/history_step.h"
#include "store/store.h"
#include "wire/sample.h"

/* A series of the database, or a column of a catalogue, and the curve it adds to. */
struct line {
    uint32_t id; /* of the series, or place in the catalogue */
    size_t curve;
    double factor; /* makes the unit of its integers */
};

/* What is gathered for one node. */
struct gathering {
    struct history_question *question; /* borrowed */
    const struct history_backend *backend;
    struct store_database *reader;
    struct chunk_codec *codec;
    struct history_curve *curves; /* owned; by name */
    size_t curve_count;
    struct line *lines; /* owned; of the database */
    size_t line_count;
    struct history_progress progress;

    int64_t from_ms; /* what is taken of the chunks that are read */
    int64_t until_ms;
    int64_t *times_ms; /* owned, with what follows: scratch for one chunk */
    int64_t *values;
    struct tier_bucket *buckets;
    size_t cap;
};

static bool is_wanted(const struct history_question *question, const char *metric) {
    for (size_t i = 0; i < question->metric_count; i++) {
        const char *pattern = question->metrics[i];
        if (name_is_glob(pattern) ? name_match_glob(pattern, metric)
                                  : strcmp(pattern, metric) == 0)
            return true;
    }
    return false;
}

/* The curve of a metric, made when there is none; SIZE_MAX: there are too many. */
static size_t find_curve(struct gathering *all, const char *metric, const char *unit) {
    for (size_t i = 0; i < all->curve_count; i++)
        if (strcmp(all->curves[i].metric, metric) == 0 &&
            strcmp(all->curves[i].unit, unit) == 0)
            return i;
    size_t others = all->question->answer.series_count;
    if (others + all->curve_count >= HISTORY_SERIES_MAX)
        return SIZE_MAX;
    all->curves = mem_grow(all->curves, (all->curve_count + 1) * sizeof(*all->curves));
    history_curve_init(&all->curves[all->curve_count], &all->question->grid, metric,
                       unit);
    return all->curve_count++;
}

static bool has_too_many(const struct gathering *all) {
    size_t series = all->question->answer.series_count + all->curve_count;
    size_t points = all->question->grid.step_ms > 0 ? all->question->grid.points : 0;
    return series > HISTORY_SERIES_MAX || series * points > HISTORY_VALUES_MAX;
}

/* Adds a line for a metric that is wanted: 0 or HISTORY_E_MANY. */
static int add_line(struct gathering *all,
                    struct line **lines,
                    size_t *count,
                    uint32_t id,
                    const struct history_metric *metric,
                    uint32_t interval_ms) {
    if (!is_wanted(all->question, metric->name))
        return 0;
    size_t curve = find_curve(all, metric->name, metric->unit);
    if (curve == SIZE_MAX || has_too_many(all))
        return HISTORY_E_MANY;
    all->curves[curve].scale = metric->scale;
    all->curves[curve].interval_ms = interval_ms;
    *lines = mem_grow(*lines, (*count + 1) * sizeof(**lines));
    (*lines)[(*count)++] = (struct line) {
        .id = id,
        .curve = curve,
        .factor = pow(10, -(double)metric->scale),
    };
    return 0;
}

static int on_series(void *arg, const struct history_series_row *row) {
    struct gathering *all = arg;
    const struct history_metric metric = { row->name, row->unit, row->scale };
    return add_line(all, &all->lines, &all->line_count, row->id, &metric,
                    row->interval_ms);
}

/* Room for the rows of one chunk. */
static void make_scratch(struct gathering *all, size_t count) {
    if (count <= all->cap)
        return;
    all->cap = count;
    all->times_ms = mem_grow(all->times_ms, count * sizeof(*all->times_ms));
    all->values = mem_grow(all->values, count * sizeof(*all->values));
    all->buckets = mem_grow(all->buckets, count * sizeof(*all->buckets));
}

static void add_values(struct gathering *all,
                       const struct chunk *chunk,
                       const struct line *line,
                       size_t place) {
    struct history_curve *curve = &all->curves[line->curve];

    if (chunk_read_values(all->codec, chunk, place, all->values) != 0)
        return;
    for (size_t i = 0; i < chunk->count; i++)
        if (all->values[i] != SAMPLE_ABSENT && all->times_ms[i] >= all->from_ms &&
            all->times_ms[i] < all->until_ms)
            history_curve_add(curve, all->times_ms[i],
                              (double)all->values[i] * line->factor);
}

static void add_buckets(struct gathering *all,
                        const struct chunk *chunk,
                        const struct line *line,
                        size_t place,
                        int64_t step_ms) {
    struct history_curve *curve = &all->curves[line->curve];

    if (chunk_read_buckets(all->codec, chunk, place, all->buckets) != 0)
        return;
    for (size_t i = 0; i < chunk->count; i++)
        if (all->times_ms[i] >= all->from_ms && all->times_ms[i] < all->until_ms)
            history_curve_add_bucket(curve, all->times_ms[i], step_ms, &all->buckets[i],
                                     line->factor);
}

/* Where every sample is kept, what came out so far is too much. */
static bool is_over_full(const struct gathering *all) {
    const struct history_answer *answer = &all->question->answer;
    size_t count = 0;

    if (all->question->grid.step_ms > 0)
        return false;
    for (size_t i = 0; i < answer->series_count; i++)
        count += answer->series[i].count;
    for (size_t i = 0; i < all->curve_count; i++)
        count += all->curves[i].count;
    return count > HISTORY_VALUES_MAX;
}

static int on_chunk(void *arg, const struct history_chunk_row *row) {
    struct gathering *all = arg;
    struct chunk chunk;

    if (atomic_load(&all->question->is_cancelled))
        return -ECANCELED;
    /* What is damaged is a gap; `roostd check` says where. */
    if (chunk_open(row->body, &chunk) != 0)
        return 0;
    make_scratch(all, chunk.count);
    if (chunk_read_times(all->codec, &chunk, all->times_ms) != 0)
        return 0;
    for (size_t i = 0; i < all->line_count; i++) {
        size_t place = chunk_find(&chunk, all->lines[i].id);
        if (place == chunk.series_count)
            continue;
        if (row->tier == TIER_RAW)
            add_values(all, &chunk, &all->lines[i], place);
        else
            add_buckets(all, &chunk, &all->lines[i], place, tier_step_ms(row->tier));
    }
    return is_over_full(all) ? HISTORY_E_MANY : 0;
}

/* Takes what the chunks of a tier have of [from, until). */
static int read_span(struct gathering *all,
                     int64_t node,
                     enum tier tier,
                     int64_t from_ms,
                     int64_t until_ms) {
    if (from_ms >= until_ms)
        return 0;
    all->from_ms = from_ms;
    all->until_ms = until_ms;
    return all->backend->read_chunks(all->reader, node, tier,
                                     tier_floor(from_ms, tier_span_ms(tier)), until_ms,
                                     on_chunk, all);
}

/*
 * What came before the oldest chunk of a tier may still be in the ones above: takes from
 * each what lies before where the one below begins.
 */
static int read_older(struct gathering *all, int64_t node, enum tier tier) {
    const struct history_grid *grid = &all->question->grid;
    int64_t until_ms = grid->until_ms < all->progress.tiered_ms ? grid->until_ms
                                                                : all->progress.tiered_ms;
    int r = 0;

    for (; r == 0 && tier + 1 < TIER_COUNT; tier = (enum tier)(tier + 1)) {
        int64_t oldest_ms;
        r = all->backend->oldest_chunk(all->reader, node, tier, &oldest_ms);
        if (r != 0)
            return r;
        if (oldest_ms != HISTORY_NEVER && oldest_ms < until_ms)
            until_ms = oldest_ms;
        if (until_ms <= grid->since_ms)
            return 0;
        /* Only buckets that end before; those that go further hold what was taken. */
        int64_t step_ms = tier_step_ms((enum tier)(tier + 1));
        int64_t end_ms = tier_floor(until_ms, step_ms);
        r = read_span(all, node, (enum tier)(tier + 1),
                      tier_floor(grid->since_ms, step_ms), end_ms);
        until_ms = end_ms;
    }
    return r;
}

/* Above raw, hours that no tier holds yet come from raw. */
static int read_node(struct gathering *all, int64_t node) {
    const struct history_question *question = all->question;
    const struct history_grid *grid = &question->grid;
    int64_t raw_ms = grid->since_ms;
    int r = 0;

    if (question->tier != TIER_RAW) {
        raw_ms = all->progress.tiered_ms;
        raw_ms = raw_ms < grid->since_ms ? grid->since_ms : raw_ms;
        raw_ms = raw_ms > grid->until_ms ? grid->until_ms : raw_ms;
        r = read_span(all, node, question->tier, grid->since_ms, raw_ms);
    }
    if (r == 0)
        r = read_span(all, node, TIER_RAW, raw_ms, grid->until_ms);
    if (r == 0 && grid->step_ms > 0)
        r = read_older(all, node, question->tier);
    return r;
}

/* Rows of one view that are not in chunks. */
struct viewing {
    struct gathering *all; /* borrowed */
    struct line *lines;    /* owned */
    size_t line_count;
    uint64_t position; /* of the next row */
};

static int on_row(void *arg, int64_t time_ms, const int64_t *values) {
    struct viewing *viewing = arg;
    struct gathering *all = viewing->all;

    if (viewing->position++ <= all->progress.merged)
        return 0;
    for (size_t i = 0; i < viewing->line_count; i++) {
        const struct line *line = &viewing->lines[i];
        if (values[line->id] != SAMPLE_ABSENT)
            history_curve_add(&all->curves[line->curve], time_ms,
                              (double)values[line->id] * line->factor);
    }
    return 0;
}

static bool is_of_interest(const struct gathering *all, const struct history_view *view) {
    const struct history_block *block = view->block;
    return view->rows > 0 &&
           block->first_position + (view->rows - 1) > all->progress.merged;
}

static int read_view(struct gathering *all, const struct history_view *view) {
    const struct history_catalogue *catalogue = view->block->catalogue;
    struct viewing viewing = { .all = all, .position = view->block->first_position };
    int r = 0;

    if (!is_of_interest(all, view))
        return 0;
    for (size_t i = 0; r == 0 && i < catalogue->count; i++)
        r = add_line(all, &viewing.lines, &viewing.line_count, (uint32_t)i,
                     &catalogue->metrics[i], catalogue->interval_ms);
    if (r == 0 && viewing.line_count > 0)
        r = history_block_walk(view, on_row, &viewing);
    free(viewing.lines);
    return r == 0 && is_over_full(all) ? HISTORY_E_MANY : r;
}

static int gather(struct gathering *all, const struct history_source *source) {
    int r = 0;

    all->progress = (struct history_progress) { .tiered_ms = HISTORY_NEVER };
    if (source->id != 0) {
        r = all->backend->read_progress(all->reader, source->id, &all->progress);
        if (r == 0)
            r = all->backend->read_series(all->reader, source->id, on_series, all);
        if (r == 0 && all->line_count > 0)
            r = read_node(all, source->id);
        if (r == HISTORY_BACKEND_E_GONE)
            r = 0;
    }
    for (size_t i = 0; r == 0 && i < source->view_count; i++)
        r = read_view(all, &source->views[i]);
    return r;
}

static int compare_curves(const void *a, const void *b) {
    const struct history_curve *left = a, *right = b;
    int order = strcmp(left->metric, right->metric);
    return order != 0 ? order : strcmp(left->unit, right->unit);
}

/* Hands the curves that have anything over to the answer. */
static void finish_curves(struct gathering *all, const struct history_source *source) {
    struct history_question *question = all->question;
    struct history_answer *answer = &question->answer;
    int64_t slack_ms = tier_step_ms(question->tier);

    qsort(all->curves, all->curve_count, sizeof(*all->curves), compare_curves);
    answer->series = mem_grow(answer->series, (answer->series_count + all->curve_count) *
                                                  sizeof(*answer->series));
    for (size_t i = 0; i < all->curve_count; i++) {
        if (!all->curves[i].is_touched)
            continue;
        struct history_series *series = &answer->series[answer->series_count++];
        *series =
            (struct history_series) { .tier = question->tier, .node = source->name };
        history_curve_finish(&all->curves[i], slack_ms, series);
    }
}

static int answer_for(struct gathering *all, const struct history_source *source) {
    all->curve_count = 0;
    all->line_count = 0;
    int r = gather(all, source);
    if (r == 0 && all->curve_count > 0)
        finish_curves(all, source);
    for (size_t i = 0; i < all->curve_count; i++)
        history_curve_done(&all->curves[i]);
    return r;
}

static void lay_grid(struct history_question *question) {
    struct history_grid *grid = &question->grid;

    if (question->points == 0) {
        *grid = (struct history_grid) { .since_ms = question->since_ms,
                                        .until_ms = question->until_ms };
        question->tier = TIER_RAW;
    } else {
        question->tier =
            history_step_choose(question->since_ms, question->until_ms, question->points,
                                question->now_ms, question->retention_ms, grid);
    }
    question->answer.since_ms = grid->since_ms;
    question->answer.step_ms = grid->step_ms;
    question->answer.points = grid->points;
}

int history_query_run(struct history_question *question,
                      const struct history_backend *backend,
                      struct store_database *reader,
                      struct chunk_codec *codec) {
    struct gathering all = {
        .question = question, .backend = backend, .reader = reader, .codec = codec
    };

    if (question->since_ms >= question->until_ms)
        return 0;
    lay_grid(question);
    int r = backend->begin_read(reader);
    if (r != 0)
        return r;
    for (size_t i = 0; r == 0 && i < question->source_count; i++)
        r = atomic_load(&question->is_cancelled)
                ? -ECANCELED
                : answer_for(&all, &question->sources[i]);
    backend->end_read(reader);
    free(all.curves);
    free(all.lines);
    free(all.times_ms);
    free(all.values);
    free(all.buckets);
    return r;
}

void history_query_done(struct history_question *question) {
    struct history_answer *answer = &question->answer;

    for (size_t i = 0; i < answer->series_count; i++) {
        struct history_series *series = &answer->series[i];
        free((char *)series->metric);
        free((char *)series->unit);
        free(series->mean);
        free(series->min);
        free(series->max);
        free(series->samples);
        free(series->times_ms);
    }
    free(answer->series);
    for (size_t i = 0; i < question->source_count; i++) {
        free(question->sources[i].name);
        free(question->sources[i].views);
    }
    free(question->sources);
    for (size_t i = 0; i < question->metric_count; i++)
        free(question->metrics[i]);
    free(question->metrics);
}
