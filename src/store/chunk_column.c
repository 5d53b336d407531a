#include "store/chunk_column.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/varint.h"
#include "wire/sample.h"

enum transform {
    CONSTANT, /* one number, none packed */
    LEVEL,    /* the distance from the least */
    LINE,     /* the distance from a line, whose steps are all the same */
    STEP,     /* the difference from the number before */
    TURN,     /* the difference of the steps */
    TRANSFORMS,
};

enum packing { VARINTS, BYTES_1, BYTES_2, BYTES_3, BYTES_4, BYTES_8, PACKINGS };

static const uint8_t packing_width[PACKINGS] = { 0, 1, 2, 3, 4, 8 };

enum {
    HEAD_PACKING_SHIFT = 3,
    HEAD_HAS_ABSENT = 1 << 6,
    HEAD_IS_COMPRESSED = 1 << 7,
};

enum {
    ZSTD_LEVEL = 3,
    MAGIC_LEN = 4, /* what each frame of zstd begins with: not kept */
};

static const uint8_t magic[MAGIC_LEN] = { 0x28, 0xb5, 0x2f, 0xfd };

struct chunk_column {
    ZSTD_CCtx *compressor;   /* owned */
    ZSTD_DCtx *decompressor; /* owned */
    uint64_t *present;       /* owned; the numbers that are there, count_max of them */
    uint64_t *numbers;       /* owned; transformed, count_max of them */
    size_t count_max;
    struct buf plain;  /* what is compressed, and its frame */
    struct buf packed; /* with its magic number */
    struct buf best;   /* the shortest column so far */
};

struct chunk_column *chunk_column_new(void) {
    struct chunk_column *column = mem_new(sizeof(*column));
    column->compressor = ZSTD_createCCtx();
    column->decompressor = ZSTD_createDCtx();
    if (!column->compressor || !column->decompressor)
        abort();
    ZSTD_CCtx_setParameter(column->compressor, ZSTD_c_compressionLevel, ZSTD_LEVEL);
    ZSTD_CCtx_setParameter(column->compressor, ZSTD_c_contentSizeFlag, 0);
    return column;
}

struct chunk_column *chunk_column_free(struct chunk_column *column) {
    if (!column)
        return NULL;
    ZSTD_freeCCtx(column->compressor);
    ZSTD_freeDCtx(column->decompressor);
    free(column->present);
    free(column->numbers);
    buf_done(&column->plain);
    buf_done(&column->packed);
    buf_done(&column->best);
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
    uint64_t whole = shape->numbers[shape->count - 1] - shape->numbers[0];
    return (uint64_t)((int64_t)divide(shape, whole) / (int64_t)(shape->count - 1));
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

/* Bits, about, that the numbers hold. */
static uint64_t weigh(const struct transformed *to) {
    uint64_t bits = 0;

    for (size_t i = 0; i < to->count; i++)
        bits += 64U - (unsigned)__builtin_clzll(to->numbers[i] << 1 | 1);
    return bits;
}

static enum packing narrowest(const struct transformed *to) {
    uint64_t all = 0;

    for (size_t i = 0; i < to->count; i++)
        all |= to->numbers[i];
    for (enum packing packing = BYTES_1; packing < BYTES_8; packing++)
        if (all >> (8 * packing_width[packing]) == 0)
            return packing;
    return BYTES_8;
}

static void pack(const struct transformed *to, enum packing packing, struct buf *out) {
    if (packing == VARINTS) {
        for (size_t i = 0; i < to->count; i++)
            varint_add(out, to->numbers[i]);
        return;
    }
    size_t width = packing_width[packing];
    uint8_t *at = buf_room(out, width * to->count);
    for (size_t plane = width; plane > 0; plane--)
        for (size_t i = 0; i < to->count; i++)
            *at++ = (uint8_t)(to->numbers[i] >> (8 * (plane - 1)));
    buf_added(out, width * to->count);
}

static void add_runs(const int64_t *values, size_t count, struct buf *out) {
    bool is_there = true;

    for (size_t i = 0; i < count; is_there = !is_there) {
        size_t began = i;
        while (i < count && (values[i] != SAMPLE_ABSENT) == is_there)
            i++;
        varint_add(out, i - began);
    }
}

/* The bytes after the head, compressed when that is shorter: then true. */
static bool compress(struct chunk_column *column, struct slice *bytes) {
    size_t bound = ZSTD_compressBound(bytes->len);

    buf_clear(&column->packed);
    uint8_t *at = buf_room(&column->packed, bound);
    size_t len = ZSTD_compress2(column->compressor, at, bound, bytes->at, bytes->len);
    if (ZSTD_isError(len) || len < MAGIC_LEN || len - MAGIC_LEN >= bytes->len)
        return false;
    *bytes = slice_of(at + MAGIC_LEN, len - MAGIC_LEN);
    return true;
}

struct source {
    const int64_t *values;
    size_t count;
    struct shape shape;
};

/* Writes the column in one way, and keeps it when it is shorter than the best so far. */
static void attempt(struct chunk_column *column,
                    const struct source *source,
                    const struct transformed *to,
                    enum packing packing) {
    unsigned head = (unsigned)to->transform | (unsigned)packing << HEAD_PACKING_SHIFT;

    buf_clear(&column->plain);
    if (source->shape.count < source->count) {
        head |= HEAD_HAS_ABSENT;
        add_runs(source->values, source->count, &column->plain);
    }
    for (size_t i = 0; i < to->start_count; i++)
        varint_add(&column->plain, to->starts[i]);
    pack(to, packing, &column->plain);

    struct slice rest = buf_slice(&column->plain);
    if (compress(column, &rest))
        head |= HEAD_IS_COMPRESSED;
    if (column->best.len > 0 && column->best.len <= rest.len + 1)
        return;
    buf_clear(&column->best);
    buf_add_byte(&column->best, (uint8_t)head);
    buf_add_slice(&column->best, rest);
}

static void encode_numbers(struct chunk_column *column, const struct source *source) {
    struct transformed to = { .numbers = column->numbers };
    enum transform best = CONSTANT;
    uint64_t least = UINT64_MAX;

    if (source->shape.divisor == 0) {
        apply(&source->shape, CONSTANT, &to);
        attempt(column, source, &to, VARINTS);
        return;
    }
    for (enum transform transform = LEVEL; transform < TRANSFORMS; transform++) {
        apply(&source->shape, transform, &to);
        uint64_t bits = weigh(&to);
        if (bits < least) {
            least = bits;
            best = transform;
        }
    }
    for (enum transform transform = LEVEL; transform <= best; transform++) {
        if (transform != best && transform != LEVEL)
            continue;
        apply(&source->shape, transform, &to);
        attempt(column, source, &to, VARINTS);
        attempt(column, source, &to, narrowest(&to));
    }
}

void chunk_column_encode(struct chunk_column *column,
                         const int64_t *values,
                         size_t count,
                         struct buf *out) {
    size_t present = 0;

    make_room(column, count);
    for (size_t i = 0; i < count; i++)
        if (values[i] != SAMPLE_ABSENT)
            column->present[present++] = (uint64_t)values[i];
    if (present == 0)
        return;

    struct source source = { .values = values,
                             .count = count,
                             .shape = look_at(column->present, present) };
    buf_clear(&column->best);
    encode_numbers(column, &source);
    buf_add_slice(out, buf_slice(&column->best));
}

/* --- Reading -------------------------------------------------------------------------
 */

static bool decompress(struct chunk_column *column, size_t count, struct slice *bytes) {
    /* The longest that there is: a run and a number for each value, and the starts. */
    size_t bound = (count + 4) * 2 * VARINT_LEN_MAX;

    buf_clear(&column->packed);
    buf_add(&column->packed, magic, sizeof(magic));
    buf_add_slice(&column->packed, *bytes);
    buf_clear(&column->plain);
    uint8_t *at = buf_room(&column->plain, bound);
    size_t len = ZSTD_decompressDCtx(column->decompressor, at, bound, column->packed.data,
                                     column->packed.len);
    if (ZSTD_isError(len))
        return false;
    *bytes = slice_of(at, len);
    return true;
}

/* Walks over the runs: how many values are there. */
static bool take_runs(struct slice *bytes, size_t count, size_t *ret_present) {
    size_t present = 0, all = 0;

    for (bool is_there = true; all < count; is_there = !is_there) {
        uint64_t run;
        if (!varint_take(bytes, &run) || run > count - all)
            return false;
        all += run;
        if (is_there)
            present += run;
    }
    *ret_present = present;
    return true;
}

static bool unpack(enum packing packing,
                   struct slice bytes,
                   uint64_t *numbers,
                   size_t count) {
    if (packing == VARINTS) {
        for (size_t i = 0; i < count; i++)
            if (!varint_take(&bytes, &numbers[i]))
                return false;
        return bytes.len == 0;
    }
    size_t width = packing_width[packing];
    if (bytes.len != width * count)
        return false;
    for (size_t i = 0; i < count; i++)
        numbers[i] = bytes.at[i];
    for (size_t plane = 1; plane < width; plane++) {
        const uint8_t *at = bytes.at + plane * count;
        for (size_t i = 0; i < count; i++)
            numbers[i] = numbers[i] << 8 | at[i];
    }
    return true;
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

static bool decode_numbers(enum transform transform,
                           enum packing packing,
                           struct slice bytes,
                           uint64_t *numbers,
                           size_t count) {
    static const uint8_t starts_of[TRANSFORMS] = { [STEP] = 1, [TURN] = 2 };
    struct starts starts = { 0 };
    size_t packed = count - (count < starts_of[transform] ? count : starts_of[transform]);

    if (!take_starts(transform, &bytes, &starts) ||
        (transform == TURN && count < 2)) /* as no writer does */
        return false;
    if (transform == CONSTANT) {
        for (size_t i = 0; i < count; i++)
            numbers[i] = starts.first;
        return bytes.len == 0;
    }
    /* Those that no step leads on from are never looked at, but are read. */
    memset(numbers + packed, 0, (count - packed) * sizeof(*numbers));
    if (!unpack(packing, bytes, numbers, packed))
        return false;
    if (transform == STEP)
        restore_steps(&starts, numbers, count);
    else if (transform == TURN)
        restore_turns(&starts, numbers, count);
    else
        restore_line(&starts, numbers, count);
    return true;
}

/* Spreads the present numbers, which are at the front, over their places. */
static void spread(struct slice runs,
                   const uint64_t *present,
                   int64_t *values,
                   size_t count) {
    bool is_there = true;

    for (size_t i = 0; i < count; is_there = !is_there) {
        uint64_t run = 0;
        varint_take(&runs, &run);
        for (size_t end = i + run; i < end; i++)
            values[i] = is_there ? (int64_t)*present++ : SAMPLE_ABSENT;
    }
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
    enum transform transform = head & ((1 << HEAD_PACKING_SHIFT) - 1);
    enum packing packing = head >> HEAD_PACKING_SHIFT & 7;
    if (transform >= TRANSFORMS || packing >= PACKINGS)
        return CHUNK_COLUMN_E_DAMAGED;

    bytes = slice_after(bytes, 1);
    if (head & HEAD_IS_COMPRESSED && !decompress(column, count, &bytes))
        return CHUNK_COLUMN_E_DAMAGED;
    struct slice runs = bytes;
    size_t present = count;
    if (head & HEAD_HAS_ABSENT && !take_runs(&bytes, count, &present))
        return CHUNK_COLUMN_E_DAMAGED;

    make_room(column, count);
    uint64_t *numbers = head & HEAD_HAS_ABSENT ? column->numbers : (uint64_t *)values;
    if (!decode_numbers(transform, packing, bytes, numbers, present))
        return CHUNK_COLUMN_E_DAMAGED;
    if (head & HEAD_HAS_ABSENT)
        spread(runs, numbers, values, count);
    return 0;
}
