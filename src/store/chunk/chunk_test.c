#include "store/chunk/chunk.h"

#include <math.h>
#include <string.h>

#include "base/buf.h"
#include "base/check.h"
#include "base/checksum.h"
#include "base/mem.h"
#include "store/chunk/chunk_column.h"
#include "wire/sample.h"

enum { ROWS = 720, SERIES = 5 };

static const uint32_t ids[SERIES] = { 3, 4, 250, 70000, UINT32_MAX };

struct sheet {
    struct chunk_codec *codec;
    int64_t times[ROWS];
    int64_t values[SERIES][ROWS];
    const int64_t *columns[SERIES];
    struct tier_bucket buckets[SERIES][ROWS];
    const struct tier_bucket *bucket_columns[SERIES];
    struct buf bytes;
    struct chunk chunk;
};

static struct sheet *sheet_new(void) {
    struct sheet *sheet = mem_new(sizeof(*sheet));
    uint32_t state = 1;

    sheet->codec = chunk_codec_new();
    for (size_t i = 0; i < ROWS; i++) {
        sheet->times[i] = 1700000000123 + 5000 * (int64_t)i + (int64_t)(i * 7 % 3);
        for (size_t column = 0; column < SERIES; column++) {
            state = state * 1664525 + 1013904223;
            sheet->values[column][i] = (int64_t)(state >> 16) << (4 * column);
        }
        sheet->values[1][i] = i % 9 ? SAMPLE_ABSENT : (int64_t)i;
        sheet->values[2][i] = -42;
    }
    for (size_t column = 0; column < SERIES; column++) {
        sheet->columns[column] = sheet->values[column];
        sheet->bucket_columns[column] = sheet->buckets[column];
    }
    return sheet;
}

static void sheet_free(struct sheet *sheet) {
    buf_done(&sheet->bytes);
    chunk_codec_free(sheet->codec);
    free(sheet);
}

static void write_values(struct sheet *sheet, size_t rows, size_t series) {
    buf_clear(&sheet->bytes);
    chunk_write_values(sheet->codec, sheet->times, rows, ids, sheet->columns, series,
                       &sheet->bytes);
    CHECK_INT(chunk_open(buf_slice(&sheet->bytes), &sheet->chunk), 0);
}

/* Tiers of the values, one bucket for each step of the times. */
static void write_buckets(struct sheet *sheet, int64_t step_ms, size_t count) {
    int64_t starts[ROWS];

    int64_t first = tier_floor(sheet->times[0], step_ms);
    for (size_t i = 0; i < count; i++)
        starts[i] = first + (int64_t)i * step_ms;
    for (size_t column = 0; column < SERIES; column++)
        tier_aggregate(sheet->times, sheet->values[column], ROWS, first, step_ms,
                       sheet->buckets[column], count);
    buf_clear(&sheet->bytes);
    chunk_write_buckets(sheet->codec, starts, count, ids, sheet->bucket_columns, SERIES,
                        &sheet->bytes);
    CHECK_INT(chunk_open(buf_slice(&sheet->bytes), &sheet->chunk), 0);
}

static void rows_come_back_as_they_were(void) {
    struct sheet *sheet = sheet_new();
    int64_t again[ROWS];

    for (size_t rows = 0; rows <= ROWS; rows = rows * 3 + 1) {
        write_values(sheet, rows, SERIES);
        const struct chunk *chunk = &sheet->chunk;
        CHECK(chunk->count == rows && chunk->series_count == SERIES);
        CHECK_INT(chunk->first_ms, rows ? sheet->times[0] : 0);
        CHECK_INT(chunk->last_ms, rows ? sheet->times[rows - 1] : 0);
        CHECK_INT(chunk_read_times(sheet->codec, chunk, again), 0);
        CHECK(memcmp(again, sheet->times, rows * sizeof(*again)) == 0);
        for (size_t place = SERIES; place-- > 0;) {
            CHECK_INT(chunk_read_values(sheet->codec, chunk, place, again), 0);
            CHECK(memcmp(again, sheet->values[place], rows * sizeof(*again)) == 0);
        }
    }
    sheet_free(sheet);
}

static void series_are_found_by_their_ids(void) {
    struct sheet *sheet = sheet_new();

    write_values(sheet, 10, SERIES);
    for (size_t place = 0; place < SERIES; place++) {
        CHECK_INT(chunk_series(&sheet->chunk, place), ids[place]);
        CHECK_INT(chunk_find(&sheet->chunk, ids[place]), place);
        CHECK_INT(chunk_find(&sheet->chunk, ids[place] - 2), SERIES);
    }
    CHECK_INT(chunk_find(&sheet->chunk, 0), SERIES);

    write_values(sheet, 10, 0);
    CHECK_INT(chunk_find(&sheet->chunk, 3), 0);
    sheet_free(sheet);
}

static void a_chunk_is_appended_to_what_is_there(void) {
    struct sheet *sheet = sheet_new();

    buf_add_text(&sheet->bytes, "before");
    chunk_write_values(sheet->codec, sheet->times, 9, ids, sheet->columns, 2,
                       &sheet->bytes);
    CHECK(memcmp(sheet->bytes.data, "before", 6) == 0);
    CHECK_INT(chunk_open(slice_after(buf_slice(&sheet->bytes), 6), &sheet->chunk), 0);
    CHECK_INT(sheet->chunk.count, 9);
    sheet_free(sheet);
}

static void check_bucket(const struct tier_bucket *got,
                         const struct tier_bucket *wanted,
                         double greatest) {
    CHECK_INT(got->count, wanted->count);
    if (wanted->count == 0)
        return;
    CHECK(got->min == wanted->min && got->max == wanted->max);
    CHECK(fabs(got->mean - wanted->mean) <= greatest * 0.5e-6);
}

static void check_buckets(struct sheet *sheet, size_t place) {
    const struct tier_bucket *wanted = sheet->buckets[place];
    size_t count = sheet->chunk.count;
    struct tier_bucket again[ROWS];
    double greatest = 0;

    for (size_t i = 0; i < count; i++)
        if (wanted[i].count > 0)
            greatest = fmax(greatest, fabs(wanted[i].mean));
    CHECK_INT(chunk_read_buckets(sheet->codec, &sheet->chunk, place, again), 0);
    for (size_t i = 0; i < count; i++)
        check_bucket(&again[i], &wanted[i], greatest);
}

static void buckets_come_back_and_means_to_six_digits(void) {
    static const int64_t steps[] = { 1000, 60000, 900000, 7200000 };
    struct sheet *sheet = sheet_new();

    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        write_buckets(sheet, steps[i], 61);
        for (size_t place = 0; place < SERIES; place++)
            check_buckets(sheet, place);
    }
    write_buckets(sheet, 1000, 0);
    check_buckets(sheet, 0);
    sheet_free(sheet);
}

static void extreme_buckets_come_back(void) {
    static const struct tier_bucket extremes[] = {
        { .min = INT64_MIN + 1, .max = INT64_MAX, .mean = 0.5, .count = UINT32_MAX },
        { .min = 0, .max = 0, .mean = 0, .count = 1 },
        { .min = -7, .max = INT64_MAX, .mean = 1e18, .count = 3 },
        { .min = -1, .max = INT64_MAX, .mean = 1e-300, .count = 3 },
        { .count = 0 },
        { .min = INT64_MIN + 1, .max = 1, .mean = -4e18, .count = 2 },
    };
    enum { COUNT = sizeof(extremes) / sizeof(extremes[0]) };
    struct sheet *sheet = sheet_new();

    /* Each alone, and all that follow it with it. */
    for (size_t first = 0; first < COUNT; first++)
        for (size_t count = 1; count <= COUNT - first; count++) {
            memcpy(sheet->buckets[0], extremes + first, count * sizeof(*extremes));
            buf_clear(&sheet->bytes);
            chunk_write_buckets(sheet->codec, sheet->times, count, ids,
                                sheet->bucket_columns, 1, &sheet->bytes);
            CHECK_INT(chunk_open(buf_slice(&sheet->bytes), &sheet->chunk), 0);
            check_buckets(sheet, 0);
        }
    sheet_free(sheet);
}

/* The fifth column is the sum of two, the fourth what the first leaves of a total. */
static void make_related(struct sheet *sheet) {
    for (size_t i = 0; i < ROWS; i++) {
        sheet->values[1][i] = (int64_t)(i * i * 7919 % 4001);
        sheet->values[3][i] = 99999 - sheet->values[0][i];
        sheet->values[4][i] = sheet->values[0][i] + sheet->values[1][i];
    }
}

static void columns_that_others_foretell_cost_little(void) {
    struct sheet *sheet = sheet_new();
    int64_t again[ROWS];

    make_related(sheet);
    for (size_t i = 0; i < SERIES; i++)
        sheet->values[i][0] = sheet->values[i][99] = SAMPLE_ABSENT;
    write_values(sheet, ROWS, 3);
    size_t three = sheet->bytes.len;
    write_values(sheet, ROWS, SERIES);
    CHECK(sheet->bytes.len < three + 90);
    for (size_t place = 0; place < SERIES; place++) {
        CHECK_INT(chunk_read_values(sheet->codec, &sheet->chunk, place, again), 0);
        CHECK(memcmp(again, sheet->values[place], sizeof(again)) == 0);
    }
    sheet_free(sheet);
}

static void rows_are_no_buckets(void) {
    struct sheet *sheet = sheet_new();
    struct tier_bucket buckets[61];
    int64_t values[61];

    write_values(sheet, 61, SERIES);
    CHECK_INT(chunk_read_buckets(sheet->codec, &sheet->chunk, 0, buckets),
              CHUNK_E_DAMAGED);
    write_buckets(sheet, 60000, 61);
    CHECK_INT(chunk_read_values(sheet->codec, &sheet->chunk, 0, values), CHUNK_E_DAMAGED);
    sheet_free(sheet);
}

static void each_changed_bit_is_noticed(void) {
    struct sheet *sheet = sheet_new();

    write_values(sheet, 20, SERIES);
    for (size_t bit = 0; bit < sheet->bytes.len * 8; bit++) {
        sheet->bytes.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
        CHECK_INT(chunk_open(buf_slice(&sheet->bytes), &sheet->chunk), CHUNK_E_DAMAGED);
        sheet->bytes.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    for (size_t len = 0; len < sheet->bytes.len; len++)
        CHECK_INT(chunk_open(slice_of(sheet->bytes.data, len), &sheet->chunk),
                  CHUNK_E_DAMAGED);
    sheet_free(sheet);
}

/* Makes the checksum fit, as an attacker can, opens, and reads what there is. */
static bool reads(struct sheet *sheet) {
    size_t len = sheet->bytes.len - 4;
    uint64_t sum = checksum_xxh64(slice_of(sheet->bytes.data, len));
    struct chunk chunk;

    for (size_t i = 0; i < 4; i++)
        sheet->bytes.data[len + i] = (uint8_t)(sum >> (8 * i));
    if (chunk_open(buf_slice(&sheet->bytes), &chunk) != 0)
        return false;
    int64_t *numbers = mem_new_array(chunk.count + 1, sizeof(*numbers));
    struct tier_bucket *buckets = mem_new_array(chunk.count + 1, sizeof(*buckets));
    bool is_good = chunk_read_times(sheet->codec, &chunk, numbers) == 0;
    for (size_t place = 0; place < chunk.series_count; place++)
        if (chunk_read_values(sheet->codec, &chunk, place, numbers) != 0 &&
            chunk_read_buckets(sheet->codec, &chunk, place, buckets) != 0)
            is_good = false;
    free(numbers);
    free(buckets);
    return is_good;
}

static void no_bytes_with_a_right_checksum_do_harm(void) {
    struct sheet *sheet = sheet_new();

    for (int kind = 0; kind < 3; kind++) {
        if (kind == 2)
            make_related(sheet);
        if (kind == 1)
            write_buckets(sheet, 60000, 20);
        else
            write_values(sheet, kind == 0 ? 20 : 40, SERIES);
        CHECK(reads(sheet));
        size_t refused = 0;
        for (size_t bit = 0; bit < (sheet->bytes.len - 4) * 8; bit++) {
            sheet->bytes.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
            refused += !reads(sheet);
            sheet->bytes.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
        }
        CHECK(refused > 100); /* the directory alone has more bits than that */
    }
    sheet_free(sheet);
}

/* Format, kind, count, first, length, series, widths, ids, ends; the checksum is made. */
static void hostile_directories_are_refused(void) {
    static const struct {
        const char *what;
        uint8_t len;
        uint8_t bytes[24];
    } cases[] = {
        { "another format", 9, { 2, 0, 0, 0, 0, 0, 0x11, 0 } },
        { "another kind", 8, { 1, 2, 0, 0, 0, 0, 0x11, 0 } },
        { "too many rows", 10, { 1, 0, 0x81, 0x80, 0x40, 0, 0, 0, 0x11, 0 } },
        { "too many series", 10, { 1, 0, 0, 0, 0, 0x81, 0x80, 1, 0x11, 0 } },
        { "fewer ends than series", 8, { 1, 0, 0, 0, 0, 1, 0x11, 5 } },
        { "a width of 5", 12, { 1, 0, 0, 0, 0, 0, 0x51, 0, 0, 0, 0, 0 } },
        { "an id of 15 bytes", 8, { 1, 0, 0, 0, 0, 0, 0x1f, 0 } },
        { "ids that fall", 12, { 1, 0, 0, 0, 0, 2, 0x11, 5, 4, 0, 0, 0 } },
        { "ids that stay", 12, { 1, 0, 0, 0, 0, 2, 0x11, 5, 5, 0, 0, 0 } },
        { "ids of no width", 10, { 1, 0, 0, 0, 0, 2, 0x10, 0, 0, 0 } },
        { "ends that fall", 11, { 1, 0, 0, 0, 0, 1, 0x11, 5, 1, 0, 0 } },
        { "an end behind the end", 9, { 1, 0, 0, 0, 0, 0, 0x11, 2, 0 } },
        { "bytes that no column has", 9, { 1, 0, 0, 0, 0, 0, 0x11, 0, 0 } },
        { "a span without end",
          16,
          { 1, 0, 1, 2, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 0,
            0x11 } },
        { "nothing after the head", 6, { 1, 0, 0, 0, 0, 0 } },
    };
    struct sheet *sheet = sheet_new();

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        buf_clear(&sheet->bytes);
        buf_add(&sheet->bytes, cases[i].bytes, cases[i].len);
        buf_add(&sheet->bytes, "sum.", 4);
        if (reads(sheet))
            print_message("accepted: %s\n", cases[i].what);
        CHECK(!reads(sheet));
    }
    sheet_free(sheet);
}

/* Rows that are not in order, or do not begin and end as the head says. */
static void times_must_rise_and_fit_the_head(void) {
    static const int64_t columns[][3] = {
        { 10, 12, 11 }, /* falls, and ends where it should */
        { 10, 11, 12 }, /* ends too late */
        { 9, 10, 11 },  /* begins too early */
        { 10, 11, 11 }, /* right */
    };
    struct sheet *sheet = sheet_new();
    struct chunk_column *column = chunk_column_new();

    for (size_t i = 0; i < 4; i++) {
        struct buf times = { 0 };
        chunk_column_encode(column, columns[i], 3, &times);
        buf_clear(&sheet->bytes);
        buf_add(&sheet->bytes, (uint8_t[]) { 1, 0, 3, 20, 1, 0, 0x11 }, 7);
        buf_add_byte(&sheet->bytes, (uint8_t)times.len);
        buf_add_slice(&sheet->bytes, buf_slice(&times));
        buf_add(&sheet->bytes, "sum.", 4);
        CHECK_INT(reads(sheet), i == 3);
        buf_done(&times);
    }
    chunk_column_free(column);
    sheet_free(sheet);
}

TESTS(TEST(rows_come_back_as_they_were),
      TEST(series_are_found_by_their_ids),
      TEST(a_chunk_is_appended_to_what_is_there),
      TEST(buckets_come_back_and_means_to_six_digits),
      TEST(extreme_buckets_come_back),
      TEST(columns_that_others_foretell_cost_little),
      TEST(rows_are_no_buckets),
      TEST(each_changed_bit_is_noticed),
      TEST(no_bytes_with_a_right_checksum_do_harm),
      TEST(hostile_directories_are_refused),
      TEST(times_must_rise_and_fit_the_head))
