#include "draw/reduce.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "base/mem.h"

enum { CANCEL_EVERY = 8192 };

/* Times beyond are no times: some 30,000 years to each side of 1970. */
static const int64_t TIME_MAX_MS = INT64_C(1000000000000000);

static const double X_MAX = 1e9;

/* The state of one walk over the samples. */
struct walk {
    const struct reduce_input *in;
    struct reduced *out;
    double columns_per_ms;
    bool whole; /* each sample keeps its own point */

    int64_t previous_ms;     /* of the last sample that counts; at first the left edge */
    bool is_broken;          /* a sample since then says that nothing was measured */
    bool is_open;            /* a run is open */
    int column;              /* the column being summed up */
    size_t in_column;        /* samples in it; 0: none is open */
    struct reduce_point sum; /* its x and mean are sums */
    double total;
    size_t total_count;
};

/* fmin() and fmax() mind NaN, which is not here, and cost a call. */
static double lesser(double a, double b) {
    return b < a ? b : a;
}

static double greater(double a, double b) {
    return b > a ? b : a;
}

/* A sample just outside may be years away; its place fits in an int all the same. */
static double x_of(const struct walk *walk, int64_t at_ms) {
    double x = (double)(at_ms - walk->in->since_ms) * walk->columns_per_ms;
    return lesser(greater(x, -X_MAX), X_MAX);
}

/* The first sample of interest: the last one at or before the left edge. */
static size_t first_place(const struct reduce_input *in) {
    size_t low = 0;
    size_t high = in->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (in->times_ms[middle] <= in->since_ms)
            low = middle + 1;
        else
            high = middle;
    }
    return low > 0 ? low - 1 : 0;
}

static size_t end_place(const struct reduce_input *in, size_t first) {
    size_t low = first;
    size_t high = in->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (in->times_ms[middle] < in->until_ms)
            low = middle + 1;
        else
            high = middle;
    }
    return low < in->count ? low + 1 : low;
}

static void add_point(struct walk *walk, struct reduce_point point) {
    struct reduced *out = walk->out;

    if (!walk->is_open)
        out->runs[out->run_count++] = (struct reduce_run) { .first = out->point_count };
    walk->is_open = true;
    out->points[out->point_count++] = point;
    out->runs[out->run_count - 1].count++;
    if (point.min < point.max)
        out->has_band = true;
}

static void end_column(struct walk *walk) {
    double count = (double)walk->in_column;

    if (walk->in_column == 0)
        return;
    walk->sum.x /= count;
    walk->sum.mean /= count;
    add_point(walk, walk->sum);
    walk->in_column = 0;
}

static void end_run(struct walk *walk) {
    end_column(walk);
    walk->is_open = false;
}

static void add_gap(struct walk *walk, double from, double to) {
    from = greater(from, 0);
    to = lesser(to, walk->in->columns);
    if (to > from)
        walk->out->gaps[walk->out->gap_count++] =
            (struct reduce_gap) { .from = from, .to = to };
}

/* Adds to the sums of the column; a new column ends the one before. */
static void add_to_column(struct walk *walk, const struct reduce_point *point) {
    int column = (int)point->x - (point->x < 0);

    if (walk->in_column > 0 && column != walk->column)
        end_column(walk);
    if (walk->in_column == 0) {
        walk->column = column;
        walk->sum = *point;
        walk->in_column = 1;
        return;
    }
    walk->sum.x += point->x;
    walk->sum.mean += point->mean;
    walk->sum.min = lesser(walk->sum.min, point->min);
    walk->sum.max = greater(walk->sum.max, point->max);
    walk->in_column++;
}

static void take_statistics(struct walk *walk, const struct reduce_point *point) {
    struct reduced *out = walk->out;

    out->last = point->mean;
    out->lowest = fmin(out->lowest, point->min);
    out->highest = fmax(out->highest, point->max);
    walk->total += point->mean;
    walk->total_count++;
}

static double finite_or(const double *values, size_t place, double fallback) {
    return values && isfinite(values[place]) ? values[place] : fallback;
}

static bool is_gap_before(const struct walk *walk, int64_t at_ms) {
    int64_t gap_ms = walk->in->gap_ms;

    if (!walk->is_broken && (gap_ms <= 0 || at_ms - walk->previous_ms <= gap_ms))
        return false;
    /* What is narrower than a column cannot be seen, and columns stay one point each. */
    return walk->whole ||
           floor(x_of(walk, at_ms)) != floor(x_of(walk, walk->previous_ms));
}

static void take_sample(struct walk *walk, size_t place) {
    const struct reduce_input *in = walk->in;
    int64_t at_ms = in->times_ms[place];
    double mean = in->mean[place];
    struct reduce_point point = {
        .x = x_of(walk, at_ms),
        .mean = mean,
        .min = lesser(mean, finite_or(in->min, place, mean)),
        .max = greater(mean, finite_or(in->max, place, mean)),
    };
    if (is_gap_before(walk, at_ms)) {
        end_run(walk);
        add_gap(walk, x_of(walk, walk->previous_ms), point.x);
    }
    if (at_ms >= in->since_ms && at_ms <= in->until_ms)
        take_statistics(walk, &point);

    if (walk->whole)
        add_point(walk, point);
    else
        add_to_column(walk, &point);
    walk->previous_ms = at_ms;
    walk->is_broken = false;
}

static int walk_samples(struct walk *walk,
                        size_t first,
                        size_t end,
                        const atomic_bool *cancelled) {
    const struct reduce_input *in = walk->in;

    for (size_t i = first; i < end; i++) {
        int64_t at_ms = in->times_ms[i];
        if (at_ms < -TIME_MAX_MS || at_ms > TIME_MAX_MS)
            return -EINVAL;
        if (i > first && at_ms < in->times_ms[i - 1])
            return -EINVAL;
        if (i % CANCEL_EVERY == 0 && cancelled && atomic_load(cancelled))
            return -ECANCELED;
        if (isfinite(in->mean[i]))
            take_sample(walk, i);
        else
            walk->is_broken = true;
    }
    return 0;
}

static void finish(struct walk *walk) {
    const struct reduce_input *in = walk->in;

    end_run(walk);
    if (is_gap_before(walk, in->until_ms) || walk->out->run_count == 0)
        add_gap(walk, x_of(walk, walk->previous_ms), in->columns);
    if (walk->total_count > 0)
        walk->out->average = walk->total / (double)walk->total_count;
}

int reduce_series(const struct reduce_input *input,
                  const atomic_bool *cancelled,
                  struct reduced *ret_reduced) {
    size_t first = first_place(input);
    size_t end = end_place(input, first);
    size_t columns = (size_t)input->columns;
    bool whole = end - first <= 2 * columns;
    /* In a walk by columns, each adds one point; those outside may add one to a side. */
    size_t room = (whole ? end - first : columns + 2) + 1;
    struct reduced out = { .last = NAN, .lowest = NAN, .highest = NAN, .average = NAN };
    out.points = mem_new_array(room, sizeof(*out.points));
    out.runs = mem_new_array(room, sizeof(*out.runs));
    out.gaps = mem_new_array(room + 1, sizeof(*out.gaps));
    struct walk walk = {
        .in = input,
        .out = &out,
        .columns_per_ms = input->columns / (double)(input->until_ms - input->since_ms),
        .whole = whole,
        .previous_ms = input->since_ms,
    };
    int r = walk_samples(&walk, first, end, cancelled);
    if (r < 0) {
        reduce_done(&out);
        return r;
    }
    finish(&walk);
    *ret_reduced = out;
    return 0;
}

void reduce_done(struct reduced *reduced) {
    free(reduced->points);
    free(reduced->runs);
    free(reduced->gaps);
    *reduced = (struct reduced) { 0 };
}
