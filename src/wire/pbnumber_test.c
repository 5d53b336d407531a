#include "wire/pbnumber.h"

#include <math.h>

#include "base/check.h"

static void integers_are_read_exactly(void) {
    static const struct {
        const char *text;
        int wanted;
        int64_t value;
    } rows[] = {
        { "0", 0, 0 },
        { "-0", 0, 0 },
        { "9223372036854775807", 0, INT64_MAX },
        { "-9223372036854775808", 0, INT64_MIN },
        { "9223372036854775808", PBNUMBER_E_RANGE, 0 },
        { "-9223372036854775809", PBNUMBER_E_RANGE, 0 },
        { "9007199254740993", 0, 9007199254740993 },
        { "1e3", 0, 1000 },
        { "1E+3", 0, 1000 },
        { "1.0", 0, 1 },
        { "1.5e1", 0, 15 },
        { "-100e-2", 0, -1 },
        { "0.000e0", 0, 0 },
        { "0e999999999999", 0, 0 },
        { "0.1e1", 0, 1 },
        { "123456789012345678901e-2", PBNUMBER_E_RANGE, 0 },
        { "1200000000000000000000e-2", PBNUMBER_E_RANGE, 0 },
        { "120000000000000000000e-2", 0, 1200000000000000000 },
        { "1.5", PBNUMBER_E_RANGE, 0 },
        { "1e-1", PBNUMBER_E_RANGE, 0 },
        { "1e19", PBNUMBER_E_RANGE, 0 },
        { "1e999999999999999999999", PBNUMBER_E_RANGE, 0 },
        { "1e-999999999999999999999", PBNUMBER_E_RANGE, 0 },
        { "", PBNUMBER_E_BAD, 0 },
        { " 1", PBNUMBER_E_BAD, 0 },
        { "1 ", PBNUMBER_E_BAD, 0 },
        { "+1", PBNUMBER_E_BAD, 0 },
        { "01", PBNUMBER_E_BAD, 0 },
        { "0x1", PBNUMBER_E_BAD, 0 },
        { "1,0", PBNUMBER_E_BAD, 0 },
        { "one", PBNUMBER_E_BAD, 0 },
        { "NaN", PBNUMBER_E_BAD, 0 },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int64_t value = 0;
        struct slice text = slice_of_text(rows[i].text);
        print_message("# %s\n", rows[i].text);
        CHECK_INT(pbnumber_read_int64(text, INT64_MIN, INT64_MAX, &value),
                  rows[i].wanted);
        CHECK(value == rows[i].value);
    }
}

static void naturals_have_no_sign(void) {
    uint64_t value = 7;

    CHECK_INT(pbnumber_read_uint64(slice_of_text("-1"), UINT64_MAX, &value),
              PBNUMBER_E_RANGE);
    CHECK_INT(
        pbnumber_read_uint64(slice_of_text("18446744073709551616"), UINT64_MAX, &value),
        PBNUMBER_E_RANGE);
    CHECK_INT(pbnumber_read_uint64(slice_of_text("4294967296"), UINT32_MAX, &value),
              PBNUMBER_E_RANGE);
    CHECK(value == 7);
    CHECK_INT(
        pbnumber_read_uint64(slice_of_text("18446744073709551615"), UINT64_MAX, &value),
        0);
    CHECK(value == UINT64_MAX);
    CHECK_INT(pbnumber_read_uint64(slice_of_text("-0"), UINT64_MAX, &value), 0);
    CHECK(value == 0);
}

static void doubles_are_written_short_and_read_back(void) {
    static const struct {
        double value;
        const char *text;
    } rows[] = {
        { 0, "0" },
        { -0.0, "-0" },
        { 0.1, "0.1" },
        { 1.0 / 3, "0.3333333333333333" },
        { 5e-324, "4.94065645841247e-324" },
        { 1.7976931348623157e308, "1.7976931348623157e+308" },
        { 9007199254740993.0, "9007199254740992" },
        { 1e21, "1e+21" },
        { 123456.789, "123456.789" },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct buf out = { 0 };
        double back;
        pbnumber_add_double(&out, rows[i].value);
        CHECK_TEXT(buf_text(&out), rows[i].text);
        CHECK_INT(pbnumber_read_double(buf_slice(&out), &back), 0);
        CHECK(memcmp(&back, &rows[i].value, sizeof(back)) == 0);
        buf_done(&out);
    }
}

/* A walk over bit patterns, with a step that meets them all alike. */
static void every_kind_of_float_comes_back(void) {
    for (uint64_t step = 0; step < UINT32_MAX; step += 40009) {
        uint32_t bits = (uint32_t)step;
        struct buf out = { 0 };
        float value;
        float back;

        memcpy(&value, &bits, sizeof(value));
        if (isfinite(value)) {
            pbnumber_add_float(&out, value);
            CHECK(pbnumber_read_float(buf_slice(&out), &back) == 0);
            CHECK(memcmp(&back, &value, sizeof(back)) == 0);
        }
        buf_done(&out);
    }
}

static void what_is_no_number_has_a_name(void) {
    struct buf out = { 0 };
    double value;
    float small;

    pbnumber_add_double(&out, (double)NAN);
    pbnumber_add_double(&out, (double)INFINITY);
    pbnumber_add_float(&out, -INFINITY);
    CHECK_TEXT(buf_text(&out), "\"NaN\"\"Infinity\"\"-Infinity\"");
    buf_done(&out);
    CHECK_INT(pbnumber_read_double(slice_of_text("NaN"), &value), 0);
    CHECK(isnan(value));
    CHECK_INT(pbnumber_read_double(slice_of_text("-Infinity"), &value), 0);
    CHECK(isinf(value) && value < 0);
    CHECK_INT(pbnumber_read_float(slice_of_text("Infinity"), &small), 0);
    CHECK(isinf(small) && small > 0);
    CHECK_INT(pbnumber_read_double(slice_of_text("inf"), &value), PBNUMBER_E_BAD);
    CHECK_INT(pbnumber_read_double(slice_of_text("nan"), &value), PBNUMBER_E_BAD);
    CHECK_INT(pbnumber_read_double(slice_of_text("0x1p3"), &value), PBNUMBER_E_BAD);
    CHECK_INT(pbnumber_read_double(slice_of_text("1e400"), &value), PBNUMBER_E_RANGE);
    CHECK_INT(pbnumber_read_float(slice_of_text("1e39"), &small), PBNUMBER_E_RANGE);
    CHECK_INT(pbnumber_read_double(slice_of_text("1e-400"), &value), 0);
}

TESTS(TEST(integers_are_read_exactly),
      TEST(naturals_have_no_sign),
      TEST(doubles_are_written_short_and_read_back),
      TEST(every_kind_of_float_comes_back),
      TEST(what_is_no_number_has_a_name))
