#include "store/chunk/chunk_column.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/varint.h"
#include "store/chunk/chunk_coder.h"
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

/* The numbers that are there, as multiples of their divisor from the first one on. */
struct shape {
    const uint64_t *units; /* borrowed: the column's */
    size_t count;
    uint64_t first;
    uint64_t divisor; /* of all differences; 0 when all numbers are the same */
};

static uint64_t common_divisor(uint64_t a, uint64_t b) {
    while (b != 0) {
        uint64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

static uint64_t divisor_of(const uint64_t *numbers, size_t count) {
    int64_t least = (int64_t)numbers[0], greatest = least;
    uint64_t divisor = 0;

    for (size_t i = 1; i < count; i++) {
        int64_t number = (int64_t)numbers[i];
        least = number < least ? number : least;
        greatest = number > greatest ? number : greatest;
    }
    if ((uint64_t)greatest - (uint64_t)least > INT64_MAX / 4)
        return 1; /* differences fit only modulo 2^64, where nothing is divided */
    for (size_t i = 0; i < count && divisor != 1; i++)
        divisor = common_divisor(numbers[i] - (uint64_t)least, divisor);
    return divisor;
}

/* Turns the numbers into units in their place. */
static struct shape look_at(uint64_t *numbers, size_t count) {
    struct shape shape = { .units = numbers,
                           .count = count,
                           .first = numbers[0],
                           .divisor = divisor_of(numbers, count) };

    for (size_t i = 0; i < count; i++)
        numbers[i] -= shape.first;
    for (size_t i = 0; i < count && shape.divisor > 1; i++)
        numbers[i] = (uint64_t)((int64_t)numbers[i] / (int64_t)shape.divisor);
    return shape;
}

/* The step of the line through the first and the last number, to the nearest. */
static uint64_t slope_of(const struct shape *shape) {
    int64_t steps = (int64_t)shape->count - 1;
    int64_t whole = (int64_t)shape->units[steps];

    if (whole > INT64_MAX / 4 || whole < INT64_MIN / 4)
        return 0;
    return (uint64_t)((whole + (whole < 0 ? -steps : steps) / 2) / steps);
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

/* Distances from a line through the lowest of them; on the level, its slope is 0. */
static void from_line(const struct shape *shape, struct transformed *to) {
    uint64_t slope = to->transform == LINE ? slope_of(shape) : 0;
    int64_t lowest = 0;

    for (size_t i = 0; i < shape->count; i++) {
        to->numbers[i] = shape->units[i] - slope * i;
        int64_t distance = (int64_t)to->numbers[i];
        lowest = distance < lowest ? distance : lowest;
    }
    for (size_t i = 0; i < shape->count; i++)
        to->numbers[i] -= (uint64_t)lowest;
    add_start(to, varint_zigzag(shape->first + (uint64_t)lowest * shape->divisor));
    add_start(to, shape->divisor);
    if (to->transform == LINE)
        add_start(to, varint_zigzag(slope));
    to->count = shape->count;
}

static void from_steps(const struct shape *shape, struct transformed *to) {
    to->count = shape->count - 1;
    for (size_t i = 0; i < to->count; i++)
        to->numbers[i] = varint_zigzag(shape->units[i + 1] - shape->units[i]);
    add_start(to, varint_zigzag(shape->first));
    add_start(to, shape->divisor);
}

/* Columns of two numbers have one step and no turn; one has neither. */
static void from_turns(const struct shape *shape, struct transformed *to) {
    const uint64_t *units = shape->units;

    to->count = shape->count - 2;
    for (size_t i = 0; i < to->count; i++)
        to->numbers[i] = varint_zigzag(units[i + 2] - 2 * units[i + 1] + units[i]);
    add_start(to, varint_zigzag(shape->first));
    add_start(to, shape->divisor);
    add_start(to, varint_zigzag(units[1] - units[0]));
}

static void apply(const struct shape *shape,
                  enum transform transform,
                  struct transformed *to) {
    to->transform = transform;
    to->start_count = 0;
    to->count = 0;
    if (transform == CONSTANT)
        add_start(to, varint_zigzag(shape->first));
    else if (transform == STEP)
        from_steps(shape, to);
    else if (transform == TURN)
        from_turns(shape, to);
    else
        from_line(shape, to);
}

/* How long the transformed numbers are at least, in all: quick to tell. */
static double size_of(const struct transformed *to) {
    double sum = 0;

    for (size_t i = 0; i < to->count; i++)
        sum += (double)(to->numbers[i] >> 1);
    return sum;
}

struct choice {
    enum transform transform;
    unsigned way;
    double bits;
};

/* Applies the transform, and prefers it when its numbers take fewer bits. Numbers that
 * are larger than those of a simpler one are not even counted. */
static void consider(const struct shape *shape,
                     enum transform transform,
                     struct transformed *to,
                     double *size,
                     struct choice *best) {
    unsigned way;

    apply(shape, transform, to);
    double own_size = size_of(to);
    if (own_size >= *size)
        return;
    *size = own_size;
    double bits = chunk_coder_estimate(to->numbers, to->count, &way);
    if (bits < best->bits)
        *best = (struct choice) { transform, way, bits };
}

/* The transform whose numbers take the fewest bits, and their way. */
static struct choice choose(const struct shape *shape, struct transformed *to) {
    struct choice best = { .transform = CONSTANT, .bits = INFINITY };
    double level = INFINITY, step = INFINITY;

    if (shape->divisor == 0)
        return best;
    consider(shape, LEVEL, to, &level, &best);
    consider(shape, LINE, to, &level, &best);
    consider(shape, STEP, to, &step, &best);
    if (shape->count > 2)
        consider(shape, TURN, to, &step, &best);
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
    struct choice best = choose(&shape, &to);
    buf_add_byte(out, (uint8_t)((unsigned)best.transform | best.way << HEAD_WAY_SHIFT |
                                (present < count ? HEAD_HAS_ABSENT : 0U)));
    if (present < count)
        add_runs(column, values, count, out);
    apply(&shape, best.transform, &to);
    for (size_t i = 0; i < to.start_count; i++)
        varint_add(out, to.starts[i]);
    if (best.transform != CONSTANT)
        chunk_coder_encode(column->coder, best.way, to.numbers, to.count, out);
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
    if (coded < count)
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
