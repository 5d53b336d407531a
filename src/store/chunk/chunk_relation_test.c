#include "store/chunk/chunk_relation.h"

#include <string.h>

#include "base/buf.h"
#include "base/check.h"
#include "store/chunk/chunk_search.h"
#include "wire/sample.h"

enum { COUNT = 720, SERIES = 5 };

struct sheet {
    int64_t values[SERIES][COUNT];
    const int64_t *columns[SERIES];
};

/* Two columns of noise, their mean, what one leaves of a sum, and a tenth of the other.
 */
static void fill(struct sheet *sheet) {
    uint32_t state = 1;

    for (size_t i = 0; i < COUNT; i++) {
        state = state * 1664525 + 1013904223;
        int64_t a = state >> 20, b = state >> 8 & 4095;
        sheet->values[0][i] = a;
        sheet->values[1][i] = b;
        sheet->values[2][i] = (a + b) / 2;
        sheet->values[3][i] = 1000000 - a;
        sheet->values[4][i] = b / 10;
    }
    for (size_t i = 0; i < SERIES; i++)
        sheet->columns[i] = sheet->values[i];
}

static int64_t greatest_left(const struct sheet *sheet,
                             size_t place,
                             const struct chunk_relation *relation) {
    int64_t left[COUNT], again[COUNT], greatest = 0;

    memcpy(left, sheet->columns[place], sizeof(left));
    for (size_t i = 0; i < relation->count; i++)
        chunk_relation_subtract(relation, i, sheet->columns[relation->others[i].place],
                                left, COUNT);
    for (size_t i = 0; i < COUNT; i++) {
        int64_t distance = left[i] > left[0] ? left[i] - left[0] : left[0] - left[i];
        greatest = distance > greatest ? distance : greatest;
    }
    memcpy(again, left, sizeof(again));
    for (size_t i = 0; i < relation->count; i++)
        chunk_relation_restore(relation, i, sheet->columns[relation->others[i].place],
                               again, COUNT);
    CHECK(memcmp(again, sheet->columns[place], sizeof(again)) == 0);
    return greatest;
}

static void what_others_tell_is_found(void) {
    struct chunk_search *search = chunk_search_new();
    struct chunk_relation relation = { 0 };
    struct sheet sheet;

    fill(&sheet);
    chunk_search_start(search, sheet.columns, SERIES, COUNT);
    CHECK(chunk_search_best(search, 0, false, &relation) == 0);
    CHECK(chunk_search_best(search, 1, false, &relation) < 0.1);
    CHECK(chunk_search_best(search, 2, false, &relation) > 5);
    CHECK_INT(relation.count, 2);
    CHECK(greatest_left(&sheet, 2, &relation) <= 2);
    CHECK(chunk_search_best(search, 3, false, &relation) > 5);
    CHECK(relation.others[0].place == 0 && relation.others[0].factor == -1);
    CHECK_INT(greatest_left(&sheet, 3, &relation), 0);
    CHECK(chunk_search_best(search, 4, false, &relation) > 5);
    CHECK(greatest_left(&sheet, 4, &relation) <= 2);
    CHECK(chunk_search_best(search, 0, true, &relation) > 5);
    chunk_search_free(search);
}

static void a_related_column_tells_nothing_and_a_needed_one_stays(void) {
    struct chunk_search *search = chunk_search_new();
    struct chunk_relation relation = { 0 };
    struct sheet sheet;

    fill(&sheet);
    chunk_search_start(search, sheet.columns, SERIES, COUNT);
    CHECK(chunk_search_best(search, 3, false, &relation) > 5);
    chunk_search_relate(search, 3, &relation);
    CHECK(chunk_search_best(search, 2, false, &relation) > 5);
    chunk_search_relate(search, 2, &relation);
    CHECK(!chunk_search_is_free(search, 3) && !chunk_search_is_free(search, 0));
    CHECK(chunk_search_is_free(search, 4) && !chunk_search_is_free(search, SERIES));
    CHECK(chunk_search_best(search, 0, true, &relation) < 5);
    chunk_search_free(search);
}

static void constant_and_few_values_are_left_alone(void) {
    struct chunk_search *search = chunk_search_new();
    struct chunk_relation relation;
    struct sheet sheet;

    fill(&sheet);
    for (size_t i = 0; i < COUNT; i++) {
        sheet.values[0][i] = SAMPLE_ABSENT;
        sheet.values[1][i] = 5;
    }
    chunk_search_start(search, sheet.columns, SERIES, COUNT);
    CHECK(chunk_search_best(search, 0, true, &relation) == 0);
    CHECK(chunk_search_best(search, 1, true, &relation) == 0);
    chunk_search_start(search, sheet.columns, SERIES, 2);
    CHECK(chunk_search_best(search, 3, false, &relation) == 0);
    chunk_search_start(search, sheet.columns, SERIES, 0);
    CHECK(chunk_search_best(search, 3, false, &relation) == 0);
    chunk_search_free(search);
}

/* As in the first row after a start, where there are no rates yet. */
static void absent_values_hide_no_relation(void) {
    struct chunk_search *search = chunk_search_new();
    struct chunk_relation relation = { 0 };
    struct sheet sheet;

    fill(&sheet);
    for (size_t i = 0; i < SERIES; i++)
        sheet.values[i][0] = sheet.values[i][500] = SAMPLE_ABSENT;
    chunk_search_start(search, sheet.columns, SERIES, COUNT);
    CHECK(chunk_search_best(search, 2, false, &relation) > 5);

    int64_t left[COUNT];
    memcpy(left, sheet.columns[2], sizeof(left));
    for (size_t i = 0; i < relation.count; i++)
        chunk_relation_subtract(&relation, i, sheet.columns[relation.others[i].place],
                                left, COUNT);
    CHECK(left[0] == SAMPLE_ABSENT && left[500] == SAMPLE_ABSENT);
    for (size_t i = 2; i < COUNT; i++)
        CHECK(i == 500 || (left[i] - left[1] <= 2 && left[1] - left[i] <= 2));
    for (size_t i = 0; i < relation.count; i++)
        chunk_relation_restore(&relation, i, sheet.columns[relation.others[i].place],
                               left, COUNT);
    CHECK(memcmp(left, sheet.columns[2], sizeof(left)) == 0);
    chunk_search_free(search);
}

static void heads_come_back_and_their_prefixes_do_not(void) {
    struct chunk_relation relation = { 2, { { 9, -3, 0 }, { 4, INT32_MIN, 62 } } };
    struct chunk_relation again;
    struct buf bytes = { 0 };

    chunk_relation_add(&relation, 7, &bytes);
    CHECK(chunk_relation_is(buf_slice(&bytes)));
    for (size_t len = 1; len < bytes.len; len++) {
        struct slice part = slice_of(bytes.data, len);
        CHECK(!chunk_relation_take(&part, 7, 10, &again));
    }
    struct slice whole = buf_slice(&bytes);
    CHECK(chunk_relation_take(&whole, 7, 10, &again) && whole.len == 0);
    CHECK(again.count == 2 && again.others[0].place == 9 && again.others[1].place == 4);
    CHECK(again.others[0].factor == -3 && again.others[1].factor == INT32_MIN);
    whole = buf_slice(&bytes);
    CHECK(!chunk_relation_take(&whole, 7, 9, &again)); /* no such place */
    buf_done(&bytes);
}

/* What others let expect, beside the same sum in 128 bits. */
static void products_are_exact(void) {
    static const int64_t numbers[] = {
        0,         1,          -1,        4095,          -70000,
        INT32_MIN, UINT32_MAX, INT64_MAX, INT64_MIN + 1, INT64_MAX / 3
    };
    static const int32_t factors[] = { 1, -1, 2, 1000003, -77, INT32_MAX, INT32_MIN };
    enum { NUMBERS = sizeof(numbers) / sizeof(numbers[0]) };

    for (size_t f = 0; f < sizeof(factors) / sizeof(factors[0]); f++)
        for (unsigned shift = 0; shift <= CHUNK_RELATION_SHIFT_MAX; shift++) {
            struct chunk_relation relation = { 1, { { 0, factors[f], shift } } };
            int64_t values[NUMBERS] = { 0 };
            chunk_relation_restore(&relation, 0, numbers, values, NUMBERS);
            for (size_t i = 0; i < NUMBERS; i++)
                CHECK(values[i] == (int64_t)((__int128)factors[f] * numbers[i] >> shift));
        }
}

static void hostile_heads_are_refused(void) {
    static const uint8_t heads[][8] = {
        { 7 | 0 << 3, 2, 2, 0 },                          /* no others */
        { 7 | 3 << 3, 2, 2, 0 },                          /* too many */
        { 7 | 31 << 3, 2, 2, 0 },                         /* far too many */
        { 7 | 1 << 3, 4, 2, 0 },                          /* a place before the first */
        { 7 | 1 << 3, 3, 2, 0 },                          /* a place behind the last */
        { 7 | 1 << 3, 2, 2, 63 },                         /* a shift that is too long */
        { 7 | 1 << 3, 2, 0x80, 0x80, 0x80, 0x80, 16, 0 }, /* a factor of 33 bits */
    };
    struct chunk_relation relation;

    for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
        struct slice bytes = slice_of(heads[i], sizeof(heads[i]));
        CHECK(!chunk_relation_take(&bytes, 1, 2, &relation));
    }
    CHECK(!chunk_relation_is(slice_of(NULL, 0)));
}

TESTS(TEST(what_others_tell_is_found),
      TEST(a_related_column_tells_nothing_and_a_needed_one_stays),
      TEST(constant_and_few_values_are_left_alone),
      TEST(absent_values_hide_no_relation),
      TEST(heads_come_back_and_their_prefixes_do_not),
      TEST(products_are_exact),
      TEST(hostile_heads_are_refused))
