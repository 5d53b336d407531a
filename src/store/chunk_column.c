#include "store/chunk_column.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/varint.h"
#include "store/chunk_coder.h"
#include "wire/sample.h"

enum transform {
    CONSTANT, /* one number, none packed */
    LEVEL,    /* the distance from the least */
    LINE,     /* the distance from a line, whose steps are all the same */
    STEP,     /* the difference from the number before */
    TURN,     /* the difference of the steps */
    TRANSFORMS,
};

enum {
    HEAD_WAY_SHIFT = 3,
    HEAD_HAS_ABSENT = 1 << 5,
    HEAD_UNUSED = 1 << 6 | 1 << 7,
};

struct chunk_column {
    struct chunk_coder *coder; /* owned */
    uint64_t *present;         /* owned; the numbers that are there, count_max of them */
    uint64_t *numbers;         /* owned; transformed, or runs; count_max of them */
    size_t count_max;
    struct buf runs;
};

struct chunk_column *chunk_column_new(void) {
    struct chunk_column *column = mem_new(sizeof(*column));
    column->coder = chunk_coder_new();
    return column;
}

struct chunk_column *chunk_column_free(struct chunk_column *column) {
    if (!column)
        return NULL;
    chunk_coder_free(column->coder);
    free(column->present);
    free(column->numbers);
    buf_done(&column->runs);
    free(column);
    return NULL;
}

static void make_room(struct chunk_column *column, size_t count) {
    if (count <= column->count_max)
        return;
    column->count_max = count;
    column->present = mem_grow(column->present, count * sizeof(*column->present));
    column->numbers = mem_grow(column->numbers, count * sizeof(*column->numbers));
}

/* --- Writing -------------------------------------------------------------------------
 */

/* What was found out about the numbers that are there. */
struct shape {
    const uint64_t *numbers; /* borrowed: the column's */
    size_t count;
    uint64_t least;   /* as signed numbers */
    uint64_t divisor; /* of all differences; 0 when all numbers are the same */
    bool is_wide;     /* differences do not fit 63 bits: only modulo 2^64 */
};

static uint64_t common_divisor(uint64_t a, uint64_t b) {
    while (b != 0) {
        uint64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

static struct shape look_at(const uint64_t *numbers, size_t count) {
    struct shape shape = { .numbers = numbers, .count = count };
    int64_t least = (int64_t)numbers[0], greatest = least;

    for (size_t i = 1; i < count; i++) {
        int64_t number = (int64_t)numbers[i];
        least = number < least ? number : least;
        greatest = number > greatest ? number : greatest;
    }
    shape.least = (uint64_t)least;
    shape.is_wide = (uint64_t)greatest - shape.least > INT64_MAX / 4;
    for (size_t i = 0; i < count && shape.divisor != 1; i++)
        shape.divisor = common_divisor(numbers[i] - shape.least, shape.divisor);
    if (shape.is_wide)
        shape.divisor = 1;
    return shape;
}

/* The quotient of a difference that the divisor divides. */
static uint64_t divide(const struct shape *shape, uint64_t difference) {
    if (shape->divisor == 1)
        return difference;
    return (uint64_t)((int64_t)difference / (int64_t)shape->divisor);
}

/* The steps of the line through the first and the last number, in divisors. */
static uint64_t slope_of(const struct shape *shape) {
    if (shape->count < 2 || shape->is_wide)
        return 0;
    int64_t steps = (int64_t)shape->count - 1;
    int64_t whole = (int64_t)divide(shape, shape->numbers[steps] - shape->numbers[0]);
    return (uint64_t)((whole + (whole < 0 ? -steps : steps) / 2) / steps);
}

/* The least distance from the line through the first number, in divisors. */
static uint64_t lowest(const struct shape *shape, uint64_t slope) {
    int64_t least = 0;

    for (size_t i = 1; i < shape->count; i++) {
        uint64_t over = divide(shape, shape->numbers[i] - shape->numbers[0]);
        int64_t distance = (int64_t)(over - slope * i);
        least = distance < least ? distance : least;
    }
    return (uint64_t)least;
}

/* A transform at work: what it puts before the numbers, and them. */
struct transformed {
    enum transform transform;
    uint64_t starts[4];
    size_t start_count;
    uint64_t *numbers; /* borrowed: the column's */
    size_t count;
};

static void add_start(struct transformed *to, uint64_t start) {
    to->starts[to->start_count++] = start;
}

static void from_line(const struct shape *shape, struct transformed *to) {
    uint64_t slope = to->transform == LINE ? slope_of(shape) : 0;
    uint64_t least = lowest(shape, slope);

    add_start(to, varint_zigzag(shape->numbers[0] + least * shape->divisor));
    add_start(to, shape->divisor);
    if (to->transform == LINE)
        add_start(to, varint_zigzag(slope));
    to->count = shape->count;
    for (size_t i = 0; i < shape->count; i++) {
        uint64_t over = divide(shape, shape->numbers[i] - shape->numbers[0]);
        to->numbers[i] = over - slope * i - least;
    }
}

static void from_steps(const struct shape *shape, struct transformed *to) {
    size_t first = to->transform == TURN ? 2 : 1;
    uint64_t before = 0;

    if (first > shape->count)
        first = shape->count;
    add_start(to, varint_zigzag(shape->numbers[0]));
    add_start(to, shape->divisor);
    if (first == 2) {
        before = divide(shape, shape->numbers[1] - shape->numbers[0]);
        add_start(to, varint_zigzag(before));
    }
    to->count = shape->count - first;
    for (size_t i = first; i < shape->count; i++) {
        uint64_t step = divide(shape, shape->numbers[i] - shape->numbers[i - 1]);
        to->numbers[i - first] = varint_zigzag(step - before);
        before = to->transform == TURN ? step : 0;
    }
}

static void apply(const struct shape *shape,
                  enum transform transform,
                  struct transformed *to) {
    to->transform = transform;
    to->start_count = 0;
    to->count = 0;
    if (transform == CONSTANT)
        add_start(to, varint_zigzag(shape->numbers[0]));
    else if (transform == LEVEL || transform == LINE)
        from_line(shape, to);
    else
        from_steps(shape, to);
}

/* The transform whose numbers take the fewest bits. */
static enum transform choose(const struct shape *shape, struct transformed *to) {
    enum transform best = LEVEL;
    double least = INFINITY;

    if (shape->divisor == 0)
        return CONSTANT;
    for (enum transform transform = LEVEL; transform < TRANSFORMS; transform++) {
        unsigned way;
        apply(shape, transform, to);
        double bits = chunk_coder_estimate(to->numbers, to->count, &way);
        if (bits < least) {
            least = bits;
            best = transform;
        }
    }
    return best;
}

/* Runs of values that are there and that are absent, by turns. */
static void add_runs(struct chunk_column *column,
                     const int64_t *values,
                     size_t count,
                     struct buf *out) {
    size_t runs = 0;
    bool is_there = true;
    unsigned way;

    for (size_t i = 0; i < count; is_there = !is_there) {
        size_t began = i;
        while (i < count && (values[i] != SAMPLE_ABSENT) == is_there)
            i++;
        column->numbers[runs++] = i - began;
    }
    buf_clear(&column->runs);
    chunk_coder_estimate(column->numbers, runs, &way);
    chunk_coder_encode(column->coder, way, column->numbers, runs, &column->runs);
    varint_add(out, runs << 2 | way);
    varint_add(out, column->runs.len);
    buf_add_slice(out, buf_slice(&column->runs));
}

void chunk_column_encode(struct chunk_column *column,
                         const int64_t *values,
                         size_t count,
                         struct buf *out) {
    size_t present = 0;

    make_room(column, count + 1);
    for (size_t i = 0; i < count; i++)
        if (values[i] != SAMPLE_ABSENT)
            column->present[present++] = (uint64_t)values[i];
    if (present == 0)
        return;

    struct shape shape = look_at(column->present, present);
    struct transformed to = { .numbers = column->numbers };
    enum transform transform = choose(&shape, &to);
    unsigned way = 0;
    apply(&shape, transform, &to);
    if (transform != CONSTANT)
        chunk_coder_estimate(to.numbers, to.count, &way);
    buf_add_byte(out, (uint8_t)((unsigned)transform | way << HEAD_WAY_SHIFT |
                                (present < count ? HEAD_HAS_ABSENT : 0U)));
    if (present < count) {
        add_runs(column, values, count, out);
        apply(&shape, transform, &to);
    }
    for (size_t i = 0; i < to.start_count; i++)
        varint_add(out, to.starts[i]);
    if (transform != CONSTANT)
        chunk_coder_encode(column->coder, way, to.numbers, to.count, out);
}

/* --- Reading -------------------------------------------------------------------------
 */

/* Reads the runs into column->numbers: how many values are there. */
static bool take_runs(struct chunk_column *column,
                      struct slice *bytes,
                      size_t count,
                      size_t *ret_present) {
    uint64_t runs, len;
    size_t present = 0, all = 0;

    if (!varint_take(bytes, &runs) || !varint_take(bytes, &len) || len > bytes->len ||
        runs >> 2 > count + 1)
        return false;
    struct slice coded = slice_of(bytes->at, len);
    *bytes = slice_after(*bytes, len);
    if (!chunk_coder_decode(column->coder, runs & 3, coded, column->numbers, runs >> 2))
        return false;
    for (size_t i = 0; i < runs >> 2; i++) {
        if (column->numbers[i] > count - all)
            return false;
        all += column->numbers[i];
        present += i % 2 ? 0 : column->numbers[i];
    }
    *ret_present = present;
    return all == count;
}

struct starts {
    uint64_t first;
    uint64_t divisor;
    uint64_t step;
};

static bool take_starts(enum transform transform,
                        struct slice *bytes,
                        struct starts *starts) {
    if (!varint_take(bytes, &starts->first))
        return false;
    starts->first = varint_unzigzag(starts->first);
    if (transform == CONSTANT)
        return true;
    if (!varint_take(bytes, &starts->divisor))
        return false;
    if (transform != LINE && transform != TURN)
        return true;
    if (!varint_take(bytes, &starts->step))
        return false;
    starts->step = varint_unzigzag(starts->step);
    return true;
}

/* Turns count packed numbers, which begin where the values begin, into the values. */
static void restore_line(const struct starts *starts, uint64_t *numbers, size_t count) {
    for (size_t i = 0; i < count; i++)
        numbers[i] = starts->first + (numbers[i] + starts->step * i) * starts->divisor;
}

static void restore_steps(const struct starts *starts, uint64_t *numbers, size_t count) {
    uint64_t number = starts->first;

    for (size_t i = 0; i < count; i++) {
        uint64_t step = varint_unzigzag(numbers[i]);
        numbers[i] = number;
        number += step * starts->divisor;
    }
}

static void restore_turns(const struct starts *starts, uint64_t *numbers, size_t count) {
    uint64_t number = starts->first, step = starts->step;

    for (size_t i = 0; i < count; i++) {
        uint64_t turn = varint_unzigzag(numbers[i]);
        numbers[i] = number;
        number += step * starts->divisor;
        step += turn;
    }
}

static bool decode_numbers(struct chunk_column *column,
                           unsigned head,
                           struct slice bytes,
                           uint64_t *numbers,
                           size_t count) {
    static const uint8_t starts_of[TRANSFORMS] = { [STEP] = 1, [TURN] = 2 };
    enum transform transform = head & ((1 << HEAD_WAY_SHIFT) - 1);
    unsigned way = head >> HEAD_WAY_SHIFT & (CHUNK_CODER_WAYS - 1);
    struct starts starts = { 0 };

    if (transform >= TRANSFORMS || count < starts_of[transform] ||
        !take_starts(transform, &bytes, &starts))
        return false;
    if (transform == CONSTANT) {
        for (size_t i = 0; i < count; i++)
            numbers[i] = starts.first;
        return bytes.len == 0;
    }
    /* From the last numbers no step leads on: none is coded for them. */
    size_t coded = count - starts_of[transform];
    memset(numbers + coded, 0, (count - coded) * sizeof(*numbers));
    if (!chunk_coder_decode(column->coder, way, bytes, numbers, coded))
        return false;
    if (transform == STEP)
        restore_steps(&starts, numbers, count);
    else if (transform == TURN)
        restore_turns(&starts, numbers, count);
    else
        restore_line(&starts, numbers, count);
    return true;
}

/* Spreads the numbers that are there over their places, as the runs say. */
static void spread(const struct chunk_column *column, int64_t *values, size_t count) {
    const uint64_t *present = column->present;

    for (size_t i = 0, run = 0; i < count; run++)
        for (size_t end = i + column->numbers[run]; i < end; i++)
            values[i] = run % 2 ? SAMPLE_ABSENT : (int64_t)*present++;
}

int chunk_column_decode(struct chunk_column *column,
                        struct slice bytes,
                        int64_t *values,
                        size_t count) {
    if (bytes.len == 0) {
        for (size_t i = 0; i < count; i++)
            values[i] = SAMPLE_ABSENT;
        return 0;
    }
    unsigned head = bytes.at[0];
    bytes = slice_after(bytes, 1);
    if (head & HEAD_UNUSED)
        return CHUNK_COLUMN_E_DAMAGED;
    if (!(head & HEAD_HAS_ABSENT)) {
        bool is_good = decode_numbers(column, head, bytes, (uint64_t *)values, count);
        return is_good ? 0 : CHUNK_COLUMN_E_DAMAGED;
    }
    size_t present;
    make_room(column, count + 1);
    if (!take_runs(column, &bytes, count, &present) ||
        !decode_numbers(column, head, bytes, column->present, present))
        return CHUNK_COLUMN_E_DAMAGED;
    spread(column, values, count);
    return 0;
}
