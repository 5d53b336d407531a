#include "store/chunk/chunk_coder.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/slice.h"

enum {
    SYMBOLS = 16,
    LANES = 4, /* numbers that the processor treats as one */
    QUARTERS = SYMBOLS / LANES,
    SCALE_BITS = 15, /* frequencies add up to 2^15 */
    FINE_BITS = 10,  /* what models know beyond that */
    FINE_SCALE = 1 << (SCALE_BITS + FINE_BITS),
    LEAST_FINE = 4 << FINE_BITS, /* no symbol gets less likely: a frequency of 4 */
    STATE_LEN = 4,
    STATE_MIN = 1 << 16,
};

enum {
    SMALL = 8,      /* numbers below are symbols of their own */
    SMALL_BITS = 3, /* the longest of them */
    LONGER = SYMBOLS - 1,
    FIRST_LENGTHS = LONGER - SMALL, /* lengths that the first symbol tells */
    LEVELS = 5,                     /* symbols in a row that say LONGER */
    CONTEXTS = 9,
    LENGTHS = 65, /* of a number in bits: 0 to 64 */
    TOP_BITS = 4,
    RAW_MAX = SCALE_BITS, /* bits at once */
};

/* What the symbol before means for the next one. */
static const uint8_t context_after[SYMBOLS] = { 0, 1, 2, 2, 3, 3, 3, 3,
                                                4, 4, 5, 5, 6, 6, 7, 8 };

/* They need not lie at multiples of 16. */
typedef int32_t lanes
    __attribute__((vector_size(LANES * sizeof(int32_t)), aligned(sizeof(int32_t))));

/* How likely each of 16 symbols is, as sums of those before it. */
struct model {
    lanes sums[QUARTERS];
    uint32_t seen;
};

struct models {
    struct model firsts[CONTEXTS];
    struct model levels[LEVELS];
    struct model tops[LENGTHS];
};

/* A symbol as the coder sees it: a part of 2^15. */
struct part {
    uint16_t start;
    uint16_t width;
};

struct chunk_coder {
    struct models models;
    struct part *parts; /* owned; what was said, to be coded backwards */
    size_t part_count;
    size_t part_max;
};

struct chunk_coder *chunk_coder_new(void) {
    return mem_new(sizeof(struct chunk_coder));
}

struct chunk_coder *chunk_coder_free(struct chunk_coder *coder) {
    if (!coder)
        return NULL;
    free(coder->parts);
    free(coder);
    return NULL;
}

static void reset_model(struct model *model) {
    lanes places = { 0, 1, 2, 3 };

    for (size_t i = 0; i < QUARTERS; i++, places += LANES)
        model->sums[i] = places * (FINE_SCALE / SYMBOLS);
    model->seen = 0;
}

static void reset(struct models *models) {
    for (size_t i = 0; i < CONTEXTS; i++)
        reset_model(&models->firsts[i]);
    for (size_t i = 0; i < LEVELS; i++)
        reset_model(&models->levels[i]);
    for (size_t i = 0; i < LENGTHS; i++)
        reset_model(&models->tops[i]);
}

/* The more was seen, the less one symbol changes: shifts that come near 1 / seen. */
static int pace_of(uint32_t seen) {
    static const uint8_t paces[] = { 1, 2, 3, 3, 3, 4, 4, 4, 4, 4, 4, 4, 5, 5, 5,
                                     5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5 };
    enum { PACES = sizeof(paces), SLOW = 100 };

    if (seen < PACES)
        return paces[seen];
    return seen < SLOW ? 6 : 7;
}

static inline void learn(struct model *model, int32_t symbol) {
    int pace = pace_of(model->seen++);
    lanes places = { 0, 1, 2, 3 };

    for (size_t i = 0; i < QUARTERS; i++, places += LANES) {
        lanes gain = (places > symbol) & (FINE_SCALE - SYMBOLS * LEAST_FINE);
        lanes goal = places * LEAST_FINE + gain;
        model->sums[i] += (goal - model->sums[i]) >> pace;
    }
}

static inline int32_t sum_at(const struct model *model, size_t symbol) {
    return model->sums[symbol / LANES][symbol % LANES] >> FINE_BITS;
}

static inline struct part part_of(const struct model *model, size_t symbol) {
    int32_t start = sum_at(model, symbol);
    int32_t end = symbol + 1 < SYMBOLS ? sum_at(model, symbol + 1) : 1 << SCALE_BITS;
    return (struct part) { .start = (uint16_t)start, .width = (uint16_t)(end - start) };
}

static unsigned length_of(uint64_t number) {
    return number ? 64U - (unsigned)__builtin_clzll(number) : 0;
}

static unsigned first_symbol(uint64_t number, unsigned length) {
    if (number < SMALL)
        return (unsigned)number;
    unsigned symbol = SMALL + length - SMALL_BITS - 1;
    return symbol < LONGER ? symbol : LONGER;
}

static inline struct model *first_model(struct models *models,
                                        unsigned way,
                                        unsigned before) {
    return &models->firsts[way & CHUNK_CODER_AFTER ? context_after[before] : 0];
}

/* --- Choosing ------------------------------------------------------------------------
 */

struct census {
    uint32_t firsts[SYMBOLS][SYMBOLS]; /* by the symbol before */
    uint32_t lengths[LENGTHS];
    uint32_t tops[LENGTHS][1 << TOP_BITS];
};

static double weight(uint32_t count) {
    return count ? count * log2(count) : 0;
}

/* Bits for symbols that come so often, and for learning so. */
static double cost_of(const uint32_t counts[static SYMBOLS]) {
    double bits = 0;
    uint32_t all = 0, kinds = 0;

    for (size_t i = 0; i < SYMBOLS; i++) {
        if (counts[i] == 0)
            continue;
        bits -= weight(counts[i]);
        all += counts[i];
        kinds++;
    }
    return all == 0 ? 0 : bits + weight(all) + kinds * (1 + log2(all) / 2);
}

static void count_all(struct census *census, const uint64_t *numbers, size_t count) {
    unsigned before = 0;

    memset(census, 0, sizeof(*census));
    for (size_t i = 0; i < count; i++) {
        unsigned length = length_of(numbers[i]);
        unsigned symbol = first_symbol(numbers[i], length);
        census->firsts[before][symbol]++;
        before = symbol;
        if (symbol < SMALL)
            continue;
        unsigned left = length - 1, top = left < TOP_BITS ? left : TOP_BITS;
        census->lengths[length]++;
        census->tops[length][numbers[i] >> (left - top) & ((1U << top) - 1)]++;
    }
}

static double cost_of_firsts(const struct census *census, bool is_after) {
    uint32_t contexts[CONTEXTS][SYMBOLS] = { 0 };
    double bits = 0;

    for (size_t before = 0; before < SYMBOLS; before++)
        for (size_t symbol = 0; symbol < SYMBOLS; symbol++)
            contexts[is_after ? context_after[before] : 0][symbol] +=
                census->firsts[before][symbol];
    for (size_t i = 0; i < CONTEXTS; i++)
        bits += cost_of(contexts[i]);
    return bits;
}

/* The bits after the highest, whole or without those that are symbols. */
static double cost_of_rest(const struct census *census, bool has_tops) {
    double bits = 0;

    for (unsigned length = SMALL_BITS + 1; length < LENGTHS; length++) {
        unsigned left = length - 1, top = left < TOP_BITS ? left : TOP_BITS;
        if (census->lengths[length] == 0)
            continue;
        bits += (double)census->lengths[length] * (has_tops ? left - top : left);
        if (has_tops)
            bits += cost_of(census->tops[length]);
    }
    return bits;
}

static double cost_of_lengths(const struct census *census) {
    double bits = 0;
    uint32_t all = 0;

    for (size_t i = SMALL_BITS + 1 + FIRST_LENGTHS; i < LENGTHS; i++) {
        bits -= weight(census->lengths[i]);
        all += census->lengths[i];
    }
    return bits + weight(all);
}

double chunk_coder_estimate(const uint64_t *numbers, size_t count, unsigned *ret_way) {
    struct census census;

    count_all(&census, numbers, count);
    double any = cost_of_firsts(&census, false), after = cost_of_firsts(&census, true);
    double plain = cost_of_rest(&census, false), tops = cost_of_rest(&census, true);
    *ret_way =
        (after < any ? CHUNK_CODER_AFTER : 0) | (tops < plain ? CHUNK_CODER_TOPS : 0);
    return fmin(any, after) + fmin(plain, tops) + cost_of_lengths(&census);
}

/* --- Writing -------------------------------------------------------------------------
 */

static void say(struct chunk_coder *coder, struct model *model, unsigned symbol) {
    coder->parts[coder->part_count++] = part_of(model, symbol);
    learn(model, (int32_t)symbol);
}

static void say_bits(struct chunk_coder *coder, uint64_t number, unsigned bits) {
    while (bits > 0) {
        unsigned some = bits < RAW_MAX ? bits : RAW_MAX;
        unsigned shift = SCALE_BITS - some;
        uint64_t digits = number >> (bits - some) & ((1U << some) - 1);
        coder->parts[coder->part_count++] = (struct part) {
            .start = (uint16_t)(digits << shift),
            .width = (uint16_t)(1U << shift),
        };
        bits -= some;
    }
}

/* The length of a number that is too long for the first symbol. */
static void say_length(struct chunk_coder *coder, unsigned length) {
    unsigned over = length - SMALL_BITS - 1 - FIRST_LENGTHS;

    for (size_t level = 0; level < LEVELS; level++) {
        say(coder, &coder->models.levels[level], over < LONGER ? over : LONGER);
        if (over < LONGER)
            break;
        over -= LONGER;
    }
}

static void say_number(struct chunk_coder *coder,
                       unsigned way,
                       unsigned *before,
                       uint64_t number) {
    struct models *models = &coder->models;
    unsigned length = length_of(number);
    unsigned symbol = first_symbol(number, length);

    say(coder, first_model(models, way, *before), symbol);
    *before = symbol;
    if (symbol < SMALL)
        return;
    if (symbol == LONGER)
        say_length(coder, length);
    unsigned left = length - 1;
    if (way & CHUNK_CODER_TOPS) {
        unsigned top = left < TOP_BITS ? left : TOP_BITS;
        left -= top;
        say(coder, &models->tops[length], (unsigned)(number >> left) & ((1U << top) - 1));
    }
    say_bits(coder, number, left);
}

/* What is read first is written last. */
static void code_backwards(const struct chunk_coder *coder, struct buf *out) {
    size_t room = coder->part_count * 2 + STATE_LEN;
    uint8_t *began = buf_room(out, room), *at = began + room;
    uint32_t state = STATE_MIN;

    for (size_t i = coder->part_count; i-- > 0;) {
        struct part part = coder->parts[i];
        if (state >= (uint64_t)part.width << (32 - SCALE_BITS)) {
            *--at = (uint8_t)(state >> 8);
            *--at = (uint8_t)state;
            state >>= 16;
        }
        state = (state / part.width << SCALE_BITS) + state % part.width + part.start;
    }
    for (int shift = 24; shift >= 0; shift -= 8)
        *--at = (uint8_t)(state >> shift);
    size_t len = (size_t)(began + room - at);
    memmove(began, at, len);
    buf_added(out, len);
}

void chunk_coder_encode(struct chunk_coder *coder,
                        unsigned way,
                        const uint64_t *numbers,
                        size_t count,
                        struct buf *out) {
    enum { PARTS_MAX = 1 + LEVELS + 1 + 64 / RAW_MAX + 1 }; /* of one number */
    unsigned before = 0;

    assert(way < CHUNK_CODER_WAYS);
    if (coder->part_max < count * PARTS_MAX) {
        coder->part_max = count * PARTS_MAX;
        coder->parts = mem_grow(coder->parts, coder->part_max * sizeof(*coder->parts));
    }
    coder->part_count = 0;
    reset(&coder->models);
    for (size_t i = 0; i < count; i++)
        say_number(coder, way, &before, numbers[i]);
    code_backwards(coder, out);
}

/* --- Reading -------------------------------------------------------------------------
 */

struct reader {
    const uint8_t *at; /* borrowed: the bytes */
    const uint8_t *end;
    uint32_t state;
    bool is_damaged;
};

static inline void advance(struct reader *reader, uint32_t start, uint32_t width) {
    uint32_t slot = reader->state & ((1U << SCALE_BITS) - 1);

    reader->state = width * (reader->state >> SCALE_BITS) + slot - start;
    if (reader->state >= STATE_MIN)
        return;
    if (reader->end - reader->at < 2) {
        reader->is_damaged = true;
        reader->state |= STATE_MIN;
        return;
    }
    reader->state = reader->state << 16 | (uint32_t)reader->at[1] << 8 | reader->at[0];
    reader->at += 2;
}

/* The symbol that the state stands for: the last whose sum is not above. */
static inline unsigned symbol_at(const struct model *model, int32_t slot) {
    int32_t fine = slot << FINE_BITS | ((1 << FINE_BITS) - 1);
    lanes below = { 0 };

    if (fine < model->sums[0][1]) /* often so, and then the processor guesses it */
        return 0;
    for (size_t i = 0; i < QUARTERS; i++)
        below -= model->sums[i] <= fine;
    return (unsigned)(below[0] + below[1] + below[2] + below[3]) - 1;
}

static inline unsigned hear(struct reader *reader, struct model *model) {
    int32_t slot = (int32_t)(reader->state & ((1U << SCALE_BITS) - 1));
    unsigned symbol = symbol_at(model, slot);
    struct part part = part_of(model, symbol);

    advance(reader, part.start, part.width);
    learn(model, (int32_t)symbol);
    return symbol;
}

static inline uint64_t hear_bits(struct reader *reader, uint64_t number, unsigned bits) {
    while (bits > 0) {
        unsigned some = bits < RAW_MAX ? bits : RAW_MAX;
        unsigned shift = SCALE_BITS - some;
        uint32_t digits = (reader->state & ((1U << SCALE_BITS) - 1)) >> shift;
        advance(reader, digits << shift, 1U << shift);
        number = number << some | digits;
        bits -= some;
    }
    return number;
}

static uint64_t hear_rest(struct reader *reader,
                          struct models *models,
                          unsigned way,
                          unsigned symbol) {
    unsigned length = symbol - SMALL + SMALL_BITS + 1;

    for (size_t level = 0; symbol == LONGER && level < LEVELS; level++) {
        symbol = hear(reader, &models->levels[level]);
        length += symbol;
    }
    if (length >= LENGTHS) {
        reader->is_damaged = true;
        return 0;
    }
    unsigned left = length - 1;
    uint64_t number = 1;
    if (way & CHUNK_CODER_TOPS) {
        unsigned top = left < TOP_BITS ? left : TOP_BITS;
        left -= top;
        unsigned digits = hear(reader, &models->tops[length]) & ((1U << top) - 1);
        number = number << top | digits;
    }
    return hear_bits(reader, number, left);
}

bool chunk_coder_decode(struct chunk_coder *coder,
                        unsigned way,
                        struct slice bytes,
                        uint64_t *numbers,
                        size_t count) {
    if (bytes.len < STATE_LEN || way >= CHUNK_CODER_WAYS)
        return false;
    struct reader reader = { .at = bytes.at + STATE_LEN, .end = bytes.at + bytes.len };
    unsigned symbol = 0;

    for (size_t i = 0; i < STATE_LEN; i++)
        reader.state |= (uint32_t)bytes.at[i] << (8 * i);
    if (reader.state < STATE_MIN)
        return false;
    reset(&coder->models);
    for (size_t i = 0; i < count && !reader.is_damaged; i++) {
        symbol = hear(&reader, first_model(&coder->models, way, symbol));
        numbers[i] =
            symbol < SMALL ? symbol : hear_rest(&reader, &coder->models, way, symbol);
    }
    return !reader.is_damaged && reader.at == reader.end && reader.state == STATE_MIN;
}
