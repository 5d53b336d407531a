#include "draw/valueaxis.h"

#include <math.h>

#include "base/check.h"

static struct valueaxis make(double low, double high, enum figure_unit unit) {
    struct valueaxis_want want = {
        .low = low,
        .high = high,
        .bottom = NAN,
        .top = NAN,
        .unit = unit,
        .ticks = 6,
    };
    struct valueaxis axis;
    valueaxis_make(&want, &axis);
    return axis;
}

static void ends_and_steps_are_round(void) {
    static const struct {
        double low, high;
        enum figure_unit unit;
        double bottom, top, step;
        const char *symbol;
    } rows[] = {
        { 3, 97, FIGURE_PERCENT, 0, 100, 20, "%" },
        { 3, 100, FIGURE_PERCENT, 0, 100, 20, "%" },
        { 3, 7.1, FIGURE_PERCENT, 0, 8, 2, "%" },
        { 0, 117, FIGURE_PERCENT, 0, 120, 20, "%" },
        { 47, 58, FIGURE_CELSIUS, 46, 60, 2, "°C" },
        { -17.9, -3.3, FIGURE_CELSIUS, -20, 0, 5, "°C" },
        { -4, 21, FIGURE_CELSIUS, -5, 25, 5, "°C" },
        { 0, 0, FIGURE_BIT_RATE, 0, 1, 0.2, "kbit/s" },
        { 1e6, 34.7e6 / 8, FIGURE_BIT_RATE, 0, 40, 5, "Mbit/s" },
        { 5e9, 8e9, FIGURE_BYTES, 0, 8, 2, "GiB" },
        { 0, 300, FIGURE_BYTES, 0, 320, 64, "B" },
        { 42.4, 42.4, FIGURE_CELSIUS, 40, 45, 1, "°C" },
        { NAN, NAN, FIGURE_NUMBER, 0, 1, 0.2, "" },
        { 0.1, 0.9, FIGURE_NUMBER, 0, 1, 0.2, "" },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct valueaxis axis = make(rows[i].low, rows[i].high, rows[i].unit);
        if (fabs(axis.bottom - rows[i].bottom) > 1e-9 ||
            fabs(axis.top - rows[i].top) > 1e-9 || fabs(axis.step - rows[i].step) > 1e-9)
            fail_msg("row %zu: %g to %g by %g", i, axis.bottom, axis.top, axis.step);
        CHECK_TEXT(axis.scale.symbol, rows[i].symbol);
    }
}

static void what_is_asked_for_is_kept(void) {
    struct valueaxis_want want = {
        .low = 3,
        .high = 4000,
        .bottom = 0,
        .top = 90,
        .unit = FIGURE_PERCENT,
        .ticks = 6,
    };
    struct valueaxis axis;

    valueaxis_make(&want, &axis);
    CHECK(axis.bottom == 0 && axis.top == 90);
    CHECK(valueaxis_first(&axis) == 0);
    CHECK_INT(valueaxis_count(&axis), 5);
    want.bottom = 25;
    valueaxis_make(&want, &axis);
    CHECK(axis.bottom == 25 && valueaxis_first(&axis) == 30);
}

static void decimals_are_those_that_steps_need(void) {
    CHECK_INT(make(0, 0.9, FIGURE_NUMBER).decimals, 1);
    CHECK_INT(make(0, 0.03, FIGURE_NUMBER).decimals, 3);
    CHECK_INT(make(0, 900, FIGURE_NUMBER).decimals, 0);
    CHECK_INT(make(0, 1100, FIGURE_BYTES).decimals, 1);
}

/* Every finite range gives an axis that contains it and has a bearable number of ticks.
 */
static void any_range_has_an_axis(void) {
    static const double values[] = { 0,    1e-300, 1e-9, 0.3,  1,    7,     41.9, 99.9,
                                     1024, 123456, 1e9,  8e15, 1e18, 1e100, 9e299 };
    enum { COUNT = sizeof(values) / sizeof(values[0]) };

    for (int unit = 0; unit < FIGURE_UNIT_COUNT; unit++)
        for (size_t i = 0; i < COUNT * COUNT * 4; i++) {
            double a = values[i / 4 % COUNT] * (i & 1 ? -1 : 1);
            double b = values[i / 4 / COUNT] * (i & 2 ? -1 : 1);
            double low = fmin(a, b);
            double high = fmax(a, b);
            struct valueaxis axis = make(low, high, (enum figure_unit)unit);
            double size = axis.scale.size;
            CHECK(axis.bottom < axis.top);
            CHECK(axis.bottom <= low / size * (low < 0 ? 1 - 1e-6 : 1 + 1e-6) + 1e-300);
            CHECK(axis.top >= high / size * (high < 0 ? 1 + 1e-6 : 1 - 1e-6));
            CHECK(valueaxis_count(&axis) >= 2 && valueaxis_count(&axis) <= 16);
        }
}

TESTS(TEST(ends_and_steps_are_round),
      TEST(what_is_asked_for_is_kept),
      TEST(decimals_are_those_that_steps_need),
      TEST(any_range_has_an_axis))
