#include "store/chunk/chunk_column.h"

#include <string.h>

#include "base/buf.h"
#include "base/check.h"
#include "base/mem.h"
#include "wire/sample.h"

enum { COUNT_MAX = 2000 };

/* The same sequence everywhere. */
static uint64_t noise(uint64_t *state) {
    *state = *state * 6364136223846793005U + 1442695040888963407U;
    return *state >> 33;
}

static size_t round_trip(const int64_t *values, size_t count) {
    struct chunk_column *column = chunk_column_new();
    struct buf bytes = { 0 };
    int64_t *again = mem_new_array(count + 1, sizeof(*again));

    chunk_column_encode(column, values, count, &bytes);
    CHECK_INT(chunk_column_decode(column, buf_slice(&bytes), again, count), 0);
    CHECK(count == 0 || memcmp(values, again, count * sizeof(*again)) == 0);

    size_t len = bytes.len;
    free(again);
    buf_done(&bytes);
    chunk_column_free(column);
    return len;
}

typedef int64_t generator(size_t place, uint64_t *state);

static int64_t constant(size_t place, uint64_t *state) {
    return 270553174016;
}
static int64_t absent(size_t place, uint64_t *state) {
    return SAMPLE_ABSENT;
}
static int64_t line(size_t place, uint64_t *state) {
    return -5000 + 5 * (int64_t)place;
}
static int64_t shaky_line(size_t place, uint64_t *state) {
    return 1700000000000 + 5000 * (int64_t)place + (int64_t)(noise(state) % 3);
}
static int64_t bend(size_t place, uint64_t *state) {
    return (int64_t)(place * place) * 1024;
}
static int64_t percent(size_t place, uint64_t *state) {
    return (int64_t)(noise(state) % 1001);
}
static int64_t pages(size_t place, uint64_t *state) {
    return (int64_t)(noise(state) % 64) * 4096 + 16000000000;
}
static int64_t rare(size_t place, uint64_t *state) {
    return noise(state) % 50 == 0 ? (int64_t)noise(state) : 0;
}
static int64_t gaps(size_t place, uint64_t *state) {
    return place / 7 % 2 ? SAMPLE_ABSENT : (int64_t)(noise(state) % 100);
}
static int64_t other_gaps(size_t place, uint64_t *state) {
    return place % 2 ? (int64_t)place : SAMPLE_ABSENT;
}
static int64_t anything(size_t place, uint64_t *state) {
    return (int64_t)(noise(state) << 33 ^ noise(state) << 10 ^ noise(state));
}
static int64_t extremes(size_t place, uint64_t *state) {
    static const int64_t values[] = { INT64_MAX, INT64_MIN + 1, 0, -1, INT64_MIN + 1 };
    return values[place % 5];
}
static int64_t wide_gaps(size_t place, uint64_t *state) {
    static const int64_t values[] = { INT64_MAX, SAMPLE_ABSENT, INT64_MIN + 1 };
    return values[place % 3];
}

static const struct {
    generator *make;
    size_t len_max; /* of 720 values: what they are worth, and a little */
} rows[] = {
    { constant, 8 },     { absent, 0 },      { line, 24 },       { shaky_line, 165 },
    { bend, 24 },        { percent, 930 },   { pages, 580 },     { rare, 130 },
    { gaps, 345 },       { other_gaps, 40 }, { anything, 5790 }, { extremes, 2400 },
    { wide_gaps, 1500 },
};
enum { ROWS = sizeof(rows) / sizeof(rows[0]) };

static void fill(generator *make, int64_t *values, size_t count) {
    uint64_t state = 1;
    for (size_t i = 0; i < count; i++)
        values[i] = make(i, &state);
}

static void any_numbers_come_back_as_they_were(void) {
    static const size_t counts[] = { 0, 1, 2, 3, 4, 7, 8, 9, 100, 256, 257, COUNT_MAX };
    int64_t values[COUNT_MAX];

    for (size_t row = 0; row < ROWS; row++)
        for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
            fill(rows[row].make, values, counts[i]);
            round_trip(values, counts[i]);
        }
}

static void columns_are_as_short_as_their_numbers_are_dull(void) {
    int64_t values[720];

    for (size_t row = 0; row < ROWS; row++) {
        fill(rows[row].make, values, 720);
        size_t len = round_trip(values, 720);
        if (len > rows[row].len_max)
            print_message("row %zu: %zu bytes, not %zu\n", row, len, rows[row].len_max);
        CHECK(len <= rows[row].len_max);
    }
}

static void all_steps_up_to_the_widest_come_back(void) {
    for (unsigned bits = 0; bits < 64; bits++) {
        int64_t values[100];
        uint64_t state = 7;
        for (size_t i = 0; i < 100; i++)
            values[i] = (int64_t)(((noise(&state) << 33 ^ noise(&state) << 2) >> bits) -
                                  (1ULL << 62 >> bits));
        round_trip(values, 100);
    }
}

static void many_values_come_back(void) {
    size_t count = 1 << 17;
    int64_t *values = mem_new_array(count, sizeof(*values));

    fill(percent, values, count);
    round_trip(values, count);
    fill(gaps, values, count);
    round_trip(values, count);
    free(values);
}

/* Whatever the bytes are: an answer, and nothing touched that is not ours. */
static void damaged_bytes_are_refused_or_read_as_something(void) {
    struct chunk_column *column = chunk_column_new();
    int64_t values[200], again[200];

    for (size_t row = 0; row < ROWS; row++) {
        struct buf bytes = { 0 };
        fill(rows[row].make, values, 200);
        chunk_column_encode(column, values, 200, &bytes);
        for (size_t len = 0; len < bytes.len; len++) {
            uint8_t *part = mem_dup(bytes.data, len); /* so that ASan sees its end */
            chunk_column_decode(column, slice_of(part, len), again, 200);
            free(part);
        }
        for (size_t bit = 0; bit < bytes.len * 8; bit++) {
            bytes.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
            chunk_column_decode(column, buf_slice(&bytes), again, 200);
            bytes.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
        }
        CHECK_INT(chunk_column_decode(column, buf_slice(&bytes), again, 200), 0);
        CHECK(memcmp(values, again, sizeof(again)) == 0);
        buf_done(&bytes);
    }
    chunk_column_free(column);
}

static void another_number_of_values_is_noticed(void) {
    struct chunk_column *column = chunk_column_new();
    int64_t values[100], again[101];
    struct buf bytes = { 0 };

    fill(percent, values, 100);
    chunk_column_encode(column, values, 100, &bytes);
    CHECK_INT(chunk_column_decode(column, buf_slice(&bytes), again, 99),
              CHUNK_COLUMN_E_DAMAGED);
    CHECK_INT(chunk_column_decode(column, buf_slice(&bytes), again, 101),
              CHUNK_COLUMN_E_DAMAGED);
    buf_done(&bytes);
    chunk_column_free(column);
}

TESTS(TEST(any_numbers_come_back_as_they_were),
      TEST(columns_are_as_short_as_their_numbers_are_dull),
      TEST(all_steps_up_to_the_widest_come_back),
      TEST(many_values_come_back),
      TEST(damaged_bytes_are_refused_or_read_as_something),
      TEST(another_number_of_values_is_noticed))
